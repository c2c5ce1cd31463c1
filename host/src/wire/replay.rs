//! Replays: what was not delivered, or was, is sent again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mirror::mirror;
use crate::model::{Timestamp, replay};

mirror!(
    /// What a replay takes up, by what became of each event so far: what was owed and did not arrive, because every
    /// attempt failed or it was canceled (`failed`); events on which the filter failed (`filter_error`), that it let
    /// out (`filtered`), or that came while the webhook was disabled (`disabled`); or all of these, what the webhook's
    /// creator could not see then, and what was delivered (`all`). A delivery that is `pending` is on its way anyway.
    ReplayOnly of replay::ReplayOnly {
        /// What was owed and did not arrive.
        Failed = "failed",
        /// Events on which the filter failed.
        FilterError = "filter_error",
        /// Events that the filter let out.
        Filtered = "filtered",
        /// Events that came while the webhook was disabled.
        Disabled = "disabled",
        /// All of these, and what was delivered.
        All = "all",
    }
);

mirror!(
    /// Where a replay stands: it goes on (`running`), all of its events were looked at (`done`), its owner canceled it
    /// (`canceled`), or the host could not go on with it (`failed`).
    ReplayState of replay::ReplayState {
        /// It goes on.
        Running = "running",
        /// All of its events were looked at.
        Done = "done",
        /// Its owner canceled it.
        Canceled = "canceled",
        /// The host could not go on with it.
        Failed = "failed",
    }
);

/// What to send again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReplay {
    /// What became of it so far.
    pub only: ReplayOnly,
    /// Of the events accepted at this time or later, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Of the events accepted before this time, RFC 3339; of all until now if absent or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only count what would be taken up.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a replay would take up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayPreview {
    /// The webhook.
    pub webhook_id: String,
    /// What became of the events so far.
    pub only: ReplayOnly,
    /// Of the events accepted at this time or later.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Of the events accepted before this time.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Deliveries that would be attempted again.
    pub send_again: u64,
    /// Events on which the webhook as it is now would decide, with its filter.
    pub decide_anew: u64,
    /// Events that its creator may not see now.
    pub out_of_scope: u64,
    /// Events that are on their way anyway.
    pub under_way: u64,
    /// Whether these are all; if not, only the oldest 100000 of the webhook's verdicts were looked at.
    pub complete: bool,
}

/// A job that sends again what was decided for one webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Its id.
    pub id: String,
    /// The webhook.
    pub webhook_id: String,
    /// What it takes up.
    pub only: ReplayOnly,
    /// Of the events accepted at this time or later.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Of the events accepted before this time.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Where it stands.
    pub state: ReplayState,
    /// Which part of the events between these times lies behind it, from 0 to 1.
    pub progress: f64,
    /// How many it took up so far: the sum of the next five.
    pub examined: u64,
    /// How many of them are sent again; their deliveries tell whether they arrived.
    pub replayed: u64,
    /// How many of them the filter let out.
    pub filtered: u64,
    /// On how many of them the filter failed.
    pub filter_errors: u64,
    /// How many of them the webhook's creator may not see now, or the webhook does not subscribe to any more.
    pub out_of_scope: u64,
    /// How many of them were on their way anyway.
    pub under_way: u64,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was done, canceled or failed; null while it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Why it failed, for people.
    pub failure: Option<String>,
}

impl From<replay::Replay> for Replay {
    fn from(replay: replay::Replay) -> Self {
        let counts = replay.counts;
        Self {
            id: replay.id.to_string(),
            webhook_id: replay.webhook_id.to_string(),
            only: replay.only.into(),
            since: replay.since,
            until: replay.until,
            state: replay.state.into(),
            progress: replay.progress,
            examined: counts.examined(),
            replayed: counts.replayed,
            filtered: counts.filtered,
            filter_errors: counts.filter_errors,
            out_of_scope: counts.out_of_scope,
            under_way: counts.under_way,
            created_at: replay.created_at,
            finished_at: replay.finished_at,
            failure: replay.failure,
        }
    }
}
