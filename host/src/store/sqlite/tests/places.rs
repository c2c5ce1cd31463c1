//! Verdicts are found by their webhooks, whatever was decided in whatever order, and whatever was placed since.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;

use super::opened;
use crate::model::event::EventSeq;
use crate::model::limits::{EVENTS_PLACED_TOGETHER, VERDICTS_PLACED_SINGLY_MAX};
use crate::model::verdict::Outcome;
use crate::store::contract::samples::{add_webhooks, decide, page, verdict, webhook_id};
use crate::store::sqlite::verdict_places::{self, Bounds, NEWEST_FIRST, OLDEST_FIRST};
use crate::store::sqlite::{SqliteStore, migrations};
use crate::store::{SealingKey, Store, VerdictQuery};

/// So small that a few events are placed together.
const BOUNDS: Bounds = Bounds { singly_max: 2, together: 3, at_least: 4 };
const WEBHOOKS: i64 = 12;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An event, one of those that nothing was decided on yet, is decided on for these webhooks.
    Decide(Index, BTreeSet<i64>),
    /// An event has had its time, and its verdicts go.
    Forget(Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let webhooks = prop_oneof![
        prop::collection::btree_set(1..=WEBHOOKS, 0..3),
        prop::collection::btree_set(1..=WEBHOOKS, 3..=WEBHOOKS as usize),
    ];
    let step = prop_oneof![
        6 => (any::<Index>(), webhooks).prop_map(|(event, webhooks)| Step::Decide(event, webhooks)),
        1 => any::<Index>().prop_map(Step::Forget),
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

fn write(connection: &Connection, event: i64, webhooks: &BTreeSet<i64>) {
    for webhook in webhooks {
        let sql = "INSERT INTO verdicts (event_seq, webhook_seq, outcome, decided_at) VALUES (?1, ?2, 'filtered', 0)";
        connection.execute(sql, (event, webhook)).unwrap();
    }
    let webhooks: Vec<_> = webhooks.iter().copied().collect();
    verdict_places::add(connection, EventSeq(event), &webhooks, &BOUNDS).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_webhook_finds_the_events_that_a_naive_model_has(steps in steps()) {
        let connection = empty();
        let mut undecided: Vec<i64> = (1..=60).collect();
        let mut model: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Decide(which, webhooks) => {
                    let event = undecided.remove(which.index(undecided.len().min(4)));
                    write(&connection, event, &webhooks);
                    model.insert(event, webhooks);
                }
                Step::Forget(which) if !model.is_empty() => {
                    let event = *model.keys().nth(which.index(model.len())).unwrap();
                    connection.execute("DELETE FROM verdicts WHERE event_seq = ?1", (event,)).unwrap();
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
            // Those that are placed, and those that came meanwhile: each places four verdicts, of 36 at the most.
            prop_assert!(waiting <= 3 + 36 / 4, "{} wait", waiting);
        }
    }
}

async fn waiting(store: &SqliteStore) -> u32 {
    let count =
        |connection: &Connection| connection.query_row("SELECT count(*) FROM verdicts_to_place", (), |row| row.get(0));
    store.read(count).await.unwrap()
}

#[tokio::test]
async fn verdicts_for_many_webhooks_are_found_at_once_and_placed_when_many_events_wait() {
    let (store, _kept) = opened();
    let names: Vec<_> = (0..=VERDICTS_PLACED_SINGLY_MAX).map(|number| format!("w{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    add_webhooks(&*store, &names).await;
    let found = async |webhook: &str| {
        let mut events = Vec::new();
        let mut after = None;
        loop {
            let page = page(50, after);
            let found = store.verdicts_for(&webhook_id(webhook), VerdictQuery::default(), page).await.unwrap();
            events.extend(found.items.into_iter().map(|item| item.event_id.to_string()));
            after = found.next;
            if after.is_none() {
                return events;
            }
        }
    };
    let mut expected = Vec::new();
    // Enough that the first are placed, and those that came meanwhile wait.
    for number in 0..EVENTS_PLACED_TOGETHER + 6 {
        let event = format!("e{number}");
        let to = names.iter().map(|name| verdict(name, Outcome::Filtered)).collect();
        decide(&*store, &event, to).await;
        expected.insert(0, event);
        if number % 16 == 0 || number >= EVENTS_PLACED_TOGETHER - 2 {
            assert_eq!(found("w0").await, expected);
            assert_eq!(found("w32").await, expected);
        }
    }
    assert!((1..=6).contains(&waiting(&store).await));
}
