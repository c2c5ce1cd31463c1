//! `event why`: what each webhook of the caller made of an event, and why.

use std::process::ExitCode;

use crate::cli::output::{Output, Table, named};
use crate::cli::remote::Remote;
use crate::wire::{Verdict, VerdictPage};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The event.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let verdicts = args.remote.client()?.list_event_verdicts(&args.id).await?;
    output.print(&verdicts, told)?;
    Ok(ExitCode::SUCCESS)
}

fn told(verdicts: &VerdictPage) -> String {
    if verdicts.items.is_empty() {
        return "you have no webhook that it could concern".to_owned();
    }
    let mut table = Table::new(["WEBHOOK", "OUTCOME", "FUEL", "REASON"]);
    for verdict in &verdicts.items {
        table.push([
            verdict.webhook_id.clone(),
            named(verdict.outcome),
            verdict.fuel.map(|fuel| fuel.to_string()).unwrap_or_default(),
            reason(verdict),
        ]);
    }
    table.to_string()
}

fn reason(verdict: &Verdict) -> String {
    let reason = verdict.reason.clone().unwrap_or_default();
    match verdict.reason_class {
        Some(class) => format!("{}: {reason}", named(class)),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(items: serde_json::Value) -> VerdictPage {
        serde_json::from_value(json!({"items": items, "nextCursor": null})).unwrap()
    }

    #[test]
    fn each_webhook_has_a_line_with_its_reason_and_its_class() {
        let verdict = |webhook: &str, outcome: &str, class: Option<&str>, reason: &str| {
            json!({
                "eventId": "e1", "webhookId": webhook, "isTest": false, "outcome": outcome, "reason": reason,
                "reasonClass": class, "filterDigest": null, "fuel": 900, "durationUs": 12, "deliveryId": null,
                "decidedAt": null, "firstDecidedAt": null
            })
        };

        let told = told(&page(json!([
            verdict("wh_1", "filtered", None, "not\u{1b} done"),
            verdict("wh_2", "filter_error", Some("memory-limit"), "too much"),
        ])));

        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[1].starts_with("wh_1     filtered      900   not") && !told.contains('\u{1b}'), "{told}");
        assert_eq!(lines[2], "wh_2     filter_error  900   memory-limit: too much");
    }

    #[test]
    fn who_has_no_webhook_is_told_so() {
        assert_eq!(told(&page(json!([]))), "you have no webhook that it could concern");
    }
}
