//! Nothing in an answer makes us dial elsewhere.

use std::sync::Arc;

use hooksieve::wire::AttemptError;

use super::{Script, Trap, host, only_attempt};
use crate::app::{created, webhook};
use crate::receiver::{Answer, Receiver};

#[tokio::test]
async fn an_answer_that_points_elsewhere_is_not_followed_whatever_it_points_with() {
    let (script, receiver) = (Arc::new(Script::default()), Receiver::start().await);
    let trap = Trap::beside(&receiver);
    let (app, user) = host(&script).await;
    let elsewhere = format!("http://{}/", trap.address());
    let authority = trap.address().to_string();
    let mut answers: Vec<(u16, &'static str, String)> = Vec::new();
    for status in [300, 301, 302, 303, 304, 305, 307, 308, 200, 201, 202, 401, 421, 503] {
        answers.push((status, "location", elsewhere.clone()));
    }
    answers.extend([
        (301, "location", format!("//{authority}/")),
        (200, "refresh", format!("0; url={elsewhere}")),
        (200, "content-location", elsewhere.clone()),
        (200, "link", format!("<{elsewhere}>; rel=preload")),
        (200, "alt-svc", format!("http/1.1=\"{authority}\"; ma=86400, h2=\"{authority}\", h3=\"{authority}\"")),
        (401, "www-authenticate", format!("Negotiate realm=\"{elsewhere}\"")),
        (407, "proxy-authenticate", format!("Basic realm=\"{elsewhere}\"")),
        (426, "upgrade", "h2c, websocket".to_owned()),
    ]);
    let page = format!("<meta http-equiv=refresh content=\"0; url={elsewhere}\"><img src=\"{elsewhere}\">");

    let mut registered = Vec::new();
    for (number, (status, header, value)) in answers.iter().enumerate() {
        let path = format!("/{number}");
        receiver.always(&path, Answer::status(*status).header(header, value).body(&page));
        registered.push(user.create_webhook(&webhook(&receiver.url(&path))).await.unwrap());
    }
    // Twice: what an answer said of the first request could be kept for the second.
    app.send(&created("e1")).await;
    app.run_after(std::time::Duration::from_secs(60)).await;

    trap.assert_never_dialled("answers");
    for (number, (status, header, _)) in answers.iter().enumerate() {
        let requests = receiver.on(&format!("/{number}")).len();
        assert_eq!(requests, if (200..300).contains(status) { 1 } else { 2 }, "{status} {header}");
    }
    let attempt = crate::app::only_delivery(&user, &registered[1]).await.attempts.remove(0);
    assert_eq!((attempt.status, attempt.error), (Some(301), Some(AttemptError::Redirect)));
    assert_eq!(only_attempt(&user, &registered[9]).await.status, Some(201));
}
