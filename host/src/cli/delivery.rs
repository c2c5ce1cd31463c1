//! `delivery`: what was sent to a webhook and what came of it; sends one again.

use std::process::ExitCode;

use clap::Subcommand;

use super::moment::moment;
use super::output::{Output, Table, plain};
use super::remote::{ListArgs, Remote};
use super::webhook::named;
use crate::model::Timestamp;
use crate::wire::{Attempt, AttemptError, DeliveriesQuery, Delivery, DeliveryDetail, DeliveryState, Page};

#[derive(Debug, Subcommand)]
pub(super) enum DeliveryCommand {
    /// List the deliveries to one of your webhooks, newest first.
    List(ListDeliveriesArgs),
    /// Show a delivery and its attempts.
    Show(OneArgs),
    /// Attempt a delivery again now, with its schedule begun anew.
    Retry(OneArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListDeliveriesArgs {
    /// The webhook.
    webhook: String,
    /// Only those in this state.
    #[arg(long, value_parser = named::<DeliveryState>(&["pending", "delivered", "failed", "canceled"]))]
    state: Option<DeliveryState>,
    /// Only those of events of this type.
    #[arg(long, value_name = "TYPE")]
    event: Option<String>,
    /// Only those created then or later: a time such as 2022-12-01T11:23:09Z, or how long ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only those created before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct OneArgs {
    /// The delivery: what the endpoint sees as `webhook-id`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(command: DeliveryCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        DeliveryCommand::List(ListDeliveriesArgs { webhook, state, event, since, until, list }) => {
            let part = list.query();
            let query = DeliveriesQuery { state, event, since, until, limit: part.limit, cursor: part.cursor };
            output.print(&list.remote.client()?.list_deliveries(&webhook, &query).await?, listed)?;
        }
        DeliveryCommand::Show(OneArgs { id, remote }) => {
            output.print(&remote.client()?.get_delivery(&id).await?, described)?;
        }
        DeliveryCommand::Retry(OneArgs { id, remote }) => {
            output.print(&remote.client()?.retry_delivery(&id).await?, |delivery| {
                format!("{} is attempted again", delivery.id)
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(page: &Page<Delivery>) -> String {
    let mut table = Table::new(["ID", "EVENT", "STATE", "ATTEMPTS", "CREATED", "NEXT"]);
    for delivery in &page.items {
        table.push([
            delivery.id.clone(),
            delivery.event_id.clone(),
            state(delivery),
            delivery.attempt_count.to_string(),
            delivery.created_at.to_string(),
            delivery.next_attempt_at.map(|at| at.to_string()).unwrap_or_default(),
        ]);
    }
    table.paged(page.next_cursor.as_deref())
}

fn described(detail: &DeliveryDetail) -> String {
    let delivery = &detail.delivery;
    let lines = [
        ("id", Some(delivery.id.clone())),
        ("event", Some(delivery.event_id.clone())),
        ("webhook", Some(delivery.webhook_id.clone())),
        ("state", Some(state(delivery))),
        ("next", delivery.next_attempt_at.map(|at| format!("attempt at {at}"))),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:<9}{}", plain(&value?))));
    let attempts = detail.attempts.iter().map(|attempt| format!("attempt  {}", plain(&attempted(attempt))));
    lines.chain(attempts).collect::<Vec<_>>().join("\n")
}

fn attempted(attempt: &Attempt) -> String {
    let status = attempt.status.map_or("no answer".to_owned(), |status| format!("status {status}"));
    let error = attempt.error.map(|error: AttemptError| {
        let detail = attempt.error_detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
        format!(" ({}{detail})", name(&error))
    });
    let (number, error) = (attempt.number, error.unwrap_or_default());
    format!("{number} at {}: {status} after {} ms{error}", attempt.started_at, attempt.duration_ms)
}

fn state(delivery: &Delivery) -> String {
    name(&delivery.state)
}

/// A name of the contract, as JSON has it.
fn name(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).expect("a name becomes JSON");
    json.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_told_with_what_each_attempt_came_to() {
        let detail = serde_json::json!({
            "id": "msg_1", "eventId": "evt_1", "webhookId": "wh_1", "isTest": false, "state": "pending",
            "attemptCount": 1, "nextAttemptAt": "2022-12-01T11:23:14.000Z", "createdAt": "2022-12-01T11:23:09.000Z",
            "finishedAt": null, "attempts": [{
                "number": 1, "startedAt": "2022-12-01T11:23:09.000Z", "durationMs": 7, "status": 500, "error": "status",
                "errorDetail": "no \u{1b}tea", "response": "",
            }],
        });

        let told = described(&serde_json::from_value(detail).unwrap());

        let expected = "id       msg_1\nevent    evt_1\nwebhook  wh_1\nstate    pending\n\
                        next     attempt at 2022-12-01T11:23:14.000Z\n\
                        attempt  1 at 2022-12-01T11:23:09.000Z: status 500 after 7 ms (status, no \\u{1b}tea)";
        assert_eq!(told, expected);
    }
}
