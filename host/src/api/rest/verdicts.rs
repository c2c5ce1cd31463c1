//! Verdicts: "why did I (not) get this event?"

use axum::Json;
use axum::extract::State;

use super::{Result, page, whole};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{Path, Query};
use crate::api::openapi::Refusals;
use crate::service::{EventVerdicts, Explained, VerdictQuery};
use crate::wire;

/// Explain for each webhook why it did or did not get an event
///
/// For a user: each of their webhooks. For the operator: every verdict on the event. The
/// list has one page.
#[utoipa::path(get, path = "/v1/events/{id}/verdicts", tag = "verdicts",
    params(("id" = String, Path, description = "The event.")),
    responses(
        (status = 200, description = "One verdict for each webhook.", body = wire::VerdictPage),
        Refusals,
    ))]
pub(crate) async fn list_event_verdicts(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(event): Path<String>,
) -> Result<Json<wire::VerdictPage>> {
    let EventVerdicts { is_test, verdicts } = state.service.verdicts_on(&caller, &event).await?;
    Ok(whole(verdicts.into_iter().map(|explained| show(&event, is_test, explained)).collect()))
}

/// List the verdicts for a webhook
///
/// A page of those with some outcome or of some time is looked for among 10 000 verdicts: it may be short or empty, and
/// the list goes on with `nextCursor` all the same.
#[utoipa::path(get, path = "/v1/webhooks/{id}/verdicts", tag = "verdicts",
    params(("id" = String, Path, description = "The webhook."), wire::VerdictsQuery),
    responses(
        (status = 200, description = "A page of verdicts, newest first.", body = wire::VerdictPage),
        Refusals,
    ))]
pub(crate) async fn list_verdicts(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    Query(query): Query<wire::VerdictsQuery>,
) -> Result<Json<wire::VerdictPage>> {
    let wire::VerdictsQuery { outcome, since, until, limit, cursor } = query;
    let query = VerdictQuery { outcome: outcome.map(Into::into), since, until };
    let verdicts = state.service.verdicts_for(&caller, &webhook, query, limit, cursor.as_deref()).await?;
    Ok(page(verdicts, |logged| wire::Verdict::decided(logged.event_id.as_str(), logged.is_test, logged.verdict)))
}

fn show(event: &str, is_test: bool, explained: Explained) -> wire::Verdict {
    let (webhook, outcome, reason) = match explained {
        Explained::Decided(verdict) => return wire::Verdict::decided(event, is_test, verdict),
        Explained::Waiting(webhook) => (webhook, wire::Outcome::Waiting, None),
        Explained::NotConsidered(webhook, reason) => (webhook, wire::Outcome::NotConsidered, Some(reason)),
    };
    wire::Verdict::undecided(event, is_test, webhook.as_str(), outcome, reason)
}
