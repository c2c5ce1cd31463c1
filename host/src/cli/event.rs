//! `event send`: posts an event.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::input;
use super::output::Output;
use super::remote::Remote;

#[derive(Debug, Subcommand)]
pub(super) enum EventCommand {
    /// Post one event, a JSON object.
    Send(SendArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct SendArgs {
    /// The file with the event; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(command: EventCommand, output: Output) -> anyhow::Result<ExitCode> {
    let EventCommand::Send(args) = command;
    // The text goes out as it is: the host is the one that judges its numbers.
    let event = input::read_text(&args.file)?;
    let accepted = args.remote.client()?.send_event_text(event).await?;
    output.print(&accepted, |accepted| match accepted.duplicate {
        false => format!("{} accepted", accepted.id),
        true => format!("{} duplicate: it was accepted before", accepted.id),
    })?;
    Ok(ExitCode::SUCCESS)
}
