//! The body of each event type in both shapes, as it arrives: the committed files are what receivers are
//! written against. `UPDATE_SNAPSHOTS=1 cargo test -p hooksieve-tests payloads` rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hooksieve::json;
use hooksieve::wire::{BatchResult, NewEvent, NewWebhook, PayloadFormat, Webhook};

use crate::app::TestApp;
use crate::receiver::Receiver;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/fixtures/payloads");

/// The same text in every run: what is random or this machine's is replaced.
fn settled(body: &str, webhook: &Webhook, receiver: &Receiver) -> String {
    let id = format!("wh_{}", "0".repeat(26));
    let body = body.replace(&webhook.id, &id).replace(&webhook.uid, &"0".repeat(32));
    body.replace(&receiver.url(""), "https://example.com")
}

/// What arrived of every type in both shapes, by the name of its file.
async fn delivered() -> BTreeMap<String, String> {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("claksl2ye0000vtas0h0ln71e").await;
    let types = user.list_event_types().await.unwrap().items;
    let names: Vec<String> = types.iter().map(|one| one.name.clone()).collect();
    let mut registered = Vec::new();
    for (shape, payload_format) in [("full", PayloadFormat::Full), ("compact", PayloadFormat::Compact)] {
        let new = NewWebhook {
            url: receiver.url(&format!("/{shape}")),
            name: Some("Testing webhook".to_owned()),
            events: names.clone(),
            payload_format: Some(payload_format),
            ..NewWebhook::default()
        };
        registered.push((shape, user.create_webhook(&new).await.unwrap()));
    }
    let examples: Vec<NewEvent> =
        types.iter().map(|one| serde_json::from_str(one.example.as_ref().unwrap().get()).unwrap()).collect();

    let sent = app.operator().send_events(&examples).await.unwrap();
    app.run_until_idle().await;

    assert!(sent.results.iter().all(|result| matches!(result, BatchResult::Accepted(_))), "{sent:?}");
    let mut delivered = BTreeMap::new();
    for (shape, webhook) in &registered {
        for received in receiver.on(&format!("/{shape}")) {
            let name = format!("{}.{shape}.json", received.json()["event"].as_str().unwrap());
            let body = settled(&received.body, webhook, &receiver);
            assert!(delivered.insert(name.clone(), body).is_none(), "{name} came twice");
        }
    }
    assert_eq!(delivered.len(), 2 * names.len());
    delivered
}

#[tokio::test]
async fn every_event_type_arrives_in_both_shapes_as_committed() {
    let delivered = delivered().await;

    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::create_dir_all(FOLDER).unwrap();
        for (name, body) in &delivered {
            fs::write(Path::new(FOLDER).join(name), format!("{body}\n")).unwrap();
        }
    }

    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text.trim_end_matches('\n').to_owned())
    };
    let committed: BTreeMap<_, _> = fs::read_dir(FOLDER).unwrap().map(|entry| read(entry.unwrap())).collect();
    assert!(committed.keys().eq(delivered.keys()), "{:?}", committed.keys());
    for (name, body) in &delivered {
        assert_eq!(body, &committed[name], "{name}");
    }
}

#[test]
fn every_committed_body_is_what_json_stringify_would_print() {
    let mut seen = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let body = text.trim_end_matches('\n');
        assert_eq!(json::canonicalise(body.as_bytes()).unwrap(), body);
        seen += 1;
    }
    assert_eq!(seen, 74);
}

#[test]
fn a_compact_body_of_a_deletion_has_the_record_as_it_was() {
    for kind in ["TODO", "TODO_CHECKLIST", "TODO_CHECKLIST_ITEM", "TODO_LIST", "CUSTOM_FIELD", "TAG", "COMMENT"] {
        let read = |shape: &str| -> serde_json::Value {
            let path = format!("{FOLDER}/{kind}_DELETED.{shape}.json");
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
        };
        let (full, compact) = (read("full"), read("compact"));

        assert!(full["currentValue"].is_null() && full["previousValue"].is_object(), "{kind}");
        assert_eq!(compact["record"], full["previousValue"], "{kind}");
    }
}
