//! The four webhooks, each a queue of which it is known what must come out of it.

use crate::rig::sink::Reply;

/// A webhook.
pub struct Queue {
    /// Where its deliveries arrive.
    pub path: &'static str,
    /// The rule of its filter.
    pub rule: Option<&'static str>,
    /// Whether it is to get the event with this number.
    pub gets: fn(usize) -> bool,
    /// The answer to the first copy of an event.
    pub first_reply: fn(usize) -> Reply,
}

const GOOD: Reply = Reply::Status(200);

/// All of them. Events with an even number have `done`.
pub const QUEUES: [Queue; 4] = [
    Queue { path: "/all", rule: None, gets: |_| true, first_reply: |_| GOOD },
    Queue {
        path: "/half",
        rule: Some(r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#),
        gets: |number| number.is_multiple_of(2),
        first_reply: |_| GOOD,
    },
    Queue {
        path: "/none",
        rule: Some(r#"{"pointer":"/currentValue/title","operator":"eq","value":"Another record"}"#),
        gets: |_| false,
        first_reply: |_| GOOD,
    },
    // Too seldom for the webhook to become UNHEALTHY, which would slow it down.
    Queue { path: "/flaky", rule: None, gets: |_| true, first_reply: flaky },
];

fn flaky(number: usize) -> Reply {
    match number % 20 {
        0 => Reply::Status(503),
        10 => Reply::HangUp,
        _ => GOOD,
    }
}
