//! Every bound of what may be sent: what is at the bound is taken, and one more is refused with a problem that
//! names the bound, on every route that takes the thing.

use hooksieve::model::limits::{
    BACKTEST_EVENTS_MAX, BATCH_BODY_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_TYPE_CHARS_MAX, EVENT_TYPE_EXAMPLE_BYTES_MAX,
    EVENT_TYPE_SCHEMA_BYTES_MAX, FILTER_CONFIG_BYTES_MAX, ID_CHARS_MAX, JSON_DEPTH_MAX, NAME_CHARS_MAX, PAGE_ITEMS_MAX,
    REQUEST_BODY_BYTES_MAX, REQUEST_HEADERS_BYTES_MAX, REQUEST_HEADERS_MAX, REQUEST_URL_BYTES_MAX, SECRET_BYTES_MAX,
    URL_CHARS_MAX, WEBHOOK_EVENTS_MAX, WEBHOOK_HEADER_VALUE_BYTES_MAX, WEBHOOK_HEADERS_MAX, WEBHOOK_PROJECTS_MAX,
};
use hooksieve::wire::Problem;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Answer, anonymous, request, with_body};
use crate::app::{OPERATOR_TOKEN, PROJECT, TestApp, member, webhook};
use crate::guests::HOSTILE;
use crate::isolation::rows::{Body, ROWS};

/// Bytes of an upload: enough for the bundled filters.
const MODULE_BYTES_MAX: usize = 1 << 18;

/// Somebody who can call every route there is, and things to call them with.
struct Scene {
    app: TestApp,
    user: String,
    webhook: String,
    filter: String,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start_with(|config| config.filter.module_bytes_max = MODULE_BYTES_MAX).await;
        let user = member(&app.operator(), "u1").await;
        let client = app.client(&user);
        let webhook = client.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap().id;
        let filter = client.upload_filter(&Default::default(), HOSTILE.to_vec()).await.unwrap().id;
        Self { app, user, webhook, filter }
    }

    /// The route as it can be called, and with whose token.
    fn call<'a>(&'a self, route: &'a str) -> (&'a str, String, &'a str) {
        let (method, path) = route.split_once(' ').unwrap();
        let id = match path.split('/').nth(2) {
            Some("webhooks" | "hooks") => &self.webhook,
            Some("filters") => &self.filter,
            _ => "u1",
        };
        let path = path.replace("{id}", id).replace("{userId}", "u1").replace("{name}", "A_TYPE");
        let is_users =
            ["/v1/webhooks", "/v1/hooks", "/v1/deliveries", "/v1/filters"].iter().any(|begin| path.starts_with(begin));
        (method, path, if is_users { &self.user } else { OPERATOR_TOKEN })
    }

    /// Sends this body to the route.
    async fn send(&self, route: &str, body: &str) -> Answer {
        let (method, path, token) = self.call(route);
        Answer::of(with_body(&self.app, method, &path, token, body)).await
    }

    async fn get(&self, route: &str, query: &str) -> Answer {
        let (method, path, token) = self.call(route);
        Answer::of(request(&self.app, method, &format!("{path}?{query}"), token)).await
    }

    /// Sends a head that nothing but this test has a hand in: `more` are its last lines.
    async fn head(&self, route: &str, query: &str, more: &str) -> (String, String) {
        let (method, path, token) = self.call(route);
        let base = self.app.url("");
        let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
        let head = format!("{method} {path}{query} HTTP/1.1\r\nauthorization: Bearer {token}\r\n{FIXED}{more}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        // A filter's bytes are no text.
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    }
}

/// The headers that every head of [`Scene::head`] has beside the token.
const FIXED: &str = "host: x\r\nconnection: close\r\n";
const FIXED_BYTES: usize = "host".len() + "x".len() + "connection".len() + "close".len() + "authorization".len();

fn assert_refused(answer: &Answer, status: u16, code: &str, bound: usize, case: &str) {
    let problem = answer.problem();
    assert_eq!((problem.status, problem.code.as_str()), (status, code), "{case}: {problem:?}");
    assert!(names(&problem, bound), "{case} does not name {bound}: {problem:?}");
}

fn names(problem: &Problem, bound: usize) -> bool {
    let mut told = problem.errors.iter().map(|violation| &violation.detail).chain([&problem.detail]);
    told.any(|text| text.split(|c: char| !c.is_ascii_digit()).any(|number| number == bound.to_string()))
}

/// A route, what it takes with something of this size in it, and how much that may be.
type Case = (&'static str, fn(usize, &Scene) -> String, usize);

fn text(length: usize) -> String {
    "x".repeat(length)
}

fn list(item: &str, count: usize) -> String {
    vec![format!("{item:?}"); count].join(",")
}

/// Arrays in arrays, so many deep.
fn deep(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

const NEW_WEBHOOK: &str = r#""url":"https://127.0.0.1:8443/""#;
const NEW_EVENT: &str = r#""event":"TODO_CREATED","projectId":"p""#;

/// An event type with this member, whose last text is so long that it has `length` bytes.
fn described(member: &str, json: &str, length: usize) -> String {
    let json = json.replace(r#""""#, &format!(r#""{}""#, text(length - json.len())));
    format!(r#"{{"description":"x","{member}":{json}}}"#)
}

const MEMBERS: &[Case] = &[
    ("PUT /v1/users/{id}", |n, _| format!(r#"{{"name":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PUT /v1/projects/{id}", |n, _| format!(r#"{{"name":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PUT /v1/projects/{id}", |n, _| format!(r#"{{"companyId":"{}"}}"#, text(n)), ID_CHARS_MAX),
    ("POST /v1/users/{id}/tokens", |n, _| format!(r#"{{"name":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PUT /v1/event-types/{name}", |n, _| format!(r#"{{"description":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PUT /v1/event-types/{name}", |n, _| format!(r#"{{"description":"x","group":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PUT /v1/event-types/{name}", |n, _| described("schema", r#"{"title":""}"#, n), EVENT_TYPE_SCHEMA_BYTES_MAX),
    (
        "PUT /v1/event-types/{name}",
        |n, _| described("example", r#"{"event":"A_TYPE","projectId":"p","currentValue":""}"#, n),
        EVENT_TYPE_EXAMPLE_BYTES_MAX,
    ),
    ("POST /v1/events/batch", |n, _| format!("[{}]", vec!["{}"; n].join(",")), BATCH_EVENTS_MAX),
    ("POST /v1/events", |n, _| format!(r#"{{{NEW_EVENT},"id":"{}"}}"#, text(n)), ID_CHARS_MAX),
    ("POST /v1/events", |n, _| format!(r#"{{"event":"TODO_CREATED","projectId":"{}"}}"#, text(n)), ID_CHARS_MAX),
    ("POST /v1/events", |n, _| format!(r#"{{{NEW_EVENT},"companyId":"{}"}}"#, text(n)), ID_CHARS_MAX),
    ("POST /v1/events", |n, _| format!(r#"{{{NEW_EVENT},"userId":"{}"}}"#, text(n)), ID_CHARS_MAX),
    // The event is the first level.
    ("POST /v1/events", |n, _| format!(r#"{{{NEW_EVENT},"currentValue":{}}}"#, deep(n - 1)), JSON_DEPTH_MAX),
    ("POST /v1/events", |n, _| format!(r#"{{{NEW_EVENT},"previousValue":{}}}"#, deep(n - 1)), JSON_DEPTH_MAX),
    ("POST /v1/webhooks", |n, _| format!(r#"{{{NEW_WEBHOOK},"name":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("PATCH /v1/webhooks/{id}", |n, _| format!(r#"{{"name":"{}"}}"#, text(n)), NAME_CHARS_MAX),
    ("POST /v1/webhooks", |n, _| format!(r#"{{"url":"{}"}}"#, url(n)), URL_CHARS_MAX),
    ("PATCH /v1/webhooks/{id}", |n, _| format!(r#"{{"url":"{}"}}"#, url(n)), URL_CHARS_MAX),
    ("POST /v1/webhooks", |n, _| format!(r#"{{{NEW_WEBHOOK},"secret":"{}"}}"#, text(n)), SECRET_BYTES_MAX),
    (
        "POST /v1/webhooks",
        |n, _| format!(r#"{{{NEW_WEBHOOK},"events":[{}]}}"#, list("TODO_CREATED", n)),
        WEBHOOK_EVENTS_MAX,
    ),
    ("PATCH /v1/webhooks/{id}", |n, _| format!(r#"{{"events":[{}]}}"#, list("TODO_CREATED", n)), WEBHOOK_EVENTS_MAX),
    (
        "POST /v1/webhooks",
        |n, _| format!(r#"{{{NEW_WEBHOOK},"projectIds":[{}]}}"#, list(PROJECT, n)),
        WEBHOOK_PROJECTS_MAX,
    ),
    ("PATCH /v1/webhooks/{id}", |n, _| format!(r#"{{"projectIds":[{}]}}"#, list(PROJECT, n)), WEBHOOK_PROJECTS_MAX),
    ("POST /v1/webhooks", |n, _| format!(r#"{{{NEW_WEBHOOK},"headers":{}}}"#, headers(n)), WEBHOOK_HEADERS_MAX),
    ("PATCH /v1/webhooks/{id}", |n, _| format!(r#"{{"headers":{}}}"#, headers(n)), WEBHOOK_HEADERS_MAX),
    (
        "POST /v1/webhooks",
        |n, _| format!(r#"{{{NEW_WEBHOOK},"headers":{{"x-a":"{}"}}}}"#, text(n)),
        WEBHOOK_HEADER_VALUE_BYTES_MAX,
    ),
    ("POST /v1/webhooks", |n, _| format!(r#"{{{NEW_WEBHOOK},"headers":{{"{}":"x"}}}}"#, text(n)), 64),
    (
        "POST /v1/webhooks",
        |n, scene| format!(r#"{{{NEW_WEBHOOK},"filter":{}}}"#, filter(n, scene)),
        FILTER_CONFIG_BYTES_MAX,
    ),
    ("PATCH /v1/webhooks/{id}", |n, scene| format!(r#"{{"filter":{}}}"#, filter(n, scene)), FILTER_CONFIG_BYTES_MAX),
    (
        "PATCH /v1/webhooks/{id}",
        |n, scene| format!(r#"{{"shadow":{{"filter":{}}}}}"#, filter(n, scene)),
        FILTER_CONFIG_BYTES_MAX,
    ),
    (
        "POST /v1/webhooks/{id}/backtest",
        |n, scene| format!(r#"{{"filter":{}}}"#, filter(n, scene)),
        FILTER_CONFIG_BYTES_MAX,
    ),
    (
        "POST /v1/webhooks/{id}/backtest",
        |n, _| format!(r#"{{"filter":{{"id":"done-records"}},"limit":{n}}}"#),
        BACKTEST_EVENTS_MAX as usize,
    ),
    (
        "POST /v1/filters/{id}/evaluate",
        |n, _| format!(r#"{{"event":{{{NEW_EVENT}}},"config":{}}}"#, config(n)),
        FILTER_CONFIG_BYTES_MAX,
    ),
    (
        "POST /v1/filters/{id}/evaluate",
        |n, _| {
            let event = format!(r#"{{{NEW_EVENT},"currentValue":{}}}"#, deep(n - 1));
            format!(r#"{{"config":{{"do":"deliver"}},"event":{event}}}"#)
        },
        JSON_DEPTH_MAX,
    ),
];

fn url(length: usize) -> String {
    let begin = "https://127.0.0.1:8443/";
    format!("{begin}{}", text(length - begin.len()))
}

fn headers(count: usize) -> String {
    let headers: Vec<_> = (0..count).map(|number| format!(r#""x-{number}":"x""#)).collect();
    format!("{{{}}}", headers.join(","))
}

/// A configuration of so many bytes, of which a filter sees few.
fn config(length: usize) -> String {
    let config = r#"{"do":"deliver"}"#;
    config.replace(':', &format!(":{}", " ".repeat(length - config.len())))
}

fn filter(length: usize, scene: &Scene) -> String {
    format!(r#"{{"id":"{}","config":{}}}"#, scene.filter, config(length))
}

#[tokio::test]
async fn a_member_at_its_bound_is_taken_and_one_more_is_refused_by_its_bound() {
    let scene = Scene::set().await;

    for (route, body, bound) in MEMBERS {
        let (at_bound, beyond) = (body(*bound, &scene), body(bound + 1, &scene));
        let shown = at_bound.chars().take(120).collect::<String>();
        let case = format!("{route} {shown}");

        let taken = scene.send(route, &at_bound).await;
        let refused = scene.send(route, &beyond).await;

        assert!((200..300).contains(&taken.status), "{case}: {taken:?}");
        assert_refused(&refused, 400, "BAD_USER_INPUT", *bound, &case);
    }
}

#[tokio::test]
async fn a_configuration_as_deep_as_it_may_be_reaches_its_filter_and_a_deeper_one_does_not() {
    let scene = Scene::set().await;
    let attach = |depth: usize| {
        let config = format!(r#"{{"do":"deliver","more":{}}}"#, deep(depth - 1));
        format!(r#"{{"filter":{{"id":"{}","config":{config}}}}}"#, scene.filter)
    };

    let reached = scene.send("PATCH /v1/webhooks/{id}", &attach(JSON_DEPTH_MAX)).await.problem();
    let refused = scene.send("PATCH /v1/webhooks/{id}", &attach(JSON_DEPTH_MAX + 1)).await;

    assert!(reached.detail.contains("the filter knows no such member"), "{reached:?}");
    assert_refused(&refused, 400, "BAD_USER_INPUT", JSON_DEPTH_MAX, "a deeper one");
}

#[tokio::test]
async fn a_name_in_a_path_or_query_at_its_bound_is_taken_and_one_more_is_refused() {
    let scene = Scene::set().await;

    for (method, begin, letter, bound) in [
        ("PUT", "/v1/users/", "x", ID_CHARS_MAX),
        ("PUT", "/v1/projects/", "x", ID_CHARS_MAX),
        ("PUT", "/v1/event-types/", "X", EVENT_TYPE_CHARS_MAX),
    ] {
        let call = |length: usize| {
            let body = if begin.contains("types") { r#"{"description":"x"}"# } else { "{}" };
            Answer::of(with_body(
                &scene.app,
                method,
                &format!("{begin}{}", letter.repeat(length)),
                OPERATOR_TOKEN,
                body,
            ))
        };

        assert_eq!(call(bound).await.status, 200, "{begin}");
        assert_refused(&call(bound + 1).await, 400, "BAD_USER_INPUT", bound, begin);
    }
    let upload = |length: usize| {
        let path = format!("/v1/filters?name={}", text(length));
        let request = request(&scene.app, "POST", &path, &scene.user).header("content-type", "application/wasm");
        Answer::of(request.body(HOSTILE))
    };
    assert_eq!(upload(NAME_CHARS_MAX).await.status, 201);
    assert_refused(&upload(NAME_CHARS_MAX + 1).await, 400, "BAD_USER_INPUT", NAME_CHARS_MAX, "upload");
}

#[tokio::test]
async fn a_page_at_its_bound_is_given_and_one_more_is_refused_on_every_list() {
    let scene = Scene::set().await;
    let bound = usize::try_from(PAGE_ITEMS_MAX).unwrap();

    let document = Answer::of(anonymous(&scene.app, "GET", "/openapi.json")).await;
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let has_pages = |operation: &Value| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "limit"))
    };
    let paths = document["paths"].as_object().unwrap().iter();
    let lists: Vec<_> =
        paths.filter(|(_, methods)| has_pages(&methods["get"])).map(|(path, _)| format!("GET {path}")).collect();

    assert!(lists.len() >= 4, "{lists:?}");
    for route in lists {
        assert_eq!(scene.get(&route, &format!("limit={bound}")).await.status, 200, "{route}");
        let refused = scene.get(&route, &format!("limit={}", bound + 1)).await;
        assert_refused(&refused, 400, "BAD_USER_INPUT", bound, &route);
    }
}

#[tokio::test]
async fn a_body_at_its_bound_is_read_and_one_byte_more_is_refused_on_every_route_that_takes_one() {
    let scene = Scene::set().await;
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));

    for route in ROWS.iter().filter(|row| matches!(row.body, Body::Json(_))).map(|row| row.route) {
        let bound = if route.ends_with("/batch") { BATCH_BODY_BYTES_MAX } else { REQUEST_BODY_BYTES_MAX };
        let read = scene.send(route, &padded(bound)).await;
        let refused = scene.send(route, &padded(bound + 1)).await;

        assert_ne!(read.status, 413, "{route}");
        assert_refused(&refused, 413, "PAYLOAD_TOO_LARGE", bound, route);
    }
    let upload = |wasm: Vec<u8>| {
        let request = request(&scene.app, "POST", "/v1/filters", &scene.user);
        Answer::of(request.header("content-type", "application/wasm").body(wasm))
    };
    // Nothing that could be compiled, but nothing that is too long.
    assert_eq!(upload(vec![0; MODULE_BYTES_MAX]).await.problem().code, "BAD_USER_INPUT");
    let refused = upload(vec![0; MODULE_BYTES_MAX + 1]).await;
    assert_refused(&refused, 413, "PAYLOAD_TOO_LARGE", MODULE_BYTES_MAX, "upload");
}

/// What a head came to, if the route could be called at all: never a refusal of the head.
fn assert_read(status: &str, route: &str) {
    assert!(!["414", "431"].contains(&status), "{route}: {status}");
}

fn assert_head_refused(answer: &(String, String), status: &str, code: &str, bound: usize, route: &str) {
    let (found, body) = answer;
    assert_eq!(found, status, "{route}");
    let problem: Problem = serde_json::from_str(body).unwrap_or_else(|error| panic!("{route}: {error}: {body}"));
    assert_eq!(problem.code, code, "{route}");
    assert!(names(&problem, bound), "{route}: {problem:?}");
}

#[tokio::test]
async fn a_head_at_its_bounds_is_read_and_a_longer_one_is_refused_on_every_route() {
    let scene = Scene::set().await;

    for route in ROWS.iter().map(|row| row.route).chain(["POST /graphql"]) {
        let (_, path, token) = scene.call(route);
        let query = |more: usize| format!("?{}", text(REQUEST_URL_BYTES_MAX - path.len() - 1 + more));
        let count =
            |more: usize| (0..REQUEST_HEADERS_MAX - 3 + more).map(|n| format!("x-{n}: x\r\n")).collect::<String>();
        let fixed = FIXED_BYTES + "Bearer ".len() + token.len() + "x-a".len();
        let bytes = |more: usize| format!("x-a: {}\r\n", text(REQUEST_HEADERS_BYTES_MAX - fixed + more));

        assert_read(&scene.head(route, &query(0), "").await.0, route);
        assert_head_refused(
            &scene.head(route, &query(1), "").await,
            "414",
            "URI_TOO_LONG",
            REQUEST_URL_BYTES_MAX,
            route,
        );
        assert_read(&scene.head(route, "", &count(0)).await.0, route);
        let refused = scene.head(route, "", &count(1)).await;
        assert_head_refused(&refused, "431", "HEADERS_TOO_LARGE", REQUEST_HEADERS_MAX, route);
        assert_read(&scene.head(route, "", &bytes(0)).await.0, route);
        let refused = scene.head(route, "", &bytes(1)).await;
        assert_head_refused(&refused, "431", "HEADERS_TOO_LARGE", REQUEST_HEADERS_BYTES_MAX, route);
    }
}
