//! `event`: posts events, and says what became of one.

mod pieces;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::ProgressBar;

use super::failure::Explain;
use super::input;
use super::output::{Output, plain};
use super::remote::Remote;
use crate::client::Client;
use crate::wire::{BatchResult, BatchResults};
use pieces::{Pieces, batches};

#[derive(Debug, Subcommand)]
pub(super) enum EventCommand {
    /// Post events: one as a JSON object, or many as a JSON array or as NDJSON, one a line.
    Send(SendArgs),
    /// Say of each of your webhooks why it did or did not get an event.
    Why(why::Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct SendArgs {
    /// The file with the events; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(command: EventCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        EventCommand::Send(args) => send(args, output).await,
        EventCommand::Why(args) => why::run(args, output).await,
    }
}

async fn send(args: SendArgs, output: Output) -> anyhow::Result<ExitCode> {
    // The text goes out as it is: the host is the one that judges its numbers.
    let text = input::read_text(&args.file)?;
    let client = args.remote.client()?;
    match Pieces::of(&text) {
        Pieces::One => {
            let accepted = client.send_event_text(text).await?;
            output.print(&accepted, |accepted| match accepted.duplicate {
                false => format!("{} accepted", accepted.id),
                true => format!("{} duplicate: it was accepted before", accepted.id),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Pieces::Many(events) => {
            let sent = send_many(&client, &events).await?;
            output.print(&sent, told)?;
            let is_refused = sent.results.iter().any(|result| matches!(result, BatchResult::Refused { .. }));
            Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}

async fn send_many(client: &Client, events: &[String]) -> anyhow::Result<BatchResults> {
    let progress = ProgressBar::new(events.len() as u64);
    let mut sent = BatchResults { results: Vec::with_capacity(events.len()) };
    for batch in batches(events) {
        let count = batch.len();
        let answered = client.send_event_lines(batch.join("\n")).await;
        let answered = if sent.results.is_empty() {
            answered?
        } else {
            answered.failed(
                format!("the first {} events were answered, the others were not", sent.results.len()),
                "send all of them again: an event with an id is accepted once",
            )?
        };
        sent.results.extend(answered.results);
        progress.inc(count as u64);
    }
    progress.finish_and_clear();
    Ok(sent)
}

/// What was refused, by its number, and how many were not.
fn told(sent: &BatchResults) -> String {
    let mut lines = Vec::new();
    let (mut accepted, mut duplicate) = (0, 0);
    for (number, result) in (1..).zip(&sent.results) {
        match result {
            BatchResult::Accepted(event) if event.duplicate => duplicate += 1,
            BatchResult::Accepted(_) => accepted += 1,
            BatchResult::Refused { error } => lines.push(format!("event {number}: {}", plain(&error.detail))),
        }
    }
    let refused = lines.len();
    lines.push(format!("{accepted} accepted, {duplicate} accepted before, {refused} refused"));
    lines.join("\n")
}
