//! `Retry-After`, however it is written: what an endpoint may ask for, and what is no such wish.

use std::time::Duration;

use hooksieve::wire::Webhook;

use crate::app::{TestApp, created, only_delivery, webhook};
use crate::receiver::{Answer, Receiver};

/// What becomes of the next attempt.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// It is made when it would be made anyway: 5 s later, half as much or half as much again.
    Scheduled,
    /// It is made so many milliseconds later.
    Asked(u64),
}

use Wait::{Asked, Scheduled};

const DAY: Wait = Asked(24 * 3600 * 1000);
/// An hour behind the clock, which stands at 11:23:09.241.
const HOUR: Wait = Asked(3600 * 1000 - 241);

/// Status, header and what becomes of it.
const SHAPES: &[(u16, &str, Wait)] = &[
    (503, "120", Asked(120_000)),
    (429, "  120 ", Asked(120_000)),
    (502, "120", Asked(120_000)),
    (504, "000120", Asked(120_000)),
    // Never sooner than what is scheduled, never later than in a day.
    (503, "0", Scheduled),
    (503, "1", Scheduled),
    (503, "86400", DAY),
    (503, "86401", DAY),
    (429, "99999999999999999999999999999999999999", DAY),
    // Dates: the form of today, and the two of former days.
    (503, "Thu, 01 Dec 2022 12:23:09 GMT", HOUR),
    (503, "Thursday, 01-Dec-22 12:23:09 GMT", HOUR),
    (503, "Thu Dec  1 12:23:09 2022", HOUR),
    (429, "Thu, 31 Dec 2099 23:59:59 GMT", DAY),
    (503, "Thu, 01 Jan 1970 00:00:00 GMT", Scheduled),
    // What is neither.
    (503, "-120", Scheduled),
    (503, "+120", Scheduled),
    (503, "120.5", Scheduled),
    (503, "1e3", Scheduled),
    (503, "0x78", Scheduled),
    (503, "120s", Scheduled),
    (503, "120, 240", Scheduled),
    (503, "", Scheduled),
    (503, "soon", Scheduled),
    (503, "2022-12-01T12:23:09Z", Scheduled),
    (503, "Thu, 31 Feb 2022 12:23:09 GMT", Scheduled),
    (503, "Thu, 01 Dec 2022 12:23:09 +0100", Scheduled),
    // Where it means nothing.
    (500, "3600", Scheduled),
    (404, "3600", Scheduled),
    (301, "3600", Scheduled),
];

#[tokio::test]
async fn what_an_endpoint_asks_for_is_clamped_to_what_is_scheduled_and_a_day() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let mut webhooks: Vec<Webhook> = Vec::new();
    for (number, (status, value, _)) in SHAPES.iter().enumerate() {
        let path = format!("/{number}");
        receiver.always(&path, Answer::status(*status).header("retry-after", value));
        webhooks.push(user.create_webhook(&webhook(&receiver.url(&path))).await.unwrap());
    }

    app.send(&created("e1")).await;

    for ((status, value, wanted), webhook) in SHAPES.iter().zip(&webhooks) {
        let next = only_delivery(&user, webhook).await.delivery.next_attempt_at.unwrap();
        let wait = next.since(app.now());
        let is_right = match wanted {
            Scheduled => Duration::from_millis(2_500) <= wait && wait <= Duration::from_millis(7_500),
            Asked(asked) => wait == Duration::from_millis(*asked),
        };
        assert!(is_right, "{status} with {value:?}: {wait:?}, not {wanted:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_accepts_asks_for_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    receiver.always("/a", Answer::status(200).header("retry-after", "3600"));
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    for event in ["e1", "e2"] {
        app.send(&created(event)).await;
    }

    assert_eq!(receiver.on("/a").len(), 2, "the second is not held back");
}
