//! Hooksieve: a webhook sender whose users bring their own filter code.
//!
//! `ARCHITECTURE.md` at the top of the repository is the map of this crate.

pub mod clock;
pub mod model;
pub mod store;
