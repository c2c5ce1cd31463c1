//! `hooksieve:filter@0.1.0`: the bindings, and the way between their types and the host's.

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1.0",
        world: "filter",
    });
}

pub(super) use bindings::FilterPre;
use bindings::exports::hooksieve::filter::sieve::{About, Verdict};
use bindings::hooksieve::filter::types as wit;

use super::projection;
use crate::model;

/// The version that this file speaks.
pub(super) const VERSION: &str = "0.1.0";
/// The name of the exported interface, without its version.
pub(super) const INTERFACE: &str = "hooksieve:filter/sieve";

impl From<&projection::Scalar> for wit::Scalar {
    fn from(scalar: &projection::Scalar) -> Self {
        match scalar {
            projection::Scalar::Null => Self::Null,
            projection::Scalar::Boolean(boolean) => Self::Boolean(*boolean),
            projection::Scalar::Integer(integer) => Self::Integer(*integer),
            projection::Scalar::Float(float) => Self::Float(*float),
            projection::Scalar::Text(text) => Self::Text(String::from(&**text)),
        }
    }
}

impl From<projection::Value> for wit::Value {
    fn from(value: projection::Value) -> Self {
        match value {
            projection::Value::Absent => Self::Absent,
            projection::Value::Null => Self::Null,
            projection::Value::Boolean(boolean) => Self::Boolean(boolean),
            projection::Value::Integer(integer) => Self::Integer(integer),
            projection::Value::Float(float) => Self::Float(float),
            projection::Value::Text(text) => Self::Text(String::from(&*text)),
            projection::Value::Many(scalars) => Self::Many(scalars.iter().map(Into::into).collect()),
            projection::Value::Json(json) => Self::Json(String::from(&*json)),
        }
    }
}

/// What a filter said, in the host's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Deliver,
    Skip(Option<String>),
    Error(String),
}

impl From<Verdict> for Said {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Deliver => Self::Deliver,
            Verdict::Skip(reason) => Self::Skip(reason),
            Verdict::Error(message) => Self::Error(message),
        }
    }
}

impl From<About> for model::filter::About {
    fn from(about: About) -> Self {
        Self {
            name: about.name,
            version: about.version,
            description: about.description,
            config_schema: about.config_schema,
        }
    }
}

/// The values of one event, in the order the filter declared them.
pub(super) fn lower(values: Vec<projection::Value>) -> Vec<wit::Value> {
    values.into_iter().map(Into::into).collect()
}

pub(super) use wit::Value as Lowered;
