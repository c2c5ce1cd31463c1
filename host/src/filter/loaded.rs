//! A filter that is ready to be called: in the engine where it is at home, and in others that call it often.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{Component, Linker};

use super::engines::Engines;
use super::run::{Guard, one_line};
use super::wit_v0_1_0::Filter;
use super::{Refused, cache};

/// Calls from threads of other engines after which these have it copied: making a copy takes as long as some forty
/// calls, and a call is a fourth quicker where nobody else calls in its engine.
const CALLS_UNTIL_COPIED: u32 = 256;

/// A compiled filter, linked and ready to be instantiated.
pub(super) struct Loaded {
    filter: Filter<Guard>,
    home: usize,
    engines: Arc<Engines>,
    /// By the number of the engine; nothing where there is no room for it.
    copies: Box<[OnceLock<Option<Copied>>]>,
    calls_elsewhere: AtomicU32,
}

struct Copied {
    filter: Filter<Guard>,
    _room: OwnedSemaphorePermit,
}

impl Loaded {
    /// Links a component that was compiled for the engine `home` against nothing.
    ///
    /// # Errors
    /// When its exports have other types than the interface's.
    pub(super) fn link(engines: &Arc<Engines>, home: usize, component: &Component) -> Result<Self, Refused> {
        let filter = link(component).map_err(|error| Refused::OtherTypes { message: one_line(&error) })?;
        Ok(Self {
            filter,
            home,
            engines: Arc::clone(engines),
            copies: (0..engines.count()).map(|_| OnceLock::new()).collect(),
            calls_elsewhere: AtomicU32::new(0),
        })
    }

    /// What a thread calls whose engine has this number.
    pub(super) fn called_from(&self, number: usize) -> &Filter<Guard> {
        if number == self.home {
            return &self.filter;
        }
        let copy = &self.copies[number];
        let is_frequent = || self.calls_elsewhere.fetch_add(1, Ordering::Relaxed) >= CALLS_UNTIL_COPIED;
        if copy.get().is_none() && !is_frequent() {
            return &self.filter;
        }
        copy.get_or_init(|| self.copy(number)).as_ref().map_or(&self.filter, |copied| &copied.filter)
    }

    fn copy(&self, number: usize) -> Option<Copied> {
        let component = self.filter.component();
        let code = component.image_range();
        let room = self.engines.room_for_copy(number, code.end.addr() - code.start.addr())?;
        let copy = cache::copy(component, self.engines.engine(number)).and_then(|component| link(&component));
        // Where memory or files have run out, it goes on without.
        copy.ok().map(|filter| Copied { filter, _room: room })
    }
}

fn link(component: &Component) -> wasmtime::Result<Filter<Guard>> {
    Filter::new(Linker::new(component.engine()).instantiate_pre(component)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::projection::Value;
    use crate::filter::run::{Caller, Decision, Start};
    use crate::filter::validate::validate;
    use crate::filter::{FilterLimits, engine};

    const DONE_RECORDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/done_records.wasm"));

    struct Two {
        engines: Arc<Engines>,
        artifact: Vec<u8>,
    }

    impl Two {
        fn new() -> Self {
            let limits = FilterLimits::default();
            let valid = validate(DONE_RECORDS).unwrap();
            let artifact = engine::compiling(&limits).unwrap().precompile_component(&valid.component).unwrap();
            Self { engines: Arc::new(Engines::running(&limits, 2).unwrap()), artifact }
        }

        fn load(&self) -> Loaded {
            let component = cache::tests::made(self.engines.engine(0), &self.artifact);
            Loaded::link(&self.engines, 0, &component).unwrap()
        }

        /// Whether the second engine calls a copy of its own.
        fn is_copied(&self, loaded: &Loaded) -> bool {
            wasmtime::Engine::same(loaded.called_from(1).component().engine(), self.engines.engine(1))
        }
    }

    #[test]
    fn a_filter_is_copied_once_it_is_called_often_and_decides_the_same() {
        let two = Two::new();
        let loaded = two.load();
        let caller = Caller::new(Arc::clone(&two.engines), FilterLimits::default());
        let decide = |thread, values: &[Value]| {
            let called = caller.of_thread(thread).decide(&loaded, Start::Configure("null"), values);
            (called.result.unwrap(), called.fuel)
        };
        let values = [Value::Boolean(false), Value::Boolean(true)];
        let at_home = decide(0, &values);

        for _ in 0..CALLS_UNTIL_COPIED {
            assert!(loaded.copies[1].get().is_none());
            assert_eq!(decide(1, &values), at_home);
        }

        assert!(two.is_copied(&loaded));
        assert_eq!(decide(1, &values), at_home);
        assert_eq!(at_home.0, Decision::Deliver);
    }

    #[test]
    fn a_filter_without_room_is_called_at_home_and_one_that_goes_leaves_its_room() {
        let two = Two::new();
        let often = || {
            let loaded = two.load();
            loaded.calls_elsewhere.store(CALLS_UNTIL_COPIED, Ordering::Relaxed);
            loaded
        };
        let copied: Vec<_> = std::iter::repeat_with(often).take_while(|loaded| two.is_copied(loaded)).collect();
        let without = often();
        assert!(copied.len() > 100 && !two.is_copied(&without));

        drop(copied);

        assert!(two.is_copied(&often()));
        assert!(!two.is_copied(&without), "it is not tried again");
    }
}
