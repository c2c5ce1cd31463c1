//! Signing secrets, sealed. Several may sign for a webhook while one replaces another.

use rusqlite::Connection;
use rusqlite::types::FromSqlError;

use super::columns::unreadable;
use super::webhooks;
use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::model::secret::Secret;
use crate::store::{Rotated, Rotation, SealingKey};

/// A secret that can be written down.
pub(super) struct Sealed(Vec<u8>);

pub(super) fn seal(key: &SealingKey, webhook: &WebhookId, secret: &Secret) -> Sealed {
    Sealed(key.seal(webhook.as_str(), secret.expose().as_bytes()))
}

/// Keeps a secret that signs from now on, without an end.
pub(super) fn add(connection: &Connection, webhook_seq: i64, secret: &Sealed, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO webhook_secrets (webhook_seq, created_at, sealed) VALUES (?1, ?2, ?3)")?
        .execute((webhook_seq, at, &secret.0))?;
    Ok(())
}

/// The secrets that sign at `now`, the newest first.
pub(super) fn signing(
    connection: &Connection,
    key: &SealingKey,
    webhook_seq: i64,
    webhook: &WebhookId,
    now: Timestamp,
) -> rusqlite::Result<Vec<Secret>> {
    connection
        .prepare_cached(
            "SELECT sealed FROM webhook_secrets
             WHERE webhook_seq = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY seq DESC",
        )?
        .query_map((webhook_seq, now), |row| unseal(key, webhook, row.get_ref(0)?.as_blob()?))?
        .collect()
}

/// The same for a webhook by its id; none if it is gone.
pub(super) fn of_webhook(
    connection: &Connection,
    key: &SealingKey,
    id: &WebhookId,
    now: Timestamp,
) -> rusqlite::Result<Vec<Secret>> {
    let seq = webhooks::seq_of(connection, id)?;
    seq.map_or_else(|| Ok(Vec::new()), |seq| signing(connection, key, seq, id, now))
}

fn unseal(key: &SealingKey, webhook: &WebhookId, sealed: &[u8]) -> rusqlite::Result<Secret> {
    let mut text = key.unseal(webhook.as_str(), sealed).map_err(unreadable)?;
    // Moved, not copied: the secret's own buffer is the only one with the text.
    let text = String::from_utf8(std::mem::take(&mut *text))
        .map_err(|error| unreadable(FromSqlError::Utf8Error(error.utf8_error())))?;
    Ok(Secret::new(text))
}

/// A secret that signs now, and its row.
struct Live {
    seq: i64,
    secret: Secret,
    expires_at: Option<Timestamp>,
}

/// Has the new secret sign first. What signs no more is deleted before, here as everywhere.
pub(super) fn rotate(
    connection: &Connection,
    key: &SealingKey,
    webhook: &WebhookId,
    rotation: &Rotation,
) -> rusqlite::Result<Rotated> {
    let Some(webhook_seq) = webhooks::seq_of(connection, webhook)? else { return Ok(Rotated::Missing) };
    forget(connection, rotation.at)?;
    let mut live = live(connection, key, webhook_seq, webhook)?;
    if live.first().is_some_and(|present| present.secret == rotation.secret) {
        return Ok(Rotated::Present);
    }
    let again = live.iter().position(|live| live.secret == rotation.secret).map(|place| live.remove(place));
    if live.len() >= rotation.live_max {
        let first_ends_at = live.iter().filter_map(|live| live.expires_at).min().unwrap_or(rotation.overlap_ends_at);
        return Ok(Rotated::TooMany { first_ends_at });
    }
    if let Some(again) = again {
        remove(connection, again.seq)?;
    }
    connection
        .prepare_cached("UPDATE webhook_secrets SET expires_at = ?2 WHERE webhook_seq = ?1 AND expires_at IS NULL")?
        .execute((webhook_seq, rotation.overlap_ends_at))?;
    add(connection, webhook_seq, &seal(key, webhook, &rotation.secret), rotation.at)?;
    Ok(Rotated::Written)
}

/// The secrets of a webhook that are there, the newest first. Those that cannot be read are deleted: nothing can
/// be signed with them, and they would keep every delivery from being sent.
fn live(
    connection: &Connection,
    key: &SealingKey,
    webhook_seq: i64,
    webhook: &WebhookId,
) -> rusqlite::Result<Vec<Live>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, sealed, expires_at FROM webhook_secrets WHERE webhook_seq = ?1 ORDER BY seq DESC",
    )?;
    let mut rows = statement.query((webhook_seq,))?;
    let (mut live, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        match unseal(key, webhook, row.get_ref(1)?.as_blob()?) {
            Ok(secret) => live.push(Live { seq, secret, expires_at: row.get(2)? }),
            Err(_) => unreadable.push(seq),
        }
    }
    unreadable.into_iter().try_for_each(|seq| remove(connection, seq))?;
    Ok(live)
}

/// Deletes what signs no more; how many.
pub(super) fn forget(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM webhook_secrets WHERE expires_at <= ?1")?.execute((now,))
}

fn remove(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM webhook_secrets WHERE seq = ?1")?.execute((seq,))?;
    Ok(())
}

pub(super) fn remove_all(connection: &Connection, webhook_seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM webhook_secrets WHERE webhook_seq = ?1")?.execute((webhook_seq,))?;
    Ok(())
}
