//! Runs a filter here, on the code and under the limits of a host, but without one.

use std::sync::Arc;

use serde_json::value::RawValue;
use tempfile::TempDir;

use crate::cli::failure::Explain;
use crate::cli::this_program;
use crate::filter::projection::EventFields;
use crate::filter::{Admitted, Configured, FilterHost, FilterLimits, FilterOptions, FilterRef, Refused, Request};
use crate::json;
use crate::service::Evaluated;
use crate::wire::{Evaluation, NewEvent};

/// What a host adds to an event that has no id, and no time: the same as the SDK's test kit.
const EVENT_ID: &str = "evt_test";
const OCCURRED_AT: &str = "2022-12-01T11:23:09.241Z";

/// A filter room of its own, which leaves nothing behind.
pub(super) struct Trial {
    host: FilterHost,
    _cache: TempDir,
}

impl Trial {
    /// Opens the room.
    ///
    /// # Errors
    /// When the engine or the temporary folder cannot be set up.
    pub(super) fn start() -> anyhow::Result<Self> {
        let cache =
            tempfile::tempdir().failed("cannot make a temporary folder", "set TMPDIR to one that can be written")?;
        let host = FilterHost::start(FilterOptions {
            limits: FilterLimits::default(),
            cache_folder: cache.path().to_owned(),
            compiler: this_program()?,
            threads: 1,
            verdicts_remembered: 0,
            source: Box::new(|_| Box::pin(async { Ok(None) })),
            metrics: Arc::default(),
        })?;
        Ok(Self { host, _cache: cache })
    }

    /// Checks a module as an upload is checked.
    ///
    /// # Errors
    /// When a host would refuse it.
    pub(super) async fn admit(&self, wasm: &[u8]) -> anyhow::Result<Admitted> {
        self.host
            .admit(None, wasm)
            .await
            .failed("a host would refuse this filter", "see the guide: hooksieve-sdk/README.md")
    }

    /// Configures an admitted filter. `config` is canonical JSON.
    ///
    /// # Errors
    /// When the filter or its schema refuses the configuration, or it declares what cannot be projected.
    pub(super) async fn configure(&self, admitted: &Admitted, config: &str) -> Result<Arc<Configured>, Refused> {
        let filter = FilterRef { digest: admitted.digest, config: config.into() };
        self.host.take_config(&admitted.about, &filter).await
    }

    /// What a filter may use here: a host's defaults.
    pub(super) fn limits(&self) -> &FilterLimits {
        self.host.limits()
    }

    /// What the filter says of one event.
    ///
    /// # Errors
    /// When it cannot be run on this machine.
    pub(super) async fn evaluate(&self, configured: &Arc<Configured>, event: &NewEvent) -> Result<Evaluation, Refused> {
        let values = configured.project(&fields_of(event));
        let fields = configured.pointers.iter().cloned().zip(values.iter().cloned()).collect();
        let request = Request { configured: Arc::clone(configured), values };
        let evaluation = self.host.decide(request).await?;
        Ok(Evaluated { fields, evaluation }.into())
    }
}

/// A configuration as a host hands it to the filter; `null` where there is none.
///
/// # Errors
/// When a host would refuse it, whatever the filter.
pub(super) fn canonical_config(config: Option<&RawValue>) -> anyhow::Result<String> {
    let text = config.map_or("null", RawValue::get);
    json::canonicalise(text.as_bytes())
        .misuse("a host would refuse this configuration", "the message says where and why")
}

/// An event as it would be posted, its records in the canonical form that filters see.
///
/// # Errors
/// When a host would refuse it.
pub(super) fn read_event(text: &str) -> anyhow::Result<NewEvent> {
    let canonical = json::canonicalise(text.as_bytes())?;
    Ok(serde_json::from_str(&canonical)?)
}

fn fields_of(event: &NewEvent) -> EventFields<'_> {
    EventFields {
        id: Some(event.id.as_deref().unwrap_or(EVENT_ID)),
        event: Some(&event.event),
        company_id: event.company_id.as_deref(),
        project_id: Some(&event.project_id),
        user_id: event.user_id.as_deref(),
        occurred_at: Some(event.occurred_at.map_or(OCCURRED_AT.into(), |at| at.to_string().into())),
        previous_value: event.previous_value.as_deref().map_or("null", RawValue::get),
        current_value: event.current_value.as_deref().map_or("null", RawValue::get),
    }
}
