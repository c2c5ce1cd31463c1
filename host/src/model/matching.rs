//! Whether an event is for a webhook that subscribes to its type. Pure.

use super::event::Event;
use super::webhook::Webhook;

/// What an event is to a webhook that subscribes to its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The filter decides, or without one the event is owed.
    Inside,
    /// The webhook is disabled.
    Disabled,
    /// The webhook names the project, but its creator is not a member of it now.
    NotAMember,
    /// Nobody would expect the event: the webhook covers other projects, or it did not exist yet. No
    /// verdict is kept; the API explains it from the webhook itself.
    Elsewhere,
}

/// Judges by what holds at this moment.
#[must_use]
pub fn scope(event: &Event, webhook: &Webhook, is_creator_member: bool) -> Scope {
    let is_named = webhook.project_ids.contains(&event.project_id);
    let is_covered = is_named || (webhook.project_ids.is_empty() && is_creator_member);
    if !is_covered || webhook.created_at > event.accepted_at {
        Scope::Elsewhere
    } else if !webhook.is_enabled {
        Scope::Disabled
    } else if is_creator_member {
        Scope::Inside
    } else {
        Scope::NotAMember
    }
}

/// Judges a test of the webhook: what it subscribes to, covers and may see does not matter, since the test is
/// made up for it alone.
#[must_use]
pub fn scope_of_test(webhook: &Webhook) -> Scope {
    if webhook.is_enabled { Scope::Inside } else { Scope::Disabled }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::event::EventType;
    use crate::model::ids::{EventId, ProjectId, UserId, WebhookId};

    pub(crate) fn event(project: &str) -> Event {
        Event {
            id: EventId::parse("e1").unwrap(),
            event_type: EventType::parse("TODO_CREATED").unwrap(),
            company_id: None,
            project_id: ProjectId::parse(project).unwrap(),
            user_id: None,
            occurred_at: Timestamp::from_millis(1_000),
            accepted_at: Timestamp::from_millis(1_000),
            previous_value: "null".into(),
            current_value: "{}".into(),
            trace_parent: None,
        }
    }

    pub(crate) fn webhook(id: &str, owner: &str, projects: &[&str]) -> Webhook {
        let (id, owner) = (WebhookId::parse(id).unwrap(), UserId::parse(owner).unwrap());
        let url = "https://example.com/".to_owned();
        Webhook {
            events: vec![EventType::parse("TODO_CREATED").unwrap()],
            project_ids: projects.iter().map(|id| ProjectId::parse(id).unwrap()).collect(),
            ..Webhook::new(id, "00".into(), owner, url, Timestamp::from_millis(1_000))
        }
    }

    #[test]
    fn a_webhook_without_projects_covers_those_of_its_creator() {
        let webhook = webhook("wh_a", "u1", &[]);

        assert_eq!(scope(&event("p1"), &webhook, true), Scope::Inside);
        assert_eq!(scope(&event("p1"), &webhook, false), Scope::Elsewhere);
    }

    #[test]
    fn a_creator_who_left_the_project_is_told_so() {
        let webhook = webhook("wh_a", "u1", &["p1"]);

        assert_eq!(scope(&event("p1"), &webhook, false), Scope::NotAMember);
        assert_eq!(scope(&event("p2"), &webhook, true), Scope::Elsewhere);
    }

    #[test]
    fn a_webhook_gets_no_event_from_before_it_existed() {
        let mut webhook = webhook("wh_a", "u1", &[]);
        webhook.created_at = event("p1").accepted_at + std::time::Duration::from_millis(1);

        assert_eq!(scope(&event("p1"), &webhook, true), Scope::Elsewhere);
    }

    #[test]
    fn a_test_is_for_its_webhook_whatever_that_subscribes_to_unless_it_is_disabled() {
        let mut webhook = webhook("wh_a", "u1", &["elsewhere"]);
        webhook.events.clear();

        assert_eq!(scope_of_test(&webhook), Scope::Inside);
        webhook.is_enabled = false;
        assert_eq!(scope_of_test(&webhook), Scope::Disabled);
    }

    #[test]
    fn a_disabled_webhook_is_told_so() {
        let mut webhook = webhook("wh_a", "u1", &["p1"]);
        webhook.is_enabled = false;

        assert_eq!(scope(&event("p1"), &webhook, true), Scope::Disabled);
    }
}
