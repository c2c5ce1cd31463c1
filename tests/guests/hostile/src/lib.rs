//! A filter that misbehaves as its configuration says, to show that the host holds: `{"do": "loop"}`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use hooksieve_sdk::{About, ConfigError, Pointer, Sieve, Value, Verdict};
use hooksieve_sdk::{about, deliver, export, fail, skip};
use serde::Deserialize;

/// How much it allocates at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// How long its reason is, in bytes: far over what a host takes.
const REASON_BYTES: usize = 1 << 20;

/// Events that were seen in this memory: a host that gives each event fresh state never lets it pass one.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// The webhook's configuration.
#[derive(Deserialize)]
pub struct Config {
    r#do: Deed,
    /// Makes configurations different that do the same.
    #[serde(default, rename = "number")]
    _number: u32,
}

/// What to do.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Never return from `decide`.
    Loop,
    /// Never return from `configure`.
    ConfigureLoop,
    /// Allocate until nothing is left.
    Alloc,
    /// Recurse until the host's stack for the guest is used up.
    Recurse,
    /// Recurse until the guest's own stack, in its memory, is used up.
    RecurseWithFrames,
    /// Panic.
    Panic,
    /// Execute `unreachable`.
    Trap,
    /// Answer with a reason of a mebibyte.
    HugeReason,
    /// Answer with an error.
    Error,
    /// Count the events that this memory has seen, and tell the number as the reason.
    Count,
    /// Behave.
    Deliver,
}

/// The filter.
pub struct Hostile {
    deed: Deed,
}

impl Sieve for Hostile {
    type Config = Config;

    fn about() -> About {
        about(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION"), None)
    }

    fn configure(config: Config) -> Result<(Self, Vec<Pointer>), ConfigError> {
        if let Deed::ConfigureLoop = config.r#do {
            run_for_ever();
        }
        // Seen by no deed, but so that no two events are the same to it.
        Ok((Self { deed: config.r#do }, vec![Pointer::parse("/id").expect("it is a pointer into an event")]))
    }

    fn decide(&self, _: Vec<Value>) -> Verdict {
        match self.deed {
            Deed::Loop | Deed::ConfigureLoop => run_for_ever(),
            Deed::Alloc => allocate_for_ever(),
            Deed::Recurse => skip(recurse(0, black_box(u64::MAX)).to_string()),
            Deed::RecurseWithFrames => skip(recurse_with_frames(0, black_box(u64::MAX)).to_string()),
            Deed::Panic => panic!("as the configuration says"),
            Deed::Trap => trap(),
            Deed::HugeReason => skip("x".repeat(REASON_BYTES)),
            Deed::Error => fail("as the configuration says"),
            Deed::Count => skip(format!("event number {}", SEEN.fetch_add(1, Ordering::Relaxed) + 1)),
            Deed::Deliver => deliver(),
        }
    }
}

fn run_for_ever() -> ! {
    loop {
        black_box(());
    }
}

fn allocate_for_ever() -> ! {
    let mut kept = Vec::new();
    loop {
        // Not written to: memory is to run out before fuel does.
        kept.push(black_box(Vec::<u8>::with_capacity(CHUNK_BYTES)));
    }
}

/// Not a tail call, and without a frame in memory: it uses up the host's stack.
fn recurse(depth: u64, end: u64) -> u64 {
    if depth == end {
        return depth;
    }
    recurse(depth + 1, end).rotate_left(7) ^ depth
}

/// Keeps each frame in memory: it uses up the guest's own stack, and so leaves its memory.
fn recurse_with_frames(depth: u64, end: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == end {
        return depth;
    }
    recurse_with_frames(depth + 1, end) ^ black_box(&frame)[1]
}

/// Natively, where nobody runs it, there is no such instruction.
fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

export!(Hostile);
