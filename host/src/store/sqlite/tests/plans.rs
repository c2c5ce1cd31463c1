//! How the hot statements are executed: what they touch must not grow with what they do not answer.

use std::sync::Arc;

use rusqlite::{Connection, StatementStatus};

use super::opened;
use crate::model::delivery::DeliveryState;
use crate::model::verdict::Outcome;
use crate::store::contract::samples::{
    LEASE, add_webhooks, at, attempted, delivery_claim, names, owe, page, webhook_id,
};
use crate::store::sqlite::pending::Class;
use crate::store::sqlite::{
    SqliteStore, deliveries, delivery_list, event_list, events, leftovers, pending, queues, replay_pages, replays,
    stats, verdict_places, verdicts,
};
use crate::store::{Next, Result, Store, VerdictQuery};

/// Owes `rows` more deliveries, due at once, to the first webhook, by copying the first one.
async fn pile_up(store: &SqliteStore, rows: u32) -> Result<()> {
    store
        .write(move |connection| {
            connection.execute_batch(&format!(
                "INSERT INTO events (seq, id, digest, event_type, company_id, project_id, user_id, occurred_at, accepted_at,
                                     previous_value, current_value)
                 SELECT e.seq + value, e.id || value, digest, event_type, company_id, project_id,
                        user_id, occurred_at, accepted_at, previous_value, current_value
                 FROM events e, (WITH RECURSIVE n (value) AS
                   (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {rows}) SELECT value FROM n)
                 WHERE e.seq = 1;
                 INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, due_at, created_at)
                 SELECT d.id || e.seq, e.seq, d.webhook_seq, 1, 'pending', d.due_at, d.created_at
                 FROM deliveries d, events e WHERE d.seq = 1 AND e.seq > 1;"
            ))
        })
        .await
}

/// The virtual machine's steps that `sql` takes: the same on every machine.
fn steps(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<i32> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(statement.get_status(StatementStatus::VmStep))
}

/// How SQLite means to execute `sql`, one line a step.
fn explain(connection: &Connection, sql: &str, parameters: usize) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let nulls = vec![rusqlite::types::Null; parameters];
    statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))?.collect()
}

#[tokio::test]
async fn who_goes_on_finds_all_in_memory_however_much_is_in_the_table() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    pile_up(&store, 20).await.unwrap();
    let mut claimed = store.claim_deliveries(delivery_claim(at(1), 2, 2)).await.unwrap();

    let mut most = 0;
    for count in 2..20 {
        drop(store.at_hand.reading.lock().await);
        most = most.max(store.at_hand.pending.state().in_memory(1).unwrap().places().0.len());
        let first = claimed.remove(0);
        store.record_attempts(Arc::new([attempted(&first, Next::Delivered, at(1))])).await.unwrap();
        let next = store.claim_next(&webhook_id("w"), at(1), LEASE);
        claimed.push(next.unwrap_or_else(|| panic!("the next one is not in memory after {count}")));
    }

    assert!((4..7).contains(&most), "{most} deliveries were in memory, for three are to be");
}

#[tokio::test]
async fn a_webhook_with_a_hundred_thousand_due_deliveries_does_not_slow_a_claim() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["dead", "alive"]).await;
    owe(&*store, "e", &["dead"], at(0)).await;
    let cost = async || {
        let read = store.read(|connection| {
            Ok((
                steps(connection, pending::WAITING_WEBHOOKS, ())?,
                steps(connection, pending::PENDING_FROM, (1, at(0), i64::MIN, 8))?,
                steps(connection, queues::DUE_NOW, (at(9), 100))?,
            ))
        });
        read.await.unwrap()
    };
    let (webhooks_before, ..) = cost().await;

    pile_up(&store, 100_000).await.unwrap();
    owe(&*store, "new", &["alive"], at(9)).await;
    let (webhooks, deliveries, counted) = cost().await;
    let claimed = store.claim_deliveries(delivery_claim(at(9), 2, 8)).await.unwrap();

    assert!(webhooks <= 2 * webhooks_before, "{webhooks} steps, {webhooks_before} before");
    assert!(deliveries < 300, "{deliveries} steps");
    assert!(counted < 2_000, "{counted} steps, though a hundred of each webhook were to be counted");
    assert_eq!(names(&claimed), [("e", "dead"), ("new", "alive")]);
}

#[tokio::test]
async fn ten_thousand_deliveries_behind_a_dead_endpoint_cost_the_claims_of_others_nothing() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["dead", "alive"]).await;
    owe(&*store, "e", &["dead"], at(0)).await;
    pile_up(&store, 10_000).await.unwrap();
    let hold = "UPDATE webhooks SET held_until = ?1, hold_reason = 'unhealthy' WHERE id = 'dead'";
    store.write(move |connection| connection.execute(hold, (at(9_000),))).await.unwrap();
    owe(&*store, "new", &["alive"], at(1)).await;

    let claimed = store.claim_deliveries(delivery_claim(at(9), 9, 9)).await.unwrap();
    let next = store.next_due().await.unwrap();
    let reads =
        store.read(|connection| Ok(connection.prepare_cached(pending::PENDING_FROM)?.get_status(StatementStatus::Run)));

    assert_eq!(names(&claimed), [("new", "alive")]);
    assert_eq!(next, Some(at(69)), "when the lease of what was claimed ends");
    assert_eq!(reads.await.unwrap(), 0, "all that is asked for is in memory");
}

#[tokio::test]
async fn what_is_due_is_found_without_a_look_at_webhooks_that_wait_for_tomorrow() {
    let (store, _kept) = opened();
    let waiting: Vec<_> = (0..200).map(|number| format!("w{number}")).collect();
    add_webhooks(&*store, &waiting.iter().map(String::as_str).collect::<Vec<_>>()).await;
    add_webhooks(&*store, &["now"]).await;
    for webhook in &waiting {
        owe(&*store, &format!("e-{webhook}"), &[webhook], at(86_400)).await;
    }
    owe(&*store, "due", &["now"], at(5)).await;

    let claimed = store.claim_deliveries(delivery_claim(at(9), 9, 9)).await.unwrap();

    assert_eq!(names(&claimed), [("due", "now")]);
    assert_eq!(store.at_hand.pending.state().in_turn(Class::Unproven).count(), 1);
}

#[tokio::test]
async fn hot_statements_search_and_never_scan() {
    let (store, _kept) = opened();

    let plans = store.read(|connection| {
        Ok([
            explain(connection, pending::WAITING_WEBHOOKS, 0)?,
            explain(connection, pending::PENDING_FROM, 4)?,
            explain(connection, queues::DUE_NOW, 2)?,
        ])
    });

    for plan in plans.await.unwrap() {
        for line in &plan {
            let is_bounded = line.contains("SEARCH") || !line.contains("deliveries") && !line.contains("webhooks");
            assert!(is_bounded && !line.contains("TEMP B-TREE"), "{line} in {plan:#?}");
        }
        assert!(plan.iter().any(|line| line.contains("deliveries_due")), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_page_of_events_costs_no_more_among_a_hundred_thousand() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    // All at the same time, which is the worst for an index by time.
    pile_up(&store, 100_000).await.unwrap();

    let cost = store.read(|connection| {
        let (time, middle, ever) = (at(0), 50_000, i64::MIN);
        Ok([
            steps(connection, event_list::OF_ALL, (time, middle, ever, 8))?,
            steps(connection, event_list::OF_PROJECT, (time, middle, ever, 8, "project"))?,
            steps(connection, event_list::OF_PROJECT, (at(9), i64::MIN, ever, 8, "no-project"))?,
        ])
    });

    for steps in cost.await.unwrap() {
        assert!(steps < 300, "{steps} steps");
    }
}

#[tokio::test]
async fn lists_of_events_search_and_never_scan() {
    let (store, _kept) = opened();

    let plans = store.read(|connection| {
        [(event_list::OF_ALL, 4), (event_list::OF_PROJECT, 5), (event_list::PROJECTS, 1)]
            .into_iter()
            .map(|(sql, parameters)| explain(connection, sql, parameters))
            .collect::<rusqlite::Result<Vec<_>>>()
    });

    for plan in plans.await.unwrap() {
        let tables = plan.iter().filter(|line| line.contains(" events") || line.contains(" members"));
        let is_bounded = |line: &String| line.starts_with("SEARCH") && line.contains("INDEX");
        assert!(tables.clone().count() > 0 && tables.clone().all(is_bounded), "{plan:#?}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}");
    }
}

#[tokio::test]
async fn statistics_and_pages_of_verdicts_cost_no_more_among_a_hundred_thousand() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    pile_up(&store, 100_000).await.unwrap();
    let decide = store.write(|connection| {
        connection.execute_batch(
            "INSERT INTO verdicts (event_seq, webhook_seq, outcome, decided_at)
             SELECT seq, 1, 'filtered', 0 FROM events WHERE seq > 1;
             INSERT INTO verdicts_of_webhook (webhook_seq, event_seq) SELECT 1, seq FROM events WHERE seq > 200;
             INSERT INTO verdicts_to_place (event_seq) SELECT seq FROM events WHERE seq BETWEEN 2 AND 200",
        )
    });
    decide.await.unwrap();

    let cost = store.read(|connection| {
        Ok((
            steps(connection, stats::FIRST_SINCE, (at(0),))?,
            steps(connection, &format!("{} LIMIT 10", verdict_places::NEWEST_FIRST), (1, 1, i64::MAX))?,
            steps(connection, &format!("{} LIMIT 10", verdict_places::OLDEST_FIRST), (1, 1, i64::MAX))?,
            steps(connection, stats::VERDICT, (1_000, 1, 200))?,
        ))
    });
    let (first, newest, oldest, verdict) = cost.await.unwrap();

    assert!(first < 50 && newest < 400 && oldest < 400, "{first}, {newest} and {oldest} steps");
    assert!(verdict < 60, "{verdict} steps");

    // The only one that was delivered is the oldest.
    let query = VerdictQuery { outcome: Some(Outcome::Delivered), ..VerdictQuery::default() };
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let found = store.verdicts_for(&webhook_id("w"), query.clone(), page(5, after)).await.unwrap();
        pages.push(found.items.len());
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [[0; 10].as_slice(), &[1]].concat());
}

#[tokio::test]
async fn a_page_of_deliveries_costs_no_more_among_a_hundred_thousand() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    // All at the same time, which is the worst for an index by time.
    pile_up(&store, 100_000).await.unwrap();
    let rare = |connection: &Connection| {
        connection.execute("UPDATE deliveries SET state = 'failed' WHERE seq IN (1, 50000)", ())
    };
    store.write(rare).await.unwrap();

    let cost = store.read(|connection| {
        let (failed, ever, none) = (DeliveryState::Failed, i64::MIN, None::<&str>);
        Ok([
            steps(connection, delivery_list::OF_WEBHOOK, ("w", at(1), ever, ever, 8, none, none))?,
            steps(connection, delivery_list::OF_WEBHOOK, ("w", at(0), 50_000, ever, 8, none, none))?,
            steps(connection, delivery_list::OF_WEBHOOK, ("w", at(0), ever, at(0), 8, none, none))?,
            steps(connection, delivery_list::GIVEN_UP, ("w", at(1), ever, ever, 8, failed, none))?,
            steps(connection, delivery_list::GIVEN_UP, ("w", at(0), 50_000, ever, 8, failed, none))?,
        ])
    });

    for steps in cost.await.unwrap() {
        assert!(steps < 800, "{steps} steps");
    }
}

#[tokio::test]
async fn what_every_event_writes_makes_no_table_for_itself() {
    let (store, _kept) = opened();

    let programs = store.write(|connection| {
        let statements = [
            (events::INSERT, 12),
            (deliveries::INSERT, 7),
            (deliveries::END_ATTEMPT, 5),
            (deliveries::INSERT_ATTEMPT, 8),
            (verdicts::INSERT, 9),
        ];
        let programs = statements.into_iter().map(|(sql, parameters)| {
            let mut statement = connection.prepare(&format!("EXPLAIN {sql}"))?;
            let nulls = vec![rusqlite::types::Null; parameters];
            statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(1))?.collect()
        });
        programs.collect::<rusqlite::Result<Vec<Vec<String>>>>()
    });

    for program in programs.await.unwrap() {
        assert!(program.iter().any(|step| step == "MakeRecord"), "{program:?}");
        assert!(!program.iter().any(|step| step == "OpenEphemeral"), "{program:?}");
    }
}

#[tokio::test]
async fn lists_of_deliveries_and_replays_search_and_never_scan() {
    let (store, _kept) = opened();

    let plans = store.read(|connection| {
        let statements = [
            (delivery_list::OF_WEBHOOK, 7, "deliveries_of_webhook"),
            (delivery_list::GIVEN_UP, 7, "deliveries_given_up"),
            (verdict_places::NEWEST_FIRST, 3, "verdicts_of_webhook"),
            (verdict_places::OLDEST_FIRST, 3, "verdicts_of_webhook"),
            (stats::VERDICT, 3, "events_of_test"),
            (replay_pages::VERDICT, 4, "PRIMARY KEY"),
            (replay_pages::FIRST_SINCE, 2, "events_by_time"),
            (replay_pages::LAST_BEFORE, 2, "events_by_time"),
            (replays::RUNNING, 2, "deliveries_due"),
            (leftovers::ENDED_REPLAYS, 2, "replays_ended"),
            (leftovers::DELETED_WEBHOOKS, 4, "webhooks_deleted"),
        ];
        let explained =
            statements.into_iter().map(|(sql, parameters, index)| Ok((explain(connection, sql, parameters)?, index)));
        explained.collect::<rusqlite::Result<Vec<_>>>()
    });

    for (plan, index) in plans.await.unwrap() {
        assert!(plan.iter().any(|line| line.starts_with("SEARCH") && line.contains(index)), "{plan:#?}");
        for line in &plan {
            // Few replays are under way, so all of them are read; what a subquery found is read once.
            let is_bounded =
                !line.starts_with("SCAN") || line.contains("replays_running") || line.contains("(subquery");
            assert!(is_bounded && !line.contains("TEMP B-TREE"), "{line} in {plan:#?}");
        }
    }
}
