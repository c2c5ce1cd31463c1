//! Projection: a line with a pointer, and behind it a document. A pointer leads where a reader of whole documents says that it
//! does, alone and beside others in one plan. Text that is no canonical JSON must not panic.

#![no_main]

use hooksieve::filter::projection::{EventFields, Plan, Pointer, Value};
use hooksieve::json::canonicalise;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pointer, document) = input;
    let Ok(parsed) = Pointer::parse(&format!("/currentValue{pointer}")) else { return };
    let whole = Pointer::parse("/currentValue").expect("it is a pointer");
    let fields = [parsed, whole];
    let plan = Plan::new([&fields[..], &fields[..1]]);

    drop(plan.project(&event(document)).values(0));

    let Ok(canonical) = canonicalise(document.as_bytes()) else { return };
    let event = event(&canonical);
    let projected = plan.project(&event);
    let value = projected.values(0).swap_remove(0);
    assert_eq!(format!("{value:?}"), format!("{:?}", projected.values(1)[0]));
    if !pointer.split('/').any(|segment| segment == "*") {
        let tree: serde_json::Value = serde_json::from_str(&canonical).expect("canonical JSON is JSON");
        assert_eq!(value != Value::Absent, tree.pointer(pointer).is_some(), "{pointer} in {canonical}");
    }
});

fn event(current_value: &str) -> EventFields<'_> {
    EventFields {
        id: None,
        event: None,
        company_id: None,
        project_id: None,
        user_id: None,
        occurred_at: None,
        previous_value: "null",
        current_value,
    }
}
