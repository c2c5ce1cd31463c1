//! The total-queue checker: what went in, what came out, and what must hold between them whatever happens to
//! the host. [`checker`] runs it, [`tally`] judges.

pub mod checker;
pub mod numbers;
mod queues;
pub mod tally;
