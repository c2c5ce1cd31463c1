//! The composition root: the only place that knows every room.

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::api::{self, ApiOptions, ApiState, MetricsAccess, Rate, RateLimits};
use crate::bundled;
use crate::clock::{Clock, random_bytes};
use crate::config::{Config, RetentionConfig, Secrets};
use crate::deliver::Deliverer;
use crate::dispatch::{Dispatcher, Looked, Replayer};
use crate::egress::Policy;
use crate::filter::{FilterHost, FilterOptions, Uploaded};
use crate::lifecycle::{self, Keep, Pokes, Stop};
use crate::metrics::Metrics;
use crate::model::filter::FilterDigest;
use crate::model::limits::{
    METRICS_TOKEN_CHARS_MIN, STOP_GRACE, STORAGE_FAILURE_TOLD, TRACE_FINISH_TIME_MAX, VERDICTS_REMEMBERED_MAX,
};
use crate::model::secret::Secret;
use crate::outbound::{SendOptions, Sender};
use crate::resolve::Resolver;
use crate::service::access::Credentials;
use crate::service::{NewToken, Service, ServiceParts};
use crate::store::sqlite::{self, Create, OpenOptions, SqliteStore};
use crate::store::{SealingKey, Store, StoreError};
use crate::traces::{Exporter, ExporterOptions, Traces, parse_headers};

/// The shortest operator token that an operator may choose, in characters behind the id.
const OPERATOR_SECRET_CHARS_MIN: usize = 32;

/// The file in the data folder with the key that seals signing secrets and headers.
const KEY_FILE: &str = "sealing.key";
/// The folder in the data folder with the compiled filters.
const COMPILED_FOLDER: &str = "compiled";

/// What an [`App`] is made of.
pub struct AppOptions {
    /// The configuration.
    pub config: Config,
    /// The secrets of the environment.
    pub secrets: Secrets,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// How names become addresses.
    pub resolver: Resolver,
    /// The program that becomes a compiling child.
    pub compiler: PathBuf,
}

/// A host, ready to serve.
pub struct App {
    service: Arc<Service>,
    store: Arc<SqliteStore>,
    clock: Arc<dyn Clock>,
    dispatcher: Dispatcher,
    deliverer: Deliverer,
    replayer: Replayer,
    pokes: Pokes,
    first_token: Option<NewToken>,
    config: Config,
    metrics_token: Option<Secret>,
    exporter: Option<Exporter>,
}

impl App {
    /// Opens the store and everything that stands on it.
    ///
    /// # Errors
    /// When a part cannot be opened; the message names the remedy.
    pub async fn open(options: AppOptions) -> anyhow::Result<Self> {
        let AppOptions { config, secrets, clock, resolver, compiler } = options;
        // The first one wins; another App in the same process finds it set.
        drop(rustls::crypto::ring::default_provider().install_default());
        let policy = policy(&config);
        check_metrics_token(&secrets)?;
        let metrics = Arc::new(Metrics::default());
        let (traces, exporter) = start_traces(&config, &secrets, clock.as_ref(), &metrics)?;
        let store = open_store(&config.data, &secrets, clock.as_ref(), &metrics).await?;
        let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let filters = Arc::new(start_filters(&config, compiler, &shared, &metrics)?);
        let pokes = Pokes::default();
        let attempt_timeout = Duration::from_secs(config.delivery.attempt_timeout_secs);
        let sending = SendOptions { attempt_timeout, ..SendOptions::new(policy.clone(), resolver.clone()) };
        let sender = Arc::new(Sender::new(sending).context("setting up TLS; are root certificates installed?")?);
        let delays = config.delivery.retry_delays_secs.iter().map(|&secs| Duration::from_secs(secs)).collect();
        let deliverer = Deliverer::new(
            Arc::clone(&shared),
            Arc::clone(&clock),
            Arc::clone(&sender),
            delays,
            Arc::clone(&pokes.deliver),
            Arc::clone(&metrics),
            traces.clone(),
        );
        let dispatcher = Dispatcher::new(
            Arc::clone(&shared),
            Arc::clone(&filters),
            Arc::clone(&clock),
            Arc::clone(&pokes.deliver),
            Arc::clone(&metrics),
            traces.clone(),
        );
        let replayer = Replayer::new(&dispatcher, Arc::clone(&pokes.replay));
        let service = Arc::new(Service::new(ServiceParts {
            store: shared,
            filters,
            clock: Arc::clone(&clock),
            policy,
            resolver,
            sender,
            dispatch_poke: Arc::clone(&pokes.dispatch),
            deliver_poke: Arc::clone(&pokes.deliver),
            replay_poke: Arc::clone(&pokes.replay),
            metrics,
            traces,
        }));
        bundled::install(&service).await.context("installing the bundled filters")?;
        let first_token = keep_operator_token(&service, &secrets).await?;
        let metrics_token = secrets.metrics_token;
        Ok(Self {
            service,
            store,
            clock,
            dispatcher,
            deliverer,
            replayer,
            pokes,
            first_token,
            config,
            metrics_token,
            exporter,
        })
    }

    /// The operator token that was made because there was none, to be shown once.
    #[must_use]
    pub fn first_token(&self) -> Option<&str> {
        self.first_token.as_ref().map(|token| token.token.as_str())
    }

    /// The use cases.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// The API as a router.
    pub fn router(&self) -> axum::Router {
        let limits = &self.config.limits;
        let rate = |per_second: u32| Rate { per_second, burst: per_second.saturating_mul(limits.burst_secs).max(1) };
        let options = ApiOptions {
            module_bytes_max: self.config.filter.module_bytes_max,
            rates: RateLimits {
                user: rate(limits.requests_per_second),
                operator: rate(limits.operator_requests_per_second),
                failures: rate(limits.failed_authentications_per_second),
            },
            metrics: MetricsAccess { is_public: self.config.metrics.public, token: self.metrics_token.clone() },
        };
        api::router(ApiState::new(Arc::clone(&self.service), options))
    }

    /// Serves until `stop`, then finishes or gives back what is under way.
    ///
    /// # Errors
    /// When the listener or the storage fails.
    pub async fn serve(self, listener: TcpListener, stop: Stop) -> anyhow::Result<()> {
        let until_stop = async {
            stop.requested.cancelled().await;
            if stop.storage_failed.is_cancelled() {
                tokio::time::sleep(STORAGE_FAILURE_TOLD).await;
            }
        };
        let serving = api::serve(listener, self.router(), until_stop);
        let dispatching = lifecycle::run_dispatch(&self.dispatcher, &self.pokes, &stop);
        let delivering =
            lifecycle::run_deliver(&self.deliverer, self.store.as_ref(), self.clock.as_ref(), &self.pokes, &stop);
        let replaying = lifecycle::run_replays(&self.replayer, &self.pokes, &stop);
        let keep = self.keep();
        let upkeep = lifecycle::run_upkeep(self.store.as_ref(), self.clock.as_ref(), keep, &stop);
        let forgetting = lifecycle::run_retention(self.store.as_ref(), self.clock.as_ref(), keep, &stop);
        let running = async { tokio::join!(serving, dispatching, delivering, replaying, upkeep, forgetting) };
        let deadline = {
            let mut running = pin!(running);
            let is_done = tokio::select! {
                _ = &mut running => true,
                () = stop.requested.cancelled() => false,
                // The storage can fail in a request too, which no loop sees.
                () = self.store.until_broken() => {
                    stop.storage_fails();
                    false
                }
            };
            self.service.end_backtests();
            // Whoever stops a process kills it after ten seconds or so. An attempt that is cut off is made again
            // at the next start, though its receiver may have had it.
            let deadline = Instant::now() + STOP_GRACE;
            if !is_done && tokio::time::timeout_at(deadline, running).await.is_err() {
                tracing::warn!("requests were still under way when the time to stop was up");
            }
            deadline
        };
        self.close(&stop, deadline).await
    }

    fn keep(&self) -> Keep {
        let RetentionConfig { days, bytes_max } = self.config.retention;
        let age = (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 3600));
        Keep { age, bytes_max: (bytes_max > 0).then_some(bytes_max) }
    }

    /// What is not done by the deadline keeps its lease and is taken up at the next start.
    async fn close(self, stop: &Stop, deadline: Instant) -> anyhow::Result<()> {
        let grace = deadline.saturating_duration_since(Instant::now());
        let draining = (self.dispatcher.drain(grace), self.deliverer.drain(grace), self.replayer.drain(grace));
        let (dispatched, delivered, replayed) = tokio::join!(draining.0, draining.1, draining.2);
        if !(dispatched && delivered && replayed) {
            tracing::warn!("what is still under way is taken up again at the next start");
        }
        if let Some(exporter) = self.exporter {
            let grace = deadline.saturating_duration_since(Instant::now()).min(TRACE_FINISH_TIME_MAX);
            exporter.finish(grace).await;
        }
        anyhow::ensure!(!stop.storage_failed.is_cancelled(), "the storage failed; the log says how");
        self.store.close().await.context("closing the database")?;
        Ok(())
    }

    /// Runs the loops until nothing waits and nothing is due at the clock's time: for tests, which move
    /// the clock themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_until_idle(&self) -> anyhow::Result<()> {
        lifecycle::keep_up(self.store.as_ref(), self.clock.as_ref()).await?;
        lifecycle::forget(self.store.as_ref(), self.clock.as_ref(), self.keep()).await?;
        loop {
            let dispatched = self.dispatcher.step().await?;
            self.dispatcher.drain(Duration::MAX).await;
            let attempted = self.deliverer.step().await?;
            self.deliverer.drain(Duration::MAX).await;
            let looked = self.replayer.step().await?;
            self.replayer.drain(Duration::MAX).await;
            if dispatched + attempted == 0 && !matches!(looked, Looked::Begun(_)) {
                return Ok(());
            }
        }
    }
}

/// Copies the database of a data folder, whose host may be running, to the new file `destination`; its size in
/// bytes. Blocks.
///
/// # Errors
/// When there is nothing to copy, the file is there already, or copying fails.
pub fn backup(data: &Path, destination: &Path, progress: impl FnMut(u64, u64)) -> anyhow::Result<u64> {
    Ok(sqlite::copy(data, destination, progress)?.bytes)
}

/// The file in `data` with the sealing key, if that is where it is kept. A copy of the database is of little use
/// without it.
#[must_use]
pub fn key_file(data: &Path) -> Option<PathBuf> {
    Some(data.join(KEY_FILE)).filter(|path| path.exists())
}

/// Where webhooks may point under this configuration.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    let mut policy = if config.dev { Policy::dev() } else { Policy::default() };
    policy.allow.extend(config.egress.allow.iter().cloned());
    policy
}

async fn open_store(
    data: &Path,
    secrets: &Secrets,
    clock: &dyn Clock,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Arc<SqliteStore>> {
    let (directory, now, random) = (data.to_owned(), clock.now(), random_bytes(clock));
    let metrics = Arc::clone(metrics);
    let given = secrets.sealing_key.as_ref().map(|key| SealingKey::parse(key.expose()));
    let given = given.transpose().context("HOOKSIEVE_SEALING_KEY")?;
    let store = tokio::task::spawn_blocking(move || {
        // Only this user may look inside: compiled filters and the database are their owners' business.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.with_context(|| format!("making {}", directory.display()))?;
        // This folder is made once the database is there, so it says that there was one: an empty database is
        // not put in the place of one that was lost.
        let is_new = !directory.join(COMPILED_FOLDER).exists();
        let create = if is_new { Create::MayCreate } else { Create::MustExist };
        let key = match given {
            Some(key) => key,
            None => read_or_make_key(&directory, &random)?,
        };
        Ok::<_, anyhow::Error>(SqliteStore::open(&OpenOptions { directory, create, key, now, metrics })?)
    });
    store.await.context("opening the database")?
}

/// The key in the data folder that seals signing secrets and headers, made at the first start.
fn read_or_make_key(directory: &Path, random: &[u8; 32]) -> anyhow::Result<SealingKey> {
    let path = directory.join(KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => SealingKey::parse(&text)
            .with_context(|| format!("reading {}; restore it from where you keep a copy", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            anyhow::ensure!(
                !SqliteStore::exists_in(directory),
                "{} is missing, and the database beside it was sealed with it: restore the file, or set HOOKSIEVE_SEALING_KEY",
                path.display()
            );
            // All of it or nothing, and for this user alone.
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(hex::encode(random).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&path).with_context(|| format!("making {}", path.display()))?;
            Ok(SealingKey::from_bytes(*random))
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn check_metrics_token(secrets: &Secrets) -> anyhow::Result<()> {
    let is_short = |token: &Secret| token.expose().chars().count() < METRICS_TOKEN_CHARS_MIN;
    anyhow::ensure!(
        !secrets.metrics_token.as_ref().is_some_and(is_short),
        "HOOKSIEVE_METRICS_TOKEN is shorter than {METRICS_TOKEN_CHARS_MIN} characters"
    );
    Ok(())
}

/// Nothing where no collector is configured.
fn start_traces(
    config: &Config,
    secrets: &Secrets,
    clock: &dyn Clock,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<(Traces, Option<Exporter>)> {
    let Some(endpoint) = config.telemetry.endpoint()? else { return Ok((Traces::default(), None)) };
    let headers = secrets.otlp_headers.as_ref().map_or("", |headers| headers.expose());
    let headers = parse_headers(headers).context("OTEL_EXPORTER_OTLP_HEADERS")?;
    let first_span_id = u64::from_be_bytes(random_bytes(clock));
    let (traces, queued) = Traces::new(config.telemetry.sample_ratio, first_span_id, Arc::clone(metrics));
    let options = ExporterOptions { endpoint, headers, service_name: config.telemetry.service_name.clone() };
    let exporter = Exporter::start(options, queued, Arc::clone(metrics)).context("setting up TLS for traces")?;
    Ok((traces, Some(exporter)))
}

fn start_filters(
    config: &Config,
    compiler: PathBuf,
    store: &Arc<dyn Store>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<FilterHost> {
    let store = Arc::clone(store);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = FilterOptions {
        limits: config.filter.limits(),
        cache_folder: config.data.join(COMPILED_FOLDER),
        compiler,
        threads: u32::try_from(cores).unwrap_or(1),
        verdicts_remembered: VERDICTS_REMEMBERED_MAX,
        source: Box::new(move |digest| {
            let store = Arc::clone(&store);
            Box::pin(async move {
                let found = uploaded(store.as_ref(), digest).await;
                Ok(found.inspect_err(|error| tracing::error!(error = error as &dyn std::error::Error))?)
            })
        }),
        metrics: Arc::clone(metrics),
    };
    Ok(FilterHost::start(options)?)
}

async fn uploaded(store: &dyn Store, digest: FilterDigest) -> Result<Option<Uploaded>, StoreError> {
    let Some(wasm) = store.filter_wasm(&digest).await? else { return Ok(None) };
    Ok(Some(Uploaded { owner: store.filter_owner(&digest).await?, wasm }))
}

async fn keep_operator_token(service: &Service, secrets: &Secrets) -> anyhow::Result<Option<NewToken>> {
    let Some(token) = &secrets.operator_token else {
        return Ok(service.create_first_operator_token().await?);
    };
    let credentials = Credentials::parse(token.expose())
        .filter(|credentials| credentials.secret.len() >= OPERATOR_SECRET_CHARS_MIN)
        .context("HOOKSIEVE_OPERATOR_TOKEN is not of the form hs_operator_<at least 32 characters>")?;
    service.keep_operator_token(credentials).await?;
    Ok(None)
}
