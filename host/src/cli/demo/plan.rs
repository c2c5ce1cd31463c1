//! What the demo posts, to whom, and what should come of it.

/// The user whose webhooks they are.
pub(super) const USER: &str = "demo-user";
/// The project and the company of the guide's example, which all of the catalogue's examples share.
pub(super) const PROJECT: &str = "clakt90vu000bvt64hhffqleq";
pub(super) const COMPANY: &str = "clakt8jud0002vt64205yyj10";

/// How many webhooks there are.
pub(super) const WEBHOOKS: usize = 3;

/// A filter on a webhook of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) enum PlannedFilter {
    /// None.
    None,
    /// A bundled one, with its configuration.
    Bundled(&'static str, &'static str),
    /// A module that the user uploads first: an example that is written in Rust against the SDK.
    Uploaded(&'static str),
}

/// The webhooks, by name; the name is also the path of their URL.
pub(super) const NAMED: [(&str, PlannedFilter); WEBHOOKS] = [
    ("everything", PlannedFilter::None),
    (
        "with-due-date",
        PlannedFilter::Bundled(
            "field-match",
            r#"{"pointer": "/currentValue/duedAt", "operator": "ne", "value": null}"#,
        ),
    ),
    ("just-done", PlannedFilter::Uploaded("done-records")),
];

/// What should become of an event for a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Delivered,
    Filtered,
}

/// The event types, whose examples the catalogue has, and what each webhook should get of them. The first
/// one is the guide's long example.
pub(super) const EVENTS: [(&str, [Expected; WEBHOOKS]); 8] = {
    use Expected::{Delivered as D, Filtered as F};
    [
        ("TODO_CREATED", [D, F, F]),
        ("TODO_NAME_CHANGED", [D, F, F]),
        ("TODO_DUE_DATE_ADDED", [D, D, F]),
        ("TODO_DUE_DATE_UPDATED", [D, D, F]),
        ("TODO_DONE_STATUS_UPDATED", [D, F, D]),
        ("TODO_CHECKLIST_ITEM_DONE_STATUS_UPDATED", [D, F, D]),
        ("TODO_DELETED", [D, F, F]),
        ("COMMENT_CREATED", [D, F, F]),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::Catalogue;
    use crate::model::event::EventType;
    use crate::wire::NewEvent;

    #[test]
    fn every_planned_event_has_an_example_in_the_planned_project() {
        let catalogue = Catalogue::built_in();
        for (name, _) in EVENTS {
            let info = catalogue.get(&EventType::parse(name).unwrap()).unwrap();
            let example: NewEvent = serde_json::from_str(info.example.get()).unwrap();

            assert_eq!(
                (example.project_id.as_str(), example.company_id.as_deref()),
                (PROJECT, Some(COMPANY)),
                "{name}"
            );
        }
    }

    #[test]
    fn every_webhook_gets_something_and_every_filter_keeps_something_out() {
        let gets = |webhook: usize, what| EVENTS.iter().any(|(_, expected)| expected[webhook] == what);

        assert!((0..WEBHOOKS).all(|webhook| gets(webhook, Expected::Delivered)));
        assert!((1..WEBHOOKS).all(|webhook| gets(webhook, Expected::Filtered)));
    }
}
