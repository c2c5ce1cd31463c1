//! `filter`: writes, tries and uploads filters.
//!
//! - [`new`]: a crate to begin with, from the embedded [`template`].
//! - [`module`]: the module of a crate or a file. [`trial`]: runs it here, exactly as a host would.
//! - [`events`]: what it is run on. [`survey`]: how it does on the catalogue's examples.
//! - [`check`] and [`mod@test`] use these; [`push`] and [`list`] call a host.

mod check;
mod events;
mod list;
mod module;
mod new;
mod push;
mod survey;
mod template;
mod test;
mod trial;

use std::process::ExitCode;

use clap::Subcommand;

use super::output::Output;
use super::remote::ListArgs;

#[derive(Debug, Subcommand)]
pub(super) enum FilterCommand {
    /// Write a new filter crate.
    New(new::Args),
    /// Build a filter and say what it is.
    Check(check::Args),
    /// Build a filter and run it on events.
    Test(test::Args),
    /// Build a filter and upload it.
    Push(push::Args),
    /// List the filters that you can use.
    List(ListArgs),
}

pub(super) async fn run(command: FilterCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        FilterCommand::New(args) => new::run(&args, output),
        FilterCommand::Check(args) => check::run(args, output).await,
        FilterCommand::Test(args) => test::run(args, output).await,
        FilterCommand::Push(args) => push::run(args, output).await,
        FilterCommand::List(args) => list::run(args, output).await,
    }
}
