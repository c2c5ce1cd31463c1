//! A host's life with all the secrets that there are: used rightly, used wrongly, replaced, revoked, backed up.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{PROJECT, created, marked};
use crate::guests::HOSTILE;
use crate::process::{Process, command, serve};
use crate::receiver::{Answer, Receiver};

/// Everything that an encoding has to change.
pub const CHOSEN_SECRET: &str = "chosen p@ss/wörd+\"quoted\"=\\~%20&€";
const OPERATOR: &str = "hs_first_f6c1b0e2a94d4b7f8d35e07a61c29b84f6c1";
const SECOND_OPERATOR: &str = "hs_second_0d9ab3c7715e4f20b86c1d42e953fa070d9a";
const METRICS_TOKEN: &str = "mt-4e1f9a7c53b24d0c8e6fb1a2d3c47590";
/// What the user's endpoints ask for.
const API_KEY: &str = "key of the endpoint: 77c1/Q+z=\"x\"";
const BASIC: &str = "Basic aG9va3NpZXZlOmNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";
/// A name that is no secret, to show that what is there is found.
const WEBHOOK_NAME: &str = "a name that is no secret";

/// What was lived, and what came of it.
pub struct Life {
    /// Each with its name.
    pub secrets: Vec<(&'static str, String)>,
    folder: TempDir,
}

/// A host that is alive.
struct Host<'a> {
    process: Process,
    answers: &'a mut File,
}

impl Life {
    pub async fn live() -> Self {
        let (folder, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
        let mut answers = File::create(folder.path().join("answers")).unwrap();
        let mut secrets = vec![
            ("first operator's token", secret_of(OPERATOR)),
            ("second operator's token", secret_of(SECOND_OPERATOR)),
            ("metrics token", METRICS_TOKEN.to_owned()),
            ("chosen secret", CHOSEN_SECRET.to_owned()),
            ("endpoint's key", API_KEY.to_owned()),
            ("endpoint's password", BASIC.to_owned()),
        ];

        let mut host = Host { process: start(folder.path(), OPERATOR, "text").await, answers: &mut answers };
        // Sets up TLS for all HTTP clients of this process.
        drop(host.process.client(OPERATOR));
        let users = people(&mut host, &mut secrets).await;
        let webhooks = webhooks(&mut host, &receiver, &users, &mut secrets).await;
        traffic(&mut host, &receiver).await;
        mistakes(&mut host, &users, &webhooks, &secrets).await;
        backup(folder.path(), &mut host).await;
        let Host { process, .. } = host;
        assert!(process.terminate().await.0.success());

        // Another operator takes over; the first one's token ends.
        let mut host = Host { process: start(folder.path(), SECOND_OPERATOR, "json").await, answers: &mut answers };
        host.call(Method::DELETE, "/v1/tokens/first", SECOND_OPERATOR, None, 204).await;
        host.call(Method::GET, "/v1/event-types", OPERATOR, None, 401).await;
        traffic_again(&mut host, &receiver).await;
        keep_the_moment(folder.path());
        host.process.kill().await;
        Self { secrets, folder }
    }

    /// Where everything lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// That the search had something to find: the log its finest level, the database, its log and the backup what
    /// is in plain text beside the secrets.
    pub fn assert_that_it_was_lived(&self) {
        let read = |name: &str| fs::read(self.folder().join(name)).unwrap();
        let has = |hay: &[u8], needle: &str| hay.windows(needle.len()).any(|window| window == needle.as_bytes());
        let log = read("log");
        assert!(
            has(&log, "TRACE") && has(&log, "DEBUG") && has(&log, "/v1/webhooks/{id}"),
            "the log is not of level trace"
        );
        for file in ["data/hooksieve.db", "backup.db"] {
            assert!(has(&read(file), WEBHOOK_NAME), "the webhook is not in {file}");
        }
        assert!(has(&read("backup.db"), "[redacted]"), "no endpoint repeated what it was sent");
        assert!(has(&read("moment/hooksieve.db-wal"), "late-event"), "the last event is not in the write-ahead log");
        assert!(has(&read("answers"), "hooksieve_attempts_total") && has(&read("answers"), "openapi"));
    }
}

/// The part of a token that nobody else knows.
fn secret_of(token: &str) -> String {
    token.splitn(3, '_').nth(2).unwrap().to_owned()
}

async fn start(folder: &Path, operator: &str, format: &str) -> Process {
    let log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = serve(&folder.join("data"), &[("HOOKSIEVE_METRICS_TOKEN", METRICS_TOKEN)]);
    command.env("HOOKSIEVE_OPERATOR_TOKEN", operator).env("HOOKSIEVE_LOG_LEVEL", "trace");
    command.env("HOOKSIEVE_LOG_FORMAT", format).env("HOOKSIEVE_DELIVERY_RETRY_DELAYS_SECS", "0,0");
    // The mistakes come faster than an address may make them.
    command.env("HOOKSIEVE_LIMITS_FAILED_AUTHENTICATIONS_PER_SECOND", "0");
    Process::start_command(command.stderr(Stdio::from(log))).await
}

impl Host<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = crate::app::http();
        client.request(method, format!("{}{path}", self.process.url()))
    }

    /// Calls, keeps the answer for the search unless it shows a secret, and takes it as JSON.
    async fn call(&mut self, method: Method, path: &str, token: &str, body: Option<Value>, status: u16) -> Value {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request, status, true).await
    }

    /// The same for the few calls that show a secret, once.
    async fn told(&mut self, path: &str, token: &str, body: Value, status: u16) -> Value {
        let request = self.request(Method::POST, path).bearer_auth(token).json(&body);
        self.send(request, status, false).await
    }

    async fn send(&mut self, request: RequestBuilder, status: u16, is_kept: bool) -> Value {
        let response = request.send().await.unwrap();
        let (found, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
        let body = response.bytes().await.unwrap();
        assert_eq!(found, status, "{}", String::from_utf8_lossy(&body));
        if is_kept {
            writeln!(self.answers, "{found} {headers}").unwrap();
            self.answers.write_all(&body).unwrap();
        }
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }
}

/// Two users: the token of the one, and that of the other, which is revoked.
async fn people(host: &mut Host<'_>, secrets: &mut Vec<(&'static str, String)>) -> [String; 2] {
    host.call(Method::PUT, &format!("/v1/projects/{PROJECT}"), OPERATOR, Some(json!({})), 200).await;
    let mut tokens = Vec::new();
    for (user, name) in [("u1", "user's token"), ("u2", "revoked token")] {
        host.call(Method::PUT, &format!("/v1/users/{user}"), OPERATOR, Some(json!({})), 200).await;
        host.call(Method::PUT, &format!("/v1/projects/{PROJECT}/members/{user}"), OPERATOR, None, 204).await;
        let made = host.told(&format!("/v1/users/{user}/tokens"), OPERATOR, json!({ "name": "laptop" }), 201).await;
        let token = made["token"].as_str().unwrap().to_owned();
        secrets.push((name, secret_of(&token)));
        tokens.push((made["id"].as_str().unwrap().to_owned(), token));
    }
    let [(_, one), (id, revoked)] = <[(String, String); 2]>::try_from(tokens).unwrap();
    host.call(Method::GET, "/v1/webhooks", &revoked, None, 200).await;
    host.call(Method::DELETE, &format!("/v1/tokens/{id}"), OPERATOR, None, 204).await;
    host.call(Method::GET, "/v1/webhooks", &revoked, None, 401).await;
    [one, revoked]
}

/// Webhooks with secrets of every kind; those that answer and those that fail in every way.
async fn webhooks(
    host: &mut Host<'_>,
    receiver: &Receiver,
    [user, _]: &[String; 2],
    secrets: &mut Vec<(&'static str, String)>,
) -> Vec<String> {
    // Many endpoints repeat what they were sent.
    let repeated = json!({ "error": "no", "headers": { "x-api-key": API_KEY, "authorization": BASIC } }).to_string();
    receiver.always("/fails", Answer::status(500).body(&repeated));
    receiver.always("/moved", Answer::status(302).header("location", "/elsewhere"));
    let tls = receiver.url("/tls").replace("http:", "https:");
    // Free again at once, with nobody behind it.
    let closed = format!("http://{}/", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let events = ["TODO_CREATED", "TODO_DONE_STATUS_UPDATED"];
    let headers = json!({ "X-Api-Key": API_KEY, "Authorization": BASIC });
    let mut ids = Vec::new();
    for (name, url, secret) in [
        ("generated secret", receiver.url("/good"), None),
        ("chosen", receiver.url("/fails"), Some(CHOSEN_SECRET)),
        ("generated secret of another", receiver.url("/moved"), None),
        ("secret of one that cannot be reached", closed, None),
        ("secret of one with broken TLS", tls, None),
        ("secret of one that does not resolve", "http://name.that.does.not.exist.example/".to_owned(), None),
    ] {
        let new = json!({ "name": WEBHOOK_NAME, "url": url, "events": events, "secret": secret, "headers": headers });
        let made = host.told("/v1/webhooks", user, new, 201).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
        if secret.is_none() {
            secrets.push((name, made["secret"].as_str().unwrap().to_owned()));
        }
    }
    let (good, fails) = (ids[0].clone(), ids[1].clone());
    // Generated, chosen, and chosen as a standard key: the former ones go on signing.
    let rotated = host.told(&format!("/v1/webhooks/{good}/rotate-secret"), user, json!({}), 200).await;
    secrets.push(("rotated secret", rotated["secret"].as_str().unwrap().to_owned()));
    let standard = "whsec_Kx9mQ2v7TzB4nR6wYp1sLd8fHg3jVc5a";
    for chosen in ["chosen at a rotation, and long", standard] {
        host.told(&format!("/v1/webhooks/{fails}/rotate-secret"), user, json!({ "secret": chosen }), 200).await;
    }
    secrets.push(("secret chosen at a rotation", "chosen at a rotation, and long".to_owned()));
    secrets.push(("standard secret chosen at a rotation", standard.to_owned()));
    let other_key = "another key of the endpoint, 9f/E+w=";
    let patch = json!({ "headers": { "X-Api-Key": other_key }, "filter": { "id": "done-records" } });
    host.call(Method::PATCH, &format!("/v1/webhooks/{good}"), user, Some(patch), 200).await;
    secrets.push(("endpoint's other key", other_key.to_owned()));
    let upload = host.request(Method::POST, "/v1/filters?name=mine").bearer_auth(user);
    host.send(upload.header("content-type", "application/wasm").body(HOSTILE), 201, true).await;
    ids
}

/// Deliveries, successful and failing until they are given up.
async fn traffic(host: &mut Host<'_>, receiver: &Receiver) {
    let operator = host.process.client(OPERATOR);
    for number in 0..5 {
        operator.send_event(&created(&format!("created-{number}"))).await.unwrap();
        operator.send_event(&marked(&format!("marked-{number}"), number % 2 == 0)).await.unwrap();
    }
    receiver.wait_for("/good", 3).await;
    // One of each is enough to be written down; more are held back soon.
    receiver.wait_for("/fails", 1).await;
    receiver.wait_for("/moved", 1).await;
}

async fn traffic_again(host: &mut Host<'_>, receiver: &Receiver) {
    let before = receiver.on("/good").len();
    host.process.client(SECOND_OPERATOR).send_event(&marked("late-event", true)).await.unwrap();
    receiver.wait_for("/good", before + 1).await;
}

/// Secrets and tokens where they do not belong, and everything that there is to read.
async fn mistakes(
    host: &mut Host<'_>,
    [user, revoked]: &[String; 2],
    ids: &[String],
    secrets: &[(&'static str, String)],
) {
    let webhook = format!("/v1/webhooks/{}", ids[0]);
    for (_, secret) in secrets {
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in ["/v1/webhooks?token=", "/v1/webhooks?limit=", "/v1/webhooks?cursor=", "/v1/webhooks?", "/nowhere/"]
        {
            let request = host.request(Method::GET, &format!("{path}{escaped}")).bearer_auth(user);
            let status = if path == "/nowhere/" { 404 } else { 400 };
            host.send(request, status, true).await;
        }
        for (path, token) in [("/v1/tokens/", OPERATOR), ("/v1/webhooks/", user.as_str())] {
            let request = host.request(Method::DELETE, &format!("{path}{escaped}")).bearer_auth(token);
            host.send(request, 404, true).await;
        }
        let quoted = serde_json::to_string(secret).unwrap();
        for body in [
            format!("{{\"url\":\"https://example.com/\",\"secret\":{quoted}"),
            format!("{{\"url\":\"https://example.com/\",\"secret\":[{quoted}]}}"),
            format!("{{\"url\":\"https://example.com/\",\"headers\":{quoted}}}"),
            format!("{{\"url\":\"https://example.com/\",\"enabled\":{quoted}}}"),
            format!("{{\"url\":\"https://example.com/\",\"events\":[{quoted}]}}"),
            format!("{{\"url\":\"https://example.com/\",\"payloadFormat\":{quoted}}}"),
            format!("{{\"url\":{quoted}}}"),
            format!("{{\"url\":\"https://example.com/\",{quoted}:1}}"),
            format!("{{\"url\":\"https://example.com/\",\"headers\":{{\"Host\":{quoted}}}}}"),
            format!("{{\"url\":\"https://example.com/\",\"filter\":{{\"id\":{quoted}}}}}"),
            quoted.clone(),
            secret.clone(),
        ] {
            let request = host.request(Method::POST, "/v1/webhooks").bearer_auth(user);
            host.send(request.header("content-type", "application/json").body(body), 400, true).await;
        }
        let typed = host.request(Method::POST, "/v1/webhooks").bearer_auth(user);
        host.send(typed.header("content-type", "text/plain").body(secret.clone()), 415, true).await;
        // As a token, wholly and in parts; what HTTP cannot carry cannot be sent either.
        for token in [secret.clone(), format!("hs_first_{secret}x"), format!("hs_{secret}_x")] {
            if token.is_ascii() {
                let request =
                    host.request(Method::GET, "/v1/webhooks").header("authorization", format!("Bearer {token}"));
                host.send(request, 401, true).await;
                let pair = host.request(Method::GET, "/v1/webhooks").header("x-bloo-token-id", &token);
                host.send(pair.header("x-bloo-token-secret", &token), 401, true).await;
            }
        }
    }
    for token in [revoked.as_str(), METRICS_TOKEN] {
        host.call(Method::GET, &webhook, token, None, 401).await;
    }
    let all = serde_json::json!({ "only": "all", "since": "2000-01-01T00:00:00Z" });
    host.call(Method::POST, &format!("{webhook}/replay"), user, Some(all), 202).await;
    for path in ["", "/deliveries", "/verdicts", "/replays"] {
        host.call(Method::GET, &format!("{webhook}{path}"), user, None, 200).await;
    }
    for id in ids {
        let deliveries = host.call(Method::GET, &format!("/v1/webhooks/{id}/deliveries"), user, None, 200).await;
        let delivery = deliveries["items"][0]["id"].as_str().map(str::to_owned);
        if let Some(delivery) = delivery {
            host.call(Method::GET, &format!("/v1/deliveries/{delivery}"), user, None, 200).await;
        }
    }
    for path in ["/v1/webhooks", "/v1/filters", "/v1/event-types", "/openapi.json", "/v1/events/created-1/verdicts"] {
        host.call(Method::GET, path, user, None, 200).await;
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        host.call(Method::GET, path, METRICS_TOKEN, None, 200).await;
    }
}

/// A backup while the host runs, and the command line's own words on wrong tokens.
async fn backup(folder: &Path, host: &mut Host<'_>) {
    let (data, copy) = (folder.join("data"), folder.join("backup.db"));
    let made = command(&[]).arg("backup").arg(&copy).arg("--data").arg(&data).output().await.unwrap();
    assert!(made.status.success(), "{made:?}");
    let url = host.process.url().to_owned();
    let wrong = format!("{OPERATOR}x");
    let settings = [("HOOKSIEVE_URL", url.as_str()), ("HOOKSIEVE_TOKEN", wrong.as_str())];
    let refused = command(&settings).args(["webhook", "list"]).output().await.unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    for output in [made, refused] {
        host.answers.write_all(&output.stdout).unwrap();
        host.answers.write_all(&output.stderr).unwrap();
    }
}

/// The files of the database as they are while the host runs, since a clean end takes some of them away.
fn keep_the_moment(folder: &Path) {
    let moment = folder.join("moment");
    fs::create_dir(&moment).unwrap();
    for name in ["hooksieve.db", "hooksieve.db-wal", "hooksieve.db-shm"] {
        fs::copy(folder.join("data").join(name), moment.join(name)).unwrap();
    }
}
