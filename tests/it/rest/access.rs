//! Who may call what.

use hooksieve::wire::{CreateToken, NewWebhook, PageQuery};

use super::document::ROUTES;
use super::{Answer, anonymous, request, with_body};
use crate::app::{OPERATOR_TOKEN, TestApp, webhook};

/// The routes that need no token.
const OPEN: [&str; 2] = ["GET /healthz", "GET /readyz"];
/// The routes that only an operator may call.
const OPERATORS: [&str; 8] = [
    "POST /v1/events",
    "PUT /v1/event-types/{name}",
    "PUT /v1/users/{id}",
    "POST /v1/users/{id}/tokens",
    "DELETE /v1/tokens/{id}",
    "PUT /v1/projects/{id}",
    "PUT /v1/projects/{id}/members/{userId}",
    "DELETE /v1/projects/{id}/members/{userId}",
];
/// The routes of a caller's own webhooks: a user's, or the operator's.
const OWNERS: [&str; 9] = [
    "POST /v1/webhooks",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{id}",
    "PATCH /v1/webhooks/{id}",
    "POST /v1/webhooks/{id}/disable",
    "DELETE /v1/webhooks/{id}",
    "GET /v1/webhooks/{id}/deliveries",
    "GET /v1/webhooks/{id}/verdicts",
    "GET /v1/deliveries/{id}",
];

/// A body that each of these routes can read, so that only the token is wrong.
fn body(route: &str) -> &'static str {
    match route {
        "POST /v1/events" => r#"{"event":"TODO_CREATED","projectId":"p1"}"#,
        "PUT /v1/event-types/{name}" => r#"{"description":"Something happened"}"#,
        "POST /v1/webhooks" => r#"{"url":"https://example.com/"}"#,
        _ => "{}",
    }
}

fn split(route: &str) -> (&str, String) {
    let (method, path) = route.split_once(' ').unwrap();
    (method, path.replace("{id}", "x1").replace("{userId}", "u1").replace("{name}", "A_TYPE"))
}

/// A user's token.
async fn user_token(app: &TestApp) -> (String, String) {
    app.user("u1").await;
    let created = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    (created.id, created.token.expose().to_owned())
}

#[tokio::test]
async fn without_a_valid_token_every_route_answers_the_same() {
    let app = TestApp::start().await;
    let (id, revoked) = user_token(&app).await;
    app.operator().revoke_token(&id).await.unwrap();
    let secret = OPERATOR_TOKEN.strip_prefix("hs_operator_").unwrap();

    for route in ROUTES.into_iter().filter(|route| !OPEN.contains(route)) {
        let (method, path) = split(route);
        let expected = Answer::of(anonymous(&app, method, &path)).await;
        let problem = expected.problem();
        assert_eq!((problem.status, problem.code.as_str()), (401, "UNAUTHENTICATED"), "{route}");
        assert!(problem.detail.contains("Authorization: Bearer"), "{route}");
        for token in [&revoked, "hs_operator_wrong", "hs_nobody_0123456789abcdef0123456789abcdef", "nonsense"] {
            assert_eq!(Answer::of(request(&app, method, &path, token)).await, expected, "{route}");
        }
        let half = anonymous(&app, method, &path).header("x-bloo-token-secret", secret);
        assert_eq!(Answer::of(half).await, expected, "{route}");
    }
}

#[tokio::test]
async fn health_needs_no_token() {
    let app = TestApp::start().await;

    for route in OPEN {
        let (method, path) = split(route);
        let answer = Answer::of(anonymous(&app, method, &path)).await;

        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#), "{route}");
    }
}

#[tokio::test]
async fn an_operators_route_refuses_a_user() {
    let app = TestApp::start().await;
    let (_, user) = user_token(&app).await;

    for route in OPERATORS {
        let (method, path) = split(route);
        let problem = Answer::of(with_body(&app, method, &path, &user, body(route))).await.problem();

        assert_eq!((problem.status, problem.code.as_str()), (403, "UNAUTHORIZED"), "{route}: {problem:?}");
        assert!(problem.detail.contains("operator"), "{route}: {problem:?}");
    }
}

#[tokio::test]
async fn on_the_routes_of_webhooks_an_operator_and_a_user_each_have_their_own() {
    let app = TestApp::start().await;
    let (_, user) = user_token(&app).await;
    let users = app.client(&user).create_webhook(&webhook("https://example.com/")).await.unwrap();
    let new = NewWebhook { events: Vec::new(), ..webhook("https://example.com/") };
    let operators = app.operator().create_webhook(&new).await.unwrap();

    for route in OWNERS.into_iter().filter(|route| route.contains("{id}")) {
        let (method, path) = split(route);
        let ask = |id: &str, token| Answer::of(with_body(&app, method, &path.replace("x1", id), token, body(route)));

        // A delivery's id stands for one of neither.
        let missing = ask("x1", &user).await;
        assert_eq!(missing.status, 404, "{route}");
        assert_eq!(ask(&operators.id, &user).await, missing, "{route}");
        assert_eq!(ask(&users.id, OPERATOR_TOKEN).await, missing, "{route}");
    }
    let of = async |client: hooksieve::client::Client| {
        let page = client.list_webhooks(&PageQuery::default()).await.unwrap();
        page.items.into_iter().map(|webhook| webhook.id).collect::<Vec<_>>()
    };
    assert_eq!(of(app.client(&user)).await, [users.id]);
    assert_eq!(of(app.operator()).await, [operators.id]);
}

#[tokio::test]
async fn blues_header_pair_is_a_token_too() {
    let app = TestApp::start().await;
    let (id, token) = user_token(&app).await;
    let secret = token.rsplit('_').next().unwrap();

    let pair = |secret: &str| {
        let request = anonymous(&app, "GET", "/v1/webhooks").header("X-Bloo-Token-ID", &id);
        Answer::of(request.header("X-Bloo-Token-Secret", secret))
    };

    assert_eq!(pair(secret).await.status, 200);
    assert_eq!(pair("wrong").await.problem().code, "UNAUTHENTICATED");
}
