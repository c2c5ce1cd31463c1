//! Leases and fences of events and deliveries.
//!
//! Claiming has two steps. A reader picks rows that are free, with all that the claimant needs; then the
//! writer takes those that nobody took meanwhile: a row is only taken at the fence it was seen with. So
//! the writer never searches, a claim that finds nothing costs it nothing, and two claimants never get
//! the same row.
//!
//! Every claim and release, and every recorded end, gives the row a new fence, larger than all before.
//! Fences begin at a floor that grows with every opening of the database: since only one process has it
//! open, a lease with a fence below the floor belongs to a process that is gone, and is void.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::model::Timestamp;
use crate::store::Claim;

/// Fences one process can hand out before it would meet those of the next opening: 10^12.
const FENCES_PER_OPENING_BITS: u32 = 40;

/// Hands out fences.
#[derive(Debug)]
pub(super) struct Fences {
    floor: i64,
    last: AtomicI64,
}

impl Fences {
    /// The fences of the `opens`th opening of the database.
    pub(super) fn new(opens: i64) -> Self {
        let floor = opens << FENCES_PER_OPENING_BITS;
        Self { floor, last: AtomicI64::new(floor) }
    }

    /// Fences below belong to processes that are gone.
    pub(super) fn floor(&self) -> i64 {
        self.floor
    }

    /// A fence that is larger than all before.
    pub(super) fn next(&self) -> i64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A row that was seen free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) seq: i64,
    pub(super) fence: i64,
}

/// When a lease that is granted now ends.
pub(super) fn end(claim: &Claim) -> Timestamp {
    claim.now + claim.lease
}
