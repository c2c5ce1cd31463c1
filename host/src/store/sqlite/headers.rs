//! A webhook's own headers, sealed: their values can be credentials of its endpoint.

use std::collections::BTreeMap;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, ToSql, types::ToSqlOutput};
use zeroize::Zeroizing;

use super::columns::unreadable;
use crate::model::ids::WebhookId;
use crate::model::secret::Secret;
use crate::store::SealingKey;

/// The function that migration 4 seals with what earlier programs kept in plain text.
const SEAL_FUNCTION: &str = "seal_headers";

/// Headers that can be written down; `None` where there are none.
pub(super) struct Sealed(Option<Vec<u8>>);

impl ToSql for Sealed {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

pub(super) fn seal(key: &SealingKey, webhook: &WebhookId, headers: &BTreeMap<String, Secret>) -> Sealed {
    if headers.is_empty() {
        return Sealed(None);
    }
    let shown: BTreeMap<&str, &str> = headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    let text = Zeroizing::new(serde_json::to_vec(&shown).expect("a map of text becomes JSON"));
    Sealed(Some(key.seal(&owner(webhook.as_str()), &text)))
}

pub(super) fn unseal(
    key: &SealingKey,
    webhook: &WebhookId,
    sealed: Option<&[u8]>,
) -> rusqlite::Result<BTreeMap<String, Secret>> {
    let Some(sealed) = sealed else { return Ok(BTreeMap::new()) };
    let text = key.unseal(&owner(webhook.as_str()), sealed).map_err(unreadable)?;
    let headers: BTreeMap<String, String> =
        serde_json::from_slice(&text).map_err(|error| unreadable(FromSqlError::other(error)))?;
    Ok(headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
}

/// Lends the function to a migration, until [`take_function_back`].
pub(super) fn lend_function(connection: &Connection, key: &SealingKey) -> rusqlite::Result<()> {
    let key = key.clone();
    // Not deterministic, since each sealing draws a nonce; and not for triggers and views of a schema.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(SEAL_FUNCTION, 2, flags, move |arguments| {
        let (webhook, headers): (String, Zeroizing<String>) = (arguments.get(0)?, Zeroizing::new(arguments.get(1)?));
        Ok(key.seal(&owner(&webhook), headers.as_bytes()))
    })
}

pub(super) fn take_function_back(connection: &Connection) -> rusqlite::Result<()> {
    connection.remove_function(SEAL_FUNCTION, 2)
}

/// The associated data: another one than a signing secret's, so that neither opens in the place of the other.
/// Ids have no blanks.
fn owner(webhook: &str) -> String {
    format!("headers of {webhook}")
}
