//! What was acknowledged is delivered, whatever happens to the process in between.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::limits::{ATTEMPTS_IN_FLIGHT_MAX, ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX};
use hooksieve::wire::{BatchResult, EventsQuery, NewEvent, NewWebhook, PageQuery, UploadQuery};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::app::{OPERATOR_TOKEN, PROJECT, created, member, raw, webhook};
use crate::guests::HOSTILE;
use crate::process::{Process, printed, serve};
use crate::queue::checker::{Plan, check};
use crate::receiver::{Answer, AtOnce, Receiver};

/// How long the process may take to stop when it is asked to.
const STOP: Duration = Duration::from_secs(10);

async fn register(process: &Process, receiver: &Receiver, paths: &[&str]) -> String {
    let token = member(&process.operator(), "u1").await;
    for path in paths {
        process.client(&token).create_webhook(&webhook(&receiver.url(path))).await.unwrap();
    }
    token
}

#[tokio::test]
async fn an_acknowledged_event_survives_a_kill_before_its_delivery() {
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    receiver.always("/a", Answer::held());
    let process = Process::start(data.path(), &[]).await;
    register(&process, &receiver, &["/a"]).await;

    process.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;
    process.kill().await;
    receiver.always("/a", Answer::status(204));
    let process = Process::start(data.path(), &[]).await;
    let received = receiver.wait_for("/a", 2).await;

    assert_eq!(received[0].message_id(), received[1].message_id());
    assert_eq!(received[0].body, received[1].body);
    assert!(process.operator().get_event("e1").await.unwrap().dispatched);
}

/// Sends events until the process no longer answers; keeps the ids of those that were acknowledged.
pub async fn send_until_gone(client: Client, sender: String, acknowledged: Arc<Mutex<Vec<String>>>) {
    for number in 0.. {
        let id = format!("{sender}-{number}");
        let current_value = Some(raw(&format!(r#"{{"id":"{id}"}}"#)));
        let event = NewEvent { id: Some(id.clone()), current_value, ..NewEvent::new("TODO_CREATED", PROJECT) };
        if client.send_event(&event).await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().push(id);
    }
}

/// Seconds of what `cargo bench --workspace --bench queue` does for longer.
#[tokio::test]
async fn no_acknowledged_event_is_lost_over_ten_kills() {
    let data = TempDir::new().unwrap();

    let counts = check(data.path(), &Plan { kills: 10, events: 1_000, producers: 8, seed: 0x5eed }, |_| {}).await;

    assert_eq!((counts.kills, counts.attempted), (10, 1_000));
    assert!(counts.acknowledged > 500, "{counts}");
    assert_eq!(counts.faults(), [""; 0], "{counts}");
}

/// Sends batches until the process no longer answers; tells of each id that was acknowledged.
async fn send_batches_until_gone(client: Client, sender: String, acknowledged: mpsc::UnboundedSender<String>) {
    for number in 0.. {
        let event = |place| NewEvent {
            id: Some(format!("{sender}-{number}-{place}")),
            current_value: Some(raw("{}")),
            ..NewEvent::new("TODO_CREATED", PROJECT)
        };
        let batch: Vec<NewEvent> = (0..100).map(event).collect();
        let Ok(sent) = client.send_events(&batch).await else { return };
        for result in sent.results {
            let BatchResult::Accepted(event) = result else { panic!("{result:?}") };
            acknowledged.send(event.id).unwrap();
        }
    }
}

/// The ids of all events that the host has.
pub async fn kept(operator: &Client) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    let mut query = EventsQuery { limit: Some(250), ..EventsQuery::default() };
    loop {
        let page = operator.list_events(&query).await.unwrap();
        kept.extend(page.items.into_iter().map(|event| event.id));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return kept;
        }
    }
}

#[tokio::test]
async fn no_event_of_an_acknowledged_batch_is_lost_over_kills() {
    const KILLS: usize = 3;
    let data = TempDir::new().unwrap();
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let mut ids = Vec::new();

    for kill in 0..KILLS {
        let process = Process::start(data.path(), &[]).await;
        let senders = (0..4).map(|sender| {
            let name = format!("k{kill}-s{sender}");
            tokio::spawn(send_batches_until_gone(process.operator(), name, acknowledge.clone()))
        });
        let senders: Vec<_> = senders.collect();
        while ids.len() < 1_000 * (kill + 1) {
            ids.push(acknowledged.recv().await.unwrap());
        }
        process.kill().await;
        futures_util::future::join_all(senders).await;
    }
    drop(acknowledge);
    while let Some(id) = acknowledged.recv().await {
        ids.push(id);
    }
    let process = Process::start(data.path(), &[]).await;

    let kept = kept(&process.operator()).await;
    assert!(ids.len() >= 1_000 * KILLS);
    let lost: Vec<_> = ids.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "{} of {} are lost, such as {:?}", lost.len(), ids.len(), lost.first());
}

#[tokio::test]
async fn a_process_that_is_asked_to_stop_ends_in_time_although_requests_are_under_way() {
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    receiver.always("/a", Answer::held());
    let process = Process::start(data.path(), &[("HOOKSIEVE_DELIVERY_ATTEMPT_TIMEOUT_SECS", "30")]).await;
    register(&process, &receiver, &["/a"]).await;
    process.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;
    let mut half_sent = TcpStream::connect(process.address()).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {OPERATOR_TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"
    );
    half_sent.write_all(head.as_bytes()).await.unwrap();
    // The handler waits for the body once it asks for it.
    let mut asked = [0; 12];
    half_sent.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");

    let (status, took) = process.terminate().await;

    assert!(status.success(), "{status}");
    assert!(took < STOP, "{took:?}");
    receiver.always("/a", Answer::status(204));
    let _process = Process::start(data.path(), &[]).await;
    let received = receiver.wait_for("/a", 2).await;
    assert_eq!(received[0].body, received[1].body);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_and_the_first_goes_on() {
    let data = TempDir::new().unwrap();
    let process = Process::start(data.path(), &[]).await;

    let second = serve(data.path(), &[]).output().await.unwrap();

    let (_, told) = printed(&second);
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("is in use by another hooksieve process"), "{told}");
    assert!(told.contains("hint: "), "{told}");
    assert_eq!(process.operator().get_readiness().await.unwrap().status, "ok");
}

#[tokio::test]
async fn a_lost_database_is_not_replaced_by_an_empty_one() {
    let data = TempDir::new().unwrap();
    Process::start(data.path(), &[]).await.kill().await;
    std::fs::remove_file(data.path().join("hooksieve.db")).unwrap();

    let second = serve(data.path(), &[]).output().await.unwrap();

    let (_, told) = printed(&second);
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("is missing or empty; restore it from a backup"), "{told}");
    assert!(!data.path().join("hooksieve.db").exists());
}

#[tokio::test]
async fn a_restart_keeps_webhooks_tokens_and_filters() {
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    let process = Process::start(data.path(), &[]).await;
    let token = register(&process, &receiver, &[]).await;
    let user = process.client(&token);
    let filter = user.upload_filter(&UploadQuery { name: Some("mine".to_owned()) }, HOSTILE.to_vec()).await.unwrap();
    let config = Some(raw(r#"{"do":"deliver"}"#));
    let choice = hooksieve::wire::FilterChoice { id: filter.id.clone(), config, on_error: None };
    let new = NewWebhook { filter: Some(choice), ..webhook(&receiver.url("/a")) };
    let mut before = user.create_webhook(&new).await.unwrap();
    before.secret = None;
    let names = async |user: &Client| {
        let filters = user.list_filters(&PageQuery::default()).await.unwrap().items;
        filters.into_iter().map(|filter| filter.name).collect::<Vec<_>>()
    };
    let filters = names(&user).await;

    let (status, _) = process.terminate().await;
    let process = Process::start(data.path(), &[]).await;

    assert!(status.success());
    let user = process.client(&token);
    let after = user.get_webhook(&before.id).await.unwrap();
    assert_eq!(serde_json::to_string(&after).unwrap(), serde_json::to_string(&before).unwrap());
    assert_eq!(user.get_filter_wasm(&filter.id).await.unwrap(), HOSTILE);
    assert_eq!(names(&user).await, filters);
    assert!(filters.contains(&"mine".to_owned()), "{filters:?}");
    process.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;
}

#[tokio::test]
async fn a_stop_amid_a_thousand_deliveries_loses_none_and_repeats_none() {
    const WEBHOOKS: usize = 20;
    const EVENTS: usize = 50;
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    let process = Process::start(data.path(), &[]).await;
    let paths: Vec<String> = (0..WEBHOOKS).map(|number| format!("/{number}")).collect();
    for path in &paths {
        receiver.always(path, Answer::held());
    }
    register(&process, &receiver, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let events: Vec<NewEvent> = (0..EVENTS).map(|number| created(&format!("e{number}"))).collect();
    process.operator().send_events(&events).await.unwrap();
    // As many of each webhook as are attempted at a time.
    for path in &paths {
        receiver.wait_for(path, ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize).await;
    }

    process.ask_to_stop();
    for path in &paths {
        receiver.always(path, Answer::status(204));
    }
    receiver.release();
    let (status, took) = process.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < STOP, "{took:?}");
    let under_way: usize = paths.iter().map(|path| receiver.on(path).len()).sum();
    let process = Process::start(data.path(), &[]).await;

    for path in &paths {
        let received = receiver.wait_for(path, EVENTS).await;
        let messages: BTreeSet<_> = received.iter().map(|one| one.message_id()).collect();
        assert_eq!((received.len(), messages.len()), (EVENTS, EVENTS), "{path}");
    }
    assert!(under_way < WEBHOOKS * EVENTS, "nothing was left to the second host");
    assert!(process.terminate().await.0.success());
}

#[tokio::test]
async fn no_more_is_under_way_than_may_be_while_webhooks_go_on_by_themselves() {
    const WEBHOOKS: usize = 48;
    const EVENTS: usize = 50;
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    let process = Process::start(data.path(), &[]).await;
    let paths: Vec<String> = (0..WEBHOOKS).map(|number| format!("/{number}")).collect();
    register(&process, &receiver, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // From now on they are known to answer.
    process.operator().send_event(&created("known")).await.unwrap();
    for path in &paths {
        receiver.wait_for(path, 1).await;
        receiver.always(path, Answer::held());
    }
    let events: Vec<NewEvent> = (0..EVENTS).map(|number| created(&format!("e{number}"))).collect();

    process.operator().send_events(&events).await.unwrap();
    receiver.wait_for_all(ATTEMPTS_IN_FLIGHT_MAX + WEBHOOKS).await;
    for path in &paths {
        receiver.always(path, Answer::status(204));
    }
    receiver.release();

    for path in &paths {
        let received = receiver.wait_for(path, 1 + EVENTS).await;
        let messages: BTreeSet<_> = received.iter().map(|one| one.message_id()).collect();
        assert_eq!((received.len(), messages.len()), (1 + EVENTS, 1 + EVENTS), "{path}");
    }
    let AtOnce { on_one_path, in_all } = receiver.most_at_once();
    assert!(on_one_path <= ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize, "{on_one_path} on one path");
    assert_eq!(in_all, ATTEMPTS_IN_FLIGHT_MAX);
}
