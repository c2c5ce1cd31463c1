//! Small values to fill a store with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;
use crate::model::delivery::{Attempt, AttemptError};
use crate::model::event::{Event, EventDigest, EventSeq, EventType};
use crate::model::filter::{About, Filter, FilterDigest};
use crate::model::health::{Answer, Failure, Rules};
use crate::model::ids::{CompanyId, DeliveryId, EventId, FilterId, ProjectId, UserId, WebhookId};
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::trace::TraceParent;
use crate::model::verdict::{Outcome, Verdict};
use crate::model::webhook::{FilterBinding, OnError, PayloadFormat, Webhook};
use crate::store::{
    Accepted, Attempted, Claim, ClaimedDelivery, DeliveryClaim, Dispatched, FilterUpload, NewDelivery, Next,
    PageRequest, Recorded, Store,
};

pub(in crate::store) const LEASE: Duration = Duration::from_secs(60);
pub(in crate::store) const FAILURES_MAX: u32 = 3;
/// The pause before every probe.
pub(in crate::store) const PAUSE: Duration = Duration::from_secs(10);
pub(in crate::store) const RULES: Rules = Rules {
    failures_until_unhealthy: FAILURES_MAX,
    probe_intervals: &[PAUSE],
    disabled_after: Duration::from_secs(86_400),
};

/// `seconds` after an arbitrary beginning.
pub(in crate::store) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
}

pub(in crate::store) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(in crate::store) fn project(name: &str) -> ProjectId {
    ProjectId::parse(name).unwrap()
}

pub(in crate::store) fn webhook_id(name: &str) -> WebhookId {
    WebhookId::parse(name).unwrap()
}

pub(in crate::store) fn event_id(name: &str) -> EventId {
    EventId::parse(name).unwrap()
}

pub(in crate::store) fn delivery_id(event: &str, webhook: &str) -> DeliveryId {
    DeliveryId::parse(&format!("msg_{event}-{webhook}")).unwrap()
}

pub(in crate::store) fn event_of_type(name: &str, event_type: &str) -> Event {
    Event {
        id: event_id(name),
        event_type: EventType::parse(event_type).unwrap(),
        company_id: Some(CompanyId::parse("company").unwrap()),
        project_id: project("project"),
        user_id: Some(user("doer")),
        occurred_at: at(-1),
        accepted_at: at(0),
        previous_value: "null".into(),
        current_value: r#"{"id":"r1","title":"é"}"#.into(),
        trace_parent: TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    }
}

pub(in crate::store) fn event(name: &str) -> Arc<Event> {
    Arc::new(event_of_type(name, "TODO_CREATED"))
}

pub(in crate::store) fn digest(byte: u8) -> EventDigest {
    EventDigest([byte; 32])
}

pub(in crate::store) fn webhook(name: &str) -> Webhook {
    let url = format!("https://{name}.example.com/hook");
    Webhook {
        name: Some("Name".into()),
        events: vec![EventType::parse("TODO_CREATED").unwrap(), EventType::parse("TODO_DELETED").unwrap()],
        project_ids: vec![project("project")],
        headers: BTreeMap::from([("x-a".to_owned(), Secret::new("1"))]),
        ..Webhook::new(webhook_id(name), "0123456789abcdef0123456789abcdef".into(), user("owner"), url, at(0))
    }
}

pub(in crate::store) fn secret() -> Secret {
    Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())
}

pub(in crate::store) fn upload(id: &str, owner: Option<&str>, byte: u8) -> FilterUpload {
    FilterUpload {
        filter: Filter {
            id: FilterId::parse(id).unwrap(),
            owner: owner.map(user),
            name: format!("{id} name"),
            digest: FilterDigest([byte; 32]),
            size_bytes: 3,
            wit_version: "0.1.0".into(),
            about: About {
                name: "done-records".into(),
                version: "1.2.0".into(),
                description: "Lets done records through".into(),
                config_schema: Some("{}".into()),
            },
            created_at: at(1),
        },
        wasm: vec![byte; 3].into(),
    }
}

pub(in crate::store) fn binding(upload: &FilterUpload) -> FilterBinding {
    FilterBinding {
        filter_id: upload.filter.id.clone(),
        digest: upload.filter.digest,
        config: r#"{"a":1}"#.into(),
        on_error: OnError::Deliver,
    }
}

pub(in crate::store) fn verdict(webhook: &str, outcome: Outcome) -> Verdict {
    Verdict {
        webhook_id: webhook_id(webhook),
        outcome,
        reason: None,
        reason_class: None,
        filter_digest: None,
        fuel: None,
        duration_us: None,
        delivery_id: None,
        decided_at: at(0),
        first_decided_at: None,
    }
}

pub(in crate::store) fn claim(now: Timestamp, rows_max: u32) -> Claim {
    Claim { now, lease: LEASE, rows_max }
}

pub(in crate::store) fn delivery_claim(now: Timestamp, rows_max: u32, per_webhook_max: u32) -> DeliveryClaim {
    DeliveryClaim {
        claim: claim(now, rows_max),
        per_webhook_max,
        per_unhealthy_max: 1,
        failing_max: u32::MAX,
        doubtful_max: u32::MAX,
        in_flight: Vec::new(),
    }
}

pub(in crate::store) fn page(items_max: u32, after: Option<i64>) -> PageRequest {
    PageRequest { items_max, after }
}

/// Keeps a webhook of each name.
pub(in crate::store) async fn add_webhooks(store: &dyn Store, names: &[&str]) {
    for name in names {
        store.add_webhook(webhook(name), secret()).await.unwrap();
    }
}

/// A delivery of the event to the webhook, decided at `created_at`.
pub(in crate::store) fn owed(event: &str, webhook: &str, created_at: Timestamp) -> NewDelivery {
    let object = format!(r#"{{"id":"{webhook}"}}"#).into();
    NewDelivery {
        id: delivery_id(event, webhook),
        webhook_id: webhook_id(webhook),
        snapshot: Arc::new(Snapshot { version: 1, format: PayloadFormat::Full, object }),
        created_at,
    }
}

/// Accepts an event and claims it.
pub(in crate::store) async fn accepted(store: &dyn Store, name: &str) -> (EventSeq, i64) {
    assert_eq!(store.accept_event(event(name), digest(0)).await.unwrap(), Accepted::New);
    // Operational events may wait before it.
    let claimed = store.claim_events(claim(at(0), 99)).await.unwrap();
    let claimed = claimed.iter().find(|row| row.stored.event.id == event_id(name)).unwrap();
    (claimed.stored.seq, claimed.fence)
}

/// Takes an event to where it is owed to the webhooks, each with a verdict, since `created_at`.
pub(in crate::store) async fn owe(store: &dyn Store, name: &str, webhooks: &[&str], created_at: Timestamp) -> EventSeq {
    let (event, fence) = accepted(store, name).await;
    let verdicts = webhooks
        .iter()
        .map(|webhook| Verdict {
            delivery_id: Some(delivery_id(name, webhook)),
            decided_at: created_at,
            ..verdict(webhook, Outcome::Delivered)
        })
        .collect();
    let deliveries = webhooks.iter().map(|webhook| owed(name, webhook, created_at)).collect();
    let recorded =
        store.record_dispatch(Dispatched { event, fence, verdicts, deliveries, compared: Vec::new() }).await.unwrap();
    assert_eq!(recorded, Recorded::Written);
    event
}

/// Decides on an event with verdicts alone.
pub(in crate::store) async fn decide(store: &dyn Store, name: &str, verdicts: Vec<Verdict>) -> EventSeq {
    let (event, fence) = accepted(store, name).await;
    let recorded = store
        .record_dispatch(Dispatched { event, fence, verdicts, deliveries: Vec::new(), compared: Vec::new() })
        .await
        .unwrap();
    assert_eq!(recorded, Recorded::Written);
    event
}

/// Claims the one delivery that is due.
pub(in crate::store) async fn claim_one(store: &dyn Store, now: Timestamp) -> ClaimedDelivery {
    let mut claimed = store.claim_deliveries(delivery_claim(now, 10, 10)).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

/// What an attempt on a claimed delivery came to.
pub(in crate::store) fn attempted(claimed: &ClaimedDelivery, next: Next, when: Timestamp) -> Attempted {
    let is_success = next == Next::Delivered;
    let status = Some(if is_success { 200 } else { 500 });
    let error = (!is_success).then_some(AttemptError::Status);
    let failure = (!is_success).then(|| failure(when));
    Attempted {
        delivery_id: claimed.delivery.id.clone(),
        webhook_id: claimed.delivery.webhook_id.clone(),
        fence: claimed.fence,
        attempt: Attempt {
            number: claimed.delivery.attempt_count + 1,
            started_at: when,
            duration_ms: 12,
            status,
            error,
            error_detail: (!is_success).then(|| "500".to_owned()),
            response: b"body \xff".to_vec(),
        },
        next,
        url: claimed.webhook.url.clone(),
        answer: Answer {
            failure,
            started_at: when,
            at: when,
            is_gone: false,
            is_exhausted: false,
            asked_until: None,
            jitter: 0.0,
        },
        rules: RULES,
    }
}

/// The failure of such an attempt.
pub(in crate::store) fn failure(when: Timestamp) -> Failure {
    Failure { error: AttemptError::Status, status: Some(500), detail: None, at: when }
}

/// An attempt whose endpoint said that it is gone.
pub(in crate::store) fn gone(claimed: &ClaimedDelivery, when: Timestamp) -> Attempted {
    let failed = attempted(claimed, Next::Failed, when);
    Attempted { answer: Answer { is_gone: true, ..failed.answer }, ..failed }
}

/// The names of the events and webhooks of claimed deliveries.
pub(in crate::store) fn names(claimed: &[ClaimedDelivery]) -> Vec<(&str, &str)> {
    claimed.iter().map(|row| (row.event.id.as_str(), row.webhook.id.as_str())).collect()
}

/// Writes down what one attempt came to.
pub(in crate::store) async fn record_attempt(
    store: &dyn Store,
    attempted: Attempted,
) -> crate::store::Result<Recorded> {
    Ok(store.record_attempts(Arc::new([attempted])).await?.remove(0))
}
