//! What goes out: the bytes of a delivery, and one HTTP request, bounded in everything.
//!
//! Below the deliver loop and the use cases alike, since both send to webhooks: the loop what is owed, the
//! use cases a health check while somebody waits for the answer. It keeps nothing and tries nothing twice:
//! what an answer means is decided above.
//!
//! - [`body`]: pure: what is sent, the same over all attempts of a delivery.
//! - [`dial`]: the pool of connections, and what they are made to.
//! - [`redact`]: pure: takes the webhook's own headers out of what came back.
//! - [`send`]: one request, judged by the egress policy at every use.

mod body;
mod dial;
mod redact;
mod send;

pub use body::{compose, health_check};
pub use send::{Request, SendOptions, Sender, Sent};
