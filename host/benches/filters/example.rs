//! The event that everything is measured on: the long example of the guide, 3 KB.

use hooksieve::filter::projection::EventFields;
use hooksieve::json::canonicalise;

/// The guide's example as a whole, as the repository's tests have it.
const GUIDE: &str = include_str!("../../../tests/it/fixtures/guide-example.json");

/// Its record, canonical as intake keeps it.
pub(crate) fn record() -> String {
    let guide: serde_json::Value = serde_json::from_str(GUIDE).expect("the fixture is JSON");
    canonicalise(guide["currentValue"].to_string().as_bytes()).expect("the fixture is an event's record")
}

/// An event with this record.
pub(crate) fn event(record: &str) -> EventFields<'_> {
    EventFields {
        id: Some("evt_example"),
        event: Some("TODO_CREATED"),
        company_id: Some("clakt8jud0002vt64205yyj10"),
        project_id: Some("clakt90vu000bvt64hhffqleq"),
        user_id: Some("claksl2ye0000vtas0h0ln71e"),
        occurred_at: Some("2022-12-01T11:23:09.241Z".into()),
        previous_value: "null",
        current_value: record,
    }
}
