//! `replay`: sends again what was decided for a webhook, and shows how far that is.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::misuse;
use super::moment::moment;
use super::output::{Output, Table, plain};
use super::remote::Remote;
use super::webhook::named;
use crate::client::{Client, ClientError};
use crate::model::Timestamp;
use crate::wire::{NewReplay, Page, PageQuery, Replay, ReplayOnly, ReplayPreview, ReplayState};

/// Between two questions how far a replay is; the first ones come quicker after each other.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// The steps of the bar.
const BAR_STEPS: f64 = 1_000.0;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The webhook.
    webhook: String,
    /// Of the events accepted then or later: a time such as 2022-12-01T11:23:09Z, or how long ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment, required_unless_present_any = ["list", "cancel"])]
    since: Option<Timestamp>,
    /// Of the events accepted before [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// What to send again: what was owed and did not arrive; events on which the filter failed, that it let out, or that
    /// came while the webhook was disabled, as it decides now; or all of these, and what was delivered.
    #[arg(long, default_value = "failed",
        value_parser = named::<ReplayOnly>(&["failed", "filter_error", "filtered", "disabled", "all"]))]
    only: ReplayOnly,
    /// Only count what that would be.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Wait until all of it was taken up; exit code 1 if the replay was canceled or failed.
    #[arg(long)]
    wait: bool,
    /// List the replays of the webhook instead, newest first.
    #[arg(long, conflicts_with_all = ["since", "until", "dry_run", "wait", "cancel"])]
    list: bool,
    /// Cancel the replay of the webhook that goes on instead.
    #[arg(long, conflicts_with_all = ["since", "until", "dry_run", "wait"])]
    cancel: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let client = args.remote.client()?;
    let webhook = args.webhook;
    let Some(since) = args.since else { return list_or_cancel(&client, &webhook, args.cancel, output).await };
    let new = NewReplay { only: args.only, since, until: args.until, dry_run: args.dry_run };
    if args.dry_run {
        output.print(&client.preview_replay(&webhook, &new).await?, foreseen)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut replay = client.replay_webhook(&webhook, &new).await?;
    if args.wait {
        replay = until_it_ends(&client, replay).await?;
    }
    output.print(&replay, described)?;
    let is_lost = matches!(replay.state, ReplayState::Canceled | ReplayState::Failed);
    Ok(if is_lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn list_or_cancel(client: &Client, webhook: &str, is_cancel: bool, output: Output) -> anyhow::Result<ExitCode> {
    let replays = client.list_replays(webhook, &PageQuery::default()).await?;
    if !is_cancel {
        output.print(&replays, listed)?;
        return Ok(ExitCode::SUCCESS);
    }
    // A new one begins only when the one before has ended.
    let running = replays.items.first().filter(|replay| replay.state == ReplayState::Running);
    let running =
        running.ok_or_else(|| misuse("no replay of this webhook goes on", "`replay WEBHOOK --list` shows all"))?;
    output.print(&client.cancel_replay(&running.id).await?, described)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows on standard error how far it is until it ends.
async fn until_it_ends(client: &Client, mut replay: Replay) -> Result<Replay, ClientError> {
    let template = "{bar:40} {percent}% of the time, {msg} sent again";
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    let bar = ProgressBar::new(BAR_STEPS as u64).with_style(style);
    let mut pause = Duration::from_millis(20);
    while replay.state == ReplayState::Running {
        bar.set_position((replay.progress * BAR_STEPS) as u64);
        bar.set_message(replay.replayed.to_string());
        tokio::time::sleep(pause).await;
        pause = PAUSE_MAX.min(2 * pause);
        replay = client.get_replay(&replay.id).await?;
    }
    bar.finish_and_clear();
    Ok(replay)
}

fn listed(page: &Page<Replay>) -> String {
    let mut table = Table::new(["ID", "STATE", "SINCE", "UNTIL", "EXAMINED", "SENT AGAIN"]);
    for replay in &page.items {
        table.push([
            replay.id.clone(),
            state(replay),
            replay.since.to_string(),
            replay.until.to_string(),
            replay.examined.to_string(),
            replay.replayed.to_string(),
        ]);
    }
    table.to_string()
}

fn foreseen(preview: &ReplayPreview) -> String {
    let ReplayPreview { send_again, decide_anew, out_of_scope, under_way, complete, .. } = preview;
    let more = if *complete { "" } else { "\nmore than these, which are the oldest" };
    format!(
        "send again    {send_again}\ndecide anew   {decide_anew}\nout of scope  {out_of_scope}\n\
         under way     {under_way}{more}"
    )
}

fn described(replay: &Replay) -> String {
    let percent = (replay.progress * 100.0) as u64;
    let state = match replay.state {
        ReplayState::Running => format!("running, {percent}% of the time"),
        _ => state(replay),
    };
    let lines = [
        ("id", Some(replay.id.clone())),
        ("state", Some(state)),
        ("why", replay.failure.clone()),
        ("sent again", Some(replay.replayed.to_string())),
        ("filtered", Some(replay.filtered.to_string())),
        ("filter errors", Some(replay.filter_errors.to_string())),
        ("out of scope", Some(replay.out_of_scope.to_string())),
        ("under way", Some(replay.under_way.to_string())),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:<15}{}", plain(&value?))));
    lines.collect::<Vec<_>>().join("\n")
}

fn state(replay: &Replay) -> String {
    let state = match replay.state {
        ReplayState::Running => "running",
        ReplayState::Done => "done",
        ReplayState::Canceled => "canceled",
        ReplayState::Failed => "failed",
    };
    state.to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_replay_needs_a_time_and_listing_or_canceling_takes_none() {
        let is_taken = |words: &[&str]| Line::try_parse_from(["replay", "wh_1"].iter().chain(words)).is_ok();

        assert!(is_taken(&["--since", "2h", "--only", "filter_error", "--wait"]));
        assert!(is_taken(&["--list"]) && is_taken(&["--cancel"]));
        for words in [&[][..], &["--since", "x"], &["--list", "--since", "2h"], &["--since", "2h", "--only", "lost"]] {
            assert!(!is_taken(words), "{words:?}");
        }
    }

    #[test]
    fn a_replay_is_told_with_what_became_of_its_events() {
        let replay = serde_json::json!({
            "id": "rpl_1", "webhookId": "wh_1", "only": "all", "since": "2022-12-01T11:23:09Z",
            "until": "2022-12-01T12:23:09Z", "state": "running", "progress": 0.42, "examined": 8, "replayed": 3,
            "filtered": 2, "filterErrors": 1, "outOfScope": 1, "underWay": 1, "createdAt": "2022-12-01T12:23:09Z",
            "finishedAt": null, "failure": null,
        });

        let told = described(&serde_json::from_value(replay).unwrap());

        let expected = "id             rpl_1\nstate          running, 42% of the time\nsent again     3\n\
                        filtered       2\nfilter errors  1\nout of scope   1\nunder way      1";
        assert_eq!(told, expected);
    }
}
