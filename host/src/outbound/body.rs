//! The bytes of a delivery. Pure.
//!
//! The body is spliced from pieces that are canonical already (the event's values, the webhook as it was
//! when dispatch decided), so it needs no serialiser, is itself canonical
//! (`JSON.stringify(JSON.parse(body)) === body`) and is the same over all attempts.

use crate::model::event::Event;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::PayloadFormat;

/// The event by which an endpoint is asked whether it answers. Nobody can subscribe to it.
const HEALTH_CHECK: &str = "WEBHOOK_HEALTH_CHECK";

/// The body of `event` for the webhook that `snapshot` shows.
#[must_use]
pub fn compose(event: &Event, snapshot: &Snapshot) -> String {
    splice(
        &Pieces {
            event_type: event.event_type.as_str(),
            previous_value: &event.previous_value,
            current_value: &event.current_value,
            company: event.company_id.as_ref().map(|id| id.as_str()),
            project: Some(event.project_id.as_str()),
            user: event.user_id.as_ref().map(|id| id.as_str()),
        },
        snapshot,
    )
}

/// The body of a health check: of the same shape, about no record.
#[must_use]
pub fn health_check(snapshot: &Snapshot) -> String {
    let nothing = "null";
    splice(
        &Pieces {
            event_type: HEALTH_CHECK,
            previous_value: nothing,
            current_value: nothing,
            company: None,
            project: None,
            user: None,
        },
        snapshot,
    )
}

/// What a body is made of, beside the webhook.
struct Pieces<'a> {
    event_type: &'a str,
    previous_value: &'a str,
    current_value: &'a str,
    company: Option<&'a str>,
    project: Option<&'a str>,
    user: Option<&'a str>,
}

fn splice(pieces: &Pieces<'_>, snapshot: &Snapshot) -> String {
    let values = pieces.previous_value.len() + pieces.current_value.len();
    let mut body = String::with_capacity(256 + snapshot.object.len() + values);
    // Event types and ids have no character that JSON escapes.
    body.push_str("{\"event\":\"");
    body.push_str(pieces.event_type);
    match snapshot.format {
        PayloadFormat::Full => {
            body.push_str("\",\"webhook\":");
            body.push_str(&snapshot.object);
            body.push_str(",\"previousValue\":");
            body.push_str(pieces.previous_value);
            body.push_str(",\"currentValue\":");
            body.push_str(pieces.current_value);
        }
        PayloadFormat::Compact => {
            body.push_str("\",\"record\":");
            body.push_str(record(pieces));
        }
    }
    push_reference(&mut body, "company", pieces.company);
    push_reference(&mut body, "project", pieces.project);
    push_reference(&mut body, "user", pieces.user);
    body.push('}');
    body
}

/// The record as it is now, or as it was before it was deleted.
fn record<'a>(pieces: &Pieces<'a>) -> &'a str {
    if pieces.current_value == "null" { pieces.previous_value } else { pieces.current_value }
}

fn push_reference(body: &mut String, name: &str, id: Option<&str>) {
    body.push_str(",\"");
    body.push_str(name);
    match id {
        Some(id) => {
            body.push_str("\":{\"id\":\"");
            body.push_str(id);
            body.push_str("\"}");
        }
        None => body.push_str("\":null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::event::EventType;
    use crate::model::ids::{CompanyId, EventId, ProjectId};

    fn event(previous: &str, current: &str) -> Event {
        Event {
            id: EventId::parse("e1").unwrap(),
            event_type: EventType::parse("TODO_CREATED").unwrap(),
            company_id: Some(CompanyId::parse("c1").unwrap()),
            project_id: ProjectId::parse("p1").unwrap(),
            user_id: None,
            occurred_at: Timestamp::from_millis(0),
            accepted_at: Timestamp::from_millis(0),
            previous_value: previous.into(),
            current_value: current.into(),
            trace_parent: None,
        }
    }

    fn snapshot(format: PayloadFormat) -> Snapshot {
        Snapshot { version: 1, format, object: r#"{"id":"wh_1"}"#.into() }
    }

    #[test]
    fn a_full_body_has_the_members_of_the_guides_long_example_in_its_order() {
        let body = compose(&event("null", r#"{"title":"GGGG"}"#), &snapshot(PayloadFormat::Full));

        assert_eq!(
            body,
            r#"{"event":"TODO_CREATED","webhook":{"id":"wh_1"},"previousValue":null,"currentValue":{"title":"GGGG"},"company":{"id":"c1"},"project":{"id":"p1"},"user":null}"#
        );
    }

    #[test]
    fn a_compact_body_of_a_deletion_has_the_record_as_it_was() {
        let body = compose(&event(r#"{"title":"GGGG"}"#, "null"), &snapshot(PayloadFormat::Compact));

        assert_eq!(
            body,
            r#"{"event":"TODO_CREATED","record":{"title":"GGGG"},"company":{"id":"c1"},"project":{"id":"p1"},"user":null}"#
        );
    }

    #[test]
    fn a_health_check_has_the_shape_of_a_delivery() {
        assert_eq!(
            health_check(&snapshot(PayloadFormat::Full)),
            r#"{"event":"WEBHOOK_HEALTH_CHECK","webhook":{"id":"wh_1"},"previousValue":null,"currentValue":null,"company":null,"project":null,"user":null}"#
        );
        assert_eq!(
            health_check(&snapshot(PayloadFormat::Compact)),
            r#"{"event":"WEBHOOK_HEALTH_CHECK","record":null,"company":null,"project":null,"user":null}"#
        );
    }
}
