//! Receivers that hang, beside receivers that do not. These hosts run their loops themselves.

use crate::app::{TestApp, created, webhook};
use crate::receiver::{Answer, Receiver};

#[tokio::test]
async fn a_receiver_that_hangs_does_not_delay_another() {
    const EVENTS: usize = 40;
    let (app, hanging, healthy) = (TestApp::start_running().await, Receiver::start().await, Receiver::start().await);
    hanging.always("/a", Answer::held());
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&hanging.url("/a"))).await.unwrap();
    user.create_webhook(&webhook(&healthy.url("/a"))).await.unwrap();

    for number in 0..EVENTS {
        app.operator().send_event(&created(&format!("e{number}"))).await.unwrap();
    }

    healthy.wait_for("/a", EVENTS).await;
    assert_eq!(hanging.on("/a").len(), 8, "no more are under way than one webhook may have");
    hanging.release();
    hanging.wait_for("/a", EVENTS).await;
}

#[tokio::test]
async fn many_receivers_that_hang_leave_half_of_the_places_to_others() {
    const HANGING: usize = 20;
    const EVENTS: usize = 9;
    let (app, hanging, healthy) = (TestApp::start_running().await, Receiver::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let paths: Vec<_> = (0..HANGING).map(|number| format!("/{number}")).collect();
    let mut failing = Vec::new();
    for path in &paths {
        hanging.always(path, Answer::status(500));
        failing.push(user.create_webhook(&webhook(&hanging.url(path))).await.unwrap());
    }
    app.operator().send_event(&created("first")).await.unwrap();
    for (path, webhook) in paths.iter().zip(&failing) {
        hanging.wait_for(path, 1).await;
        while user.get_webhook(&webhook.id).await.unwrap().failures_in_a_row == 0 {
            tokio::task::yield_now().await;
        }
        hanging.always(path, Answer::held());
    }
    user.create_webhook(&webhook(&healthy.url("/a"))).await.unwrap();

    for number in 0..EVENTS {
        app.operator().send_event(&created(&format!("e{number}"))).await.unwrap();
    }

    let held = || paths.iter().map(|path| hanging.on(path).len() - 1).sum::<usize>();
    while held() < 128 {
        tokio::task::yield_now().await;
    }
    app.operator().send_event(&created("last")).await.unwrap();

    healthy.wait_for("/a", EVENTS + 1).await;
    assert_eq!(held(), 128, "no more are under way than failing webhooks may have together");
    hanging.release();
    for path in &paths {
        hanging.wait_for(path, 1 + EVENTS + 1).await;
    }
}
