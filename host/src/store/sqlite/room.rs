//! How much room there is on the disk, and what is refused before there is none.
//!
//! A full disk must not be found out by a write that fails half-way through the day's work: deleting needs room
//! too, and an attempt that was made but cannot be written down is made again. So what would grow the database
//! for good is refused first, then the loops begin nothing more, and the rest is for what is under way, for
//! deletions and for the end. All of it goes on by itself when there is room.
//!
//! What was deleted leaves its room inside the database, where new rows find it. That counts as room too.
//!
//! Whoever shares the disk does not ask. Against them there is a **ballast**: a file of nothing, whose room is
//! given up when there is next to none left, so that something can be deleted nonetheless.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::fault::{Condition, Fault};
use crate::model::limits::{
    STORAGE_BALLAST_BYTES, STORAGE_FREE_BYTES_MIN, STORAGE_FULL_TOLD, STORAGE_LAST_BYTES, STORAGE_PLENTY_BYTES,
    STORAGE_PLENTY_TOLD, STORAGE_WORK_BYTES_MIN,
};
use crate::model::storage::StorageFault;
use crate::store::Trouble;

/// The ballast's name in the data directory.
const FILE: &str = "hooksieve.ballast";

/// What there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// For what is under way, and deletions.
    Least,
    /// For what was taken in before.
    Work,
    /// For more.
    Growth,
}

/// The disk under a data directory.
#[derive(Debug)]
pub(super) struct Room {
    directory: PathBuf,
    /// Bytes of the database that new rows can use, as the writer found them when there was little room otherwise.
    reusable: AtomicU64,
    state: Mutex<State>,
}

/// The file of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ballast {
    There,
    /// It was given up, or was never made.
    Missing,
    /// This disk does not give room to what was not written.
    Impossible,
}

#[derive(Debug)]
struct State {
    ballast: Ballast,
    /// Since when there is no room for more.
    low_since: Option<Instant>,
    /// When a write last met a full disk.
    met_at: Option<Instant>,
    /// When the disk was last asked, if there was plenty, and how much.
    plenty: Option<(Instant, u64)>,
}

impl Room {
    /// The disk under `directory`. The ballast is given up if there is no room to open a database.
    pub(super) fn new(directory: &Path) -> Self {
        let is_whole = directory.join(FILE).metadata().is_ok_and(|file| file.len() >= STORAGE_BALLAST_BYTES);
        let ballast = if is_whole { Ballast::There } else { Ballast::Missing };
        let state = Mutex::new(State { ballast, low_since: None, met_at: None, plenty: None });
        let room = Self { directory: directory.to_owned(), reusable: AtomicU64::new(0), state };
        if is_whole && room.free().is_some_and(|free| free < STORAGE_LAST_BYTES) {
            room.give_up_ballast(&mut room.state());
        }
        room
    }

    /// What there is room for now. Gives up the ballast where that is all there is, and takes it up again.
    pub(super) fn look(&self) -> Space {
        self.look_at(self.free())
    }

    /// The same for the writer, which knows how many bytes of the database can be used again, and is asked if it matters.
    pub(super) fn look_inside(&self, reusable: impl FnOnce() -> u64) -> Space {
        let free = self.free();
        let is_low = free.is_some_and(|free| free < STORAGE_FREE_BYTES_MIN + STORAGE_BALLAST_BYTES);
        self.reusable.store(if is_low { reusable() } else { 0 }, Ordering::Relaxed);
        self.look_at(free)
    }

    fn look_at(&self, free: Option<u64>) -> Space {
        // What cannot be measured is found out by writing.
        let Some(free) = free else { return Space::Growth };
        let mut state = self.state();
        if free < STORAGE_LAST_BYTES && state.ballast == Ballast::There {
            self.give_up_ballast(&mut state);
        }
        let ballast_to_make = if state.ballast == Ballast::Missing { STORAGE_BALLAST_BYTES } else { 0 };
        let reusable = self.reusable.load(Ordering::Relaxed);
        let space = judge(free, reusable, ballast_to_make);
        if judge(free, 0, ballast_to_make) == Space::Growth && state.ballast == Ballast::Missing {
            self.make_ballast(&mut state);
        }
        note(&mut state, space, free);
        space
    }

    /// Notes it if `fault` says that the disk is full, or breaks the store.
    pub(super) fn note(&self, fault: &Fault, condition: &Condition) {
        match fault {
            Fault::Full => self.is_full(),
            _ => condition.note(fault),
        }
    }

    /// A write met a full disk, whatever it looked like.
    fn is_full(&self) {
        let mut state = self.state();
        if state.ballast == Ballast::There {
            self.give_up_ballast(&mut state);
        }
        state.plenty = None;
        let now = Instant::now();
        state.low_since.get_or_insert(now);
        state.met_at = Some(now);
    }

    /// That the disk is too full, and for how long it has been.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let low_since = self.state().low_since?;
        Some(Trouble { fault: StorageFault::Full, lasted: low_since.elapsed() })
    }

    /// Bytes that this user may still write; where there is plenty, those of a moment ago.
    fn free(&self) -> Option<u64> {
        let mut state = self.state();
        if let Some((at, free)) = state.plenty
            && at.elapsed() < STORAGE_PLENTY_TOLD
        {
            return Some(free);
        }
        let disk = statvfs(&self.directory).ok();
        let free = disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        state.plenty = free.filter(|free| *free >= STORAGE_PLENTY_BYTES).map(|free| (Instant::now(), free));
        free
    }

    fn give_up_ballast(&self, state: &mut State) {
        tracing::warn!("the disk is full; the ballast file is given up");
        match fs::remove_file(self.directory.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, "the ballast file cannot be removed");
            }
            _ => state.ballast = Ballast::Missing,
        }
    }

    fn make_ballast(&self, state: &mut State) {
        let path = self.directory.join(FILE);
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        state.ballast = match made.and_then(|file| fill(&file)) {
            Ok(()) => Ballast::There,
            Err(error) => {
                tracing::warn!(%error, "the ballast file cannot be made, so nothing may be deletable on a full disk");
                drop(fs::remove_file(&path));
                Ballast::Impossible
            }
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the room without writing to it.
fn fill(file: &File) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), 0, STORAGE_BALLAST_BYTES)?)
}

/// What `free` bytes of the disk and `reusable` ones of the database are room for, when these are still to be taken
/// for the ballast.
fn judge(free: u64, reusable: u64, ballast_to_make: u64) -> Space {
    match free {
        _ if free < STORAGE_WORK_BYTES_MIN => Space::Least,
        _ if free.saturating_add(reusable) < STORAGE_FREE_BYTES_MIN + ballast_to_make => Space::Work,
        _ => Space::Growth,
    }
}

/// Says it once when the disk becomes full, and when it is no longer.
fn note(state: &mut State, space: Space, free: u64) {
    // A disk that does not look full may be so all the same, for this user: then writes tell.
    let is_over = state.met_at.is_none_or(|met| met.elapsed() >= STORAGE_FULL_TOLD);
    match (space, state.low_since) {
        (Space::Growth, Some(since)) if is_over => {
            tracing::info!(free, lasted = ?since.elapsed(), "there is room on the disk again");
            state.low_since = None;
        }
        (Space::Work | Space::Least, None) => {
            tracing::error!(free, "the disk is nearly full: nothing new is taken in until there is room");
            state.low_since = Some(Instant::now());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_refused_first_and_what_is_under_way_last() {
        for (free, reusable, ballast_to_make, space) in [
            (0, 0, 0, Space::Least),
            (STORAGE_WORK_BYTES_MIN - 1, u64::MAX, 0, Space::Least),
            (STORAGE_WORK_BYTES_MIN, 0, 0, Space::Work),
            (STORAGE_FREE_BYTES_MIN - 1, 0, 0, Space::Work),
            (STORAGE_FREE_BYTES_MIN - 1, 1, 0, Space::Growth),
            (STORAGE_FREE_BYTES_MIN, 0, 0, Space::Growth),
            (STORAGE_FREE_BYTES_MIN, 0, STORAGE_BALLAST_BYTES, Space::Work),
            (STORAGE_FREE_BYTES_MIN + STORAGE_BALLAST_BYTES, 0, STORAGE_BALLAST_BYTES, Space::Growth),
        ] {
            let found = judge(free, reusable, ballast_to_make);
            assert_eq!(found, space, "{free} free, {reusable} inside, {ballast_to_make} to take");
        }
    }

    #[test]
    fn the_ballast_takes_its_room_until_a_write_finds_none() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let ballast = directory.path().join(FILE);

        let room = Room::new(directory.path());
        assert_eq!(room.look(), Space::Growth, "this test needs a disk that is not full");
        assert!(ballast.metadata().unwrap().blocks() * 512 >= STORAGE_BALLAST_BYTES);
        assert_eq!(room.trouble(), None);

        room.is_full();
        assert!(!ballast.exists());
        assert_eq!(room.trouble().unwrap().fault, StorageFault::Full);

        assert_eq!(room.look(), Space::Growth);
        assert!(ballast.exists());
        assert!(room.trouble().is_some(), "what a write has just met is told, however the disk looks");
    }
}
