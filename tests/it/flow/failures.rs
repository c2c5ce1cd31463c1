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
