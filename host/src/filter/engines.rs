//! An engine for each thread, so that calls beside each other share nothing.
//!
//! An engine counts its instances, and a component its users, in one place each, which two threads take from each other
//! with every call. So threads have engines of their own, each with a part of the warm slots. A filter is at home in one of
//! them, where any thread may call it; of one that is called often, other engines have a copy (`loaded`). Copies have a
//! bounded room in each engine: a filter that finds none is called at home, which is slower and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Engine;

use super::{FilterLimits, StartError, engine};

/// Engines at the most; with more threads, some share one.
const ENGINES_MAX: u32 = 8;
/// Room for copies in each engine, in KiB of compiled code.
const COPIES_KIB_MAX: usize = 32 << 10;
/// What a copy takes of that at the least: it also takes a file, and memory for what describes it.
const COPY_KIB_MIN: u32 = 128;
/// The largest filter that is copied, in KiB. A larger one is not slow for what it shares.
const COPY_KIB_MAX: u32 = 1 << 10;

/// Engines of the same settings.
pub(super) struct Engines {
    each: Vec<Place>,
    homes: AtomicUsize,
}

struct Place {
    engine: Engine,
    copies: Arc<Semaphore>,
}

impl Engines {
    /// Engines that together run `threads` filters at a time.
    pub(super) fn running(limits: &FilterLimits, threads: u32) -> Result<Self, StartError> {
        let count = threads.clamp(1, ENGINES_MAX);
        let engines: Result<Vec<_>, _> = (0..count).map(|_| engine::running(limits, threads, count)).collect();
        Ok(Self::new(engines?, COPIES_KIB_MAX))
    }

    /// One engine.
    pub(super) fn alone(engine: Engine) -> Self {
        Self::new(vec![engine], 0)
    }

    fn new(engines: Vec<Engine>, copies_kib: usize) -> Self {
        let place = |engine| Place { engine, copies: Arc::new(Semaphore::new(copies_kib)) };
        Self { each: engines.into_iter().map(place).collect(), homes: AtomicUsize::new(0) }
    }

    pub(super) fn count(&self) -> usize {
        self.each.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Engine> {
        self.each.iter().map(|place| &place.engine)
    }

    /// The engine of this number.
    pub(super) fn engine(&self, number: usize) -> &Engine {
        &self.each[number].engine
    }

    /// The number of the engine in which the next filter is at home: each in its turn.
    pub(super) fn next_home(&self) -> usize {
        self.homes.fetch_add(1, Ordering::Relaxed) % self.count()
    }

    /// Room in an engine for a copy of a filter with so many bytes of compiled code, if there is any.
    pub(super) fn room_for_copy(&self, number: usize, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).ok()?.max(COPY_KIB_MIN);
        let copies = Arc::clone(&self.each[number].copies);
        if kib > COPY_KIB_MAX { None } else { copies.try_acquire_many_owned(kib).ok() }
    }
}
