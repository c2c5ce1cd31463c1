//! Hooksieve: a webhook sender whose users bring their own filter code.
//!
//! `ARCHITECTURE.md` at the top of the repository is the map of this crate.

pub mod api;
pub mod app;
mod bundled;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod dispatch;
pub mod egress;
pub mod failpoint;
pub mod filter;
pub mod json;
pub mod lifecycle;
pub mod metrics;
pub mod model;
pub mod outbound;
pub mod resolve;
pub mod schema;
pub mod service;
pub mod sign;
pub mod store;
pub mod telemetry;
pub mod traces;
pub mod wire;
