//! Posts the events and asks the host what became of them.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::plan::{EVENTS, Expected, WEBHOOKS};
use super::stage::{Registered, Stage};
use crate::client::Client;
use crate::model::catalogue::Catalogue;
use crate::model::event::EventType;
use crate::wire::{AttemptError, DeliveryState, Outcome, Verdict};

/// How long all outcomes together may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to leave the host alone between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// An event that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) id: String,
    pub(super) event: &'static str,
    /// When the request went out: what follows includes the commit.
    pub(super) at: Instant,
    pub(super) expected: [Expected; WEBHOOKS],
}

/// What became of one event for one webhook.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) posted: Posted,
    pub(super) webhook: Registered,
    pub(super) expected: Expected,
    pub(super) outcome: Became,
}

/// What the host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It was delivered; the message's id.
    Delivered(String),
    /// The filter let it out, for this reason.
    Filtered(String),
    /// Anything else.
    Failed(String),
}

/// Posts the catalogue's examples of the planned types.
///
/// # Errors
/// When the host refuses one.
pub(super) async fn post_events(stage: &Stage) -> anyhow::Result<Vec<Posted>> {
    let catalogue = Catalogue::built_in();
    let mut posted = Vec::with_capacity(EVENTS.len());
    for (event, expected) in EVENTS {
        let info = EventType::parse(event).ok().and_then(|name| catalogue.get(&name));
        let example = info.context("the catalogue has every planned type")?.example.get().to_owned();
        let at = Instant::now();
        let accepted = stage.operator.send_event_text(example).await?;
        posted.push(Posted { id: accepted.id, event, at, expected });
    }
    Ok(posted)
}

/// Waits until the host has an answer for every event and webhook.
///
/// # Errors
/// When the host does not answer at all.
pub(super) async fn outcomes(stage: &Stage, posted: &[Posted]) -> anyhow::Result<Vec<Found>> {
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::with_capacity(posted.len() * WEBHOOKS);
    for posted in posted {
        for (webhook, expected) in stage.webhooks.iter().zip(posted.expected) {
            let outcome = outcome(&stage.user, posted, webhook, deadline).await?;
            found.push(Found { posted: posted.clone(), webhook: webhook.clone(), expected, outcome });
        }
    }
    Ok(found)
}

async fn outcome(user: &Client, posted: &Posted, webhook: &Registered, deadline: Instant) -> anyhow::Result<Became> {
    loop {
        let verdicts = user.list_event_verdicts(&posted.id).await?.items;
        let verdict = verdicts.into_iter().find(|verdict| verdict.webhook_id == webhook.id);
        let known = match verdict {
            Some(verdict) => settled(user, verdict).await?,
            None => None,
        };
        if let Some(became) = known {
            return Ok(became);
        }
        if Instant::now() > deadline {
            return Ok(Became::Failed(format!("no outcome within {} s", PATIENCE.as_secs())));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a verdict came to; `None` while it is not known.
async fn settled(user: &Client, verdict: Verdict) -> anyhow::Result<Option<Became>> {
    let reason = || verdict.reason.clone().unwrap_or_default();
    match (verdict.outcome, &verdict.delivery_id) {
        (Outcome::Waiting, _) => Ok(None),
        (Outcome::Filtered, _) => Ok(Some(Became::Filtered(reason()))),
        (Outcome::Delivered, Some(delivery)) => delivered(user, delivery).await,
        (other, _) => Ok(Some(Became::Failed(format!("{other:?}: {}", reason())))),
    }
}

async fn delivered(user: &Client, id: &str) -> anyhow::Result<Option<Became>> {
    let detail = user.get_delivery(id).await?;
    let why =
        |error: Option<AttemptError>| error.map_or("no attempt was made".to_owned(), |error| format!("{error:?}"));
    Ok(match (detail.delivery.state, detail.attempts.last()) {
        (DeliveryState::Delivered, _) => Some(Became::Delivered(id.to_owned())),
        (DeliveryState::Pending, None) => None,
        // A receiver on this machine needs no second attempt.
        (_, last) => Some(Became::Failed(why(last.and_then(|attempt| attempt.error)))),
    })
}
