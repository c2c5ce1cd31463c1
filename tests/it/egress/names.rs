//! Names: what they resolve to at each use, not only when a webhook is registered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hooksieve::resolve::{Names, Resolver};
use hooksieve::wire::{AttemptError, PatchWebhook};

use super::{Script, Trap, assert_refused, host, only_attempt, strict};
use crate::app::{TestApp, created, problem, webhook};
use crate::receiver::Receiver;

const NAME: &str = "hooks.example";

fn url(receiver: &Receiver) -> String {
    format!("http://{NAME}:{}/a", receiver.port())
}

#[tokio::test]
async fn a_name_that_turns_private_after_its_registration_is_not_dialled() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let trap = Trap::beside(&receiver);
    let (app, user) = host(&script).await;
    script.set(NAME, &["127.0.0.1"]);
    let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();

    script.set(NAME, &["127.0.0.2"]);
    app.send(&created("e1")).await;

    trap.assert_never_dialled(NAME);
    assert!(receiver.on("/a").is_empty());
    let attempt = only_attempt(&user, &registered).await;
    assert_refused(&attempt, "URL points to a private network", NAME);
    // What the inner network's names resolve to is not for every user to ask.
    assert!(!attempt.error_detail.unwrap().contains("127.0.0.2"));
}

#[tokio::test]
async fn what_is_dialled_is_what_was_judged_and_nothing_is_looked_up_in_between() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let trap = Trap::beside(&receiver);
    let (app, user) = host(&script).await;
    script.set(NAME, &["127.0.0.1"]);
    let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();

    script.set_in_turn(NAME, &[&["127.0.0.1"], &["127.0.0.2"]]);
    app.send(&created("e1")).await;

    trap.assert_never_dialled(NAME);
    assert_eq!((receiver.on("/a").len(), script.count(NAME)), (1, 1));
    assert_eq!(only_attempt(&user, &registered).await.error, None);
}

#[tokio::test]
async fn one_private_answer_among_public_ones_refuses_the_name_at_every_use() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let trap = Trap::beside(&receiver);
    let (app, user) = host(&script).await;
    for (number, mixed) in [
        ["127.0.0.1", "127.0.0.2"],
        ["127.0.0.2", "127.0.0.1"],
        ["127.0.0.1", "::1"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "::ffff:10.0.0.1"],
        ["127.0.0.1", "64:ff9b::169.254.169.254"],
        ["127.0.0.1", "fe80::1"],
    ]
    .iter()
    .enumerate()
    {
        script.set(NAME, &["127.0.0.1"]);
        let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();
        let elsewhere = user.create_webhook(&webhook(&receiver.url("/elsewhere"))).await.unwrap();

        script.set(NAME, mixed);
        let created_then = problem(user.create_webhook(&webhook(&url(&receiver))).await);
        let patch = PatchWebhook { url: Some(url(&receiver)), ..PatchWebhook::default() };
        let changed_then = problem(user.update_webhook(&elsewhere.id, &patch).await);
        app.send(&created(&format!("e{number}"))).await;

        for refused in [created_then, changed_then] {
            assert_eq!((refused.status, refused.code.as_str()), (400, "BAD_USER_INPUT"), "{mixed:?}");
            assert_eq!(refused.detail, "URL points to a private network", "{mixed:?}");
            assert_eq!(refused.errors[0].pointer, "/url", "{mixed:?}");
            assert!(!refused.errors[0].detail.contains(mixed[1]), "{mixed:?}: {refused:?}");
        }
        trap.assert_never_dialled(NAME);
        assert!(receiver.on("/a").is_empty(), "{mixed:?}");
        assert_refused(&only_attempt(&user, &registered).await, "private network", &format!("{mixed:?}"));
        user.delete_webhook(&registered.id).await.unwrap();
        user.delete_webhook(&elsewhere.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_answers_are_all_judged() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let trap = Trap::beside(&receiver);
    let (app, user) = host(&script).await;
    let mut answers = vec!["127.0.0.1"; 1_000];
    script.set(NAME, &answers);
    let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();
    app.send(&created("e1")).await;

    answers[999] = "127.0.0.2";
    script.set(NAME, &answers);
    let refused = problem(user.create_webhook(&webhook(&url(&receiver))).await);

    assert_eq!(only_attempt(&user, &registered).await.error, None);
    assert_eq!(receiver.on("/a").len(), 1);
    assert_eq!(refused.detail, "URL points to a private network");
    trap.assert_never_dialled(NAME);
}

#[tokio::test]
async fn a_name_without_addresses_is_taken_and_each_attempt_looks_again() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let (app, user) = host(&script).await;
    script.set(NAME, &[]);
    let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();
    app.send(&created("e1")).await;
    let first = only_attempt(&user, &registered).await;

    script.set(NAME, &["127.0.0.1"]);
    let delivery = crate::app::only_delivery(&user, &registered).await.delivery;
    app.run_next_attempt(&delivery).await;

    assert_eq!(first.error, Some(AttemptError::Dns));
    assert!(first.error_detail.unwrap().contains("the name has no addresses"));
    assert_eq!(receiver.on("/a").len(), 1);
}

/// A resolver that never answers.
struct Silent;

#[async_trait]
impl Names for Silent {
    async fn addresses(&self, _: &str) -> Vec<IpAddr> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_lookup_that_hangs_holds_nobody_for_longer_than_its_bound() {
    let (app, receiver) =
        (TestApp::start_resolving(Resolver::Table(Arc::new(Silent)), strict).await, Receiver::start().await);
    let user = app.user("u1").await;

    let begun = Instant::now();
    let registered = user.create_webhook(&webhook(&url(&receiver))).await.unwrap();
    app.send(&created("e1")).await;

    // Twice three seconds, and as much again for a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    let attempt = only_attempt(&user, &registered).await;
    assert_eq!(attempt.error, Some(AttemptError::Dns), "{attempt:?}");
    assert!(attempt.error_detail.as_deref().unwrap().contains("no answer within 3 s"), "{attempt:?}");
}
