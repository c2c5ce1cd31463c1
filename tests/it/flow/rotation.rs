//! Signing secrets that replace each other, as receivers see it.

use std::time::Duration;

use hooksieve::model::secret::Secret;
use hooksieve::sign;
use hooksieve::wire::{NewWebhook, RotateSecret, SecretText};

use crate::app::{TestApp, created, only_delivery, problem, webhook};
use crate::receiver::{Answer, Received, Receiver};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How a receiver with this secret finds the delivery: by `X-Signature`, and by Standard Webhooks.
fn verified(received: &Received, secret: &SecretText) -> (bool, bool) {
    let secret = Secret::new(secret.expose());
    let signed = sign::Received::new(received.body.as_bytes(), |name| received.headers.get(name).map(String::as_str));
    let sent_at = received.header("webhook-timestamp").parse().unwrap();
    let standard = signed.verify_standard(&secret, sent_at, Duration::ZERO);
    (signed.verify_x_signature(&secret).is_ok(), standard.is_ok())
}

fn generated() -> RotateSecret {
    RotateSecret::default()
}

fn chosen(secret: &str) -> RotateSecret {
    RotateSecret { secret: Some(secret.into()) }
}

#[tokio::test]
async fn for_a_day_after_a_rotation_both_secrets_verify_and_then_only_the_new_one() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let old = registered.secret.unwrap();

    let rotated = user.rotate_secret(&registered.id, &generated()).await.unwrap();
    app.send(&created("e1")).await;
    app.run_after(DAY - Duration::from_millis(1)).await;
    app.send(&created("e2")).await;
    app.run_after(Duration::from_millis(1)).await;
    app.send(&created("e3")).await;

    assert_eq!(rotated.webhook_id, registered.id);
    assert!(rotated.secret.expose().starts_with("whsec_") && rotated.secret != old);
    assert_eq!(rotated.previous_expires_at, app.now());
    let received = receiver.on("/a");
    assert_eq!(
        received.iter().map(|one| verified(one, &old)).collect::<Vec<_>>(),
        [(false, true), (false, true), (false, false)]
    );
    assert!(received.iter().all(|one| verified(one, &rotated.secret) == (true, true)));
    let signatures = |one: &Received| one.header("webhook-signature").split(' ').count();
    assert_eq!(received.iter().map(signatures).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(user.get_webhook(&registered.id).await.unwrap().secret.is_none());
}

#[tokio::test]
async fn a_retry_is_signed_with_what_signs_when_it_is_made() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let old = registered.secret.clone().unwrap();
    receiver.script("/a", [Answer::status(500)]);

    app.send(&created("e1")).await;
    let new = user.rotate_secret(&registered.id, &generated()).await.unwrap().secret;
    app.run_next_attempt(&only_delivery(&user, &registered).await.delivery).await;

    let [first, second] = <[Received; 2]>::try_from(receiver.on("/a")).unwrap();
    assert_eq!((verified(&first, &old), verified(&first, &new)), ((true, true), (false, false)));
    assert_eq!((verified(&second, &old), verified(&second, &new)), ((false, true), (true, true)));
    assert_eq!((first.body, first.headers["webhook-id"].as_str()), (second.body.clone(), second.message_id()));
}

#[tokio::test]
async fn a_chosen_secret_is_checked_as_at_registration_and_must_be_another_one() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let new = NewWebhook { secret: Some("old one".into()), ..webhook("https://127.0.0.1:8443/") };
    let id = user.create_webhook(&new).await.unwrap().id;
    let refused = async |secret: &str| problem(user.rotate_secret(&id, &chosen(secret)).await);

    for (secret, words) in [
        ("", "1 to 256 bytes"),
        (&*"x".repeat(257), "1 to 256 bytes"),
        ("whsec_!", "base64"),
        ("old one", "the secret that signs now"),
    ] {
        let problem = refused(secret).await;

        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (400, "/secret"), "{secret}");
        assert!(problem.detail.contains(words) && !problem.detail.contains("old one"), "{problem:?}");
    }
    assert_eq!(user.rotate_secret(&id, &chosen(&"x".repeat(256))).await.unwrap().secret.expose().len(), 256);
    assert_eq!(refused(&"x".repeat(256)).await.status, 400, "it is the present one now");
    user.rotate_secret(&id, &chosen("old one")).await.unwrap();
}

#[tokio::test]
async fn a_third_rotation_within_a_day_is_refused_and_says_when_it_will_not_be() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let id = user.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap().id;
    let first_ends_at = user.rotate_secret(&id, &generated()).await.unwrap().previous_expires_at;
    app.run_after(Duration::from_secs(60)).await;
    user.rotate_secret(&id, &generated()).await.unwrap();

    let refused = problem(user.rotate_secret(&id, &generated()).await);

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    assert!(refused.detail.contains(&first_ends_at.to_string()), "{refused:?}");
    app.run_after(first_ends_at.since(app.now())).await;
    user.rotate_secret(&id, &generated()).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_checks_only_a_static_header_authenticates_deliveries() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    receiver.require("/a", "x-pabbly-token", "hush-1");
    receiver.require("/b", "x-pabbly-token", "hush-1");
    let with = |path: &str, value: &str| {
        let headers = [("X-Pabbly-Token".to_owned(), value.into())].into();
        NewWebhook { headers, ..webhook(&receiver.url(path)) }
    };
    let right = user.create_webhook(&with("/a", "hush-1")).await.unwrap();
    let wrong = user.create_webhook(&with("/b", "hush-2")).await.unwrap();

    app.send(&created("e1")).await;

    let status = async |webhook| only_delivery(&user, webhook).await.attempts[0].status;
    assert_eq!((status(&right).await, status(&wrong).await), (Some(204), Some(401)));
}
