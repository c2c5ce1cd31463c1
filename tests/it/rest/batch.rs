//! Many events in one call: each on its own, and on disk when it is answered.

use hooksieve::wire::{BatchResult, BatchResults, NewEvent, Problem};

use super::{Answer, request, with_body};
use crate::app::{OPERATOR_TOKEN, PROJECT, TestApp, created, member, problem, raw, webhook};
use crate::receiver::Receiver;

const PATH: &str = "/v1/events/batch";

async fn lines(app: &TestApp, text: &str) -> Answer {
    let request = request(app, "POST", PATH, OPERATOR_TOKEN).header("content-type", "application/x-ndjson");
    Answer::of(request.body(text.to_owned())).await
}

fn results(answer: &Answer) -> Vec<BatchResult> {
    assert_eq!(answer.status, 202, "{answer:?}");
    serde_json::from_str::<BatchResults>(&answer.body).unwrap().results
}

/// An accepted event's id and whether it was there before.
fn accepted(result: &BatchResult) -> (&str, bool) {
    match result {
        BatchResult::Accepted(event) => (&event.id, event.duplicate),
        BatchResult::Refused { error } => panic!("{error:?}"),
    }
}

/// A refused event's code, and where it is wrong.
fn refused(result: &BatchResult) -> (&str, &str) {
    match result {
        BatchResult::Refused { error } => {
            (&error.code, error.errors.first().map_or("", |violation| violation.pointer.as_str()))
        }
        BatchResult::Accepted(event) => panic!("{event:?}"),
    }
}

fn todo(id: &str, title: &str) -> String {
    format!(r#"{{"id":"{id}","event":"TODO_CREATED","projectId":"{PROJECT}","currentValue":{{"title":"{title}"}}}}"#)
}

#[tokio::test]
async fn an_array_of_events_is_accepted_in_its_order_and_delivered() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    app.user("u1").await.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let events: Vec<NewEvent> = (0..30).map(|number| created(&format!("e{number}"))).collect();

    let sent = app.operator().send_events(&events).await.unwrap();
    app.run_until_idle().await;

    let ids: Vec<_> = sent.results.iter().map(accepted).collect();
    let expected: Vec<_> = events.iter().map(|event| (event.id.as_deref().unwrap(), false)).collect();
    assert_eq!(ids, expected);
    assert_eq!(receiver.on("/a").len(), 30);
}

#[tokio::test]
async fn an_event_that_cannot_be_taken_keeps_no_other_from_it() {
    let app = TestApp::start().await;
    let large = format!(r#"{{"event":"TODO_CREATED","projectId":"p","currentValue":"{}"}}"#, "x".repeat(1 << 20));
    let text = [
        &todo("a", "A"),
        "{broken",
        r#"{"event":"TODO_CREATE","projectId":"p"}"#,
        r#"{"event":"WEBHOOK_HEALTH_CHECK","projectId":"p"}"#,
        r#"{"event":"TODO_CREATED","projectId":"p","currentValue":{"n":[9007199254740993]}}"#,
        r#"["x","TODO_CREATED"]"#,
        r#"{"event":"TODO_CREATED","projectId":"p","id":"batch"}"#,
        "\u{feff}{}",
        &large,
        &todo("b", "B"),
    ]
    .join("\n");

    let results = results(&lines(&app, &text).await);

    assert_eq!((accepted(&results[0]), accepted(&results[9])), (("a", false), ("b", false)));
    let refusals: Vec<_> = results[1..9].iter().map(refused).collect();
    let pointers = ["", "/event", "/event", "/currentValue/n/0", "", "/id", "", ""];
    assert_eq!(refusals, pointers.map(|pointer| ("BAD_USER_INPUT", pointer)));
    let BatchResult::Refused { error } = &results[2] else { unreachable!() };
    assert!(error.detail.contains("did you mean TODO_CREATED?"), "{error:?}");
    assert_eq!(app.operator().list_events(&Default::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn an_id_that_comes_twice_in_a_batch_is_as_if_the_events_came_one_after_the_other() {
    let app = TestApp::start().await;
    app.operator().send_event_text(todo("before", "A")).await.unwrap();

    let text = [todo("before", "A"), todo("x", "A"), todo("x", "A"), todo("x", "B"), todo("before", "B")].join("\n");
    let results = results(&lines(&app, &text).await);

    assert_eq!([0, 1, 2].map(|at| accepted(&results[at])), [("before", true), ("x", false), ("x", true)]);
    assert_eq!([3, 4].map(|at| refused(&results[at]).0), ["CONFLICT", "CONFLICT"]);
    assert_eq!(app.operator().get_event("x").await.unwrap().current_value.get(), r#"{"title":"A"}"#);
}

#[tokio::test]
async fn a_batch_that_is_no_batch_is_refused_whole() {
    let app = TestApp::start().await;
    let user = member(&app.operator(), "u1").await;
    let code = async |token: &str, body: &str| -> Problem {
        Answer::of(with_body(&app, "POST", PATH, token, body)).await.problem()
    };

    for body in ["", "{}", "null", &format!("[{},", todo("a", "A")), &format!("[{}, {{broken]", todo("a", "A"))] {
        let problem = code(OPERATOR_TOKEN, body).await;
        assert_eq!((problem.status, problem.code.as_str()), (400, "BAD_USER_INPUT"), "{body}");
    }
    let many = format!("[{}]", vec!["{}"; 1_001].join(","));
    assert!(code(OPERATOR_TOKEN, &many).await.detail.contains("at most 1000 events"));
    assert_eq!(code(OPERATOR_TOKEN, &format!("[{}]", " ".repeat(8 << 20))).await.code, "PAYLOAD_TOO_LARGE");
    assert_eq!(code(&user, "[]").await.code, "UNAUTHORIZED");
    let untyped = request(&app, "POST", PATH, OPERATOR_TOKEN).body("[]");
    assert_eq!(Answer::of(untyped).await.problem().code, "UNSUPPORTED_MEDIA_TYPE");
    assert!(app.operator().list_events(&Default::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn the_id_that_a_route_has_is_no_events() {
    let app = TestApp::start().await;

    let refused = problem(app.operator().send_event_text(todo("batch", "A")).await);

    assert_eq!(refused.errors[0].pointer, "/id");
}

#[tokio::test]
async fn of_two_batches_at_once_each_event_is_accepted_once() {
    let app = TestApp::start().await;
    let events: Vec<NewEvent> = (0..200)
        .map(|number| NewEvent {
            id: Some(format!("e{number}")),
            current_value: Some(raw("1")),
            ..NewEvent::new("TODO_CREATED", PROJECT)
        })
        .collect();
    let backwards: Vec<NewEvent> = events.iter().rev().cloned().collect();
    let (one, other) = (app.operator(), app.operator());

    let (one, other) = tokio::join!(one.send_events(&events), other.send_events(&backwards));

    let new = |sent: BatchResults| sent.results.iter().filter(|result| !accepted(result).1).count();
    assert_eq!(new(one.unwrap()) + new(other.unwrap()), 200);
}
