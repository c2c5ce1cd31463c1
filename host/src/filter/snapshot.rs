//! A filter as it is once it took a configuration, as a filter of its own.
//!
//! Every event gets a fresh instance, and each of them is configured anew. Where that is expensive, as where an expression is
//! parsed or a pattern compiled, it is done once: its memory and globals afterwards become those that a new component
//! begins with. `decide` does not see the difference, and it is charged as if there were none.
//!
//! This runs guest code beside a compiler, so it is for the compiling child alone. Refused is every filter that may keep
//! something elsewhere than in its memory and globals, and what `configure` says or does that a call must show.

use std::sync::Arc;

use futures_util::FutureExt;
use wasmparser::{CanonicalFunction, Parser, Payload};
use wasmtime::Store;
use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use super::engines::Engines;
use super::loaded::Loaded;
use super::run::{Caller, Guard};
use super::{FilterLimits, engine};

/// The component as it is after `configure(config)`.
///
/// # Errors
/// When it does not take the configuration within the limits, or may keep what is not taken over.
pub(super) fn take(component: &[u8], config: &str, limits: &FilterLimits) -> wasmtime::Result<Vec<u8>> {
    refuse_handles(component)?;
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(component)?;
    let engine = engine::configuring(limits)?;
    let component = Component::new(&engine, instrumented)?;
    let engines = Arc::new(Engines::alone(engine));
    let loaded = Loaded::link(&engines, 0, &component)?;
    Caller::new(engines, *limits).after_configure(&loaded, config, |store, instance| {
        let mut state = State { store, instance, has_nan: false };
        let snapshot = wizer.snapshot_component(&context, &mut state).now_or_never();
        let snapshot = snapshot.expect("nothing in it waits")?;
        // A float's other bits do not cross the boundary where it is no number.
        wasmtime::ensure!(!state.has_nan, "a global is no number");
        Ok(snapshot)
    })
}

/// Handles of resources are kept by the host. A filter in which every function of the interface's is lifted, and nothing else
/// is asked of the host, has none.
fn refuse_handles(component: &[u8]) -> wasmtime::Result<()> {
    for payload in Parser::new(0).parse_all(component) {
        let Payload::ComponentCanonicalSection(functions) = payload? else { continue };
        for function in functions {
            let is_lifted = matches!(function?, CanonicalFunction::Lift { .. });
            wasmtime::ensure!(is_lifted, "the component may have handles");
        }
    }
    Ok(())
}

/// Reads the state of an instance through the functions that were added for it.
struct State<'s> {
    store: &'s mut Store<Guard>,
    instance: Instance,
    has_nan: bool,
}

impl State<'_> {
    fn ask<R, U>(&mut self, interface: &str, function: &str, with: impl FnOnce(&Store<Guard>, R) -> U) -> U
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        let interface = self.instance.get_export_index(&mut *self.store, None, interface);
        let index = self.instance.get_export_index(&mut *self.store, interface.as_ref(), function);
        let index = index.expect("the instrumented component exports what it is read by");
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, index);
        let function = function.expect("the function has the type that it is asked by");
        let (said,) = function.call(&mut *self.store, ()).expect("the function only reads");
        with(self.store, said)
    }
}

impl ComponentInstanceState for State<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        self.ask(instance, func, |store, list: WasmList<u8>| contents(list.as_le_slice(store)));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.ask(instance, func, |_, said| said)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.ask(instance, func, |_, said| said)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        let said: f32 = self.ask(instance, func, |_, said| said);
        self.has_nan |= said.is_nan();
        said.to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        let said: f64 = self.ask(instance, func, |_, said| said);
        self.has_nan |= said.is_nan();
        said.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_with_a_resource_may_have_handles() {
        const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
        // A type section with a resource, then a canonical function that makes a handle of it.
        const RESOURCE: &[u8] = &[7, 4, 1, 0x3f, 0x7f, 0];
        const NEW_HANDLE: &[u8] = &[8, 3, 1, 2, 0];

        assert!(refuse_handles(&[HEADER, RESOURCE].concat()).is_ok());
        assert!(refuse_handles(&[HEADER, RESOURCE, NEW_HANDLE].concat()).is_err());
    }
}
