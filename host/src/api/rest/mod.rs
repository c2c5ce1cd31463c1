//! The REST handlers, one file a noun. Each calls one use case and shapes its answer.

pub(super) mod backtest;
pub(super) mod batch;
pub(super) mod deliveries;
pub(super) mod event_types;
pub(super) mod events;
pub(super) mod filters;
pub(super) mod health;
pub(super) mod hooks;
pub(super) mod people;
pub(super) mod replays;
pub(super) mod secrets;
pub(super) mod stats;
pub(super) mod test_sends;
pub(super) mod verdicts;
pub(super) mod webhooks;

use axum::Json;

use super::error::ApiError;
use crate::service::Page;
use crate::wire;

/// What a handler answers.
type Result<T> = std::result::Result<T, ApiError>;

/// A page as it is shown.
fn page<T, W>(page: Page<T>, show: impl FnMut(T) -> W) -> Json<wire::Page<W>> {
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    Json(wire::Page { items: page.items.into_iter().map(show).collect(), next_cursor })
}

/// A list that has one page.
fn whole<W>(items: Vec<W>) -> Json<wire::Page<W>> {
    Json(wire::Page { items, next_cursor: None })
}
