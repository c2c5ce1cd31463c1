//! Events: listed, accepted once, and the catalogue of their types.

use std::time::Duration;

use hooksieve::wire::{EventsQuery, NewEvent, PutEventType, PutProject};
use serde_json::Value;

use super::{Answer, request, with_body};
use crate::app::{COMPILER, OPERATOR_TOKEN, PROJECT, TestApp, problem, raw};

fn todo(id: &str, project: &str) -> NewEvent {
    NewEvent { id: Some(id.to_owned()), ..NewEvent::new("TODO_CREATED", project) }
}

async fn ids(client: &hooksieve::client::Client, query: &EventsQuery) -> Vec<String> {
    let (mut ids, mut query) = (Vec::new(), query.clone());
    loop {
        let page = client.list_events(&query).await.unwrap();
        ids.extend(page.items.into_iter().map(|event| event.id));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return ids;
        }
    }
}

#[tokio::test]
async fn events_are_listed_newest_first_by_what_is_asked_for() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let began = app.now();
    for (id, project) in [("e1", "p1"), ("e2", "p2"), ("e3", "p1")] {
        operator.send_event(&todo(id, project)).await.unwrap();
        app.run_after(Duration::from_secs(1)).await;
    }
    operator.send_event(&NewEvent { id: Some("e4".into()), ..NewEvent::new("TAG_CREATED", "p1") }).await.unwrap();

    let all = EventsQuery { limit: Some(2), ..Default::default() };
    assert_eq!(ids(&operator, &all).await, ["e4", "e3", "e2", "e1"]);
    let of_project = EventsQuery { project_id: Some("p1".into()), ..all.clone() };
    assert_eq!(ids(&operator, &of_project).await, ["e4", "e3", "e1"]);
    let of_type = EventsQuery { event: Some("TODO_CREATED".into()), ..of_project };
    assert_eq!(ids(&operator, &of_type).await, ["e3", "e1"]);
    let second = Duration::from_secs(1);
    let between = EventsQuery { since: Some(began + second), until: Some(began + 3 * second), ..all };
    assert_eq!(ids(&operator, &between).await, ["e3", "e2"]);
    let shown = operator.list_events(&EventsQuery::default()).await.unwrap().items;
    assert_eq!((shown[0].event.as_str(), shown[0].dispatched, shown[1].dispatched), ("TAG_CREATED", false, true));
}

#[tokio::test]
async fn a_user_lists_the_events_of_the_projects_that_they_are_in_now() {
    let app = TestApp::start().await;
    let (member, stranger) = (app.user("u1").await, app.stranger("u2").await);
    app.operator().put_project("other", &PutProject::default()).await.unwrap();
    for (id, project) in [("e1", PROJECT), ("e2", "other"), ("e3", PROJECT)] {
        app.operator().send_event(&todo(id, project)).await.unwrap();
    }
    let all = EventsQuery::default();
    let of = |project: &str| EventsQuery { project_id: Some(project.to_owned()), ..Default::default() };

    assert_eq!(ids(&member, &all).await, ["e3", "e1"]);
    assert_eq!(ids(&member, &of(PROJECT)).await, ["e3", "e1"]);
    for hidden in [of("other"), of("not-there")] {
        assert!(ids(&member, &hidden).await.is_empty());
    }
    assert!(ids(&stranger, &all).await.is_empty() && ids(&stranger, &of(PROJECT)).await.is_empty());
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    assert!(ids(&member, &all).await.is_empty());
    app.operator().add_member("other", "u2").await.unwrap();
    assert_eq!(ids(&stranger, &all).await, ["e2"]);
}

#[tokio::test]
async fn a_list_that_cannot_be_asked_for_is_refused_by_the_parameter() {
    let app = TestApp::start().await;

    for (query, pointer) in [
        ("event=todo", "/event"),
        ("projectId=a%20b", "/projectId"),
        ("since=noon", "/since"),
        ("limit=251", "/limit"),
        ("cursor=x", "/cursor"),
        ("project=p", "/project"),
    ] {
        let answer = Answer::of(request(&app, "GET", &format!("/v1/events?{query}"), OPERATOR_TOKEN)).await;
        assert_eq!(answer.problem().errors[0].pointer, pointer, "{query}");
    }
}

/// The same event in four spellings.
const SPELLINGS: [&str; 4] = [
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","occurredAt":"2022-12-01T12:00:00Z","currentValue":{"a":100,"b":{"x":"é","y":[1.5]}}}"#,
    r#" {"currentValue":{"b":{"y":[15e-1],"x":"\u00e9"},"a":1e2},"projectId":"p","id":"e","event":"TODO_CREATED","occurredAt":"2022-12-01T13:00:00+01:00"}"#,
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","occurredAt":"2022-12-01T12:00:00.000Z","previousValue":null,"currentValue":{"a":7,"a":100.0,"b":{"x":"é","y":[1.50]}}}"#,
    "{\"id\":\"e\",\n\"event\":\"TODO_CREATED\",\"projectId\":\"p\",\"userId\":null,\"occurredAt\":\"2022-12-01T12:00:00Z\",\"currentValue\":{\"a\":1.0e+2,\"b\":{\"x\":\"\\u00E9\",\"y\":[ 1.5 ]}}}",
];

/// Others under the same id.
const OTHERS: [&str; 4] = [
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","occurredAt":"2022-12-01T12:00:00Z","currentValue":{"a":101,"b":{"x":"é","y":[1.5]}}}"#,
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","occurredAt":"2022-12-01T12:00:00Z","currentValue":{"a":"100","b":{"x":"é","y":[1.5]}}}"#,
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","currentValue":{"a":100,"b":{"x":"é","y":[1.5]}}}"#,
    r#"{"id":"e","event":"TODO_CREATED","projectId":"p","occurredAt":"2022-12-01T12:00:00Z","previousValue":{"a":100,"b":{"x":"é","y":[1.5]}}}"#,
];

#[tokio::test]
async fn an_event_is_the_same_however_it_is_spelled_also_after_a_restart() {
    let app = TestApp::start_running().await;
    let first = app.operator().send_event_text(SPELLINGS[0].to_owned()).await.unwrap();
    let kept = app.operator().get_event("e").await.unwrap();

    let app = app.reopened(COMPILER.as_ref()).await;

    assert!(!first.duplicate);
    for text in SPELLINGS {
        assert!(app.operator().send_event_text(text.to_owned()).await.unwrap().duplicate, "{text}");
    }
    for text in OTHERS {
        assert_eq!(problem(app.operator().send_event_text(text.to_owned()).await).code, "CONFLICT", "{text}");
    }
    let still = app.operator().get_event("e").await.unwrap();
    assert_eq!(kept.current_value.get(), still.current_value.get());
}

#[tokio::test]
async fn of_two_clients_that_use_one_id_at_once_one_is_accepted() {
    let app = TestApp::start().await;
    let texts: Vec<&str> = SPELLINGS.into_iter().chain([OTHERS[0]; 4]).collect();
    let calls = texts.iter().map(|text| {
        let client = app.operator();
        async move { client.send_event_text((*text).to_owned()).await }
    });

    let answers = futures_util::future::join_all(calls).await;

    let new: Vec<usize> = (0..8).filter(|at| answers[*at].as_ref().is_ok_and(|answer| !answer.duplicate)).collect();
    let [winner] = new[..] else { panic!("{answers:?}") };
    for (at, answer) in answers.into_iter().enumerate() {
        // The first four say the same, and so do the others.
        if (at < 4) == (winner < 4) {
            assert_eq!(answer.unwrap().duplicate, at != winner, "{at}");
        } else {
            assert_eq!(problem(answer).code, "CONFLICT", "{at}");
        }
    }
}

fn invoice_paid() -> PutEventType {
    PutEventType {
        description: "An invoice was paid".to_owned(),
        group: Some("Billing".to_owned()),
        example: Some(raw(r#"{"event": "INVOICE_PAID", "projectId": "p", "currentValue": {"total": 9.50}}"#)),
        schema: Some(raw(
            r#"{"properties": {"currentValue": {"required": ["total"], "properties": {"total": {"type": "number"}}}}}"#,
        )),
    }
}

#[tokio::test]
async fn an_added_event_type_has_its_example_and_schema_until_it_is_replaced() {
    let app = TestApp::start().await;
    let operator = app.operator();

    let put = operator.put_event_type("INVOICE_PAID", &invoice_paid()).await.unwrap();
    let listed = operator.list_event_types().await.unwrap().items.pop().unwrap();
    // Its schema says what to expect; events are not checked against it.
    let other = NewEvent { current_value: Some(raw(r#"{"total":"none"}"#)), ..NewEvent::new("INVOICE_PAID", "p") };
    operator.send_event(&other).await.unwrap();
    let bare = PutEventType { description: "Paid".to_owned(), ..Default::default() };
    let replaced = operator.put_event_type("INVOICE_PAID", &bare).await.unwrap();

    for shown in [&put, &listed] {
        assert_eq!((shown.name.as_str(), shown.group.as_str(), shown.built_in), ("INVOICE_PAID", "Billing", false));
        let example = shown.example.as_ref().unwrap().get();
        assert_eq!(example, r#"{"event":"INVOICE_PAID","projectId":"p","currentValue":{"total":9.5}}"#);
        assert!(shown.schema.as_ref().unwrap().get().starts_with(r#"{"properties":{"currentValue""#));
    }
    assert!(replaced.example.is_none() && replaced.schema.is_none());
    assert_eq!(replaced.group, "Custom Events");
}

#[tokio::test]
async fn an_event_type_that_cannot_be_added_is_refused_by_the_place() {
    let app = TestApp::start().await;
    let large = format!(r#"{{"description":"{}"}}"#, "x".repeat(16 << 10));

    for (members, pointer, words) in [
        (r#""description":"""#, "/description", "1 to 200"),
        (r#""schema":{"type":"objekt"}"#, "/schema/type", "not a JSON Schema"),
        (r#""schema":true"#, "/schema", "an object"),
        (r#""schema":{"$ref":"http://169.254.169.254/x"}"#, "/schema", "leads to nothing in this document"),
        (&format!(r#""schema":{large}"#), "/schema", "16384 bytes"),
        (r#""example":{"event":"OTHER","projectId":"p"}"#, "/example/event", "an event of this type"),
        (r#""example":{"event":"A_TYPE"}"#, "/example/projectId", "missing field"),
        (r#""example":["A_TYPE"]"#, "/example", "a JSON object"),
        (
            r#""example":{"event":"A_TYPE","projectId":"p","currentValue":9007199254740993}"#,
            "/example/currentValue",
            "string",
        ),
        (
            r#""schema":{"required":["userId"]},"example":{"event":"A_TYPE","projectId":"p"}"#,
            "/example",
            "does not meet the schema",
        ),
    ] {
        let description = if members.contains("description\":\"\"") { "" } else { r#""description":"A","# };
        let body = format!("{{{description}{members}}}");
        let problem =
            Answer::of(with_body(&app, "PUT", "/v1/event-types/A_TYPE", OPERATOR_TOKEN, &body)).await.problem();

        assert_eq!(
            (problem.code.as_str(), problem.errors[0].pointer.as_str()),
            ("BAD_USER_INPUT", pointer),
            "{members}: {problem:?}"
        );
        assert!(problem.detail.contains(words), "{members}: {problem:?}");
    }
    assert_eq!(app.user("u1").await.list_event_types().await.unwrap().items.len(), 37);
}

#[tokio::test]
async fn the_catalogue_tells_of_each_type_what_its_events_look_like() {
    let app = TestApp::start().await;

    let types = app.user("u1").await.list_event_types().await.unwrap();

    assert_eq!((types.items.len(), types.next_cursor), (37, None));
    for one in types.items {
        let example: Value = serde_json::from_str(one.example.unwrap().get()).unwrap();
        let schema: Value = serde_json::from_str(one.schema.unwrap().get()).unwrap();
        assert!(one.built_in && !one.description.is_empty() && one.group.ends_with(" Events"));
        assert_eq!(example["event"], one.name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
