//! `hooksieve:filter@0.1.0`: the bindings, and the way between their types and the host's.
//!
//! What every verdict goes through is written by hand here: it looks up no names, copies nothing on the
//! way to the filter, and does not read the fields that `configure` answers with again.

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1.0",
        world: "filter",
    });
}

use bindings::FilterPre;
use bindings::exports::hooksieve::filter::sieve::{About, Verdict};
use wasmtime::AsContextMut;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Lower, WasmList, WasmStr,
};

use super::projection;
use crate::model;

/// The version that this file speaks.
pub(super) const VERSION: &str = "0.1.0";
/// The name of the exported interface, without its version.
pub(super) const INTERFACE: &str = "hooksieve:filter/sieve";

/// A filter whose exports have the right types.
pub(super) struct Filter<T: 'static> {
    pre: FilterPre<T>,
    configure: ComponentExportIndex,
    decide: ComponentExportIndex,
}

/// A `field`, unread.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Field {
    #[expect(dead_code, reason = "whoever calls `decide` knows the fields already")]
    pointer: WasmStr,
}

/// A `scalar`, borrowed from the values of an event.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum Scalar<'v> {
    #[component(name = "null")]
    Null,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "float")]
    Float(f64),
    #[component(name = "text")]
    Text(&'v str),
}

/// A `value`, borrowed from the values of an event.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum Value<'v> {
    #[component(name = "absent")]
    Absent,
    #[component(name = "null")]
    Null,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "float")]
    Float(f64),
    #[component(name = "text")]
    Text(&'v str),
    #[component(name = "many")]
    Many(Vec<Scalar<'v>>),
    #[component(name = "json")]
    Json(&'v str),
}

impl<'v> From<&'v projection::Scalar> for Scalar<'v> {
    fn from(scalar: &'v projection::Scalar) -> Self {
        match scalar {
            projection::Scalar::Null => Self::Null,
            projection::Scalar::Boolean(boolean) => Self::Boolean(*boolean),
            projection::Scalar::Integer(integer) => Self::Integer(*integer),
            projection::Scalar::Float(float) => Self::Float(*float),
            projection::Scalar::Text(text) => Self::Text(text),
        }
    }
}

impl<'v> From<&'v projection::Value> for Value<'v> {
    fn from(value: &'v projection::Value) -> Self {
        match value {
            projection::Value::Absent => Self::Absent,
            projection::Value::Null => Self::Null,
            projection::Value::Boolean(boolean) => Self::Boolean(*boolean),
            projection::Value::Integer(integer) => Self::Integer(*integer),
            projection::Value::Float(float) => Self::Float(*float),
            projection::Value::Text(text) => Self::Text(text),
            projection::Value::Many(scalars) => Self::Many(scalars.iter().map(Into::into).collect()),
            projection::Value::Json(json) => Self::Json(json),
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

impl<T: 'static> Filter<T> {
    /// A filter that was linked.
    ///
    /// # Errors
    /// When its exports have other types.
    pub(super) fn new(pre: InstancePre<T>) -> wasmtime::Result<Self> {
        let component = pre.component().clone();
        let pre = FilterPre::new(pre)?;
        let missing = || wasmtime::format_err!("the interface has no such function");
        let interface = component.get_export_index(None, format!("{INTERFACE}@{VERSION}").as_str());
        let function = |name: &str| component.get_export_index(interface.as_ref(), name).ok_or_else(missing);
        Ok(Self { configure: function("configure")?, decide: function("decide")?, pre })
    }

    /// What it is an instance of.
    pub(super) fn component(&self) -> &Component {
        self.pre.instance_pre().component()
    }

    /// A new instance.
    pub(super) fn instantiate(&self, store: impl AsContextMut<Data = T>) -> wasmtime::Result<bindings::Filter> {
        self.pre.instantiate(store)
    }

    /// The pointers of the fields that the filter wants under `config`, or its refusal.
    pub(super) fn configure(
        &self,
        mut store: impl AsContextMut<Data = T>,
        config: &str,
    ) -> wasmtime::Result<Result<Vec<String>, String>> {
        let instance = self.pre.instantiate(&mut store)?;
        let answer = instance.hooksieve_filter_sieve().call_configure(store, config)?;
        Ok(answer.map(|fields| fields.into_iter().map(|field| field.pointer).collect()))
    }

    /// A new instance, told `config` if there is one; its refusal, where it does not take that.
    pub(super) fn begin(
        &self,
        mut store: impl AsContextMut<Data = T>,
        config: Option<&str>,
    ) -> wasmtime::Result<Result<Instance, String>> {
        let instance: Instance = self.pre.instance_pre().instantiate(&mut store)?;
        let Some(config) = config else { return Ok(Ok(instance)) };
        let configure =
            instance.get_typed_func::<(&str,), (Result<WasmList<Field>, String>,)>(&mut store, &self.configure)?;
        let (answer,) = configure.call(&mut store, (config,))?;
        Ok(answer.map(|_| instance))
    }

    /// What a configured instance says of events, each given by the values of the fields that it declared; one
    /// `Said` for each, unless the filter answers with another number.
    pub(super) fn decide(
        &self,
        mut store: impl AsContextMut<Data = T>,
        instance: Instance,
        events: &[&[projection::Value]],
    ) -> wasmtime::Result<Vec<Said>> {
        // One list of all values, which the events' lists are parts of: two allocations, however many events there are.
        let values: Vec<Value<'_>> = events.iter().copied().flatten().map(Value::from).collect();
        let mut left = values.as_slice();
        let events: Vec<&[Value<'_>]> =
            events.iter().map(|event| left.split_off(..event.len()).expect("it has the values of all")).collect();
        let decide = instance.get_typed_func::<(&[&[Value<'_>]],), (Vec<Verdict>,)>(&mut store, &self.decide)?;
        let (verdicts,) = decide.call(store, (&events,))?;
        Ok(verdicts.into_iter().map(Into::into).collect())
    }
}
