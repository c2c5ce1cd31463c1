//! The JSON shapes of the REST contract, for both its ends.
//!
//! The server answers with these and the client reads them, so the two cannot drift; the OpenAPI
//! document is generated from them. They are plain data: text that a caller chose is checked by the
//! use cases, not here. Requests refuse members that they do not know, so that a typo is an error and
//! not a setting that silently does nothing; only REST hooks have to take what services send. JSON that is not ours to understand (records, filter
//! configurations) stays as text ([`RawValue`]), so that no number in it is ever rounded.
//!
//! [`RawValue`]: serde_json::value::RawValue

mod backtest;
mod comparison;
mod delivery;
mod event;
mod filter;
mod health;
mod hook;
mod mirror;
mod people;
mod present;
mod problem;
mod replay;
mod secret;
mod stats;
mod test_send;
mod text;
mod verdict;
mod webhook;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

pub use backtest::{BacktestLine, BacktestProgress, BacktestSummary, NewBacktest, OutcomeCounts};
pub use comparison::{Agreements, AttachedCandidate, Candidate, Difference, Judged, NewShadow, Shadow};
pub use delivery::{Attempt, AttemptError, DeliveriesQuery, Delivery, DeliveryDetail, DeliveryState};
pub use event::{
    AcceptedEvent, BatchResult, BatchResults, Event, EventType, EventsQuery, NewEvent, PutEventType, RefusedEvent,
};
pub use filter::{
    Evaluate, Evaluation, EvaluationVerdict, FieldScalar, FieldSeen, FieldValue, Filter, FilterAbout, UploadQuery,
};
pub use health::{DisabledReason, HoldReason, WebhookFailure, WebhookHealth};
pub use hook::{Hook, HookSample, HookSampleQuery, NewHook};
pub use people::{CreateToken, NewToken, Project, PutProject, PutUser, User};
pub use problem::{Problem, StorageFault, StorageTrouble, Violation};
pub use replay::{NewReplay, Replay, ReplayOnly, ReplayPreview, ReplayState};
pub use secret::{RotateSecret, RotatedSecret, SecretText};
pub use stats::{ErrorCount, OutcomeCount, Percentiles, ReasonClassCount, ReasonCount, StatsQuery, WebhookStats};
pub use test_send::{TestSent, TestWebhook};
pub use text::{AddedHeaders, ChangedHeaders, Cursor, EventTypeName, Id, Name, SigningSecret, WebhookUrl};
pub use verdict::{KeptOutcome, Outcome, ReasonClass, Verdict, VerdictsQuery};
pub use webhook::{
    AttachedFilter, FilterChoice, FilterStatus, NewWebhook, OnError, PatchWebhook, PayloadFormat, Webhook,
    WebhookStatus,
};

/// A part of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, newest first where they have an age.
    pub items: Vec<T>,
    /// The `cursor` of the next page; null at the end of the list.
    pub next_cursor: Option<String>,
}

// By hand, since the derive would repeat the item's schema in the page's instead of referring to it. Routes
// name the aliases below: of a generic type the macro asks for a trait of its own.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name(T::name()))
            .description(Some("The items, newest first where they have an age."));
        let next_cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The `cursor` of the next page; null at the end of the list."));
        ObjectBuilder::new()
            .description(Some("A part of a list."))
            .property("items", items)
            .required("items")
            .property("nextCursor", next_cursor)
            .required("nextCursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Page", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// A part of a list of webhooks.
pub type WebhookPage = Page<Webhook>;
/// A part of a list of deliveries.
pub type DeliveryPage = Page<Delivery>;
/// A part of a list of replays.
pub type ReplayPage = Page<Replay>;
/// A part of a list of verdicts.
pub type VerdictPage = Page<Verdict>;
/// A part of a list of filters.
pub type FilterPage = Page<Filter>;
/// A part of a list of events.
pub type EventPage = Page<Event>;
/// A part of a list of event types.
pub type EventTypePage = Page<EventType>;

/// Which part of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at the most, 1 to 250; 50 if absent.
    #[param(minimum = 1, maximum = 250)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page, as it is.
    #[param(value_type = Option<Cursor>, inline)]
    pub cursor: Option<String>,
}

/// That the host runs, or is ready.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Always `ok`; trouble is told by a problem.
    pub status: String,
}

impl Default for Status {
    fn default() -> Self {
        Self { status: "ok".to_owned() }
    }
}
