//! Plain types, without I/O, that every room speaks in.
//!
//! Values are parsed once, at the door, into types that cannot hold a wrong value; from there on
//! nobody checks again. Times are milliseconds since the Unix epoch ([`Timestamp`]).

pub mod catalogue;
pub mod comparison;
pub mod delivery;
pub mod event;
pub mod filter;
pub mod health;
pub mod ids;
pub mod limits;
pub mod matching;
pub mod operational;
pub mod pointer;
pub mod replay;
pub mod secret;
pub mod snapshot;
pub mod storage;
pub mod timestamp;
pub mod token;
pub mod trace;
pub mod verdict;
pub mod webhook;

pub use timestamp::Timestamp;
