//! Signing secrets, sealed. Several may sign for a webhook while one replaces another.

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension};

use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::model::secret::Secret;
use crate::store::SealingKey;

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
        .query_map((webhook_seq, now), |row| {
            let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, error);
            let mut text =
                key.unseal(webhook.as_str(), row.get_ref(0)?.as_blob()?).map_err(|error| unreadable(error.into()))?;
            // Moved, not copied: the secret's own buffer is the only one with the text.
            let text = String::from_utf8(std::mem::take(&mut *text))
                .map_err(|error| unreadable(FromSqlError::Utf8Error(error.utf8_error()).into()))?;
            Ok(Secret::new(text))
        })?
        .collect()
}

/// The same for a webhook by its id; none if it is gone.
pub(super) fn of_webhook(
    connection: &Connection,
    key: &SealingKey,
    id: &WebhookId,
    now: Timestamp,
) -> rusqlite::Result<Vec<Secret>> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM webhooks WHERE id = ?1 AND deleted_at IS NULL")?
        .query_one((id,), |row| row.get(0))
        .optional()?;
    seq.map_or_else(|| Ok(Vec::new()), |seq| signing(connection, key, seq, id, now))
}

pub(super) fn remove_all(connection: &Connection, webhook_seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM webhook_secrets WHERE webhook_seq = ?1")?.execute((webhook_seq,))?;
    Ok(())
}
