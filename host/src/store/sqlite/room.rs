//! How much room there is on the disk, and what is refused before there is none.
//!
//! A full disk must not be found out by a write that fails half-way through the day's work: deleting needs room
//! too, and an attempt that was made but cannot be written down is made again. So what would grow the database
//! for good is refused first, then the loops begin nothing more, and the rest is for what is under way, for
//! deletions and for the end. All of it goes on by itself when there is room.
//!
//! Whoever shares the disk does not ask. Against them there is a **ballast**: a file of nothing, whose room is
//! given up when there is next to none left, so that something can be deleted nonetheless.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::model::limits::{STORAGE_BALLAST_BYTES, STORAGE_FREE_BYTES_MIN, STORAGE_LAST_BYTES, STORAGE_WORK_BYTES_MIN};
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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    has_ballast: bool,
    /// Since when there is no room for more.
    low_since: Option<Instant>,
}

impl Room {
    /// The disk under `directory`. The ballast is given up if there is no room to open a database.
    pub(super) fn new(directory: &Path) -> Self {
        let has_ballast = directory.join(FILE).exists();
        let room = Self { directory: directory.to_owned(), state: Mutex::new(State { has_ballast, low_since: None }) };
        if has_ballast && room.free().is_some_and(|free| free < STORAGE_LAST_BYTES) {
            room.give_up_ballast(&mut room.state());
        }
        room
    }

    /// What there is room for now. Gives up the ballast where that is all there is, and takes it up again.
    pub(super) fn look(&self) -> Space {
        // What cannot be measured is found out by writing.
        let Some(free) = self.free() else { return Space::Growth };
        let mut state = self.state();
        if free < STORAGE_LAST_BYTES && state.has_ballast {
            self.give_up_ballast(&mut state);
        }
        let ballast_to_make = if state.has_ballast { 0 } else { STORAGE_BALLAST_BYTES };
        let space = judge(free, ballast_to_make);
        if space == Space::Growth && !state.has_ballast {
            self.make_ballast(&mut state);
        }
        note(&mut state, space, free);
        space
    }

    /// A write met a full disk, whatever it looked like.
    pub(super) fn is_full(&self) {
        let mut state = self.state();
        if state.has_ballast {
            self.give_up_ballast(&mut state);
        }
        state.low_since.get_or_insert_with(Instant::now);
    }

    /// That the disk is too full, and for how long it has been.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let low_since = self.state().low_since?;
        Some(Trouble { fault: StorageFault::Full, lasted: low_since.elapsed() })
    }

    /// Bytes that this user may still write.
    fn free(&self) -> Option<u64> {
        let disk = statvfs(&self.directory).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn give_up_ballast(&self, state: &mut State) {
        tracing::warn!("the disk is full; the ballast file is given up");
        match fs::remove_file(self.directory.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, "the ballast file cannot be removed");
            }
            _ => state.has_ballast = false,
        }
    }

    fn make_ballast(&self, state: &mut State) {
        let path = self.directory.join(FILE);
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        match made.and_then(|file| fill(&file)) {
            Ok(()) => state.has_ballast = true,
            // It is tried again with the next look.
            Err(error) => tracing::debug!(%error, "the ballast file cannot be made"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the room without writing to it.
fn fill(file: &File) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), 0, STORAGE_BALLAST_BYTES)?)
}

/// What `free` bytes are room for, when these are still to be taken for the ballast.
fn judge(free: u64, ballast_to_make: u64) -> Space {
    match free {
        _ if free < STORAGE_WORK_BYTES_MIN => Space::Least,
        _ if free < STORAGE_FREE_BYTES_MIN + ballast_to_make => Space::Work,
        _ => Space::Growth,
    }
}

/// Says it once when the disk becomes full, and when it is no longer.
fn note(state: &mut State, space: Space, free: u64) {
    match (space, state.low_since) {
        (Space::Growth, Some(since)) => {
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
        for (free, ballast_to_make, space) in [
            (0, 0, Space::Least),
            (STORAGE_WORK_BYTES_MIN - 1, 0, Space::Least),
            (STORAGE_WORK_BYTES_MIN, 0, Space::Work),
            (STORAGE_FREE_BYTES_MIN - 1, 0, Space::Work),
            (STORAGE_FREE_BYTES_MIN, 0, Space::Growth),
            (STORAGE_FREE_BYTES_MIN, STORAGE_BALLAST_BYTES, Space::Work),
            (STORAGE_FREE_BYTES_MIN + STORAGE_BALLAST_BYTES, STORAGE_BALLAST_BYTES, Space::Growth),
        ] {
            assert_eq!(judge(free, ballast_to_make), space, "{free} free, {ballast_to_make} to take");
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
        assert_eq!(room.trouble(), None);
    }
}
