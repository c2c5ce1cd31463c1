//! What WebAssembly may do here, and how much of it.
//!
//! One [`Config`] serves the compiling child and the running host, since a compiled filter is only
//! accepted by an engine of the same settings; only the way instances are allocated differs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::{FilterLimits, StartError};

/// How often the epoch advances: the grain of deadlines.
const TICK: Duration = Duration::from_millis(10);
/// Address space reserved for a linear memory. No filter can have more than 4 GiB, and with this much
/// reserved the compiled code needs no bounds checks.
const RESERVATION_BYTES: u64 = 4 << 30;
/// Guard pages behind a linear memory, which catch what an offset adds to an index.
const GUARD_BYTES: u64 = 32 << 20;
/// Memory that an instance slot keeps instead of giving it back after each call.
const KEPT_BYTES: usize = 256 << 10;
/// Slots of all engines that stay as one filter left them while others run: a slot that goes from one filter to another
/// takes system calls and page faults, which cost as much as several calls.
const WARM_SLOTS: u32 = 224;
/// Those of one engine at the most: a pool of 128 slots or more is divided among the threads, each of which would use a
/// part of them.
const ENGINE_WARM_SLOTS_MAX: u32 = 112;
/// Core instances in one component: one made from a core module has two to four, one that has Python in it 38. They
/// share a memory, and nothing is reserved for them in advance.
const CORE_INSTANCES_MAX: u32 = 64;
/// Tables in one component.
const TABLES_MAX: u32 = 4;
/// Elements of one table.
const TABLE_ELEMENTS_MAX: usize = 20_000;

/// The settings that decide what is valid and what the compiled code looks like.
fn config(limits: &FilterLimits) -> Config {
    let mut config = Config::new();
    config
        // Limits: fuel is the contract, the epoch the backstop.
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes_max)
        // Nobody sees where in a filter a trap was, and unwinding goes no further than its call: tables for
        // it would be registered for each filter, which takes longer the more there are.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        // Determinism.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        // Proposals that no filter needs, each of which widens the attack surface. `multi_memory` stays
        // on: with it off, composed components make this version of the engine panic; the pool's cap on
        // memories forbids it anyway.
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        // One layout of memory, written out, for both ways of allocation.
        .memory_reservation(RESERVATION_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .memory_init_cow(true);
    config
}

/// An engine that compiles and checks but hardly runs: it reserves no pool, so it fits into a child
/// with little address space.
pub(super) fn compiling(limits: &FilterLimits) -> wasmtime::Result<Engine> {
    let mut config = config(limits);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config)
}

/// An engine in which a child tries a filter out that it has compiled for nothing else: it needs little address space and no
/// files.
pub(super) fn configuring(limits: &FilterLimits) -> wasmtime::Result<Engine> {
    let mut config = config(limits);
    config
        // It runs once.
        .cranelift_opt_level(OptLevel::None)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .memory_may_move(true)
        .memory_init_cow(false);
    Engine::new(&config)
}

/// One of `engines`; any of them may be the one that runs `threads` filters at a time, in slots made in advance.
pub(super) fn running(limits: &FilterLimits, threads: u32, engines: u32) -> Result<Engine, StartError> {
    let warm_slots = (WARM_SLOTS / engines).min(ENGINE_WARM_SLOTS_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(threads)
        .total_core_instances(threads * CORE_INSTANCES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .total_memories(threads + warm_slots)
        .max_memories_per_component(1)
        .max_memories_per_module(1)
        .max_memory_size(limits.memory_bytes_max)
        .total_tables(threads * TABLES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        .max_unused_warm_slots(warm_slots);
    let mut config = config(limits);
    config.allocation_strategy(pool);
    Engine::new(&config).map_err(StartError::Engine)
}

/// Advances the engines' epochs from a thread of its own, which no guest can starve.
#[derive(Debug)]
pub(super) struct Ticker {
    is_stopped: Arc<AtomicBool>,
}

impl Ticker {
    pub(super) fn start<'e>(engines: impl Iterator<Item = &'e Engine>) -> Result<Self, StartError> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop: Weak<AtomicBool> = Arc::downgrade(&is_stopped);
        let engines: Vec<_> = engines.map(Engine::weak).collect();
        std::thread::Builder::new()
            .name("filter-epoch".to_owned())
            .spawn(move || {
                while stop.upgrade().is_some_and(|is_stopped| !is_stopped.load(Ordering::Relaxed)) {
                    std::thread::sleep(TICK);
                    for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                        engine.increment_epoch();
                    }
                }
            })
            .map_err(StartError::Thread)?;
        Ok(Self { is_stopped })
    }

    /// The number of ticks that lasts at least `deadline`.
    pub(super) fn ticks(deadline: Duration) -> u64 {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
        // The next tick may come at once, so one more makes the deadline a lower bound.
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}
