//! Endpoints that do not answer: how they are told of, left alone, tried and given up.

use std::time::{Duration, Instant};

use hooksieve::client::Client;
use hooksieve::model::limits::{DISABLED_AFTER, FAILURES_UNTIL_UNHEALTHY, PROBE_INTERVALS, RECOVERY_TIME};
use hooksieve::wire::{
    AttemptError, DeliveriesQuery, DeliveryState, DisabledReason, HoldReason, NewWebhook, PatchWebhook, Webhook,
    WebhookStatus,
};

use crate::app::{TestApp, created, marked, only_delivery, webhook};
use crate::receiver::{Answer, Receiver};

/// A user's webhook to the receiver's `/a`.
async fn registered(app: &TestApp, receiver: &Receiver) -> (Client, Webhook) {
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    (user, webhook)
}

/// Accepts so many events and does all that is due.
async fn send_many(app: &TestApp, name: &str, count: usize) {
    for number in 0..count {
        app.operator().send_event(&created(&format!("{name}{number}"))).await.unwrap();
    }
    app.run_until_idle().await;
}

/// How many of a webhook's deliveries are in a state.
async fn count(user: &Client, webhook: &Webhook, state: DeliveryState) -> usize {
    let (mut total, mut cursor) = (0, None);
    loop {
        let query = DeliveriesQuery { state: Some(state), limit: Some(250), cursor, ..Default::default() };
        let page = user.list_deliveries(&webhook.id, &query).await.unwrap();
        total += page.items.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            return total;
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_is_shown_with_reason_and_next_attempt_until_it_answers() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));

    let fresh = user.get_webhook(&webhook.id).await.unwrap();
    send_many(&app, "e", FAILURES_UNTIL_UNHEALTHY as usize).await;
    let sick = user.get_webhook(&webhook.id).await.unwrap();
    let listed = user.list_webhooks(&Default::default()).await.unwrap().items.remove(0);
    receiver.always("/a", Answer::status(204));
    app.run_after(sick.health.next_attempt_at.unwrap().since(app.now())).await;
    let spared = user.get_webhook(&webhook.id).await.unwrap();
    app.run_after(RECOVERY_TIME).await;
    let healed = user.get_webhook(&webhook.id).await.unwrap();

    assert_eq!((fresh.status, fresh.health.reason, fresh.health.next_attempt_at), (WebhookStatus::Healthy, None, None));
    assert_eq!((sick.status, sick.enabled, sick.failures_in_a_row), (WebhookStatus::Unhealthy, true, 5));
    let health = sick.health;
    assert_eq!(health.reason.unwrap(), "failed attempts in a row: 5; the last one: the endpoint answered 500");
    assert_eq!(health.hold_reason, Some(HoldReason::Unhealthy));
    let pause = health.held_until.unwrap().since(health.since.unwrap());
    assert!(PROBE_INTERVALS[0] <= pause && pause <= PROBE_INTERVALS[0].mul_f64(1.5), "{pause:?}");
    assert_eq!(health.next_attempt_at, health.held_until);
    let failure = health.last_failure.unwrap();
    assert_eq!((failure.error, failure.status), (AttemptError::Status, Some(500)));
    assert_eq!(listed.health.next_attempt_at, health.next_attempt_at);
    assert_eq!((spared.status, spared.health.reason), (WebhookStatus::Healthy, None));
    let rest = spared.health.held_until.unwrap().since(app.now() - RECOVERY_TIME);
    assert!(rest < Duration::from_secs(1), "{rest:?}");
    assert_eq!((healed.status, healed.health), (WebhookStatus::Healthy, webhook.health.clone()));
    assert_eq!(count(&user, &webhook, DeliveryState::Delivered).await, 5);
}

#[tokio::test]
async fn behind_an_endpoint_that_fails_all_wait_and_use_up_no_attempts_until_it_answers() {
    const WAITING: usize = 400;
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(503));
    send_many(&app, "first", 8).await;
    let before = receiver.on("/a").len();

    // All that may go wrong at once: new events, and hours of nothing but failures.
    send_many(&app, "e", WAITING).await;
    let during_hold = receiver.on("/a").len();
    let (mut requests, mut times) = (during_hold, vec![app.now()]);
    for _ in 0..40 {
        app.run_after(Duration::from_secs(20)).await;
        let more = receiver.on("/a").len() - requests;
        requests += more;
        assert!(more <= 1, "{more} requests at once");
        times.extend((more == 1).then(|| app.now()));
    }
    let unused = count(&user, &webhook, DeliveryState::Pending).await;
    receiver.always("/a", Answer::status(204));
    let sick = user.get_webhook(&webhook.id).await.unwrap();
    let requests = receiver.on("/a").len();
    app.run_after(sick.health.next_attempt_at.unwrap().since(app.now())).await;
    let probes = receiver.on("/a").len() - requests;
    app.run_after(Duration::from_secs(1)).await;
    let spared = receiver.on("/a").len() - requests - probes;
    app.run_after(RECOVERY_TIME).await;

    assert_eq!((probes, spared), (1, 8), "what waited does not come at once");
    assert_eq!((before, during_hold), (8, 8), "not one request while it is held");
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(pauses.len() >= 4, "{pauses:?}");
    for (pause, interval) in pauses.iter().zip(PROBE_INTERVALS) {
        assert!(*pause >= interval, "{pauses:?}");
    }
    assert_eq!(unused, WAITING + 8);
    let delivered = count(&user, &webhook, DeliveryState::Delivered).await;
    let pending = count(&user, &webhook, DeliveryState::Pending).await;
    assert!(pending <= 8, "only what has a retry of its own to wait for: {pending}");
    assert_eq!(delivered + pending, WAITING + 8);
}

#[tokio::test]
async fn retry_after_holds_every_delivery_of_the_webhook() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.script("/a", [Answer::status(429).header("retry-after", "600")]);
    app.send(&created("e1")).await;

    app.send(&created("e2")).await;
    let held = user.get_webhook(&webhook.id).await.unwrap();
    app.run_after(Duration::from_secs(599)).await;
    let before = receiver.on("/a").len();
    app.run_after(Duration::from_secs(1)).await;

    assert_eq!((held.status, held.health.hold_reason), (WebhookStatus::Healthy, Some(HoldReason::RetryAfter)));
    assert_eq!(held.health.next_attempt_at.unwrap().since(app.now() - Duration::from_secs(600)).as_secs(), 600);
    assert_eq!((before, receiver.on("/a").len()), (1, 3));
}

#[tokio::test]
async fn a_lone_delivery_keeps_its_schedule_although_its_webhook_is_unhealthy() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));

    app.send(&created("e1")).await;
    let mut attempts = 1;
    while let Some(due) = only_delivery(&user, &webhook).await.delivery.next_attempt_at {
        let now = user.get_webhook(&webhook.id).await.unwrap();
        assert_eq!(now.health.next_attempt_at, Some(due), "after attempt {attempts}");
        app.run_after(due.since(app.now())).await;
        attempts += 1;
        assert_eq!(receiver.on("/a").len(), attempts);
    }

    assert_eq!(attempts, 11);
    assert_eq!(user.get_webhook(&webhook.id).await.unwrap().status, WebhookStatus::Unhealthy);
}

#[tokio::test]
async fn an_exhausted_delivery_makes_its_webhook_unhealthy() {
    let app = TestApp::start_with(|config| config.delivery.retry_delays_secs = vec![1]).await;
    let receiver = Receiver::start().await;
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));

    app.send(&created("e1")).await;
    let after_one = user.get_webhook(&webhook.id).await.unwrap().status;
    app.run_after(Duration::from_secs(2)).await;

    assert_eq!(only_delivery(&user, &webhook).await.delivery.state, DeliveryState::Failed);
    let exhausted = user.get_webhook(&webhook.id).await.unwrap();
    assert_eq!((after_one, exhausted.status), (WebhookStatus::Healthy, WebhookStatus::Unhealthy));
    assert_eq!(exhausted.failures_in_a_row, 2);
}

#[tokio::test]
async fn five_days_of_failure_disable_a_webhook_and_its_deliveries_rest() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));
    send_many(&app, "e", 8).await;

    let begun = app.now();
    let mut last = user.get_webhook(&webhook.id).await.unwrap();
    while last.enabled {
        app.run_after(last.health.next_attempt_at.map_or(Duration::from_secs(3600), |next| next.since(app.now())))
            .await;
        if app.now().since(begun) < DISABLED_AFTER && count(&user, &webhook, DeliveryState::Pending).await < 3 {
            app.send(&created(&format!("new{}", app.now().as_millis()))).await;
        }
        last = user.get_webhook(&webhook.id).await.unwrap();
    }

    let took = app.now().since(begun);
    assert!(DISABLED_AFTER <= took && took < DISABLED_AFTER + Duration::from_secs(24 * 3600), "{took:?}");
    assert_eq!(last.health.disabled_reason, Some(DisabledReason::Failing));
    assert!(last.health.reason.unwrap().starts_with("disabled after 5 days"));
    let requests = receiver.on("/a").len();
    app.run_after(Duration::from_secs(3600)).await;
    assert_eq!(receiver.on("/a").len(), requests);
}

#[tokio::test]
async fn a_new_url_of_an_unhealthy_webhook_is_tried_at_once_and_heals_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));
    send_many(&app, "e", 20).await;

    let patch = PatchWebhook { url: Some(receiver.url("/b")), ..Default::default() };
    let moved = user.update_webhook(&webhook.id, &patch).await.unwrap();
    let moved_at = app.now();
    app.run_until_idle().await;
    app.run_after(RECOVERY_TIME).await;

    assert_eq!((moved.status, moved.failures_in_a_row), (WebhookStatus::Unhealthy, 0));
    assert_eq!((moved.health.held_until, moved.health.next_attempt_at), (None, Some(moved_at)));
    assert_eq!(user.get_webhook(&webhook.id).await.unwrap().status, WebhookStatus::Healthy);
    assert!(receiver.on("/b").len() >= 12, "{}", receiver.on("/b").len());
}

#[tokio::test]
async fn a_long_queue_behind_a_dead_endpoint_delays_nobody_else() {
    const WAITING: usize = 1_000;
    const EVENTS: usize = 50;
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    receiver.always("/dead", Answer::status(503));
    let user = app.user("u1").await;
    let only = |url: &str, event: &str| NewWebhook { events: vec![event.to_owned()], ..webhook(&receiver.url(url)) };
    user.create_webhook(&only("/alive", "TODO_DONE_STATUS_UPDATED")).await.unwrap();
    let operator = app.operator();
    let send = async |name: &'static str| {
        let (began, before) = (Instant::now(), receiver.on("/alive").len());
        for number in 0..EVENTS {
            operator.send_event(&marked(&format!("{name}{number}"), true)).await.unwrap();
        }
        receiver.wait_for("/alive", before + EVENTS).await;
        began.elapsed()
    };

    let alone = send("alone").await;
    let dead = user.create_webhook(&only("/dead", "TODO_CREATED")).await.unwrap();
    for number in 0..WAITING {
        operator.send_event(&created(&format!("e{number}"))).await.unwrap();
    }
    let beside = send("beside").await;

    println!("{EVENTS} events: {alone:?} alone, {beside:?} beside {WAITING} that wait behind a dead endpoint");
    assert_eq!(user.get_webhook(&dead.id).await.unwrap().status, WebhookStatus::Unhealthy);
    let requests = receiver.on("/dead").len();
    assert!(requests <= 12, "{requests} requests: five that fail, and those that were under way then");
}
