//! How the model's types are written into columns and read back.
//!
//! What is read goes through the same parsers as what comes in at the door: a row that somebody
//! changed by hand into nonsense is an error, never a wrong value.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::Timestamp;
use crate::model::delivery::{AttemptError, DeliveryState};
use crate::model::event::{EventDigest, EventSeq, EventType};
use crate::model::filter::FilterDigest;
use crate::model::health::{DisabledReason, HoldReason};
use crate::model::ids::{CompanyId, DeliveryId, EventId, FilterId, ProjectId, ReplayId, UserId, WebhookId};
use crate::model::replay::{ReplayOnly, ReplayState};
use crate::model::trace::TraceParent;
use crate::model::verdict::{Outcome, ReasonClass};
use crate::model::webhook::{Health, OnError, PayloadFormat};
use crate::store::{Page, PageRequest};

/// Something sealed that does not open, or that is nonsense inside.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error))
}

macro_rules! text_column {
    ($($type:ty: $parse:expr;)*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.as_str()))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )*};
}

text_column!(
    CompanyId: |text| Self::parse(text).ok();
    DeliveryId: |text| Self::parse(text).ok();
    EventId: |text| Self::parse(text).ok();
    FilterId: |text| Self::parse(text).ok();
    ProjectId: |text| Self::parse(text).ok();
    ReplayId: |text| Self::parse(text).ok();
    UserId: |text| Self::parse(text).ok();
    WebhookId: |text| Self::parse(text).ok();
    EventType: |text| Self::parse(text).ok();
    DeliveryState: Self::parse;
    AttemptError: Self::parse;
    Outcome: Self::parse;
    ReasonClass: Self::parse;
    HoldReason: Self::parse;
    DisabledReason: Self::parse;
    ReplayOnly: Self::parse;
    ReplayState: Self::parse;
);

macro_rules! named_column {
    ($($type:ty { $($variant:ident = $name:literal),* })*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(match self { $(Self::$variant => $name,)* }))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? { $($name => Ok(Self::$variant),)* _ => Err(FromSqlError::InvalidType) }
            }
        }
    )*};
}

named_column!(
    Health { Healthy = "HEALTHY", Unhealthy = "UNHEALTHY" }
    PayloadFormat { Full = "full", Compact = "compact" }
    OnError { Skip = "skip", Deliver = "deliver" }
);

macro_rules! digest_column {
    ($($type:ident)*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(&self.0[..]))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <[u8; 32]>::column_result(value).map(Self)
            }
        }
    )*};
}

digest_column!(EventDigest FilterDigest);

impl ToSql for TraceParent {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_bytes().to_vec().into())
    }
}

impl FromSql for TraceParent {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        FromSql::column_result(value).map(Self::from_bytes)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_millis().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_millis)
    }
}

/// When a delivery was finished. What is not yet is so at the end of time, and not NULL: with the eight bytes that this takes
/// a pending row is as long as a delivered one, and SQLite overwrites it where it stands instead of making room in a full page.
pub(super) struct Finished(pub(super) Option<Timestamp>);

impl ToSql for Finished {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.map_or(i64::MAX, Timestamp::as_millis).into())
    }
}

impl FromSql for Finished {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        // Rows of earlier versions have NULL.
        let at = Option::<i64>::column_result(value)?;
        Ok(Self(at.filter(|at| *at != i64::MAX).map(Timestamp::from_millis)))
    }
}

impl ToSql for EventSeq {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for EventSeq {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// A count that SQLite's signed integers hold; nothing that is counted here gets near 2^63.
pub(super) struct Count(pub(super) u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let count = i64::try_from(self.0).unwrap_or(i64::MAX);
        Ok(count.into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let count = value.as_i64()?;
        u64::try_from(count).map(Self).map_err(|_| FromSqlError::OutOfRange(count))
    }
}

/// A value kept as JSON text.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

/// Refuses a write that did not change exactly one row.
pub(super) fn one_row(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

/// The rows to ask for, so that one too many tells of a next page.
pub(super) fn rows_of(page: &PageRequest) -> u32 {
    page.items_max.saturating_add(1)
}

/// The row to begin before.
pub(super) fn before(page: &PageRequest) -> i64 {
    page.after.unwrap_or(i64::MAX)
}

/// A page of rows that come with their place in the list.
pub(super) fn page_of<T>(mut rows: Vec<(i64, T)>, page: &PageRequest) -> Page<T> {
    let has_more = rows.len() > page.items_max as usize;
    rows.truncate(page.items_max as usize);
    let next = rows.last().filter(|_| has_more).map(|(seq, _)| *seq);
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
}
