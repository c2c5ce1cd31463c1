//! `replay` and `delivery`, as people run them.

use hooksieve::wire::{DeliveriesQuery, PatchWebhook};
use serde_json::Value;

use crate::app::{TestApp, created, member, webhook};
use crate::process::{command, printed};
use crate::receiver::{Answer, Receiver};

#[tokio::test]
async fn what_a_dead_endpoint_missed_is_counted_sent_again_and_waited_for() {
    let app = TestApp::start_running_with(hooksieve::resolve::Resolver::System, |config| {
        // One attempt, and then it is given up.
        config.delivery.retry_delays_secs = Vec::new();
    })
    .await;
    let receiver = Receiver::start().await;
    let token = member(&app.operator(), "u1").await;
    let (user, url) = (app.client(&token), app.url(""));
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    receiver.always("/a", Answer::status(500));
    app.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;
    while user.list_deliveries(&webhook.id, &DeliveriesQuery::default()).await.unwrap().items[0].finished_at.is_none() {
        tokio::task::yield_now().await;
    }
    receiver.always("/a", Answer::status(204));
    // Another URL ends the hold that the failure began.
    let patch = PatchWebhook { url: Some(receiver.url("/b")), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &patch).await.unwrap();
    let run = async |arguments: &[&str]| {
        let settings = [("HOOKSIEVE_URL", url.as_str()), ("HOOKSIEVE_TOKEN", token.as_str())];
        let output = command(&settings).args(arguments).output().await.unwrap();
        let (out, err) = printed(&output);
        (output.status.code(), out, err)
    };
    let id = webhook.id.as_str();
    // The host's clock stands in 2022.
    let since = ["--since", "2022-12-01T00:00:00Z"];

    let counted = run(&[&["replay", id], &since[..], &["--dry-run"]].concat()).await;
    let none_goes_on = run(&["replay", id, "--cancel"]).await;
    let failed = run(&["--json", "delivery", "list", id, "--state", "failed"]).await;
    let done = run(&[&["--json", "replay", id], &since[..], &["--wait"]].concat()).await;
    let arrived = receiver.wait_for("/b", 1).await;
    let listed = run(&["replay", id, "--list"]).await;
    let delivery = arrived[0].message_id().to_owned();
    let refused = run(&["delivery", "retry", &delivery]).await;
    let shown = run(&["delivery", "show", &delivery]).await;
    let misused = run(&["replay", id]).await;
    let lost = run(&["delivery", "retry", "msg_no"]).await;

    assert_eq!(counted.0, Some(0), "{counted:?}");
    assert!(counted.1.starts_with("send again    1\ndecide anew   0\n"), "{counted:?}");
    assert_eq!(none_goes_on.0, Some(2), "{none_goes_on:?}");
    let failed: Value = serde_json::from_str(&failed.1).unwrap();
    assert_eq!(failed["items"][0]["id"], delivery);
    assert_eq!(done.0, Some(0), "{done:?}");
    let done: Value = serde_json::from_str(&done.1).unwrap();
    assert_eq!((&done["state"], &done["replayed"]), (&"done".into(), &1.into()));
    assert!(listed.1.contains("done") && listed.1.contains(done["id"].as_str().unwrap()), "{listed:?}");
    assert_eq!(refused.0, Some(1), "{refused:?}");
    assert!(shown.1.contains("attempt  2 at"), "{shown:?}");
    assert_eq!(misused.0, Some(2), "{misused:?}");
    assert!(lost.2.contains("hint: `delivery list WEBHOOK`"), "{lost:?}");
}
