//! Builds filter crates for `wasm32-unknown-unknown` with whatever this machine has.
//!
//! The host's build script (for the bundled filters), `cargo xtask` and `hooksieve filter check|test|push`
//! all build filters, and machines differ in how they can: a rustup toolchain with the target installed,
//! or a toolchain without it whose standard library source lies on disk (Debian's `rust-web-src`, rustup's
//! `rust-src`), from which cargo builds the standard library itself. [`Toolchain::find`] tells which way is
//! open here and [`Toolchain::build`] goes it, alone in its environment: nothing that an outer cargo or
//! rustup has set for *its* build leaks into this one.
//!
//! It never installs anything; that is `cargo xtask setup`.

mod artifacts;
mod build;
mod embed;
mod toolchain;

pub use build::{BuildError, Request};
pub use embed::embed;
pub use toolchain::{MissingToolchain, Toolchain};

/// The target that filters are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The guest's stack, in bytes.
///
/// A tenth of the linker's default: each fresh instance touches its stack's pages, so a small stack is what
/// makes fresh instances cheap. A filter that recurses past it traps.
pub const STACK_BYTES: u32 = 64 * 1024;
