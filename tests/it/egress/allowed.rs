//! What the operator allows: networks of both families, at the ports that are named and no others.

use std::sync::Arc;

use super::{Script, only_attempt, rules};
use crate::app::{TestApp, created, problem, webhook};
use crate::receiver::Receiver;

#[tokio::test]
async fn an_allowed_network_is_reached_at_its_ports_and_nothing_beside_it() {
    let (script, receiver, other) = (Arc::new(Script::default()), Receiver::start().await, Receiver::start().await);
    let (port, other_port) = (receiver.port(), other.port());
    let app = TestApp::start_resolving(script.resolver(), |config| {
        config.dev = false;
        config.egress.allow = rules(&[&format!("127.0.0.1:{port}"), "[fd00:1::/32]:8443", "10.1.0.0/16:25-26"]);
    })
    .await;
    let user = app.user("u1").await;
    script.set("one.example", &["127.0.0.1"]);
    script.set("six.example", &["fd00:1::7"]);
    script.set("both.example", &["fd00:1::7", "10.1.2.3"]);

    let (private, invalid) = ("URL points to a private network", "url is not valid");
    for (url, expected) in [
        (format!("http://127.0.0.1:{other_port}/"), invalid),
        (format!("http://one.example:{other_port}/"), invalid),
        ("http://one.example/".to_owned(), invalid),
        (format!("http://127.0.0.2:{port}/"), private),
        ("https://[fd00:1::7]/".to_owned(), invalid),
        ("https://[fd00:2::7]:8443/".to_owned(), private),
        ("https://six.example/".to_owned(), invalid),
        ("https://both.example:8443/".to_owned(), invalid),
        ("http://10.1.2.3:24/".to_owned(), invalid),
        ("http://10.2.2.3:25/".to_owned(), private),
        ("http://8.8.8.8:25/".to_owned(), invalid),
    ] {
        assert_eq!(problem(user.create_webhook(&webhook(&url)).await).detail, expected, "{url}");
    }
    for url in ["https://[fd00:1::7]:8443/", "https://six.example:8443/", "http://10.1.2.3:25/"] {
        let registered = user.create_webhook(&webhook(url)).await.unwrap();
        user.delete_webhook(&registered.id).await.unwrap();
    }
    let by_number = user.create_webhook(&webhook(&receiver.url("/number"))).await.unwrap();
    let by_name = user.create_webhook(&webhook(&format!("http://one.example:{port}/name"))).await.unwrap();
    app.send(&created("e1")).await;

    assert_eq!((receiver.on("/number").len(), receiver.on("/name").len()), (1, 1));
    for reached in [by_number, by_name] {
        assert_eq!(only_attempt(&user, &reached).await.error, None);
    }
}
