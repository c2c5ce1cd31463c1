//! Kept connections: they are used again, and an answer that nobody asked for is nobody's answer.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hooksieve::egress::Policy;
use hooksieve::outbound::{Request, SendOptions, Sender};
use hooksieve::resolve::Resolver;
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

/// Endpoints that keep their connections open, far more of them than are to be kept: each name has its own.
#[tokio::test]
async fn connections_that_are_kept_to_many_endpoints_are_no_more_than_a_bound_and_one_is_still_used_again() {
    const KEPT_MAX: usize = 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (open, most, all) =
        (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counts = (Arc::clone(&open), Arc::clone(&most), Arc::clone(&all));
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (open, most, all) = counts.clone();
            all.fetch_add(1, Ordering::SeqCst);
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_ok() {
                    stream.write_all(OK).await.unwrap();
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let names: Vec<_> = (0..200).map(|number| format!("endpoint-{number}.example")).collect();
    let table: HashMap<_, _> = names.iter().map(|name| (name.clone(), vec![IpAddr::from([127, 0, 0, 1])])).collect();
    let options = SendOptions::new(Policy::dev(), Resolver::Table(Arc::new(table)));
    let sender = Sender::new(SendOptions { connections_kept_max: KEPT_MAX, ..options }).unwrap();
    let send = async |name: &str| {
        let url = format!("http://{name}:{port}/");
        let request = Request { url: &url, headers: &BTreeMap::new(), signed: Vec::new(), body: "{}".to_owned() };
        assert_eq!(sender.send(request).await.status, Some(200));
    };

    for name in &names {
        send(name).await;
    }
    let before = all.load(Ordering::SeqCst);
    for _ in 0..20 {
        send(&names[199]).await;
    }

    let (most, again) = (most.load(Ordering::SeqCst), all.load(Ordering::SeqCst) - before);
    assert_eq!(before, names.len());
    // Those of the former pool are being closed while the next one fills.
    assert!(most <= 2 * (KEPT_MAX + 1), "{most} at a time");
    assert!(again <= 1, "{again} connections for twenty requests to one endpoint");
    serving.abort();
}
