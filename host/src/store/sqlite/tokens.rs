//! API tokens.

use rusqlite::{Connection, OptionalExtension};

use crate::model::Timestamp;
use crate::model::token::{Caller, Token};
use crate::store::Revoked;

pub(super) fn put(connection: &Connection, token: &Token) -> rusqlite::Result<()> {
    let user = match &token.caller {
        Caller::Operator => None,
        Caller::User(id) => Some(id),
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO tokens (id, user_id, name, secret_sha256, created_at, revoked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((&token.id, user, &token.name, token.secret_sha256, token.created_at, token.revoked_at))?;
    Ok(())
}

pub(super) fn get(connection: &Connection, id: &str) -> rusqlite::Result<Option<Token>> {
    connection
        .prepare_cached("SELECT id, user_id, name, secret_sha256, created_at, revoked_at FROM tokens WHERE id = ?1")?
        .query_one((id,), |row| {
            Ok(Token {
                id: row.get(0)?,
                caller: row.get::<_, Option<_>>(1)?.map_or(Caller::Operator, Caller::User),
                name: row.get(2)?,
                secret_sha256: row.get(3)?,
                created_at: row.get(4)?,
                revoked_at: row.get(5)?,
            })
        })
        .optional()
}

pub(super) fn has_operator(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM tokens WHERE user_id IS NULL AND revoked_at IS NULL")?.exists(())
}

/// One statement decides and writes, so two operators cannot take each other's last token away.
pub(super) fn revoke(connection: &Connection, id: &str, at: Timestamp) -> rusqlite::Result<Revoked> {
    let revoked = connection
        .prepare_cached(
            "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL
             AND (user_id IS NOT NULL
                  OR EXISTS (SELECT 1 FROM tokens WHERE user_id IS NULL AND revoked_at IS NULL AND id <> ?1))",
        )?
        .execute((id, at))?;
    if revoked == 1 {
        return Ok(Revoked::Revoked);
    }
    let is_there =
        connection.prepare_cached("SELECT 1 FROM tokens WHERE id = ?1 AND revoked_at IS NULL")?.exists((id,))?;
    Ok(if is_there { Revoked::LastOperator } else { Revoked::Missing })
}
