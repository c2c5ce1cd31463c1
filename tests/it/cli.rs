//! The program as its users run it.

use std::fs;

use hooksieve::client::Client;
use hooksieve::wire::NewWebhook;
use serde_json::Value;
use tempfile::TempDir;

use crate::app::{OPERATOR_TOKEN, TestApp, created, filtered, member, webhook};
use crate::process::{command, printed};
use crate::receiver::{Answer, Receiver};

/// What the program prints, and its exit code.
async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    run_with(&[], arguments).await
}

/// The same with these variables in its environment.
async fn run_with(settings: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(settings).args(arguments).output().await.unwrap();
    let (out, err) = printed(&output);
    (output.status.code(), out, err)
}

#[tokio::test]
async fn the_demo_holds_and_says_so_in_its_last_line() {
    let (code, out, err) = run(&["demo"]).await;

    assert_eq!(code, Some(0), "{out}\n{err}");
    let last = out.lines().last().unwrap();
    assert_eq!(last, "demo: 12 delivered, 12 filtered, 0 failed, signatures verified");
}

#[tokio::test]
async fn check_url_prints_a_verdict_and_a_reason_for_each_url() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table");
    fs::write(&table, "example.com 93.184.216.34\nrebind.example 93.184.216.34 10.0.0.1\n").unwrap();
    let table = table.to_str().unwrap();

    let (code, out, err) = run(&[
        "check-url",
        "--resolver-table",
        table,
        "https://example.com/hook",
        "https://rebind.example/",
        "http://169.254.169.254/",
        "ftp://example.com/",
    ])
    .await;

    assert_eq!(code, Some(1), "{err}");
    let verdicts: Vec<(&str, &str)> = out.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(
        verdicts.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>(),
        ["allow", "private", "private", "invalid"]
    );
    assert!(verdicts.iter().all(|(_, rest)| rest.split_once('\t').is_some_and(|(_, why)| !why.is_empty())), "{out}");
}

#[tokio::test]
async fn verify_takes_a_real_delivery_and_refuses_a_changed_one() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let secret = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap().secret.unwrap();
    app.send(&created("e1")).await;
    let received = receiver.only("/a");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("body");
    let headers = ["x-signature", "webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| format!("{name}: {}", received.header(name)));

    let verify = async |body: &str| {
        fs::write(&file, body).unwrap();
        let mut arguments = vec!["verify", "--secret", secret.expose(), "--tolerance", "0"];
        headers.iter().for_each(|header| arguments.extend(["--header", header]));
        arguments.push(file.to_str().unwrap());
        run(&arguments).await
    };

    assert_eq!(verify(&received.body).await.0, Some(0));
    assert_eq!(verify(&format!("{} ", received.body)).await.0, Some(1));
}

#[tokio::test]
async fn misuse_and_refusal_have_their_own_exit_codes_and_a_remedy() {
    let (misused, _, told) = run(&["webhook", "frobnicate"]).await;
    let nobody = [("HOOKSIEVE_URL", "http://127.0.0.1:1"), ("HOOKSIEVE_TOKEN", "hs_a_b")];
    let (refused, _, unreachable) = run_with(&nobody, &["webhook", "list"]).await;

    assert_eq!(misused, Some(2), "{told}");
    assert_eq!(refused, Some(1), "{unreachable}");
    assert!(unreachable.contains("is `hooksieve serve` running there?"), "{unreachable}");
}

/// A host whose loops run by themselves, and what the environment of one of its users says.
async fn running() -> (TestApp, Client, [(&'static str, String); 2]) {
    let app = TestApp::start_running().await;
    let token = member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let settings = [("HOOKSIEVE_URL", app.url("")), ("HOOKSIEVE_TOKEN", token)];
    (app, user, settings)
}

#[tokio::test]
async fn webhook_test_waits_for_the_outcome_and_exits_by_whether_the_test_arrived() {
    let (_app, user, settings) = running().await;
    let receiver = Receiver::start().await;
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let registered = async |new: &NewWebhook| user.create_webhook(new).await.unwrap().id;
    let config = r#"{"pointer":"/currentValue/title","operator":"eq","value":"another"}"#;
    let arrives = registered(&webhook(&receiver.url("/a"))).await;
    let kept_back = registered(&filtered(&receiver.url("/b"), "field-match", Some(config))).await;
    let fails = registered(&webhook(&receiver.url("/c"))).await;
    let hangs = registered(&webhook(&receiver.url("/d"))).await;
    receiver.always("/c", Answer::status(500));
    receiver.always("/d", Answer::held());

    let arrived = run_with(&settings, &["webhook", "test", &arrives]).await;
    let json = run_with(&settings, &["--json", "webhook", "test", &arrives, "--event", "COMMENT_CREATED"]).await;
    let filtered = run_with(&settings, &["webhook", "test", &kept_back]).await;
    let failed = run_with(&settings, &["webhook", "test", &fails]).await;
    let hung = run_with(&settings, &["webhook", "test", &hangs, "--wait", "1"]).await;
    let refused = run_with(&settings, &["webhook", "test", &arrives, "--event", "COMMENT_CREATE"]).await;

    assert_eq!(arrived.0, Some(0), "{arrived:?}");
    assert!(arrived.1.contains("verdict  delivered\nattempt  status 204 after"), "{arrived:?}");
    let json: Value = serde_json::from_str(&json.1).unwrap();
    assert_eq!(json["test"]["event"], "COMMENT_CREATED");
    assert_eq!((&json["verdict"]["isTest"], &json["delivery"]["attempts"][0]["status"]), (&true.into(), &204.into()));
    assert_eq!(filtered.0, Some(1), "{filtered:?}");
    assert!(filtered.1.contains("verdict  filtered\nreason   "), "{filtered:?}");
    assert_eq!(failed.0, Some(1), "{failed:?}");
    assert!(failed.1.contains("status 500") && failed.1.contains("next     tried again at "), "{failed:?}");
    assert_eq!(hung.0, Some(1), "{hung:?}");
    assert!(hung.2.contains("after 1 s") && hung.2.contains("--wait"), "{hung:?}");
    assert_eq!(refused.0, Some(1), "{refused:?}");
    assert!(refused.2.contains("did you mean COMMENT_"), "{refused:?}");
}

#[tokio::test]
async fn webhook_rotate_secret_prints_the_new_one_and_until_when_the_old_one_signs() {
    let (_app, user, settings) = running().await;
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let id = user.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap().id;

    let (code, out, err) = run_with(&settings, &["webhook", "rotate-secret", &id]).await;
    let chosen = run_with(&settings, &["--json", "webhook", "rotate-secret", &id, "--secret", "chosen"]).await;
    let again = run_with(&settings, &["webhook", "rotate-secret", &id, "--secret", "chosen"]).await;

    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("secret   whsec_") && out.contains("signs too until 2022-12-02T11:23:09.241Z"), "{out}");
    let chosen: Value = serde_json::from_str(&chosen.1).unwrap();
    assert_eq!((&chosen["webhookId"], &chosen["secret"]), (&id.into(), &"chosen".into()));
    assert_eq!(again.0, Some(1), "{again:?}");
    assert!(again.2.contains("/secret: this is the secret that signs now"), "{again:?}");
}

#[tokio::test]
async fn event_send_takes_one_event_an_array_or_lines() {
    let app = TestApp::start().await;
    let folder = TempDir::new().unwrap();
    let url = app.url("");
    let remote = [("HOOKSIEVE_URL", url.as_str()), ("HOOKSIEVE_TOKEN", OPERATOR_TOKEN)];
    let event = |id: &str| format!(r#"{{"id":"{id}","event":"TODO_CREATED","projectId":"p"}}"#);
    let send = async |text: &str, flags: &[&str]| {
        let file = folder.path().join("events");
        fs::write(&file, text).unwrap();
        let arguments: Vec<&str> = flags.iter().copied().chain(["event", "send", file.to_str().unwrap()]).collect();
        run_with(&remote, &arguments).await
    };

    let one = send(&event("e1"), &[]).await;
    let array = send(&format!("[\n{},\n{}\n]", event("e1"), event("e2")), &[]).await;
    let lines = send(&format!("{}\n{{}}\n", event("e3")), &[]).await;
    let many: Vec<String> = (0..2_500).map(|number| event(&format!("m{number}"))).collect();
    let many = send(&many.join("\n"), &["--json"]).await;

    assert_eq!((one.0, one.1.as_str()), (Some(0), "e1 accepted\n"), "{one:?}");
    assert_eq!((array.0, array.1.as_str()), (Some(0), "1 accepted, 1 accepted before, 0 refused\n"), "{array:?}");
    let told = "event 2: missing field `event`\n1 accepted, 0 accepted before, 1 refused\n";
    assert_eq!((lines.0, lines.1.as_str()), (Some(1), told), "{lines:?}");
    let sent: Value = serde_json::from_str(&many.1).unwrap();
    assert_eq!((many.0, sent["results"].as_array().unwrap().len()), (Some(0), 2_500));
    assert_eq!(sent["results"][2_499]["id"], "m2499");
}

#[tokio::test]
async fn backtest_and_stats_print_tables_or_json() {
    let (app, user, settings) = running().await;
    let receiver = Receiver::start().await;
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let id = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap().id;
    for number in 0..3 {
        app.operator().send_event(&crate::app::marked(&format!("e{number}"), number == 0)).await.unwrap();
    }
    receiver.wait_for("/a", 3).await;
    let run = async |arguments: &[&str]| run_with(&settings, arguments).await;

    let told = run(&["backtest", &id, "--filter", "done-records"]).await;
    let json = run(&["--json", "backtest", &id, "--filter", "done-records", "--limit", "2"]).await;
    let refused = run(&["backtest", &id, "--filter", "field-match", "--config", "{}"]).await;
    let misused = run(&["backtest", &id, "--filter", "done-records", "--since", "yesterday"]).await;
    let shadowed = run(&["webhook", "update", &id, "--shadow", "done-records"]).await;
    let stats = run(&["webhook", "stats", &id]).await;
    let stats_json = run(&["--json", "webhook", "stats", &id, "--since", "2022-12-01T00:00:00Z"]).await;

    assert_eq!(told.0, Some(0), "{told:?}");
    assert!(told.1.contains("delivered  3       1\nfiltered   0       2\n"), "{told:?}");
    assert!(told.1.contains("3 events, all there are: 1 agree, 2 would no longer be sent"), "{told:?}");
    assert!(told.1.ends_with("e1     delivered  filtered   the record is not done\n"), "{told:?}");
    let json: Value = serde_json::from_str(&json.1).unwrap();
    assert_eq!((&json["asked"], &json["complete"]), (&2.into(), &false.into()));
    assert_eq!(json["samples"][0]["candidate"]["outcome"], "filtered");
    assert_eq!(refused.0, Some(1), "{refused:?}");
    assert!(refused.2.contains("/filter/config") || refused.2.contains("configuration"), "{refused:?}");
    assert_eq!(misused.0, Some(2), "{misused:?}");
    assert!(shadowed.1.contains("shadow   done-records null: 0 agree"), "{shadowed:?}");
    assert_eq!(stats.0, Some(0), "{stats:?}");
    assert!(stats.1.contains("\ndelivered           3\n") && stats.1.contains("attempt took: p50"), "{stats:?}");
    let stats: Value = serde_json::from_str(&stats_json.1).unwrap();
    assert_eq!((&stats["events"], &stats["since"]), (&3.into(), &"2022-12-01T00:00:00.000Z".into()));
}
