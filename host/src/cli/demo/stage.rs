//! The host and the receiver of the demo, and what is set up before the first event.

use std::sync::Arc;

use anyhow::Context;
use axum::http::StatusCode;
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::plan::{COMPANY, EVENTS, NAMED, PROJECT, PlannedFilter, USER, WEBHOOKS};
use crate::app::{App, AppOptions};
use crate::cli::failure::Explain;
use crate::cli::receiver::{Arrival, Receiver};
use crate::cli::this_program;
use crate::client::Client;
use crate::clock::SystemClock;
use crate::config::{Config, Secrets};
use crate::lifecycle::Stop;
use crate::model::secret::Secret;
use crate::resolve::Resolver;
use crate::wire::{CreateToken, FilterChoice, NewWebhook, PutProject, PutUser, SecretText, UploadQuery};

/// Everything that runs during the demo.
pub(super) struct Stage {
    /// Calls the host as its operator.
    pub(super) operator: Client,
    /// Calls the host as the user.
    pub(super) user: Client,
    /// The webhooks, in the order of the plan.
    pub(super) webhooks: Vec<Registered>,
    receiver: Receiver,
    host: RunningHost,
}

/// A webhook of the demo.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) secret: Secret,
}

struct RunningHost {
    stop: Stop,
    serving: JoinHandle<anyhow::Result<()>>,
    _data: TempDir,
}

impl Stage {
    /// Starts both and registers the user, the project and the webhooks.
    ///
    /// # Errors
    /// When a part does not start, or the host refuses something.
    pub(super) async fn set_up() -> anyhow::Result<Self> {
        let receiver = Receiver::start(0, StatusCode::OK).await.context("starting the receiver")?;
        let (host, operator) = RunningHost::start().await?;
        let user = register_user(&operator).await?;
        let mut webhooks = Vec::with_capacity(WEBHOOKS);
        for (name, filter) in NAMED {
            let filter = choose_filter(&user, filter).await?;
            let new = NewWebhook {
                url: receiver.url(name),
                name: Some(name.to_owned()),
                events: EVENTS.map(|(event, _)| event.to_owned()).into(),
                project_ids: vec![PROJECT.to_owned()],
                filter,
                ..NewWebhook::default()
            };
            let webhook = user.create_webhook(&new).await?;
            let secret = webhook.secret.context("the host did not show the new webhook's secret")?;
            webhooks.push(Registered { id: webhook.id, name, secret: secret.into() });
        }
        Ok(Self { operator, user, webhooks, receiver, host })
    }

    /// What the receiver got until now.
    pub(super) fn arrivals(&mut self) -> Vec<Arrival> {
        std::iter::from_fn(|| self.receiver.take()).collect()
    }

    /// Stops the host and deletes its files.
    ///
    /// # Errors
    /// When the host did not stop as it should.
    pub(super) async fn take_down(self) -> anyhow::Result<()> {
        self.host.stop.requested.cancel();
        self.host.serving.await.context("the host panicked")?.context("stopping the host")
    }
}

impl RunningHost {
    async fn start() -> anyhow::Result<(Self, Client)> {
        let data =
            tempfile::tempdir().failed("cannot make a temporary folder", "set TMPDIR to one that can be written")?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listening on a free port")?;
        let url = format!("http://{}", listener.local_addr().context("asking for the port")?);
        // Its own configuration, whatever this machine's host may have.
        let config = Config { data: data.path().to_owned(), dev: true, ..Config::default() };
        let app = App::open(AppOptions {
            config,
            secrets: Secrets::default(),
            clock: Arc::new(SystemClock),
            resolver: Resolver::System,
            compiler: this_program()?,
        });
        let app = app.await.context("starting the host")?;
        let token = SecretText::from(app.first_token().context("a new host makes a first token")?);
        let stop = Stop::default();
        let serving = tokio::spawn(app.serve(listener, stop.clone()));
        Ok((Self { stop, serving, _data: data }, Client::new(&url, token.expose())?))
    }
}

async fn register_user(operator: &Client) -> anyhow::Result<Client> {
    operator.put_user(USER, &PutUser { name: Some("Demo".to_owned()) }).await?;
    let project = PutProject { name: Some("Demo".to_owned()), company_id: Some(COMPANY.to_owned()) };
    operator.put_project(PROJECT, &project).await?;
    operator.add_member(PROJECT, USER).await?;
    let token = operator.create_token(USER, &CreateToken::default()).await?;
    Ok(operator.with_token(&token.token))
}

async fn choose_filter(user: &Client, planned: PlannedFilter) -> anyhow::Result<Option<FilterChoice>> {
    let (id, config) = match planned {
        PlannedFilter::None => return Ok(None),
        PlannedFilter::Bundled(id, config) => (id.to_owned(), Some(RawValue::from_string(config.to_owned())?)),
        PlannedFilter::Uploaded(name) => {
            // The host comes with this example; taken as bytes, it goes the way of any upload.
            let wasm = user.get_filter_wasm(name).await?;
            let name = Some(format!("{name}-uploaded"));
            (user.upload_filter(&UploadQuery { name }, wasm).await?.id, None)
        }
    };
    Ok(Some(FilterChoice { id, config, on_error: None }))
}
