//! Tests of the whole. Each file makes claims about one part; what they stand on is in
//! [`app`] (a host in process), [`process`] (the program), [`receiver`] and [`guests`]; `clients` has a bench of its own.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one binary; `pub` says what a file offers the others")]

mod app;
mod authors;
#[path = "../bench/due/mod.rs"]
mod backlog;
mod backup;
mod bundled;
mod cli;
mod clients;
mod collector;
mod due;
mod durability;
mod egress;
mod failpoints;
mod filter_engine;
mod flow;
mod graphql;
mod guests;
mod hostile;
mod isolation;
mod json_against_node;
mod languages;
mod process;
#[path = "../bench/queue/mod.rs"]
mod queue;
mod receiver;
mod receivers;
mod replays;
mod rest;
#[path = "../bench/rig/mod.rs"]
mod rig;
mod same_projection;
mod secrecy;
mod started;
mod statements;
mod storage;
mod tidy;
mod tokens;
