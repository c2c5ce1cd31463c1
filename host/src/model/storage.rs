//! What can be wrong with the disk under a host, and what its operator does about it.

/// What is wrong with the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageFault {
    /// The disk is full, or nearly so. The host goes on by itself when there is room.
    Full,
    /// The folder or the file cannot be written.
    ReadOnly,
    /// The disk did not read or write what it was told to.
    Io,
    /// What is in the file makes no sense.
    Corrupt,
    /// The thread that writes ended by a mistake of ours.
    Stopped,
}

impl StorageFault {
    /// What is wrong, in words.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Full => "the disk is full, so no events are accepted",
            Self::ReadOnly => "the database cannot be written: its folder or file is read-only",
            Self::Io => "the disk failed to read or write the database",
            Self::Corrupt => "the database is damaged",
            Self::Stopped => "the part that writes to the database ended by a mistake of the host",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Full => "make room on the disk; the host goes on by itself",
            Self::ReadOnly => "make the data folder writable and start the host again",
            Self::Io => "look for disk errors in the kernel's log, repair the disk, and start the host again",
            Self::Corrupt => "check the disk, then restore the database from a backup",
            Self::Stopped => "start the host again; its log says what went wrong",
        }
    }
}
