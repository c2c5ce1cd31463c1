//! The test kit: runs a filter natively, as the host would, without WebAssembly.
//!
//! ```
//! use hooksieve_sdk::prelude::*;
//! use hooksieve_sdk::test::{evaluate, example};
//!
//! #[derive(Fields)]
//! struct Record {
//!     #[field("/currentValue/done")]
//!     done: bool,
//! }
//!
//! #[filter]
//! fn finished(record: Record) -> Verdict {
//!     if record.done { deliver() } else { skip("not done") }
//! }
//!
//! let event = example("TODO_DONE_STATUS_UPDATED");
//! assert_eq!(evaluate::<finished>(&event), deliver());
//! assert_eq!(evaluate::<finished>(&event.with("/currentValue/done", false)), skip("not done"));
//! ```
//!
//! It reads events with code of its own, not with the host's, so the two check each other. It panics where a
//! test has made a mistake, and says which. It is no part of the module.

mod document;
mod event;
mod project;

use document::Document;
pub use event::{Event, event, example, example_names};
pub use serde_json::{Value as Json, json};

use std::cell::RefCell;

use crate::{Sieve, Verdict, export};

/// What the filter says of an event, for a webhook without a configuration.
///
/// # Panics
///
/// If the filter wants a configuration.
#[must_use]
pub fn evaluate<F: Sieve>(event: &Event) -> Verdict {
    evaluate_with::<F>(event, Json::Null)
}

/// What the filter says of an event, for a webhook with this configuration.
///
/// # Panics
///
/// If the filter refuses the configuration.
#[must_use]
pub fn evaluate_with<F: Sieve>(event: &Event, config: Json) -> Verdict {
    let instance = RefCell::new(None);
    let fields = export::configure::<F>(&instance, &config.to_string())
        .unwrap_or_else(|refusal| panic!("the filter refuses the configuration {config}: {refusal}"));
    let values = fields.iter().map(|field| event.project(&field.pointer)).collect();
    export::decide(&instance, vec![values]).pop().expect("one event gets one verdict")
}

/// The pointers that the filter declares under a configuration.
///
/// # Errors
///
/// If the filter refuses it; the text is what whoever set up the webhook will see.
pub fn configure<F: Sieve>(config: Json) -> Result<Vec<String>, String> {
    let fields = export::configure::<F>(&RefCell::new(None), &canonical(&config))?;
    Ok(fields.into_iter().map(|field| field.pointer).collect())
}

/// The configuration as the host hands it over.
fn canonical(config: &Json) -> String {
    match Document::parse(&config.to_string()) {
        Ok(document) => document.to_string(),
        Err(error) => panic!("no configuration: {error}"),
    }
}
