//! The configuration: `hooksieve.toml`, then `HOOKSIEVE_*`, then flags. The only place that reads the
//! environment.

mod telemetry;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::egress::AllowRule;
use crate::filter::FilterLimits;
use crate::model::limits::{
    ATTEMPT_TIMEOUT, FAILURES_PER_SECOND, RATE_BURST_SECS, RETENTION_BYTES_MIN, RETENTION_DAYS, RETENTION_DAYS_MAX,
    RETRY_DELAYS, USER_REQUESTS_PER_SECOND,
};
use crate::model::secret::Secret;

pub use telemetry::TelemetryConfig;

/// The configuration file, looked for in the working directory unless a flag names another.
pub const FILE: &str = "hooksieve.toml";
/// What the names of environment variables begin with.
const ENV_PREFIX: &str = "HOOKSIEVE_";
/// Variables that are not part of the configuration: secrets, and what the remote commands read.
const ENV_APART: &[&str] = &[
    "OPERATOR_TOKEN",
    "SEALING_KEY",
    "METRICS_TOKEN",
    "URL",
    "TOKEN",
    #[cfg(debug_assertions)]
    "FAILPOINTS",
];
/// The longest attempt that can be configured, well below the length of a lease.
const ATTEMPT_TIMEOUT_SECS_MAX: u64 = 30;
/// The longest delay before an attempt that can be configured: 30 days.
const RETRY_DELAY_SECS_MAX: u64 = 30 * 24 * 3600;

/// Everything an operator can set, but for secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The folder of the database, its keys and the compiled filters.
    pub data: PathBuf,
    /// Whether webhooks may point to this very machine.
    pub dev: bool,
    /// Where webhooks may point.
    pub egress: EgressConfig,
    /// What a filter may use.
    pub filter: FilterConfig,
    /// How deliveries are attempted.
    pub delivery: DeliveryConfig,
    /// How long events are kept.
    pub retention: RetentionConfig,
    /// How often the API may be called.
    pub limits: LimitsConfig,
    /// Who may read the metrics.
    pub metrics: MetricsConfig,
    /// What is logged.
    pub log: LogConfig,
    /// Where traces go.
    pub telemetry: TelemetryConfig,
}

/// How often the API may be called; 0 is no limit. What is too much is answered with 429.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Requests a second of one user's token.
    pub requests_per_second: u32,
    /// Requests a second of one operator's token: no limit unless it is set, since a host that has too much to
    /// write refuses events by itself.
    pub operator_requests_per_second: u32,
    /// Requests a second without a valid token from one address.
    pub failed_authentications_per_second: u32,
    /// Seconds' worth of these that may come at once, at least 1.
    pub burst_secs: u32,
}

/// Who may read the metrics, beside operators and whoever has `HOOKSIEVE_METRICS_TOKEN`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether anyone may who can reach the host.
    pub public: bool,
}

/// Where webhooks may point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressConfig {
    /// Networks that are allowed although they are private, such as `10.1.0.0/16:443`.
    pub allow: Vec<AllowRule>,
}

/// What a filter may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterConfig {
    /// Fuel for one event; about one per instruction.
    pub fuel: u64,
    /// The wall-clock backstop in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory in bytes.
    pub memory_bytes_max: usize,
    /// Stack in bytes.
    pub stack_bytes_max: usize,
    /// Bytes of a reason.
    pub result_bytes_max: usize,
    /// Bytes of an upload.
    pub module_bytes_max: usize,
    /// Bytes of memory for compiling one.
    pub compile_memory_bytes_max: u64,
    /// Seconds of processor time, and of wall-clock time, for compiling one.
    pub compile_secs_max: u64,
}

/// How deliveries are attempted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// Seconds for a whole attempt, body included; 1 to 30.
    pub attempt_timeout_secs: u64,
    /// Seconds before the second and every later attempt.
    pub retry_delays_secs: Vec<u64>,
}

/// How long events are kept, with their verdicts, deliveries and attempts. What is still owed is kept longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Days; 0 for ever.
    pub days: u32,
    /// Bytes of the database beyond which the oldest events go earlier, though never before they are a day old; 0
    /// for no such bound.
    pub bytes_max: u64,
}

/// What is logged, on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// A filter such as `info` or `hooksieve=debug`.
    pub level: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("./hooksieve-data"),
            dev: false,
            egress: EgressConfig::default(),
            filter: FilterConfig::default(),
            delivery: DeliveryConfig::default(),
            retention: RetentionConfig::default(),
            limits: LimitsConfig::default(),
            metrics: MetricsConfig::default(),
            log: LogConfig::default(),
            telemetry: TelemetryConfig::default(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_second: USER_REQUESTS_PER_SECOND,
            operator_requests_per_second: 0,
            failed_authentications_per_second: FAILURES_PER_SECOND,
            burst_secs: RATE_BURST_SECS,
        }
    }
}

impl Default for FilterConfig {
    fn default() -> Self {
        let limits = FilterLimits::default();
        Self {
            fuel: limits.fuel,
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_bytes_max: limits.memory_bytes_max,
            stack_bytes_max: limits.stack_bytes_max,
            result_bytes_max: limits.result_bytes_max,
            module_bytes_max: limits.module_bytes_max,
            compile_memory_bytes_max: limits.compile_memory_bytes_max,
            compile_secs_max: limits.compile_time_max.as_secs(),
        }
    }
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            attempt_timeout_secs: ATTEMPT_TIMEOUT.as_secs(),
            retry_delays_secs: RETRY_DELAYS.iter().map(Duration::as_secs).collect(),
        }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { days: RETENTION_DAYS, bytes_max: 0 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".to_owned() }
    }
}

impl FilterConfig {
    /// As the filter room takes it.
    #[must_use]
    pub fn limits(&self) -> FilterLimits {
        FilterLimits {
            fuel: self.fuel,
            deadline: Duration::from_millis(self.deadline_ms),
            memory_bytes_max: self.memory_bytes_max,
            stack_bytes_max: self.stack_bytes_max,
            result_bytes_max: self.result_bytes_max,
            module_bytes_max: self.module_bytes_max,
            compile_memory_bytes_max: self.compile_memory_bytes_max,
            compile_time_max: Duration::from_secs(self.compile_secs_max),
        }
    }
}

impl Config {
    /// Reads the file, the environment and the flags, the later ones first.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it, in a variable or in a flag is not known or not
    /// valid.
    pub fn load(file: Option<&Path>, flags: Table) -> anyhow::Result<Self> {
        let mut table = match read_file(file)? {
            Some(text) => text.parse::<Table>().with_context(|| format!("reading {}", name_of(file)))?,
            None => Table::new(),
        };
        let variables: Vec<_> = std::env::vars().collect();
        merge(&mut table, telemetry::from_standard_names(&variables));
        merge(&mut table, from_environment(variables.into_iter())?);
        merge(&mut table, flags);
        let config: Self = Value::Table(table).try_into().context("the configuration is not valid")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let timeout = self.delivery.attempt_timeout_secs;
        anyhow::ensure!(
            (1..=ATTEMPT_TIMEOUT_SECS_MAX).contains(&timeout),
            "delivery.attempt_timeout_secs is {timeout}; set it to 1 to {ATTEMPT_TIMEOUT_SECS_MAX}"
        );
        let too_long = self.delivery.retry_delays_secs.iter().find(|&&secs| secs > RETRY_DELAY_SECS_MAX);
        if let Some(secs) = too_long {
            anyhow::bail!("delivery.retry_delays_secs has {secs}; a delay is at most {RETRY_DELAY_SECS_MAX}, 30 days");
        }
        anyhow::ensure!(self.filter.fuel > 0, "filter.fuel is 0; no filter could run");
        anyhow::ensure!(self.filter.compile_secs_max > 0, "filter.compile_secs_max is 0; no filter could be compiled");
        let RetentionConfig { days, bytes_max } = self.retention;
        anyhow::ensure!(days <= RETENTION_DAYS_MAX, "retention.days is {days}; set it to 0 to {RETENTION_DAYS_MAX}");
        anyhow::ensure!(
            bytes_max == 0 || bytes_max >= RETENTION_BYTES_MIN,
            "retention.bytes_max is {bytes_max}; set it to 0, for no bound, or to at least {RETENTION_BYTES_MIN}"
        );
        anyhow::ensure!(self.limits.burst_secs > 0, "limits.burst_secs is 0; nothing could be called");
        self.telemetry.check()
    }
}

fn name_of(file: Option<&Path>) -> String {
    file.unwrap_or(Path::new(FILE)).display().to_string()
}

/// A file that a flag names must be there; the usual one may be absent.
fn read_file(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file.unwrap_or(Path::new(FILE))) {
        Ok(text) => Ok(Some(text)),
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", name_of(file))),
    }
}

/// Where tests want this run to fail; builds without debug assertions cannot ([`crate::failpoint`]).
#[cfg(debug_assertions)]
pub(crate) fn failpoints() -> Option<String> {
    std::env::var(format!("{ENV_PREFIX}FAILPOINTS")).ok()
}

/// `HOOKSIEVE_LISTEN`, `HOOKSIEVE_FILTER_FUEL` and so on: the section, if any, then the key.
fn from_environment(variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<Table> {
    let known = Value::try_from(Config::default()).context("the defaults are a table")?;
    let mut table = Table::new();
    for (name, value) in variables {
        let Some(name) = name.strip_prefix(ENV_PREFIX) else { continue };
        if ENV_APART.contains(&name) {
            continue;
        }
        let path = path_of(&known, name)
            .with_context(|| format!("{ENV_PREFIX}{name} is not a setting; `serve --print-config` lists them"))?;
        let mut tree = parse_value(&known, &path, &value);
        for key in path.iter().rev() {
            tree = Value::Table(Table::from_iter([((*key).to_owned(), tree)]));
        }
        if let Value::Table(tree) = tree {
            merge(&mut table, tree);
        }
    }
    Ok(table)
}

fn path_of(known: &Value, name: &str) -> Option<Vec<String>> {
    let name = name.to_ascii_lowercase();
    let root = known.as_table()?;
    if root.get(&name).is_some_and(|value| !value.is_table()) {
        return Some(vec![name]);
    }
    root.iter().find_map(|(section, value)| {
        let key = name.strip_prefix(section.as_str())?.strip_prefix('_')?;
        value.as_table()?.contains_key(key).then(|| vec![section.clone(), key.to_owned()])
    })
}

/// Strings are taken as they are; a list may be written with commas; the rest is TOML.
fn parse_value(known: &Value, path: &[String], text: &str) -> Value {
    let default = path.iter().try_fold(known, |value, key| value.get(key));
    let toml = |text: &str| format!("v = {text}").parse::<Table>().ok()?.remove("v");
    let as_string = || Value::String(text.to_owned());
    match default {
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| toml(item).unwrap_or_else(|| Value::String(item.to_owned()))).collect())
        }
        Some(Value::String(_)) | None => as_string(),
        Some(_) => toml(text).unwrap_or_else(as_string),
    }
}

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// The secrets that the environment may hold.
#[derive(Debug, Default)]
pub struct Secrets {
    /// `HOOKSIEVE_OPERATOR_TOKEN`: the whole token.
    pub operator_token: Option<Secret>,
    /// `HOOKSIEVE_SEALING_KEY`: what seals signing secrets and headers; from a file in the data folder if absent.
    pub sealing_key: Option<Secret>,
    /// `HOOKSIEVE_METRICS_TOKEN`: with it the metrics can be read, and nothing else.
    pub metrics_token: Option<Secret>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what the collector of traces wants to be sent, such as a token.
    pub otlp_headers: Option<Secret>,
}

impl Secrets {
    /// Reads them.
    #[must_use]
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let read = |name: &str| variable(&format!("{ENV_PREFIX}{name}"));
        Self {
            operator_token: read("OPERATOR_TOKEN").map(Secret::new),
            sealing_key: read("SEALING_KEY").map(Secret::new),
            metrics_token: read("METRICS_TOKEN").map(Secret::new),
            otlp_headers: variable("OTEL_EXPORTER_OTLP_HEADERS").map(Secret::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Value::Table(from_environment(variables)?).try_into()?)
    }

    #[test]
    fn a_variable_names_its_section_and_key() {
        let config = load(&[
            ("HOOKSIEVE_LISTEN", "0.0.0.0:80"),
            ("HOOKSIEVE_FILTER_FUEL", "5"),
            ("HOOKSIEVE_EGRESS_ALLOW", "10.0.0.0/8, 127.0.0.1/32:8080"),
            ("HOOKSIEVE_DELIVERY_RETRY_DELAYS_SECS", "1,2"),
            ("HOOKSIEVE_LIMITS_REQUESTS_PER_SECOND", "7"),
            ("HOOKSIEVE_METRICS_PUBLIC", "true"),
            ("HOOKSIEVE_METRICS_TOKEN", "hush"),
            ("HOOKSIEVE_TOKEN", "hs_a_b"),
            ("HOME", "/"),
        ])
        .unwrap();

        assert_eq!(config.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.filter.fuel, 5);
        assert_eq!(config.egress.allow, ["10.0.0.0/8", "127.0.0.1:8080"].map(|rule| rule.parse().unwrap()));
        assert_eq!(config.delivery.retry_delays_secs, [1, 2]);
        assert_eq!((config.limits.requests_per_second, config.metrics.public), (7, true));
    }

    #[test]
    fn a_rule_of_egress_that_is_none_is_refused_with_its_text() {
        let error = load(&[("HOOKSIEVE_EGRESS_ALLOW", "10.0.0.0/8,10.1.2.3/8")]).unwrap_err();

        let told = format!("{error:#}");
        assert!(told.contains("10.1.2.3/8") && told.contains("write 10.0.0.0/8 for all of it"), "{told}");
    }

    #[test]
    fn a_mistyped_variable_is_refused() {
        let error = load(&[("HOOKSIEVE_LISTN", "0.0.0.0:80")]).unwrap_err();

        assert!(error.to_string().starts_with("HOOKSIEVE_LISTN is not a setting"), "{error}");
    }

    #[test]
    fn the_defaults_survive_being_printed_and_read() {
        let printed = toml::to_string(&Config::default()).unwrap();

        assert_eq!(toml::from_str::<Config>(&printed).unwrap(), Config::default());
    }
}
