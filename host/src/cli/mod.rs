//! The command line: one file a subcommand.
//!
//! Commands that work on a host call it through the typed [`client`](crate::client), like anyone else;
//! only `serve` and `demo` run one in this process, and only `filter check` and `filter test` run filters
//! here. What a command found goes to standard output, as text or with `--json` as JSON; the log, progress
//! and errors go to standard error. Exit code 1: the host refused, or what was checked does not hold.
//! Exit code 2: the command line or a file that it names cannot be used.
//!
//! - [`failure`]: how an error is told, and its exit code.
//! - [`output`]: text or JSON, and tables. [`input`]: files, standard input, JSON arguments.
//! - [`remote`]: which host to call, and as whom. [`moment`]: times.
//! - [`receiver`] and [`signatures`]: an endpoint on this machine, for `listen` and `demo`.
//! - [`signals`]: when to stop.

mod backtest;
mod backup;
mod check_url;
mod delivery;
mod demo;
mod event;
mod failure;
mod filter;
mod input;
mod listen;
mod moment;
mod output;
mod receiver;
mod remote;
mod replay;
mod serve;
mod signals;
mod signatures;
mod token;
mod verify;
mod webhook;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::filter::child;
use output::Output;

/// How long the process waits, at its end, for threads that are still at work.
const RUNTIME_GRACE: Duration = Duration::from_millis(500);

/// A webhook sender whose users bring their own filter code.
#[derive(Debug, Parser)]
#[command(name = "hooksieve", version, arg_required_else_help = true)]
struct Cli {
    /// Print JSON, one document a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a host.
    Serve(serve::Args),
    /// Show in a few seconds that all of it works, on this machine alone.
    Demo,
    /// Receive deliveries on this machine, verify and print them.
    Listen(listen::Args),
    /// Post events.
    #[command(subcommand)]
    Event(event::EventCommand),
    /// Manage your webhooks.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Show what was sent to a webhook, and send one again.
    #[command(subcommand)]
    Delivery(delivery::DeliveryCommand),
    /// Send again what a webhook did not get, or got.
    Replay(replay::Args),
    /// Write, try and upload filters.
    #[command(subcommand)]
    Filter(filter::FilterCommand),
    /// Try a candidate filter on the events that are stored.
    Backtest(backtest::Args),
    /// Manage API tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Check the signatures of a delivery.
    Verify(verify::Args),
    /// Copy the database of a host, running or not.
    Backup(backup::Args),
    /// Say whether webhooks may point to URLs, and why not.
    CheckUrl(check_url::Args),
}

/// Runs the command line of this process; the whole program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(arguments) = of_compiling_child(&arguments) {
        return child::main(&arguments);
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli).unwrap_or_else(|error| failure::report(&error)),
        Err(error) => {
            // Help that nobody reads any more is no failure.
            drop(error.print());
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::MISUSE))
        }
    }
}

/// A compiling child is confined before anything else is set up, so its arguments are looked for first.
fn of_compiling_child(arguments: &[OsString]) -> Option<Vec<String>> {
    let (subcommand, rest) = arguments.get(1..)?.split_first()?;
    let is_child = subcommand == child::SUBCOMMAND;
    is_child.then(|| rest.iter().map(|argument| argument.to_string_lossy().into_owned()).collect())
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    #[cfg(debug_assertions)]
    if let Some(wanted) = crate::config::failpoints() {
        crate::failpoint::arm(&wanted).map_err(anyhow::Error::msg)?;
    }
    let runtime = tokio::runtime::Runtime::new().context("starting the threads of this program")?;
    // On one of the runtime's own threads: what is woken by tasks, and spawns some, costs a change of threads elsewhere.
    let done = runtime.block_on(runtime.spawn(dispatch(cli.command, Output::new(cli.json))));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    done.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

async fn dispatch(command: Command, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(args, output).await,
        Command::Demo => demo::run(output).await,
        Command::Listen(args) => listen::run(args, output).await,
        Command::Event(command) => event::run(command, output).await,
        Command::Webhook(command) => webhook::run(command, output).await,
        Command::Delivery(command) => delivery::run(command, output).await,
        Command::Replay(args) => replay::run(args, output).await,
        Command::Filter(command) => filter::run(command, output).await,
        Command::Backtest(args) => backtest::run(args, output).await,
        Command::Token(command) => token::run(command, output).await,
        Command::Verify(args) => verify::run(args, output),
        Command::Backup(args) => backup::run(args, output).await,
        Command::CheckUrl(args) => check_url::run(args, output).await,
    }
}

/// This program's file, which compiles filters as its own child whatever its name is. The kernel's link leads
/// to the file that runs even after an upgrade has put another in its place, whose compiler would not fit.
fn this_program() -> anyhow::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        return Ok(running);
    }
    std::env::current_exe().context("finding this program's own file, which it runs to compile filters")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_compiling_child_is_recognised_whatever_the_program_is_called() {
        let arguments = |words: &[&str]| -> Vec<OsString> { words.iter().map(OsString::from).collect() };

        assert_eq!(of_compiling_child(&arguments(&["x", "compile-filter", "5"])), Some(vec!["5".to_owned()]));
        assert_eq!(of_compiling_child(&arguments(&["compile-filter", "serve"])), None);
        assert_eq!(of_compiling_child(&arguments(&["x"])), None);
    }
}
