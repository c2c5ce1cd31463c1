//! What is in memory beside the database is as the database is, whatever is written, fails and is rolled back.

use proptest::prelude::*;

use super::opened;
use crate::model::Timestamp;
use crate::model::ids::{DeliveryId, WebhookId};
use crate::store::contract::samples::{add_webhooks, at, attempted, delivery_claim, owe};
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::beginning::Listed;
use crate::store::sqlite::pending::Queue;
use crate::store::{Next, Retried, Store, StoreError};

const WEBHOOKS: [&str; 3] = ["a", "b", "c"];

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An event is owed to the webhooks whose bit is set.
    Owe(u8, i64),
    /// A statement is executed, and how its job ends.
    Write(String, End),
    /// Deliveries are claimed.
    Claim(i64, u32),
    /// Some are attempted, of which those succeed whose bit is set, and written together.
    Attempt(i64, u8),
    /// Some are claimed and given back.
    GiveBack(i64, u32),
    /// The delivery of an event is to be made at once, whatever became of it.
    Retry(u32, i64),
    /// It is asked when the next is due.
    NextDue,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Committed,
    Failed,
    /// It fails in the transaction in which another writes.
    FailedBesideAnother,
}

fn statement() -> impl Strategy<Value = String> {
    let parameters = (0..4_i64, 0..90_i64, 1..=WEBHOOKS.len());
    (0..8_usize, parameters).prop_map(|(which, (residue, seconds, webhook))| match which {
        0 => format!("UPDATE deliveries SET due_at = {seconds}000 WHERE state = 'pending' AND seq % 4 = {residue}"),
        1 => format!("UPDATE deliveries SET state = 'delivered', finished_at = 1 WHERE seq % 4 = {residue}"),
        2 => format!("UPDATE deliveries SET state = 'pending', finished_at = NULL WHERE seq % 4 = {residue}"),
        3 => format!(
            "DELETE FROM deliveries WHERE state <> 'pending' AND seq % 4 = {residue}
               AND NOT EXISTS (SELECT 1 FROM attempts WHERE delivery_seq = deliveries.seq)"
        ),
        4 => format!(
            "UPDATE webhooks SET failures_in_a_row = {residue}, held_until = {seconds}000, hold_reason = 'unhealthy'
             WHERE seq = {webhook}"
        ),
        5 => format!("UPDATE webhooks SET id = id || 'x' WHERE seq = {webhook}"),
        6 => format!(
            "INSERT INTO dispatch_queue SELECT seq FROM events WHERE seq % 4 = {residue} ON CONFLICT DO NOTHING"
        ),
        _ => format!("DELETE FROM dispatch_queue WHERE event_seq % 4 = {residue}"),
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![2 => Just(End::Committed), 1 => Just(End::Failed), 1 => Just(End::FailedBesideAnother)];
    let step = prop_oneof![
        4 => (1_u8..8, 0_i64..90).prop_map(|(mask, seconds)| Step::Owe(mask, seconds)),
        6 => (statement(), end).prop_map(|(sql, end)| Step::Write(sql, end)),
        2 => (0_i64..120, 1_u32..9).prop_map(|(now, rows)| Step::Claim(now, rows)),
        3 => (0_i64..120, any::<u8>()).prop_map(|(now, successes)| Step::Attempt(now, successes)),
        2 => (0_i64..120, 1_u32..9).prop_map(|(now, rows)| Step::GiveBack(now, rows)),
        2 => (0_u32..9, 0_i64..120).prop_map(|(number, now)| Step::Retry(number, now)),
        1 => Just(Step::NextDue),
    ];
    prop::collection::vec(step, 1..30)
}

async fn write(store: &SqliteStore, sql: &str, is_failing: bool) -> Result<(), StoreError> {
    let sql = sql.to_owned();
    let write = store.write(move |connection| {
        connection.execute(&sql, ())?;
        if is_failing { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
    });
    write.await
}

async fn play(store: &SqliteStore, step: Step, owed: &mut u32) {
    match step {
        Step::Owe(mask, seconds) => {
            *owed += 1;
            let ids = store.read(|connection| {
                let mut statement = connection.prepare("SELECT id FROM webhooks ORDER BY seq")?;
                statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
            });
            let ids = ids.await.unwrap();
            let to: Vec<_> = (0..ids.len()).filter(|bit| mask & (1 << bit) != 0).map(|bit| ids[bit].as_str()).collect();
            owe(store, &format!("e{owed}"), &to, at(seconds)).await;
        }
        Step::Write(sql, End::Committed) => write(store, &sql, false).await.unwrap(),
        Step::Write(sql, End::Failed) => drop(write(store, &sql, true).await.unwrap_err()),
        Step::Write(sql, End::FailedBesideAnother) => {
            let other = "UPDATE deliveries SET due_at = due_at + 1 WHERE state = 'pending'";
            let (failed, done) = tokio::join!(write(store, &sql, true), write(store, other, false));
            drop(failed.unwrap_err());
            done.unwrap();
        }
        Step::Claim(now, rows) => drop(store.claim_deliveries(delivery_claim(at(now), rows, 2)).await.unwrap()),
        Step::Attempt(now, successes) => {
            let claimed = store.claim_deliveries(delivery_claim(at(now), 8, 3)).await.unwrap();
            let next =
                |bit: usize| if successes & (1 << bit) != 0 { Next::Delivered } else { Next::RetryAt(at(now + 9)) };
            let ended = claimed.iter().enumerate().map(|(bit, row)| attempted(row, next(bit), at(now)));
            drop(store.record_attempts(ended.collect()).await.unwrap());
        }
        Step::GiveBack(now, rows) => {
            let mut claimed = store.claim_deliveries(delivery_claim(at(now), rows, 3)).await.unwrap();
            // These are found behind those.
            claimed.append(&mut store.claim_deliveries(delivery_claim(at(now), rows, 3)).await.unwrap());
            let back = claimed.into_iter().map(|row| (row.delivery.id, row.fence)).collect();
            store.release_deliveries(back).await.unwrap();
        }
        Step::Retry(number, now) => {
            let ids = store.read(|connection| {
                let mut statement = connection.prepare("SELECT id FROM deliveries ORDER BY seq")?;
                statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<Vec<DeliveryId>>>()
            });
            if let Some(id) = ids.await.unwrap().get(number as usize) {
                let _: Retried = store.retry_delivery(id, at(now)).await.unwrap();
            }
        }
        Step::NextDue => drop(store.next_due().await.unwrap()),
    }
}

/// What is pending for each webhook, in order, with its URL and what it is held by; and what waits.
type Tables = (Vec<(i64, String, String, Option<Timestamp>, bool, Vec<(Timestamp, i64)>)>, Vec<i64>);

async fn tables(store: &SqliteStore) -> Tables {
    let read = store.read(|connection| {
        let mut webhooks =
            connection.prepare("SELECT seq, id, url, held_until, failures_in_a_row > 0 FROM webhooks")?;
        let mut pending = connection.prepare(
            "SELECT due_at, seq FROM deliveries WHERE state = 'pending' AND webhook_seq = ?1 ORDER BY due_at, seq",
        )?;
        let webhooks = webhooks.query_map((), |row| {
            let seq = row.get(0)?;
            let pending = pending.query_map((seq,), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            Ok((seq, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, pending))
        });
        let webhooks = webhooks?.collect::<Result<_, _>>()?;
        let mut waiting = connection.prepare("SELECT event_seq FROM dispatch_queue ORDER BY event_seq")?;
        Ok((webhooks, waiting.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?))
    });
    read.await.unwrap()
}

/// What is free is found whether or not it is remembered how far all is held, at each of some times.
fn assert_free_is_as_by_a_naive_look(store: &SqliteStore, queue: &Queue) {
    for now in (0..200).step_by(23).map(at).chain([at(60), at(0)]) {
        let leases = store.delivery_leases.look();
        let due = queue.places().0.into_iter().filter(|(due_at, _)| *due_at <= now);
        let naive: Vec<_> = due.filter(|(_, seq)| leases.is_free(*seq, now)).take(2).collect();
        drop(leases);
        let found = queue.free(now, &store.delivery_leases, 2);
        assert_eq!(found.iter().map(Listed::place).collect::<Vec<_>>(), naive, "at {now:?}");
    }
}

async fn assert_memory_is_as_the_tables(store: &SqliteStore) {
    let (webhooks, waiting) = tables(store).await;
    let (in_memory, rest) = store.at_hand.waiting.in_memory();
    let before = |rest: Option<i64>| waiting.iter().copied().filter(move |seq| rest.is_none_or(|rest| *seq < rest));
    assert_eq!(in_memory, before(rest).collect::<Vec<_>>());
    let state = store.at_hand.pending.state();
    for (seq, id, url, held_until, is_failing, pending) in webhooks {
        let sound = store.writer.touched().sound(&WebhookId::parse(&id).unwrap(), &url);
        assert!(sound.is_none_or(|sound| sound == seq && held_until.is_none() && !is_failing), "{id} is not sound");
        let Some(found) = state.in_memory(seq) else {
            assert!(pending.is_empty(), "{id} is owed {pending:?}");
            continue;
        };
        let (places, rest) = found.places();
        assert_free_is_as_by_a_naive_look(store, found);
        let expected: Vec<_> = pending.into_iter().filter(|place| rest.is_none_or(|rest| *place < rest)).collect();
        assert_eq!(places, expected, "{id}");
        let stands = (&*found.webhook.id, found.webhook.held_until, found.webhook.is_failing);
        assert_eq!(stands, (id.as_bytes(), held_until, is_failing));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_is_as_the_tables_are(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _kept) = opened();
            add_webhooks(&*store, &WEBHOOKS).await;
            let mut owed = 0;
            for step in steps {
                play(&store, step, &mut owed).await;
                assert_memory_is_as_the_tables(&store).await;
            }
        });
    }
}
