//! Replays: a webhook's owner has sent again what the webhook did not get, or got.
//!
//! A replay is only written down here; a loop goes through it (`dispatch::Replayer`). A dry run counts what it would
//! take up and writes nothing. It asks no filter: what one would say of what was let out before, a backtest tells.

use std::time::Duration;

use super::access::owner;
use super::{ENABLE_FIRST, Noun, Result, Service, ServiceError, page_request};
use crate::clock::random_bytes;
use crate::model::Timestamp;
use crate::model::event::EventSeq;
use crate::model::ids::{ReplayId, WebhookId};
use crate::model::limits::{
    PAGE_EVENTS_EXAMINED_MAX, REPLAY_DRY_RUN_VERDICTS_MAX, REPLAYS_KEPT_MAX, REPLAYS_PER_OWNER_MAX,
};
use crate::model::replay::{Foreseen, Replay, ReplayOnly, ReplayState};
use crate::model::token::Caller;
use crate::store::{self, Page, ReplayBegun, ReplayRange};

/// Verdicts that one read of a dry run looks at, so that it holds up no other reader for long.
const VERDICTS_PER_READ_MAX: u32 = PAGE_EVENTS_EXAMINED_MAX as u32;

/// What to send again.
#[derive(Clone, Copy, Debug)]
pub struct NewReplay {
    /// What became of it so far.
    pub only: ReplayOnly,
    /// Of the events accepted at or after.
    pub since: Timestamp,
    /// Of the events accepted before; until now if absent.
    pub until: Option<Timestamp>,
}

/// What a replay would take up.
#[derive(Clone, Debug)]
pub struct ReplayPreview {
    /// Of which webhook.
    pub webhook_id: WebhookId,
    /// What became of it so far.
    pub only: ReplayOnly,
    /// Of the events accepted at or after.
    pub since: Timestamp,
    /// Of the events accepted before.
    pub until: Timestamp,
    /// How much that is.
    pub foreseen: Foreseen,
    /// Whether that is all of it; otherwise there is more.
    pub is_complete: bool,
}

impl Service {
    /// Counts what a replay of the caller's webhook would take up.
    ///
    /// # Errors
    /// When there is no such webhook, there is no time between `since` and `until`, or too many count already.
    pub async fn preview_replay(&self, caller: &Caller, webhook: &str, new: NewReplay) -> Result<ReplayPreview> {
        let owner = owner(caller);
        let webhook_id = self.own_webhook(&owner, webhook).await?.id.clone();
        let (range, mut position) = self.replay_range(webhook_id, new).await?;
        let _place = self.dry_runs.enter(&owner)?;
        let (mut foreseen, mut is_complete) = (Foreseen::default(), false);
        let mut left = REPLAY_DRY_RUN_VERDICTS_MAX;
        while left > 0 && !is_complete {
            let counted = self.store.count_replay(&range, position, VERDICTS_PER_READ_MAX).await?;
            foreseen += counted.foreseen;
            (position, is_complete) = (counted.position, counted.is_last);
            left = left.saturating_sub(VERDICTS_PER_READ_MAX);
        }
        let ReplayRange { webhook: webhook_id, only, since, until, .. } = range;
        Ok(ReplayPreview { webhook_id, only, since, until, foreseen, is_complete })
    }

    /// Begins a replay of the caller's webhook.
    ///
    /// # Errors
    /// When there is no such webhook, or there is no time between `since` and `until`; when the webhook is disabled or
    /// one of its replays goes on, or too many of its owner's do.
    pub async fn create_replay(&self, caller: &Caller, webhook: &str, new: NewReplay) -> Result<Replay> {
        let webhook_id = self.own_webhook(&owner(caller), webhook).await?.id.clone();
        let (range, before) = self.replay_range(webhook_id, new).await?;
        let created_at = self.clock.now();
        let id = ReplayId::generate(created_at, random_bytes(self.clock.as_ref()));
        let new = store::NewReplay {
            id: id.clone(),
            range,
            before,
            created_at,
            running_max: REPLAYS_PER_OWNER_MAX,
            kept_max: REPLAYS_KEPT_MAX,
        };
        let refusal = match self.store.add_replay(new).await? {
            ReplayBegun::Written => {
                self.replay_poke.notify_one();
                return self.store.replay(&id).await?.ok_or(ServiceError::NotFound(Noun::Webhook));
            }
            ReplayBegun::Running(id) => {
                format!("the replay {id} of this webhook goes on; wait for its end, or cancel it")
            }
            ReplayBegun::TooMany => format!(
                "{REPLAYS_PER_OWNER_MAX} replays of your webhooks go on, which is as many as may; wait for the end of one, or cancel it"
            ),
            ReplayBegun::Disabled => ENABLE_FIRST.to_owned(),
            ReplayBegun::Missing => return Err(ServiceError::NotFound(Noun::Webhook)),
        };
        Err(ServiceError::Conflict(refusal))
    }

    /// A replay of one of the caller's webhooks.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn replay(&self, caller: &Caller, id: &str) -> Result<Replay> {
        let missing = || ServiceError::NotFound(Noun::Replay);
        let id = ReplayId::parse(id).map_err(|_| missing())?;
        let replay = self.store.replay(&id).await?.ok_or_else(missing)?;
        let webhook = self.store.webhook(&replay.webhook_id).await?.ok_or_else(missing)?;
        if webhook.owner == owner(caller) { Ok(replay) } else { Err(missing()) }
    }

    /// The replays of the caller's webhook, newest first.
    ///
    /// # Errors
    /// When there is no such webhook, or the page cannot be taken.
    pub async fn replays(
        &self,
        caller: &Caller,
        webhook: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Replay>> {
        let webhook = self.own_webhook(&owner(caller), webhook).await?;
        Ok(self.store.replays(&webhook.id, page_request(limit, cursor)?).await?)
    }

    /// Ends a replay of one of the caller's webhooks; one that has ended stays as it is. What it has made due already
    /// is sent all the same.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn cancel_replay(&self, caller: &Caller, id: &str) -> Result<Replay> {
        let id = self.replay(caller, id).await?.id;
        let ended = self.store.end_replay(&id, ReplayState::Canceled, None, self.clock.now()).await?;
        ended.ok_or(ServiceError::NotFound(Noun::Replay))
    }

    /// What a replay goes through, and the place before its first event. It ends where the present begins: what comes
    /// later is dispatched anyway.
    async fn replay_range(&self, webhook: WebhookId, new: NewReplay) -> Result<(ReplayRange, EventSeq)> {
        let NewReplay { only, since, until } = new;
        let now = self.clock.now();
        let end = now + Duration::from_millis(1);
        let until = until.map_or(end, |until| until.min(end));
        if since >= until {
            let detail = format!("it is to be earlier than `until`, and no later than now, which is {now} here");
            return Err(ServiceError::bad_field("/since", detail));
        }
        let bounds = self.store.event_bounds(since, until).await?;
        Ok((ReplayRange { webhook, only, since, until, last: bounds.last }, bounds.before))
    }
}
