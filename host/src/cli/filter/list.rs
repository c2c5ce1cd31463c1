//! `filter list`: the filters of a host that webhooks can use.

use std::process::ExitCode;

use crate::cli::output::{Output, Table};
use crate::cli::remote::ListArgs;
use crate::wire::{Filter, Page};

pub(super) async fn run(args: ListArgs, output: Output) -> anyhow::Result<ExitCode> {
    output.print(&args.remote.client()?.list_filters(&args.query()).await?, listed)?;
    Ok(ExitCode::SUCCESS)
}

fn listed(page: &Page<Filter>) -> String {
    let mut table = Table::new(["ID", "NAME", "VERSION", "BYTES", "WHAT IT LETS THROUGH"]);
    for filter in &page.items {
        table.push([
            filter.id.clone(),
            filter.name.clone(),
            filter.about.version.clone(),
            filter.size_bytes.to_string(),
            filter.about.description.clone(),
        ]);
    }
    table.paged(page.next_cursor.as_deref())
}
