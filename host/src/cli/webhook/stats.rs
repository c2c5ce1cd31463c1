//! `webhook stats`: what became of a webhook's events lately.

use crate::cli::output::{Output, Table, named};
use crate::cli::remote::Remote;
use crate::model::Timestamp;
use crate::wire::{Percentiles, StatsQuery, WebhookStats};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The webhook.
    id: String,
    /// Count events accepted at this time or later, such as 2026-01-31T00:00:00Z [default: the last 24 hours].
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let stats = args.remote.client()?.get_webhook_stats(&args.id, &StatsQuery { since: args.since }).await?;
    output.print(&stats, told)
}

fn told(stats: &WebhookStats) -> String {
    let cut = if stats.cut { " (older ones are not counted)" } else { "" };
    let mut counts = Table::new(["WHAT", "COUNT", "REASON"]);
    let mut row = |what: String, count: u64, reason: &str| counts.push([what, count.to_string(), reason.to_owned()]);
    row("events".to_owned(), stats.events, "");
    for outcome in &stats.outcomes {
        row(named(outcome.outcome), outcome.count, "");
        for reason in stats.reasons.iter().filter(|reason| reason.outcome == outcome.outcome) {
            let class = reason.reason_class.map(|class| format!(" {}", named(class))).unwrap_or_default();
            row(format!("  of them{class}"), reason.count, &reason.reason);
        }
    }
    row("attempts succeeded".to_owned(), stats.attempts_succeeded, "");
    for failed in &stats.attempt_errors {
        row(format!("attempts failed: {}", named(failed.error)), failed.count, "");
    }
    let mut text = format!("since {}{cut}\n{counts}", stats.since);
    let latencies = [("attempt took", stats.attempt_latency), ("accept to delivered", stats.delivery_latency)];
    for (what, found) in latencies {
        if let Some(Percentiles { p50_ms, p95_ms, p99_ms }) = found {
            text.push_str(&format!("\n{what}: p50 {p50_ms} ms, p95 {p95_ms} ms, p99 {p99_ms} ms"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_stand_below_their_outcome_and_what_was_cut_is_said() {
        let stats = json!({
            "since": "2022-12-01T11:23:09.000Z", "until": "2022-12-01T11:24:09.000Z", "cut": true, "events": 3,
            "outcomes": [{"outcome": "delivered", "count": 1}, {"outcome": "filter_error", "count": 2}],
            "reasonClasses": [{"reasonClass": "memory-limit", "count": 2}],
            "reasons": [{"outcome": "filter_error", "reasonClass": "memory-limit", "reason": "too\nmuch", "count": 2}],
            "attemptsSucceeded": 1, "attemptErrors": [{"error": "timeout", "count": 4}],
            "attemptLatency": {"p50Ms": 1, "p95Ms": 2, "p99Ms": 3}, "deliveryLatency": null,
        });

        let text = told(&serde_json::from_value(stats).unwrap());

        let expected = "since 2022-12-01T11:23:09.000Z (older ones are not counted)
WHAT                      COUNT  REASON
events                    3
delivered                 1
filter_error              2
  of them memory-limit    2      too\\nmuch
attempts succeeded        1
attempts failed: timeout  4
attempt took: p50 1 ms, p95 2 ms, p99 3 ms";
        assert_eq!(text, expected);
    }
}
