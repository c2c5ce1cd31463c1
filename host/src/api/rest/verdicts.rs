//! Verdicts: "why did I (not) get this event?"

use axum::Json;
use axum::extract::State;

use super::{Result, page, whole};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{Path, Query};
use crate::api::openapi::Refusals;
use crate::service::{Explained, VerdictQuery};
use crate::wire;

/// Explain for each webhook why it did or did not get an event
///
/// For a user: each of their webhooks, at most 1000. For the operator: every verdict on the event. The
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
    let explained = state.service.verdicts_on(&caller, &event).await?;
    Ok(whole(explained.into_iter().map(|one| show(&event, one)).collect()))
}

/// List the verdicts for a webhook
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
    Ok(page(verdicts, |logged| wire::Verdict::decided(logged.event_id.as_str(), logged.verdict)))
}

fn show(event: &str, explained: Explained) -> wire::Verdict {
    match explained {
        Explained::Decided(verdict) => wire::Verdict::decided(event, verdict),
        Explained::Waiting(webhook) => wire::Verdict::undecided(event, webhook.as_str(), wire::Outcome::Waiting, None),
        Explained::NotConsidered(webhook, reason) => {
            wire::Verdict::undecided(event, webhook.as_str(), wire::Outcome::NotConsidered, Some(reason))
        }
    }
}
