//! Candidates beside the filters of webhooks: how often they agree, and the newest events on which they do not.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::Count;
use crate::model::comparison::{Agreement, Agreements, Difference, Judged};
use crate::model::event::EventSeq;
use crate::model::ids::WebhookId;
use crate::model::limits::SHADOW_SAMPLES_MAX;
use crate::model::webhook::Webhook;
use crate::store::Compared;

/// Counts a comparison, unless the webhook has another shadow by now, or another filter beside it.
pub(super) fn record(connection: &Connection, event: EventSeq, compared: &Compared) -> rusqlite::Result<()> {
    let shadow = &compared.shadow;
    let webhook: Option<i64> = connection
        .prepare_cached(
            "SELECT seq FROM webhooks WHERE id = ?1 AND shadow_since = ?2 AND shadow_filter_digest = ?3
               AND shadow_filter_config = ?4",
        )?
        .query_one((&compared.webhook_id, shadow.since, shadow.digest, &shadow.config), |row| row.get(0))
        .optional()?;
    let Some(webhook) = webhook else { return Ok(()) };
    let agreement = Agreement::between(&compared.recorded, &compared.candidate);
    let one = Agreements::from(agreement);
    connection
        .prepare_cached(
            "INSERT INTO shadow_tallies (webhook_seq, agreed, delivered_but_skips, skipped_but_delivers, errors)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (webhook_seq) DO UPDATE SET
               agreed = agreed + excluded.agreed,
               delivered_but_skips = delivered_but_skips + excluded.delivered_but_skips,
               skipped_but_delivers = skipped_but_delivers + excluded.skipped_but_delivers,
               errors = errors + excluded.errors",
        )?
        .execute((
            webhook,
            Count(one.agreed),
            Count(one.delivered_but_skips),
            Count(one.skipped_but_delivers),
            Count(one.errors),
        ))?;
    if agreement == Agreement::Agreed { Ok(()) } else { keep_sample(connection, webhook, event, compared) }
}

/// Keeps a sample, and no more than the newest.
fn keep_sample(connection: &Connection, webhook: i64, event: EventSeq, compared: &Compared) -> rusqlite::Result<()> {
    let Compared { recorded, candidate, .. } = compared;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO shadow_samples (webhook_seq, event_seq, outcome, reason, reason_class,
               candidate_outcome, candidate_reason, candidate_reason_class)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            webhook,
            event,
            recorded.outcome,
            &recorded.reason,
            recorded.reason_class,
            candidate.outcome,
            &candidate.reason,
            candidate.reason_class,
        ))?;
    connection
        .prepare_cached(
            "DELETE FROM shadow_samples WHERE webhook_seq = ?1 AND event_seq <=
               (SELECT event_seq FROM shadow_samples WHERE webhook_seq = ?1 ORDER BY event_seq DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute((webhook, SHADOW_SAMPLES_MAX))?;
    Ok(())
}

/// Before a webhook is changed: forgets what was compared, unless it goes on.
pub(super) fn begin_anew(connection: &Connection, webhook: &Webhook) -> rusqlite::Result<()> {
    let shadow = webhook.shadow.as_ref();
    let changed: Option<i64> = connection
        .prepare_cached(
            "SELECT seq FROM webhooks WHERE id = ?1 AND shadow_since IS NOT NULL AND NOT
               (shadow_since IS ?2 AND shadow_filter_digest IS ?3 AND shadow_filter_config IS ?4)",
        )?
        .query_one(
            (
                &webhook.id,
                shadow.map(|shadow| shadow.since),
                shadow.map(|shadow| shadow.digest),
                shadow.map(|shadow| &shadow.config),
            ),
            |row| row.get(0),
        )
        .optional()?;
    changed.map_or(Ok(()), |webhook| forget(connection, webhook))
}

/// Forgets what was compared.
pub(super) fn forget(connection: &Connection, webhook_seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM shadow_tallies WHERE webhook_seq = ?1")?.execute((webhook_seq,))?;
    connection.prepare_cached("DELETE FROM shadow_samples WHERE webhook_seq = ?1")?.execute((webhook_seq,))?;
    Ok(())
}

/// What was counted of each of these webhooks' shadows, for those of which anything was.
pub(super) fn agreements(
    connection: &Connection,
    ids: Vec<WebhookId>,
) -> rusqlite::Result<HashMap<WebhookId, Agreements>> {
    let mut statement = connection.prepare_cached(
        "SELECT t.agreed, t.delivered_but_skips, t.skipped_but_delivers, t.errors
         FROM webhooks w CROSS JOIN shadow_tallies t ON t.webhook_seq = w.seq WHERE w.id = ?1",
    )?;
    let mut counted = HashMap::new();
    for id in ids {
        let found = statement.query_one((&id,), |row| {
            let count = |column| row.get::<_, Count>(column).map(|count| count.0);
            Ok(Agreements {
                agreed: count(0)?,
                delivered_but_skips: count(1)?,
                skipped_but_delivers: count(2)?,
                errors: count(3)?,
            })
        });
        if let Some(agreements) = found.optional()? {
            counted.insert(id, agreements);
        }
    }
    Ok(counted)
}

/// The newest events on which a webhook's shadow did not agree, the newest first.
pub(super) fn samples(connection: &Connection, webhook: &WebhookId) -> rusqlite::Result<Vec<Difference>> {
    connection
        .prepare_cached(
            "SELECT e.id, s.outcome, s.reason, s.reason_class, s.candidate_outcome, s.candidate_reason,
                    s.candidate_reason_class
             FROM webhooks w CROSS JOIN shadow_samples s ON s.webhook_seq = w.seq JOIN events e ON e.seq = s.event_seq
             WHERE w.id = ?1 ORDER BY s.event_seq DESC",
        )?
        .query_map((webhook,), |row| {
            Ok(Difference { event_id: row.get(0)?, recorded: Some(judged(row, 1)?), candidate: judged(row, 4)? })
        })?
        .collect()
}

/// What a filter made of an event, in three columns from `first` on.
pub(super) fn judged(row: &Row<'_>, first: usize) -> rusqlite::Result<Judged> {
    Ok(Judged { outcome: row.get(first)?, reason: row.get(first + 1)?, reason_class: row.get(first + 2)? })
}
