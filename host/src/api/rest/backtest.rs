//! Backtests: what a candidate filter would have made of the past, line by line.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::stream;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::error::ApiError;
use crate::api::extract::{JsonBody, Path};
use crate::api::openapi::WriteRefusals;
use crate::service::{self, Backtest, BacktestStep};
use crate::wire;

/// Try a candidate filter on the events that are stored
///
/// On those that the webhook would get without a filter as it is now, also on events from before it was registered,
/// the newest first, and on the very path that live events take. The answer comes line by line; a client that goes
/// away ends it. Nothing is written and nothing is sent. A user has one backtest at a time; more are refused with
/// `BUSY`.
#[utoipa::path(post, path = "/v1/webhooks/{id}/backtest", tag = "filters", request_body = wire::NewBacktest,
    params(("id" = String, Path, description = "The webhook.")),
    responses(
        (status = 200, description = "Lines of progress and samples, and a last one with the summary.",
            body = wire::BacktestLine, content_type = "application/x-ndjson"),
        WriteRefusals,
    ))]
pub(crate) async fn backtest_filter(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    JsonBody(new): JsonBody<wire::NewBacktest>,
) -> Result<impl IntoResponse> {
    let backtest = state.service.backtest(&caller, &webhook, new.into()).await?;
    // The body is asked for a line when there is room for it, and dropped when the client is gone.
    let lines = stream::unfold(Some(backtest), async |backtest| next_line(backtest?).await);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)))
}

/// The next line, and what goes on behind it.
async fn next_line(mut backtest: Backtest) -> Option<(std::result::Result<Vec<u8>, Infallible>, Option<Backtest>)> {
    let (line, rest) = match backtest.next().await {
        Ok(step) => (step?.into(), Some(backtest)),
        Err(error) => (wire::BacktestLine::Problem(ApiError::from(error).problem().clone()), None),
    };
    let mut text = serde_json::to_vec(&line).expect("a line is text and numbers only");
    text.push(b'\n');
    Some((Ok(text), rest))
}

impl From<wire::NewBacktest> for service::NewBacktest {
    fn from(new: wire::NewBacktest) -> Self {
        Self { filter: new.filter.into(), since: new.since, limit: new.limit }
    }
}

impl From<BacktestStep> for wire::BacktestLine {
    fn from(step: BacktestStep) -> Self {
        match step {
            BacktestStep::Progress { asked, limit } => Self::Progress(wire::BacktestProgress { asked, limit }),
            BacktestStep::Sample(difference) => Self::Sample(difference.into()),
            BacktestStep::Summary(summary) => Self::Summary(wire::BacktestSummary {
                asked: summary.asked,
                before: summary.before.into(),
                after: summary.after.into(),
                agreements: summary.agreements.into(),
                complete: summary.is_complete,
            }),
        }
    }
}

impl From<service::Outcomes> for wire::OutcomeCounts {
    fn from(outcomes: service::Outcomes) -> Self {
        let service::Outcomes { delivered, filtered, errors, undecided } = outcomes;
        Self { delivered, filtered, errors, undecided }
    }
}
