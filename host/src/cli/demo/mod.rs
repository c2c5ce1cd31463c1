//! `demo`: shows in a few seconds, on this machine alone, that all of it works.
//!
//! It runs a whole host on a temporary SQLite file and a receiver beside it, and from there on does what
//! users and operators do, over REST: nothing is looked up behind the host's back. What should come out is
//! written down beforehand in [`plan`], and anything else is a failure.
//!
//! - [`plan`]: the events, the webhooks, and who should get what.
//! - [`stage`]: the host, the receiver, and everything that is set up before the first event.
//! - [`watch`]: posts the events and asks the host what became of them.
//! - [`report`]: the table, the JSON and the last line.

mod plan;
mod report;
mod stage;
mod watch;

use std::process::ExitCode;

use super::output::Output;
use crate::config::{LogConfig, LogFormat};
use crate::telemetry;
use report::Report;
use stage::Stage;

pub(super) async fn run(output: Output) -> anyhow::Result<ExitCode> {
    telemetry::start(&LogConfig { format: LogFormat::Text, level: "warn".to_owned() })?;
    let mut stage = Stage::set_up().await?;
    let posted = watch::post_events(&stage).await?;
    let found = watch::outcomes(&stage, &posted).await?;
    let arrivals = stage.arrivals();
    stage.take_down().await?;

    let report = Report::new(&found, &arrivals);
    output.print(&report, ToString::to_string)?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
