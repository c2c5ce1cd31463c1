//! Kept connections: they are used again, and an answer that nobody asked for is nobody's answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hooksieve::wire::{AttemptError, DeliveryState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::wire::read_request;
use crate::app::{TestApp, created, only_delivery, webhook};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn nine_in_ten_deliveries_to_a_healthy_endpoint_use_a_kept_connection() {
    const DELIVERIES: usize = 200;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let (told, mut answered) = mpsc::unbounded_channel();
    let counted = Arc::clone(&connections);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let told = told.clone();
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_ok() {
                    stream.write_all(OK).await.unwrap();
                    told.send(()).unwrap();
                }
            });
        }
    });
    let app = TestApp::start_running().await;
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&url)).await.unwrap();

    for number in 0..DELIVERIES {
        app.operator().send_event(&created(&format!("e{number}"))).await.unwrap();
    }
    for _ in 0..DELIVERIES {
        answered.recv().await.unwrap();
    }

    let connections = connections.load(Ordering::SeqCst);
    println!("{connections} connections for {DELIVERIES} deliveries");
    assert!(connections <= DELIVERIES / 10, "{connections} connections for {DELIVERIES} deliveries");
    serving.abort();
}

/// Two webhooks at one authority share its connections, so whoever answers for one of them could answer for the other.
#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_not_taken_for_the_next_deliverys() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (told, mut gone) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        for extra in [b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled".as_slice(), b""] {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await.unwrap();
            let answer = if extra.is_empty() { b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n" } else { OK };
            stream.write_all(&[answer, extra].concat()).await.unwrap();
            if !extra.is_empty() {
                // The host closes what says more than it was asked for.
                assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "a request on that connection");
                told.send(()).unwrap();
            }
        }
    });
    let app = TestApp::start().await;
    let (first, second) = (app.user("u1").await, app.user("u2").await);
    let smuggles = first.create_webhook(&webhook(&format!("{base}/a"))).await.unwrap();

    app.send(&created("e1")).await;
    gone.recv().await.unwrap();
    first.disable_webhook(&smuggles.id).await.unwrap();
    let honest = second.create_webhook(&webhook(&format!("{base}/b"))).await.unwrap();
    app.send(&created("e2")).await;

    assert_eq!(only_delivery(&first, &smuggles).await.delivery.state, DeliveryState::Delivered);
    let attempt = only_delivery(&second, &honest).await.attempts.remove(0);
    assert_eq!((attempt.status, attempt.error), (Some(500), Some(AttemptError::Status)), "{attempt:?}");
    serving.await.unwrap();
}

/// The same, where what was not asked for comes while the connection rests.
#[tokio::test]
async fn an_answer_that_comes_while_a_connection_rests_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (smuggle, mut may_smuggle) = mpsc::unbounded_channel::<()>();
    let (told, mut gone) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        let (mut resting, _) = listener.accept().await.unwrap();
        read_request(&mut resting).await.unwrap();
        resting.write_all(OK).await.unwrap();
        may_smuggle.recv().await.unwrap();
        resting.write_all(OK).await.unwrap();
        assert_eq!(resting.read(&mut [0; 1]).await.unwrap_or(0), 0, "a request on that connection");
        told.send(()).unwrap();
        let (mut fresh, _) = listener.accept().await.unwrap();
        read_request(&mut fresh).await.unwrap();
        fresh.write_all(b"HTTP/1.1 202 Yes\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&url)).await.unwrap();

    app.send(&created("e1")).await;
    smuggle.send(()).unwrap();
    gone.recv().await.unwrap();
    app.send(&created("e2")).await;

    let mut statuses = Vec::new();
    for delivery in user.list_deliveries(&webhook.id, &Default::default()).await.unwrap().items {
        statuses.push(user.get_delivery(&delivery.id).await.unwrap().attempts[0].status);
    }
    assert_eq!(statuses, [Some(202), Some(200)], "the newest first");
    serving.await.unwrap();
}
