//! Where traces go. Off unless an endpoint is set.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use url::Url;

/// OpenTelemetry's own names of what is set here, which other programs beside a collector take too.
const STANDARD_NAMES: [(&str, &str); 2] =
    [("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"), ("OTEL_SERVICE_NAME", "service_name")];

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The address of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; empty for no traces.
    pub otlp_endpoint: String,
    /// Which share of the events is traced whose producer sends no `traceparent`, from 0 to 1.
    pub sample_ratio: f64,
    /// What this host is called.
    pub service_name: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_endpoint: String::new(), sample_ratio: 1.0, service_name: "hooksieve".to_owned() }
    }
}

impl TelemetryConfig {
    /// The collector; `None` for no traces.
    ///
    /// # Errors
    /// When the address is not one, or has what is not for everybody who reads the configuration.
    pub fn endpoint(&self) -> anyhow::Result<Option<Url>> {
        if self.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let url = Url::parse(&self.otlp_endpoint).context("telemetry.otlp_endpoint is not a URL")?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "telemetry.otlp_endpoint is an address such as http://127.0.0.1:4318"
        );
        let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        anyhow::ensure!(
            is_bare && url.fragment().is_none(),
            "telemetry.otlp_endpoint has no user, query or fragment; a token goes into OTEL_EXPORTER_OTLP_HEADERS"
        );
        Ok(Some(url))
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.endpoint()?;
        let ratio = self.sample_ratio;
        anyhow::ensure!((0.0..=1.0).contains(&ratio), "telemetry.sample_ratio is {ratio}; set it from 0 to 1");
        Ok(())
    }
}

/// What the variables say under OpenTelemetry's own names.
pub(super) fn from_standard_names(variables: &[(String, String)]) -> Table {
    let named = |(name, value): &(String, String)| {
        let (_, key) = STANDARD_NAMES.iter().find(|(standard, _)| standard == name)?;
        (!value.is_empty()).then(|| ((*key).to_owned(), Value::String(value.clone())))
    };
    let section: Table = variables.iter().filter_map(named).collect();
    if section.is_empty() { Table::new() } else { Table::from_iter([("telemetry".to_owned(), Value::Table(section))]) }
}
