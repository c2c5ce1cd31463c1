//! Clients that are not ours, against the real program over real sockets: what receivers and integrators take from
//! npm, PyPI and crates.io, as they would use it.
//!
//! - [`installed`] puts the packages into a folder of the target folder, once.
//! - [`bench`] is a host, receivers of several languages, and the payloads that tell good ones from lucky ones.

mod bench;
mod fuzz;
pub mod installed;
mod listen;
mod receivers;
mod typed;
