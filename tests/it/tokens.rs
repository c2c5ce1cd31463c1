//! Tokens: what they open and for how long, how often they may be used, and that slow clients cost others nothing.

use std::time::Duration;

use futures_util::future::join_all;
use hooksieve::config::LimitsConfig;
use hooksieve::wire::{CreateToken, Problem};
use reqwest::Response;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{OPERATOR_TOKEN, TestApp, problem};
use crate::process::{Process, command, printed, serve};

/// How long anything here may take that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(20);
const OTHER_OPERATOR: &str = "hs_other_89abcdef0123456789abcdef01234567";

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// The next answer on a connection that goes on: its status and its body.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length =
        head.split("content-length: ").nth(1).map_or(0, |rest| rest.split('\r').next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
}

async fn ask(stream: &mut TcpStream, path: &str, token: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

#[tokio::test]
async fn a_revoked_token_ends_on_a_connection_that_goes_on() {
    let app = TestApp::start().await;
    app.user("u1").await;
    let token = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    let mut stream = connect(&app.url("")).await;

    let before = ask(&mut stream, "/v1/webhooks", token.token.expose()).await;
    app.operator().revoke_token(&token.id).await.unwrap();
    let after = ask(&mut stream, "/v1/webhooks", token.token.expose()).await;

    assert_eq!((before.0, after.0), (200, 401), "{after:?}");
}

#[tokio::test]
async fn a_request_under_way_ends_though_its_token_is_revoked_and_the_next_is_refused() {
    let app = TestApp::start().await;
    app.user("u1").await;
    let token = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    let mut stream = connect(&app.url("")).await;
    let body = r#"{"url":"https://127.0.0.1:8443/"}"#;
    let head = format!(
        "POST /v1/webhooks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        token.token.expose(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It asks for the body once the token was found valid.
    assert_eq!(answer(&mut stream).await.0, 100);

    app.operator().revoke_token(&token.id).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let under_way = answer(&mut stream).await;
    let next = ask(&mut stream, "/v1/webhooks", token.token.expose()).await;

    assert_eq!((under_way.0, next.0), (201, 401), "{under_way:?}");
}

#[tokio::test]
async fn the_last_operator_token_stays_until_there_is_another() {
    let data = TempDir::new().unwrap();
    let process = Process::start(data.path(), &[]).await;

    let kept = problem(process.operator().revoke_token("operator").await);
    assert_eq!((kept.status, kept.code.as_str()), (409, "CONFLICT"));
    assert!(
        kept.detail.contains("last operator token") && kept.detail.contains("HOOKSIEVE_OPERATOR_TOKEN"),
        "{kept:?}"
    );
    process.operator().list_event_types().await.unwrap();
    assert!(process.terminate().await.0.success());

    let process = Process::start_command(serve(data.path(), &[]).env("HOOKSIEVE_OPERATOR_TOKEN", OTHER_OPERATOR)).await;
    let other = process.client(OTHER_OPERATOR);
    let settings = [("HOOKSIEVE_URL", process.url()), ("HOOKSIEVE_TOKEN", OTHER_OPERATOR)];
    // The whole token, as somebody would paste it: only its id is sent and printed.
    let revoked = command(&settings).args(["token", "revoke", OPERATOR_TOKEN]).output().await.unwrap();
    assert_eq!(printed(&revoked), ("token operator is revoked\n".to_owned(), String::new()));
    assert_eq!(problem(process.operator().list_event_types().await).status, 401);
    assert_eq!(problem(other.revoke_token("other").await).code, "CONFLICT");

    let refused = command(&settings).args(["token", "revoke", "other"]).output().await.unwrap();
    let (_, told) = printed(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(told.starts_with("error: this is the last operator token"), "{told}");
}

#[tokio::test]
async fn a_users_token_opens_nothing_by_another_name() {
    let app = TestApp::start().await;
    app.user("u1").await;
    app.user("u2").await;
    let made = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    let other = app.operator().create_token("u2", &CreateToken::default()).await.unwrap();
    let user = app.client(made.token.expose());
    let secret = made.token.expose().rsplit('_').next().unwrap();

    for refused in [
        problem(user.create_token("u1", &CreateToken::default()).await),
        problem(user.create_token("u2", &CreateToken::default()).await),
        problem(user.revoke_token(&other.id).await),
        problem(user.revoke_token("operator").await),
        problem(user.put_user("u1", &Default::default()).await),
        problem(user.get_metrics().await),
    ] {
        assert_eq!((refused.status, refused.code.as_str()), (403, "UNAUTHORIZED"), "{refused:?}");
    }
    for forged in [
        format!("hs_operator_{secret}"),
        format!("hs_{}_{secret}", other.id),
        format!("hs_{}_{secret}x", made.id),
        format!("hs_{}_{}", made.id, &secret[1..]),
        format!("hs_{}_{}", made.id, secret.to_uppercase()),
        format!("hs_{}\u{0}_{secret}", made.id).replace('\u{0}', "%00"),
    ] {
        assert_eq!(problem(app.client(&forged).list_webhooks(&Default::default()).await).status, 401, "{forged}");
    }
}

async fn statuses(requests: impl IntoIterator<Item = reqwest::RequestBuilder>) -> Vec<Response> {
    join_all(requests.into_iter().map(async |request| request.send().await.unwrap())).await
}

fn count(responses: &[Response], status: u16) -> usize {
    responses.iter().filter(|response| response.status() == status).count()
}

/// A host that lets one request a second through, of each token and of each address.
async fn strict() -> TestApp {
    TestApp::start_with(|config| {
        config.limits = LimitsConfig {
            requests_per_second: 1,
            operator_requests_per_second: 0,
            failed_authentications_per_second: 1,
            burst_secs: 1,
        };
    })
    .await
}

#[tokio::test]
async fn a_token_that_is_used_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let app = strict().await;
    app.user("u1").await;
    let token = app.operator().create_token("u1", &CreateToken::default()).await.unwrap().token;
    let other = app.operator().create_token("u1", &CreateToken::default()).await.unwrap().token;
    let http = crate::app::http();

    let many = (0..50).map(|_| http.get(app.url("/v1/webhooks")).bearer_auth(token.expose()));
    let mut answers = statuses(many).await;

    assert_eq!(count(&answers, 200) + count(&answers, 429), 50);
    assert!(count(&answers, 200) >= 1 && count(&answers, 429) >= 10, "{} were refused", count(&answers, 429));
    let place = answers.iter().position(|response| response.status() == 429).unwrap();
    let refused = answers.swap_remove(place);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Problem = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert_eq!(problem.code, "RATE_LIMITED");
    assert!(problem.detail.contains("try again in 1 s"), "{problem:?}");
    app.client(other.expose()).list_webhooks(&Default::default()).await.unwrap();
    for _ in 0..50 {
        app.operator().list_event_types().await.unwrap();
    }
    let url = app.url("");
    let settings = [("HOOKSIEVE_URL", url.as_str()), ("HOOKSIEVE_TOKEN", token.expose())];
    let mut told = String::new();
    // Until one comes within the same second as the one before.
    while told.is_empty() {
        let runs = (0..4).map(|_| command(&settings).args(["webhook", "list"]).output());
        let refused = join_all(runs).await.into_iter().map(Result::unwrap).find(|output| !output.status.success());
        told = refused.map_or(String::new(), |output| printed(&output).1);
    }
    assert!(told.contains("too many requests; try again in 1 s\nhint: call less often"), "{told}");
}

#[tokio::test]
async fn an_address_that_fails_too_often_waits_but_not_who_called_rightly_from_it() {
    let app = strict().await;
    let known = app.operator();
    known.list_event_types().await.unwrap();
    let http = crate::app::http();

    let guesses = (0..50).map(|n| http.get(app.url("/v1/event-types")).bearer_auth(format!("hs_operator{n}_guess")));
    let answers = statuses(guesses).await;
    let none = (0..20).map(|_| http.get(app.url("/v1/event-types")));
    let anonymous = statuses(none).await;

    assert_eq!(count(&answers, 401) + count(&answers, 429), 50);
    assert!(count(&answers, 401) >= 1 && count(&answers, 429) >= 10, "{} were refused", count(&answers, 429));
    assert!(count(&anonymous, 429) >= 5);
    known.list_event_types().await.unwrap();
    assert_eq!(http.get(app.url("/healthz")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn asking_whether_the_host_is_ready_does_not_write_each_time() {
    let app = TestApp::start().await;
    let writes = async || {
        let metrics = app.operator().get_metrics().await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix("hooksieve_commit_writes_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = writes().await;

    let anyone = app.operator();
    let asking = (0..200).map(|_| anyone.get_readiness());
    assert!(join_all(asking).await.into_iter().all(|answer| answer.is_ok()));

    // One a second: far fewer, however slow the machine.
    assert!(writes().await - before < 100);
}

#[tokio::test]
async fn clients_that_say_nothing_hold_nobody_up() {
    let app = TestApp::start().await;
    let mut slow = Vec::new();
    for number in 0..300 {
        let mut stream = connect(&app.url("")).await;
        let begin = [
            "",
            "GET /v1/event-types HTTP/1.1\r\nauthor",
            "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n",
        ];
        stream.write_all(begin[number % 3].as_bytes()).await.unwrap();
        slow.push(stream);
    }

    let answered = tokio::time::timeout(PATIENCE, app.operator().list_event_types()).await;

    assert!(!answered.expect("it is answered in time").unwrap().items.is_empty());
}

#[tokio::test]
async fn a_head_that_is_longer_than_any_buffer_is_refused_all_the_same() {
    let app = TestApp::start().await;
    let mut stream = connect(&app.url("")).await;
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}", "x".repeat(80 << 10));
    // It may close before all of it is written.
    drop(stream.write_all(head.as_bytes()).await);

    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();

    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 431");
}
