//! `webhook test`: sends an example event and waits for its verdict and, where there is one, its first attempt.
//!
//! What became of it is asked for again and again: the host tells of a test as of any event, in rows that are
//! there once it has happened.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::cli::failure::Explain;
use crate::cli::output::{Output, named, plain};
use crate::cli::remote::Remote;
use crate::client::{Client, ClientError};
use crate::wire::{Attempt, DeliveryDetail, Outcome, TestSent, TestWebhook, Verdict};

/// Between two questions; the first ones come quicker after each other.
const PAUSE_MAX: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The webhook.
    id: String,
    /// The event type whose example is sent [default: the first that it subscribes to].
    #[arg(long, value_name = "TYPE")]
    event: Option<String>,
    /// Seconds to wait for the verdict and the first attempt.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
    #[command(flatten)]
    remote: Remote,
}

/// What became of a test.
#[derive(Debug, Serialize)]
struct Tested {
    /// What was sent.
    test: TestSent,
    /// What was decided.
    verdict: Verdict,
    /// The delivery with its first attempt; none if nothing was to be sent.
    delivery: Option<DeliveryDetail>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let client = args.remote.client()?;
    let test = client.test_webhook(&args.id, &TestWebhook { event: args.event }).await?;
    let waiting = outcome(&client, &args.id, &test);
    let waited = tokio::time::timeout(Duration::from_secs(args.wait), waiting).await.failed(
        format!("nothing is known of the test {} after {} s", test.id, args.wait),
        "the host may be busy, the endpoint slow, or its attempts held back after failures: `webhook show` tells; then \
         try again, perhaps with a longer --wait",
    );
    let (verdict, delivery) = waited??;
    let tested = Tested { test, verdict, delivery };
    output.print(&tested, described)?;
    Ok(if tested.has_arrived() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks until there is a verdict and, if something is to be sent, an attempt.
async fn outcome(
    client: &Client,
    webhook: &str,
    test: &TestSent,
) -> Result<(Verdict, Option<DeliveryDetail>), ClientError> {
    let began = Instant::now();
    loop {
        let verdicts = client.list_event_verdicts(&test.id).await?.items;
        let verdict = verdicts.into_iter().find(|verdict| verdict.webhook_id == webhook);
        if let Some(verdict) = verdict.filter(|verdict| verdict.outcome != Outcome::Waiting) {
            let Some(delivery) = &verdict.delivery_id else { return Ok((verdict, None)) };
            let detail = client.get_delivery(delivery).await?;
            if !detail.attempts.is_empty() {
                return Ok((verdict, Some(detail)));
            }
        }
        tokio::time::sleep((began.elapsed() / 4).clamp(Duration::from_millis(20), PAUSE_MAX)).await;
    }
}

impl Tested {
    fn first_attempt(&self) -> Option<&Attempt> {
        self.delivery.as_ref()?.attempts.first()
    }

    fn has_arrived(&self) -> bool {
        self.first_attempt().is_some_and(|attempt| attempt.error.is_none())
    }
}

fn described(tested: &Tested) -> String {
    let mut lines = vec![
        ("event", format!("{} {}", tested.test.event, tested.test.id)),
        ("verdict", named(tested.verdict.outcome)),
    ];
    lines.extend(tested.verdict.reason.clone().map(|reason| ("reason", reason)));
    if let Some(attempt) = tested.first_attempt() {
        let status = attempt.status.map_or("no answer".to_owned(), |status| format!("status {status}"));
        lines.push(("attempt", format!("{status} after {} ms", attempt.duration_ms)));
        if let Some(error) = attempt.error {
            let detail = attempt.error_detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            lines.push(("error", format!("{}{detail}", named(error))));
        }
        let next = tested.delivery.as_ref().and_then(|detail| detail.delivery.next_attempt_at);
        lines.extend(next.map(|at| ("next", format!("tried again at {at}"))));
    }
    lines.iter().map(|(name, value)| format!("{name:<9}{}", plain(value))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tested(outcome: &str, reason: Option<&str>, attempt: Option<Value>) -> Tested {
        let verdict = json!({
            "eventId": "evt_1", "webhookId": "wh_1", "isTest": true, "outcome": outcome, "reason": reason,
            "reasonClass": null, "filterDigest": null, "fuel": null, "durationUs": null, "deliveryId": null,
            "decidedAt": null,
        });
        let delivery = attempt.map(|attempt| {
            json!({
                "id": "msg_1", "eventId": "evt_1", "webhookId": "wh_1", "isTest": true, "state": "pending",
                "attemptCount": 1, "nextAttemptAt": "2022-12-01T11:23:14.000Z", "createdAt": "2022-12-01T11:23:09.000Z",
                "finishedAt": null, "attempts": [attempt],
            })
        });
        Tested {
            test: TestSent { id: "evt_1".to_owned(), event: "TODO_CREATED".to_owned() },
            verdict: serde_json::from_value(verdict).unwrap(),
            delivery: delivery.map(|delivery| serde_json::from_value(delivery).unwrap()),
        }
    }

    #[test]
    fn what_a_filter_kept_back_did_not_arrive_and_is_told_with_its_reason() {
        let tested = tested("filtered", Some("not \u{1b}done"), None);

        assert!(!tested.has_arrived());
        let expected = "event    TODO_CREATED evt_1\nverdict  filtered\nreason   not \\u{1b}done";
        assert_eq!(described(&tested), expected);
    }

    #[test]
    fn an_attempt_that_failed_is_told_with_its_error_and_the_next_one() {
        let tested = tested(
            "delivered",
            None,
            Some(json!({
                "number": 1, "startedAt": "2022-12-01T11:23:09.000Z", "durationMs": 7, "status": 500,
                "error": "status", "errorDetail": null, "response": "",
            })),
        );

        assert!(!tested.has_arrived());
        let told = described(&tested);
        let expected =
            "attempt  status 500 after 7 ms\nerror    status\nnext     tried again at 2022-12-01T11:23:14.000Z";
        assert!(told.ends_with(expected), "{told}");
    }
}
