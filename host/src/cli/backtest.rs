//! `backtest`: what a candidate filter would have made of the events that are stored.

use std::process::ExitCode;

use indicatif::ProgressBar;
use serde::Serialize;

use super::input;
use super::output::{Output, Table, named};
use super::remote::Remote;
use crate::model::Timestamp;
use crate::wire::{BacktestLine, BacktestSummary, Candidate, Difference, Judged, NewBacktest};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The webhook whose events are asked about.
    webhook: String,
    /// The candidate.
    #[arg(long)]
    filter: String,
    /// The candidate's configuration.
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
    /// Only events accepted at this time or later, such as 2026-01-31T00:00:00Z [default: all that are stored].
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// How many events to ask about, the newest [default: 1000].
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u32>,
    #[command(flatten)]
    remote: Remote,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Tested {
    #[serde(flatten)]
    summary: BacktestSummary,
    /// Events on which the candidate does not agree, or fails.
    samples: Vec<Difference>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let config = args.config.as_deref().map(input::json_argument).transpose()?;
    let new = NewBacktest { filter: Candidate { id: args.filter, config }, since: args.since, limit: args.limit };
    let client = args.remote.client()?;
    let (bar, mut samples) = (ProgressBar::new(0), Vec::new());
    let told = client.backtest_filter(&args.webhook, &new, |line| match line {
        BacktestLine::Progress(progress) => {
            bar.set_length(u64::from(progress.limit));
            bar.set_position(u64::from(progress.asked));
        }
        BacktestLine::Sample(sample) => samples.push(sample),
        BacktestLine::Summary(_) | BacktestLine::Problem(_) => {}
    });
    let summary = told.await;
    bar.finish_and_clear();
    output.print(&Tested { summary: summary?, samples }, told_as_tables)?;
    Ok(ExitCode::SUCCESS)
}

fn told_as_tables(tested: &Tested) -> String {
    let Tested { summary, samples } = tested;
    let (before, after) = (&summary.before, &summary.after);
    let mut counts = Table::new(["", "BEFORE", "CANDIDATE"]);
    for (name, before, after) in [
        ("delivered", before.delivered, after.delivered),
        ("filtered", before.filtered, after.filtered),
        ("errors", before.errors, after.errors),
        ("undecided", before.undecided, after.undecided),
    ] {
        counts.push([name.to_owned(), before.to_string(), after.to_string()]);
    }
    let agreements = &summary.agreements;
    let end = if summary.complete { "all there are" } else { "there are more: raise --limit" };
    let mut text = format!(
        "{counts}\n{} events, {end}: {} agree, {} would no longer be sent, {} would be sent, on {} the candidate failed",
        summary.asked, agreements.agreed, agreements.delivered_but_skips, agreements.skipped_but_delivers, after.errors,
    );
    if !samples.is_empty() {
        let mut differing = Table::new(["EVENT", "BEFORE", "CANDIDATE", "REASON"]);
        for sample in samples {
            let before =
                sample.recorded.as_ref().map_or_else(|| "undecided".to_owned(), |judged| named(judged.outcome));
            let candidate = named(sample.candidate.outcome);
            differing.push([sample.event_id.clone(), before, candidate, reasons(sample)]);
        }
        text.push_str(&format!("\n\n{differing}"));
    }
    text
}

/// The reasons of both sides, of which either may have none.
fn reasons(sample: &Difference) -> String {
    let reason = |judged: &Judged| judged.reason.clone();
    let both = [sample.recorded.as_ref().and_then(reason), reason(&sample.candidate)];
    both.into_iter().flatten().collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tested(complete: bool, samples: serde_json::Value) -> Tested {
        let counts =
            |delivered, filtered| json!({"delivered": delivered, "filtered": filtered, "errors": 0, "undecided": 0});
        let summary = json!({
            "asked": 3, "before": counts(2, 1), "after": counts(1, 2), "complete": complete,
            "agreements": {"agreed": 2, "deliveredButSkips": 1, "skippedButDelivers": 0, "errors": 0},
        });
        Tested { summary: serde_json::from_value(summary).unwrap(), samples: serde_json::from_value(samples).unwrap() }
    }

    #[test]
    fn counts_come_first_and_then_the_events_that_would_change_with_both_reasons() {
        let text = told_as_tables(&tested(
            true,
            json!([{
                "eventId": "e1",
                "recorded": {"outcome": "filtered", "reason": "it was not done", "reasonClass": null},
                "candidate": {"outcome": "filter_error", "reason": "\u{1b}[2J", "reasonClass": "error"},
            }]),
        ));

        let expected = "           BEFORE  CANDIDATE
delivered  2       1
filtered   1       2
errors     0       0
undecided  0       0
3 events, all there are: 2 agree, 1 would no longer be sent, 0 would be sent, on 0 the candidate failed

EVENT  BEFORE    CANDIDATE     REASON
e1     filtered  filter_error  it was not done → \\u{1b}[2J";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_backtest_that_did_not_see_all_says_so() {
        let text = told_as_tables(&tested(false, json!([])));

        assert!(text.contains("3 events, there are more: raise --limit: "), "{text}");
    }
}
