//! What the programs that drive a host from outside stand on.
//!
//! - [`stage`]: the user, the project and the webhooks that they need.
//! - [`event`]: the events they send, each with its number inside.
//! - [`driver`]: a client that only posts events.
//! - [`sink`]: a receiver that only counts.
//! - [`owed`]: deliveries that were accepted before.
//! - [`times`]: how long things took.
//! - [`http`]: where a message ends.
//!
//! Client and receiver are raw on purpose: on a machine with few cores whatever they do is taken from the
//! host that they measure.

pub mod driver;
pub mod event;
mod http;
pub mod owed;
pub mod sink;
pub mod stage;
pub mod times;
