//! Filters: user code that decides which events a webhook gets.
//!
//! A filter is a pure function of the fields it declares, so this room needs no host functions, no
//! WASI and no clock of its own. What it promises: a filter's failure is the verdict of its own webhook
//! only, a call costs a bounded amount (how many calls an owner gets is dispatch's affair), and the same
//! event under the same configuration always gets the same verdict and uses the same fuel.
//!
//! - [`host`]: the door to this room: admit an upload, configure.
//! - [`decide`]: verdicts: remembered ones, and calls for the others.
//! - [`memo`]: verdicts on inputs that were seen before.
//! - [`about`]: pure: what a filter may say of itself.
//! - [`config`]: a configuration that is given to a filter: the schema that it publishes, then `configure`.
//! - [`validate`]: pure: what an upload must be before it is compiled.
//! - [`compile`]: has uploads compiled by child processes that can be killed; [`child`] is such a process, [`turns`]
//!   gives each owner one at a time.
//! - [`cache`]: compiled filters on disk, authenticated, and in memory, bounded.
//! - [`loader`]: filters made ready to run; [`loading`]: one load of a filter at a time, whose outcome all share that wait for it.
//! - [`snapshots`]: filters that need not be configured for each call; [`snapshot`] makes one, in a child process.
//! - [`engine`]: what WebAssembly may do here, and how much of it; [`engines`]: one for each thread.
//! - [`loaded`]: a filter that is ready to be called, in the engines that call it.
//! - [`run`]: one call of a filter with fresh state, and the threads that make such calls.
//! - [`projection`]: the declared fields, taken from an event's bytes in one pass.
//! - [`wit_v0_1_0`]: the only WIT version so far; the next one gets a file beside it.

mod about;
pub mod cache;
pub mod child;
mod compile;
mod config;
mod decide;
mod engine;
mod engines;
mod error;
mod host;
mod judged;
mod loaded;
mod loader;
mod loading;
mod memo;
pub mod projection;
mod run;
mod snapshot;
mod snapshots;
mod turns;
pub mod validate;
mod wit_v0_1_0;

pub use error::{Refused, StartError};
pub use host::{
    Admitted, Batches, Configured, Evaluation, FilterHost, FilterOptions, FilterRef, Request, SourceError, Uploaded,
    WasmSource,
};
pub use run::{Decision, Failure};

use std::time::Duration;

/// What a filter may use. All of it is configurable by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Fuel for `configure` and `decide` of one event together; about one per instruction.
    pub fuel: u64,
    /// The wall-clock backstop for one call; fuel is the contract.
    pub deadline: Duration,
    /// Linear memory in bytes, of all memories together.
    pub memory_bytes_max: usize,
    /// The guest's own stack in bytes.
    pub stack_bytes_max: usize,
    /// Bytes of a verdict's reason.
    pub result_bytes_max: usize,
    /// Bytes of an upload.
    pub module_bytes_max: usize,
    /// Bytes of address space for compiling one.
    pub compile_memory_bytes_max: u64,
    /// Processor time, and wall-clock time, for compiling one; whole seconds.
    pub compile_time_max: Duration,
}

impl Default for FilterLimits {
    fn default() -> Self {
        Self {
            fuel: 10_000_000,
            deadline: Duration::from_millis(100),
            memory_bytes_max: 32 << 20,
            stack_bytes_max: 512 << 10,
            result_bytes_max: 4 << 10,
            module_bytes_max: 32 << 20,
            compile_memory_bytes_max: 2 << 30,
            compile_time_max: Duration::from_secs(60),
        }
    }
}
