//! `filter push`: builds a filter and uploads it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::module;
use crate::cli::output::{Output, plain};
use crate::cli::remote::Remote;
use crate::wire::UploadQuery;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of a filter crate, or a .wasm file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The name to upload it under [default: its own].
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let client = args.remote.client()?;
    let wasm = module::read(&args.path).await?;
    let filter = client.upload_filter(&UploadQuery { name: args.name }, wasm).await?;
    output.print(&filter, |filter| {
        format!("{} {}, {} bytes, sha256 {}", filter.id, plain(&filter.name), filter.size_bytes, filter.digest)
    })?;
    Ok(ExitCode::SUCCESS)
}
