//! Tests of the whole. Each file makes claims about one part; what they stand on is in
//! [`app`] (a host in process), [`receiver`] and [`guests`].

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one binary; `pub` says what a file offers the others")]

mod app;
mod cli;
mod durability;
mod filter_engine;
mod flow;
mod graphql;
mod guests;
mod isolation;
mod json_against_node;
mod process;
#[path = "../bench/queue/mod.rs"]
mod queue;
mod receiver;
mod rest;
#[path = "../bench/rig/mod.rs"]
mod rig;
mod same_projection;
mod signatures;
mod tidy;
