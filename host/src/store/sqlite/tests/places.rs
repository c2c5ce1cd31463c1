//! Verdicts are found by their webhooks, whatever was decided in whatever order, and whatever was placed since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;

use super::opened;
use crate::model::event::EventSeq;
use crate::model::limits::EVENTS_TO_PLACE_MAX;
use crate::model::verdict::Outcome;
use crate::store::contract::samples::{add_webhooks, decide, page, verdict, webhook_id};
use crate::store::sqlite::verdict_places::{Bounds, NEWEST_FIRST, OLDEST_FIRST, Placer};
use crate::store::sqlite::writer::Commits;
use crate::store::sqlite::{SqliteStore, migrations};
use crate::store::{SealingKey, Store, VerdictQuery};

/// So small that a few events are too many.
const BOUNDS: Bounds = Bounds { events_max: 3, verdicts_max: 20, at_least: 3, at_once_max: 2 };
const WEBHOOKS: i64 = 12;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An event, one of those that nothing was decided on yet, is decided on for these webhooks.
    Decide(Index, BTreeSet<i64>),
    /// The same, and then it is rolled back.
    DecideInVain(Index, BTreeSet<i64>),
    /// An event has had its time, and its verdicts go.
    Forget(Index),
    /// The process ends, and another takes over.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let webhooks = prop_oneof![
        prop::collection::btree_set(1..=WEBHOOKS, 0..3),
        prop::collection::btree_set(1..=WEBHOOKS, 3..=WEBHOOKS as usize),
    ];
    let decision = (any::<Index>(), webhooks);
    let step = prop_oneof![
        6 => decision.clone().prop_map(|(event, webhooks)| Step::Decide(event, webhooks)),
        1 => decision.prop_map(|(event, webhooks)| Step::DecideInVain(event, webhooks)),
        1 => any::<Index>().prop_map(Step::Forget),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

fn empty() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations::apply(&mut connection, 0, &SealingKey::from_bytes([7; 32])).unwrap();
    connection
}

fn places(connection: &Connection, sql: &str, webhook: i64) -> Vec<i64> {
    let sql = format!(
        "SELECT event_seq FROM ({sql}) p WHERE EXISTS
           (SELECT 1 FROM verdicts v WHERE v.event_seq = p.event_seq AND v.webhook_seq = ?1)"
    );
    let mut statement = connection.prepare(&sql).unwrap();
    statement.query_map((webhook, 0, i64::MAX), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn write(connection: &Connection, placer: &Placer, event: i64, webhooks: &BTreeSet<i64>) {
    for webhook in webhooks {
        let sql = "INSERT INTO verdicts (event_seq, webhook_seq, outcome, decided_at) VALUES (?1, ?2, 'filtered', 0)";
        connection.execute(sql, (event, webhook)).unwrap();
    }
    let webhooks: Vec<_> = webhooks.iter().copied().collect();
    placer.add(connection, EventSeq(event), &webhooks).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_webhook_finds_the_events_that_a_naive_model_has(steps in steps()) {
        let connection = empty();
        let commits = Arc::new(Commits::default());
        let mut placer = Placer::new(BOUNDS, Arc::clone(&commits));
        let mut undecided: Vec<i64> = (1..=60).collect();
        let mut model: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Decide(which, webhooks) => {
                    let event = undecided.remove(which.index(undecided.len().min(4)));
                    write(&connection, &placer, event, &webhooks);
                    model.insert(event, webhooks);
                }
                Step::DecideInVain(which, webhooks) => {
                    let event = undecided[which.index(undecided.len().min(4))];
                    connection.execute_batch("BEGIN").unwrap();
                    write(&connection, &placer, event, &webhooks);
                    connection.execute_batch("ROLLBACK").unwrap();
                    commits.undone.fetch_add(1, Ordering::Relaxed);
                }
                Step::Restart => placer = Placer::new(BOUNDS, Arc::clone(&commits)),
                Step::Forget(which) if !model.is_empty() => {
                    let event = *model.keys().nth(which.index(model.len())).unwrap();
                    connection.execute("DELETE FROM verdicts WHERE event_seq = ?1", (event,)).unwrap();
                    connection.execute("DELETE FROM verdicts_to_place WHERE event_seq = ?1", (event,)).unwrap();
                    model.remove(&event);
                }
                Step::Forget(_) => {}
            }
            for webhook in 1..=WEBHOOKS {
                let expected: Vec<i64> =
                    model.iter().filter(|(_, webhooks)| webhooks.contains(&webhook)).map(|(event, _)| *event).collect();
                let newest: Vec<i64> = expected.iter().rev().copied().collect();
                prop_assert_eq!(places(&connection, OLDEST_FIRST, webhook), expected);
                prop_assert_eq!(places(&connection, NEWEST_FIRST, webhook), newest);
            }
            let sql = "SELECT count(*) FROM verdicts_to_place";
            let waiting: u32 = connection.query_row(sql, (), |row| row.get(0)).unwrap();
            // While there is too much, what is decided on makes it less; each event has a verdict that waits.
            prop_assert!(i64::from(waiting) <= (3 + 1) * WEBHOOKS, "{} wait", waiting);
        }
    }
}

async fn waiting(store: &SqliteStore) -> u32 {
    let count =
        |connection: &Connection| connection.query_row("SELECT count(*) FROM verdicts_to_place", (), |row| row.get(0));
    store.read(count).await.unwrap()
}

#[tokio::test]
async fn verdicts_are_found_at_once_and_placed_when_many_events_wait() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["all", "some"]).await;
    let found = async |webhook: &str| {
        let query = VerdictQuery::default();
        let found = store.verdicts_for(&webhook_id(webhook), query, page(3, None)).await.unwrap();
        found.items.into_iter().map(|item| item.event_id.to_string()).collect::<Vec<_>>()
    };
    for number in 0..EVENTS_TO_PLACE_MAX + 40 {
        let to = if number % 100 == 0 { ["all", "some"].as_slice() } else { &["all"] };
        decide(&*store, &format!("e{number}"), to.iter().map(|name| verdict(name, Outcome::Filtered)).collect()).await;
        if number == EVENTS_TO_PLACE_MAX - 1 {
            assert_eq!(waiting(&store).await as usize, EVENTS_TO_PLACE_MAX);
        }
    }

    let last = EVENTS_TO_PLACE_MAX + 39;
    assert_eq!(found("all").await, [last, last - 1, last - 2].map(|number| format!("e{number}")));
    assert_eq!(found("some").await, ["e2000", "e1900", "e1800"]);
    assert!(waiting(&store).await as usize <= EVENTS_TO_PLACE_MAX);
}
