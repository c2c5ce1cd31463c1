use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

#[test]
fn the_catalogue_has_the_37_types_of_the_api_document() {
    let catalogue = Catalogue::built_in();

    assert_eq!(catalogue.types().len(), 37);
    for info in catalogue.types() {
        assert!(catalogue.get(&info.name).is_some_and(|found| found.description == info.description));
    }
    let count = |group: &str| catalogue.types().iter().filter(|info| info.group == group).count();
    let groups = ["Record", "Checklist", "List", "Custom Field", "Tag", "Comment"].map(|name| format!("{name} Events"));
    assert_eq!(groups.map(|group| count(&group)), [13, 12, 3, 3, 3, 3]);
}

#[test]
fn every_example_meets_its_schema_and_with_any_member_of_its_record_missing_does_not() {
    for info in Catalogue::built_in().types() {
        let schema: Value = serde_json::from_str(info.schema.get()).unwrap();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let example: Value = serde_json::from_str(info.example.get()).unwrap();
        if let Err(error) = validator.validate(&example) {
            panic!("{}: {error} at {}", info.name, error.instance_path());
        }

        for side in ["previousValue", "currentValue"] {
            let names: Vec<String> =
                example[side].as_object().into_iter().flat_map(|record| record.keys()).cloned().collect();
            for name in names.iter().filter(|name| !["project", "checklistItems"].contains(&name.as_str())) {
                let mut less = example.clone();
                less[side].as_object_mut().unwrap().remove(name);
                assert!(!validator.is_valid(&less), "{} without {side}/{name}", info.name);
            }
            let mut null = example.clone();
            null[side] = if example[side].is_null() { Value::from("a record") } else { Value::Null };
            assert!(!validator.is_valid(&null), "{} with {side} {}", info.name, null[side]);
        }
    }
}

#[test]
fn a_schema_tells_every_member_that_its_example_has() {
    for info in Catalogue::built_in().types() {
        let mut schema: Value = serde_json::from_str(info.schema.get()).unwrap();
        let example: Value = serde_json::from_str(info.example.get()).unwrap();
        for kind in schema["$defs"].as_object_mut().unwrap().values_mut() {
            kind["additionalProperties"] = Value::Bool(false);
        }

        let validator = jsonschema::draft202012::new(&schema).unwrap();

        if let Err(error) = validator.validate(&example) {
            panic!("{}: {error} at {}", info.name, error.instance_path());
        }
    }
}

/// What an event of the type may change of its record, besides `updatedAt`; `None` where there is no before
/// or no after.
fn changes(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "TODO_MOVED" => &["position", "todoListId", "todoList"],
        "TODO_DONE_STATUS_UPDATED" | "TODO_CHECKLIST_ITEM_DONE_STATUS_UPDATED" => &["done"],
        "TODO_NAME_CHANGED"
        | "TODO_CHECKLIST_NAME_CHANGED"
        | "TODO_CHECKLIST_ITEM_NAME_CHANGED"
        | "TODO_LIST_NAME_CHANGED" => &["title"],
        "TODO_CUSTOM_FIELD_UPDATED" => &["todoCustomFields"],
        "TODO_TAG_ADDED" | "TODO_TAG_REMOVED" => &["todoTags"],
        "TODO_ASSIGNEE_ADDED" | "TODO_ASSIGNEE_REMOVED" => &["todoUsers"],
        "TODO_CHECKLIST_ITEM_ASSIGNEE_ADDED" | "TODO_CHECKLIST_ITEM_ASSIGNEE_REMOVED" => &["checklistItemUsers"],
        "TODO_DUE_DATE_UPDATED" | "TODO_CHECKLIST_ITEM_DUE_DATE_UPDATED" => &["duedAt"],
        "TODO_DUE_DATE_ADDED"
        | "TODO_DUE_DATE_REMOVED"
        | "TODO_CHECKLIST_ITEM_DUE_DATE_ADDED"
        | "TODO_CHECKLIST_ITEM_DUE_DATE_REMOVED" => &["duedAt", "timezone"],
        "CUSTOM_FIELD_UPDATED" => &["max"],
        "TAG_UPDATED" => &["color"],
        "COMMENT_UPDATED" => &["html", "text"],
        _ => return None,
    })
}

#[test]
fn an_example_changes_exactly_what_its_type_names() {
    for info in Catalogue::built_in().types() {
        let name = info.name.as_str();
        let example: Value = serde_json::from_str(info.example.get()).unwrap();
        let (before, after) = (&example["previousValue"], &example["currentValue"]);

        match changes(name) {
            Some(changes) => {
                let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
                assert!(before.keys().eq(after.keys()), "{name}");
                let differ = before.keys().filter(|key| before[*key] != after[*key]).map(String::as_str);
                let expected = changes.iter().copied().chain(["updatedAt"]);
                assert_eq!(differ.collect::<BTreeSet<_>>(), expected.collect(), "{name}");
            }
            None => {
                assert_eq!(
                    (before.is_null(), after.is_object()),
                    (name.ends_with("_CREATED"), name.ends_with("_CREATED")),
                    "{name}"
                );
                assert_eq!(
                    (after.is_null(), before.is_object()),
                    (name.ends_with("_DELETED"), name.ends_with("_DELETED")),
                    "{name}"
                );
            }
        }
    }
}
