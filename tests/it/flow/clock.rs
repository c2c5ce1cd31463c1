//! The machine's clock is set forward or back by a day: nothing is lost, nothing comes in floods.

use std::time::Duration;

use hooksieve::wire::DeliveryState;

use crate::app::{TestApp, created, failed_once, only_delivery, webhook};
use crate::receiver::{Answer, Receiver};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_clock_that_leaps_forward_makes_one_more_attempt_of_what_is_under_way() {
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    receiver.always("/a", Answer::held());
    app.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;

    // The lease on it ends, though the attempt goes on.
    app.set_forward(DAY);
    receiver.wait_for("/a", 2).await;
    receiver.always("/a", Answer::status(204));
    receiver.release();
    app.operator().send_event(&created("e2")).await.unwrap();
    let received = receiver.wait_for("/a", 3).await;

    let ids: Vec<_> = received.iter().map(|one| one.message_id()).collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    let all = async || user.list_deliveries(&webhook.id, &Default::default()).await.unwrap().items;
    while all().await.iter().any(|delivery| delivery.state != DeliveryState::Delivered) {
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.on("/a").len(), 3);
    assert!(app.operator().send_event(&created("e1")).await.unwrap().duplicate);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_what_is_due_later_and_sends_what_is_new_at_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (_, _, waiting) = failed_once(&app, &receiver).await;
    assert_eq!((waiting.state, waiting.attempt_count), (DeliveryState::Pending, 1));

    app.set_back(DAY);
    assert!(app.operator().send_event(&created("e1")).await.unwrap().duplicate);
    app.send(&created("e2")).await;
    assert_eq!(receiver.on("/a").len(), 2, "what is new is sent at once, and what waits goes on waiting");

    app.set_forward(DAY);
    app.run_next_attempt(&waiting).await;
    let received = receiver.on("/a");
    assert_eq!(received.len(), 3);
    assert_eq!((received[0].message_id(), &received[0].body), (received[2].message_id(), &received[2].body));
    assert!(app.operator().send_event(&created("e2")).await.unwrap().duplicate);
}

#[tokio::test]
async fn a_delivery_whose_time_a_wrong_clock_has_moved_far_away_is_sent_when_its_owner_asks() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook, waiting) = failed_once(&app, &receiver).await;

    app.set_back(DAY);
    user.retry_delivery(&waiting.id).await.unwrap();
    app.run_until_idle().await;

    assert_eq!(only_delivery(&user, &webhook).await.delivery.state, DeliveryState::Delivered);
}
