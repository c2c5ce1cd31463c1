//! `backup`: copies the database of a host, running or not.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use toml::{Table, Value};

use super::failure::Explain;
use super::output::Output;
use crate::app;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to write; it must not be there yet.
    #[arg(value_name = "FILE")]
    destination: PathBuf,
    /// The folder of the host's data [default: ./hooksieve-data].
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The configuration file [default: hooksieve.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let flags = args.data.into_iter().map(|data| ("data".to_owned(), Value::String(data)));
    let config = Config::load(args.config.as_deref(), Table::from_iter(flags))
        .misuse("the configuration cannot be used", "`serve --print-config` shows every setting")?;
    let (data, destination) = (config.data.clone(), args.destination.clone());
    let copying = tokio::task::spawn_blocking(move || copy(&data, &destination));
    let bytes = copying.await?.failed(
        format!("no backup was made of {}", config.data.display()),
        "the cause says what to do; --data names another folder",
    )?;
    let key = app::key_file(&config.data);
    let backup = json!({ "file": args.destination, "bytes": bytes, "sealingKeyFile": key });
    output.print(&backup, |_| text(&args.destination, bytes, key.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

fn copy(data: &Path, destination: &Path) -> anyhow::Result<u64> {
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template("{bar:40} {percent}% of the pages")?);
    let copied = app::backup(data, destination, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    copied
}

/// The key is named because it is easily forgotten, and because a backup beside its key is no secret any more.
fn text(destination: &Path, bytes: u64, key: Option<&Path>) -> String {
    let destination = destination.display();
    let key = match key {
        Some(key) => format!("in {}", key.display()),
        None => "what was given as HOOKSIEVE_SEALING_KEY".to_owned(),
    };
    format!(
        "{destination}: {bytes} bytes, checked\n\
         The sealing key is not in it: keep a copy of it elsewhere ({key}); without it no signing secret opens.\n\
         To restore: put the file into an empty folder as hooksieve.db, give the host that key, and start it."
    )
}
