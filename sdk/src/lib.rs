#![doc = include_str!("../README.md")]

#[doc(hidden)]
#[rustfmt::skip]
#[expect(
    clippy::allow_attributes,
    clippy::unwrap_used,
    unreachable_pub,
    unsafe_code,
    reason = "generated: the ABI of the component model"
)]
pub mod bindings;

mod about;
#[cfg(target_arch = "wasm32")]
mod allocator;
mod change;
mod config;
#[doc(hidden)]
pub mod export;
mod field;
mod instant;
mod pointer;
#[doc(hidden)]
pub mod schema;
mod sieve;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;
mod value;
mod verdict;

pub use about::about;
pub use bindings::hooksieve::filter::types::{About, Scalar, Value, Verdict};
pub use change::Change;
pub use config::{Config, ConfigError, NoConfig};
pub use field::{FieldError, FieldType, Fields, Values};
pub use hooksieve_sdk_macros::{Fields, Schema, filter};
pub use instant::Instant;
pub use pointer::{Pointer, RecordPointer, check};
pub use schema::{Part, Schema};
pub use sieve::Sieve;
pub use value::{FromValue, Json, Maybe, Mismatch, Selects};
pub use verdict::{IntoVerdict, deliver, fail, skip, skip_silently};

/// What most filters use.
pub mod prelude {
    pub use crate::{Change, ConfigError, Fields, Instant, Json, Maybe, Schema, Verdict};
    pub use crate::{deliver, fail, filter, skip, skip_silently};
}
