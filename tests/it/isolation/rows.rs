//! The rows of the matrix: every route there is, and who may call it. A new route gets its row here, one line:
//! the route, who may call it, the status of a success, and where they apply
//!
//! - `.json(…)`: a body that whoever may call it can send; `.wasm()`: the body is a filter.
//! - `.of(…)`: `{id}` names such a thing, and only its owner gets an answer: for everybody else it is not there.
//! - `.members_too()`, `.operator_too()`: so do the members of its project, or the operator.
//! - `.lists()`: the owner's answer shows what is theirs, so that its absence from others' answers says something.

use super::world::Thing::{self, Delivery, Event, Filter, Project, Replay, Token, User, Webhook};

/// Who may call a route at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Also those without a token.
    Anyone,
    /// Only an operator.
    Operators,
    /// Only a user.
    Users,
    /// Everybody with a token.
    Both,
}

use Who::{Anyone, Both, Operators, Users};

/// What is sent with a call.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    Nothing,
    Json(&'static str),
    Wasm,
}

/// One route, and what everybody is to get from it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// As `METHOD path`, the path as the document has it.
    pub route: &'static str,
    pub who: Who,
    /// The status where everything is right.
    pub status: u16,
    pub body: Body,
    /// What `{id}` names.
    pub of: Option<Thing>,
    pub is_members_too: bool,
    pub is_operators_too: bool,
    pub is_list: bool,
}

const fn row(route: &'static str, who: Who, status: u16) -> Row {
    Row {
        route,
        who,
        status,
        body: Body::Nothing,
        of: None,
        is_members_too: false,
        is_operators_too: false,
        is_list: false,
    }
}

impl Row {
    const fn json(self, json: &'static str) -> Self {
        Self { body: Body::Json(json), ..self }
    }

    const fn wasm(self) -> Self {
        Self { body: Body::Wasm, ..self }
    }

    const fn of(self, thing: Thing) -> Self {
        Self { of: Some(thing), ..self }
    }

    const fn members_too(self) -> Self {
        Self { is_members_too: true, ..self }
    }

    const fn operator_too(self) -> Self {
        Self { is_operators_too: true, ..self }
    }

    const fn lists(self) -> Self {
        Self { is_list: true, ..self }
    }

    pub fn method(&self) -> &'static str {
        self.route.split(' ').next().unwrap_or_default()
    }

    /// The path with `id` in the place of `{id}`, and the parameters that must be there.
    pub fn path(&self, id: &str) -> String {
        let path = self.route.split(' ').nth(1).unwrap_or_default();
        let path = path.replace("{id}", id).replace("{userId}", "owner").replace("{name}", "A_TYPE");
        path.replace("/hooks/sample", "/hooks/sample?event=TODO_CREATED")
    }
}

const URL: &str = r#"{"url":"https://127.0.0.1:8443/"}"#;
const HOOK: &str = r#"{"target_url":"https://127.0.0.1:8443/","event":"TODO_CREATED"}"#;
const REPLAY: &str = r#"{"only":"failed","since":"2022-12-01T00:00:00Z"}"#;
const EVALUATE: &str = r#"{"event":{"event":"TODO_CREATED","projectId":"p"},"config":{"do":"deliver"}}"#;

const BACKTEST: &str = r#"{"filter":{"id":"done-records"}}"#;

pub const ROWS: &[Row] = &[
    row("GET /healthz", Anyone, 200),
    row("GET /readyz", Anyone, 200),
    row("GET /metrics", Operators, 200),
    // Events.
    row("POST /v1/events", Operators, 202).json(r#"{"event":"TODO_CREATED","projectId":"p1"}"#),
    row("POST /v1/events/batch", Operators, 202).json("[]"),
    row("GET /v1/events", Both, 200).members_too().operator_too().lists(),
    row("GET /v1/events/{id}", Both, 200).of(Event).members_too().operator_too().lists(),
    row("GET /v1/events/{id}/verdicts", Both, 200).of(Event).members_too().operator_too(),
    row("GET /v1/event-types", Both, 200),
    row("PUT /v1/event-types/{name}", Operators, 200).json(r#"{"description":"Something happened"}"#),
    // People.
    row("PUT /v1/users/{id}", Operators, 200).json("{}").of(User),
    row("POST /v1/users/{id}/tokens", Operators, 201).json("{}").of(User),
    row("DELETE /v1/tokens/{id}", Operators, 204).of(Token),
    row("PUT /v1/projects/{id}", Operators, 200).json("{}").of(Project),
    row("PUT /v1/projects/{id}/members/{userId}", Operators, 204).of(Project),
    row("DELETE /v1/projects/{id}/members/{userId}", Operators, 204).of(Project),
    // Webhooks.
    row("POST /v1/webhooks", Both, 201).json(URL),
    row("GET /v1/webhooks", Both, 200).lists(),
    row("GET /v1/webhooks/{id}", Both, 200).of(Webhook).lists(),
    row("PATCH /v1/webhooks/{id}", Both, 200).json(r#"{"name":"mine now"}"#).of(Webhook),
    row("POST /v1/webhooks/{id}/disable", Both, 200).of(Webhook),
    row("DELETE /v1/webhooks/{id}", Both, 204).of(Webhook),
    row("POST /v1/webhooks/{id}/rotate-secret", Both, 200).json("{}").of(Webhook),
    row("POST /v1/webhooks/{id}/test", Both, 202).json("{}").of(Webhook),
    row("POST /v1/hooks", Users, 201).json(HOOK),
    row("DELETE /v1/hooks/{id}", Both, 204).of(Webhook),
    row("GET /v1/hooks/sample", Users, 200),
    row("GET /v1/webhooks/{id}/deliveries", Both, 200).of(Webhook),
    row("GET /v1/webhooks/{id}/verdicts", Both, 200).of(Webhook),
    row("GET /v1/webhooks/{id}/stats", Both, 200).of(Webhook),
    row("POST /v1/webhooks/{id}/backtest", Both, 200).json(BACKTEST).of(Webhook),
    row("GET /v1/deliveries/{id}", Both, 200).of(Delivery).lists(),
    row("POST /v1/deliveries/{id}/retry", Both, 202).of(Delivery),
    row("POST /v1/webhooks/{id}/replay", Both, 202).json(REPLAY).of(Webhook),
    row("GET /v1/webhooks/{id}/replays", Both, 200).of(Webhook),
    row("GET /v1/replays/{id}", Both, 200).of(Replay),
    row("POST /v1/replays/{id}/cancel", Both, 200).of(Replay),
    // Filters.
    row("POST /v1/filters", Both, 201).wasm(),
    row("GET /v1/filters", Both, 200).lists(),
    row("GET /v1/filters/{id}", Both, 200).of(Filter).lists(),
    row("GET /v1/filters/{id}/wasm", Both, 200).of(Filter),
    row("DELETE /v1/filters/{id}", Both, 204).of(Filter),
    row("POST /v1/filters/{id}/evaluate", Both, 200).json(EVALUATE).of(Filter),
];

/// Paths that the router has and the document has not, and why. None of them may show anything of anybody.
pub const UNDOCUMENTED: &[(&str, &str)] = &[
    ("/graphql", "its fields have rows of their own"),
    ("/openapi.json", "the document itself, the same for everybody"),
];

/// A member of a body, or with a `?` a parameter of the query, that names a thing: somebody else's answers as one
/// that is not there.
pub struct Reference {
    pub route: &'static str,
    /// The member's place in the schema of the body, segments joined by dots; or the parameter.
    pub member: &'static str,
    pub of: Thing,
    /// The body with `{}` in the place of the id.
    pub body: &'static str,
    /// The status for a thing that is not the caller's, or not there.
    pub refused: u16,
    /// What `{id}` in the route's path names: something of the caller's own.
    pub own: Option<Thing>,
}

const fn names(route: &'static str, member: &'static str, of: Thing, body: &'static str, refused: u16) -> Reference {
    Reference { route, member, of, body, refused, own: None }
}

impl Reference {
    const fn own(self, thing: Thing) -> Self {
        Self { own: Some(thing), ..self }
    }
}

const IN_FILTER: &str = r#"{"url":"https://127.0.0.1:8443/","filter":{"id":"{}","config":{"do":"deliver"}}}"#;
const IN_PROJECTS: &str = r#"{"url":"https://127.0.0.1:8443/","projectIds":["{}"]}"#;
const IN_SHADOW: &str =
    r#"{"url":"https://127.0.0.1:8443/","shadow":{"filter":{"id":"{}","config":{"do":"deliver"}}}}"#;
const IN_BACKTEST: &str = r#"{"filter":{"id":"{}","config":{"do":"deliver"}}}"#;
const EVENT_ID: &str = r#"{"eventId":"{}","config":{"do":"deliver"}}"#;

pub const REFERENCES: &[Reference] = &[
    names("GET /v1/events", "?projectId", Project, "", 200),
    names("POST /v1/webhooks", "filter.id", Filter, IN_FILTER, 400),
    names("POST /v1/webhooks", "shadow.filter.id", Filter, IN_SHADOW, 400),
    names("POST /v1/webhooks", "projectIds", Project, IN_PROJECTS, 403),
    names("PATCH /v1/webhooks/{id}", "filter.id", Filter, IN_FILTER, 400).own(Webhook),
    names("PATCH /v1/webhooks/{id}", "shadow.filter.id", Filter, IN_SHADOW, 400).own(Webhook),
    names("POST /v1/webhooks/{id}/backtest", "filter.id", Filter, IN_BACKTEST, 400).own(Webhook),
    names("PATCH /v1/webhooks/{id}", "projectIds", Project, IN_PROJECTS, 403).own(Webhook),
    names("POST /v1/filters/{id}/evaluate", "eventId", Event, EVENT_ID, 404).own(Filter),
];

const GIVEN: &str = "the filter reads it off the body and nothing else does";

/// Members that look like references and name nothing that is kept: `(route, member, why)`.
pub const NO_REFERENCES: &[(&str, &str, &str)] = &[
    ("POST /v1/filters/{id}/evaluate", "event.id", GIVEN),
    ("POST /v1/filters/{id}/evaluate", "event.companyId", GIVEN),
    ("POST /v1/filters/{id}/evaluate", "event.projectId", GIVEN),
    ("POST /v1/filters/{id}/evaluate", "event.userId", GIVEN),
];
