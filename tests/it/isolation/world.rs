//! Who calls in the matrix, and the things that are somebody's.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use hooksieve::client::Client;
use hooksieve::config::Config;
use hooksieve::wire::{CreateToken, NewWebhook, PageQuery, Problem, PutProject, PutUser, ReplayOnly, UploadQuery};
use reqwest::{Method, RequestBuilder};

use super::rows::Body;
use crate::app::{OPERATOR_TOKEN, PROJECT, TestApp, only_delivery, raw, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;
use crate::replays::every;

/// What the owner's webhooks, filters and headers have in them: nobody else may ever see it.
pub const PRIVATE: &str = "owners-private-mark";
/// What the owner's events have in them: members of the project and the operator may see it.
pub const SHARED: &str = "members-only-mark";

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    NoToken,
    RevokedToken,
    UnknownToken,
    WrongSecret,
    Malformed,
    HalfAPair,
    Stranger,
    Fellow,
    Operator,
    Owner,
}

impl Caller {
    /// The owner comes last: what they may do can end the thing that the others ask for.
    pub const ALL: [Self; 10] = [
        Self::NoToken,
        Self::RevokedToken,
        Self::UnknownToken,
        Self::WrongSecret,
        Self::Malformed,
        Self::HalfAPair,
        Self::Stranger,
        Self::Fellow,
        Self::Operator,
        Self::Owner,
    ];

    pub fn is_authenticated(self) -> bool {
        self.is_user() || self == Self::Operator
    }

    pub fn is_user(self) -> bool {
        matches!(self, Self::Stranger | Self::Fellow | Self::Owner)
    }
}

/// A kind of thing with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Webhook,
    Delivery,
    Replay,
    Filter,
    Event,
    Project,
    Token,
    User,
}

impl Thing {
    /// The code of the problem where there is none.
    pub fn missing_code(self) -> &'static str {
        match self {
            Self::Webhook => "WEBHOOK_NOT_FOUND",
            Self::Delivery => "DELIVERY_NOT_FOUND",
            Self::Replay => "REPLAY_NOT_FOUND",
            Self::Filter => "FILTER_NOT_FOUND",
            Self::Event => "EVENT_NOT_FOUND",
            Self::Project => "PROJECT_NOT_FOUND",
            Self::Token => "TOKEN_NOT_FOUND",
            Self::User => "USER_NOT_FOUND",
        }
    }
}

/// An answer as it came, all of it that does not change with the time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(problem.status, self.status);
        problem
    }
}

/// A host with people in it.
pub struct World {
    pub app: TestApp,
    receiver: Receiver,
    http: reqwest::Client,
    tokens: HashMap<Caller, String>,
    projects: AtomicU32,
}

impl World {
    /// The owner and a fellow are members of [`PROJECT`], the stranger of nothing. The owner has something of
    /// each kind, for the lists.
    pub async fn start() -> Self {
        // The matrix asks more often than anyone may, so nothing is bounded here.
        let unbounded = |config: &mut Config| {
            config.limits.requests_per_second = 0;
            config.limits.failed_authentications_per_second = 0;
        };
        let (app, receiver) = (TestApp::start_with(unbounded).await, Receiver::start().await);
        let operator = app.operator();
        app.user("owner").await;
        app.user("fellow").await;
        operator.put_user("stranger", &PutUser::default()).await.unwrap();
        let token = async |user: &str| operator.create_token(user, &CreateToken::default()).await.unwrap();
        let revoked = token("owner").await;
        operator.revoke_token(&revoked.id).await.unwrap();
        let tokens = [
            (Caller::RevokedToken, revoked.token.expose().to_owned()),
            (Caller::UnknownToken, "hs_nobody_0123456789abcdef0123456789abcdef".to_owned()),
            (Caller::WrongSecret, "hs_operator_0123456789abcdef0123456789abcdee".to_owned()),
            (Caller::Malformed, "nonsense".to_owned()),
            (Caller::Stranger, token("stranger").await.token.expose().to_owned()),
            (Caller::Fellow, token("fellow").await.token.expose().to_owned()),
            (Caller::Operator, OPERATOR_TOKEN.to_owned()),
            (Caller::Owner, token("owner").await.token.expose().to_owned()),
        ];
        // A proxy that the environment names does not know this machine's ports.
        let http = crate::app::http();
        let world = Self { app, receiver, http, tokens: tokens.into(), projects: AtomicU32::new(0) };
        for thing in [Thing::Webhook, Thing::Filter, Thing::Delivery] {
            world.make(thing, Caller::Owner).await;
        }
        world
    }

    pub fn client(&self, caller: Caller) -> Client {
        self.app.client(&self.tokens[&caller])
    }

    /// A request as this caller would make it.
    pub fn request(&self, caller: Caller, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, self.app.url(path));
        match caller {
            Caller::NoToken => request,
            Caller::HalfAPair => {
                request.header("x-bloo-token-secret", OPERATOR_TOKEN.strip_prefix("hs_operator_").unwrap())
            }
            _ => request.bearer_auth(&self.tokens[&caller]),
        }
    }

    pub async fn ask(&self, caller: Caller, method: &str, path: &str, body: Body) -> Answer {
        let request = self.request(caller, method, path);
        answer(match body {
            Body::Nothing => request,
            Body::Json(json) => request.header("content-type", "application/json").body(json),
            Body::Wasm => request.header("content-type", "application/wasm").body(HOSTILE),
        })
        .await
    }

    pub async fn ask_json(&self, caller: Caller, method: &str, path: &str, json: String) -> Answer {
        answer(self.request(caller, method, path).header("content-type", "application/json").body(json)).await
    }

    /// A new thing of this user's, with the marks in it; its id.
    pub async fn make(&self, thing: Thing, user: Caller) -> String {
        let mark = if user == Caller::Owner { PRIVATE } else { "not-the-owners" };
        let client = self.client(user);
        let new = NewWebhook {
            name: Some(mark.to_owned()),
            // Not the mark alone, which would be taken out of what the endpoint answers.
            headers: [("x-mark".to_owned(), format!("a header of {mark}").into())].into(),
            ..webhook(&self.receiver.url(&format!("/{mark}")))
        };
        match thing {
            Thing::Webhook => client.create_webhook(&new).await.unwrap().id,
            Thing::Delivery => {
                self.receiver.always(&format!("/{mark}"), crate::receiver::Answer::status(500).body(mark));
                let registered = client.create_webhook(&new).await.unwrap();
                self.send_event().await;
                only_delivery(&client, &registered).await.delivery.id
            }
            Thing::Replay => {
                let registered = client.create_webhook(&new).await.unwrap();
                client.replay_webhook(&registered.id, &every(ReplayOnly::All)).await.unwrap().id
            }
            Thing::Filter => {
                let named = UploadQuery { name: Some(mark.to_owned()) };
                client.upload_filter(&named, HOSTILE.to_vec()).await.unwrap().id
            }
            Thing::Event => self.send_event().await,
            Thing::Project => {
                let operator = self.app.operator();
                // The ids that the operator chooses are no secrets, so they may be counted.
                let id = format!("project-{}", self.projects.fetch_add(1, Ordering::Relaxed));
                operator.put_project(&id, &PutProject::default()).await.unwrap();
                for member in ["owner", "fellow"] {
                    operator.add_member(&id, member).await.unwrap();
                }
                id
            }
            Thing::Token => self.app.operator().create_token("owner", &CreateToken::default()).await.unwrap().id,
            Thing::User => "owner".to_owned(),
        }
    }

    async fn send_event(&self) -> String {
        let value = Some(raw(&format!(r#"{{"id":"r1","title":"{SHARED}"}}"#)));
        let event = hooksieve::wire::NewEvent {
            current_value: value,
            ..hooksieve::wire::NewEvent::new("TODO_CREATED", PROJECT)
        };
        self.app.send(&event).await
    }

    /// All that is the owner's, as text.
    pub async fn what_is_the_owners(&self) -> String {
        let (owner, all) = (self.client(Caller::Owner), PageQuery { limit: Some(250), cursor: None });
        let webhooks = owner.list_webhooks(&all).await.unwrap();
        let filters = owner.list_filters(&all).await.unwrap().items;
        let mut text = format!("{:?}", filters.iter().filter(|filter| !filter.shared).collect::<Vec<_>>());
        for webhook in webhooks.items {
            let deliveries = owner.list_deliveries(&webhook.id, &Default::default()).await.unwrap();
            let replays = owner.list_replays(&webhook.id, &Default::default()).await.unwrap();
            text.push_str(&format!("{webhook:?} {deliveries:?} {replays:?}"));
        }
        text
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let headers = response.headers().iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = response.status().as_u16();
    let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    Answer { status, headers, body }
}
