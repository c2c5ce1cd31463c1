//! Places where a test has the host fail, to see that nothing is lost there and nobody else is held up.
//!
//! A kill between a commit and its answer, or a mistake of ours between an attempt and its record, cannot be brought
//! about from outside. Here it can: in a build with debug assertions, `HOOKSIEVE_FAILPOINTS` names places and what happens
//! there the first time, or the nth (`send-begin=panic,commit=kill@4`). Other builds have none of it: [`hit`] is empty there. That is
//! why this is no cargo feature, of which a workspace has but one set, and no crate, which would need one.
//!
//! `tests/it/failpoints` has a row for each place; one that nothing reaches fails there.

/// Makes the places, their names and the list of them from one table.
macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A place where the host can be had to fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Point { $($(#[$doc])* $point,)* }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// The database is open, and nothing has been done with it.
    Opened = "opened",
    /// An event is checked, and not written.
    AcceptBegin = "accept-begin",
    /// An event is on disk, and not answered.
    Accepted = "accepted",
    /// The writer has jobs, and has not begun the transaction.
    CommitBegin = "commit-begin",
    /// The jobs have run, and are not committed.
    Commit = "commit",
    /// The jobs are committed, and not answered.
    Committed = "committed",
    /// The log may be copied to the main file.
    Checkpoint = "checkpoint",
    /// Everything is done but what closes the database.
    CloseBegin = "close-begin",
    /// Events are claimed, and nothing has been done with them.
    EventsClaimed = "events-claimed",
    /// One event is about to be decided on.
    DispatchBegin = "dispatch-begin",
    /// The filters have answered.
    FiltersAsked = "filters-asked",
    /// The verdicts are written, and deliver is not told.
    DispatchRecorded = "dispatch-recorded",
    /// An event is about to be given back.
    ReleaseBegin = "release-begin",
    /// Deliveries are claimed, and nothing has been done with them.
    DeliveriesClaimed = "deliveries-claimed",
    /// An attempt is about to be made.
    SendBegin = "send-begin",
    /// An attempt was made, and is not written down.
    Sent = "sent",
    /// An attempt is written down.
    AttemptRecorded = "attempt-recorded",
    /// What has had its time is about to be deleted.
    Upkeep = "upkeep",
    /// A step of a replay is about to read.
    ReplayStep = "replay-step",
    /// A step of a replay is decided, and not written.
    ReplayDecided = "replay-decided",
    /// A step of a replay is written, and deliver is not told.
    ReplayRecorded = "replay-recorded",
    /// An uploaded filter is compiled, and its file has no name yet.
    UploadCompiled = "upload-compiled",
    /// An uploaded filter's file has its name, and the filter is not in the database.
    UploadKept = "upload-kept",
    /// An uploaded filter is in the database, and not answered.
    UploadAdded = "upload-added",
    /// A webhook is written, and not answered.
    WebhookAdded = "webhook-added",
    /// A rotated secret is written, and not answered.
    SecretRotated = "secret-rotated",
    /// A delivery is made due again, and deliver is not told.
    DeliveryRetried = "delivery-retried",
    /// A backup is copied, and has no name yet.
    BackupCopied = "backup-copied",
    /// A backup has its name, which need not be on the disk.
    BackupNamed = "backup-named",
}

/// The failure that a test wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the failpoint {} was hit", .0.as_str())]
pub struct Injected(pub Point);

/// Fails here if that is wanted, once.
///
/// # Errors
/// When an error is wanted.
#[cfg(not(debug_assertions))]
#[inline]
pub(crate) fn hit(_: Point) -> Result<(), Injected> {
    Ok(())
}

#[cfg(debug_assertions)]
pub(crate) use armed::{arm, hit};

#[cfg(debug_assertions)]
mod armed {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use super::{Injected, Point};

    /// What happens at a place.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Action {
        Error,
        Panic,
        Kill,
    }

    /// A failure that is wanted.
    #[derive(Debug)]
    struct Wanted {
        point: Point,
        action: Action,
        /// How often the place is passed before.
        passes: u32,
    }

    /// What is wanted and has not happened. Global, since a place is anywhere and asks without being handed anything.
    static ARMED: Mutex<Vec<Wanted>> = Mutex::new(Vec::new());

    /// Wants failures, as `HOOKSIEVE_FAILPOINTS` says them.
    ///
    /// # Errors
    /// When the text names no place or no action.
    pub(crate) fn arm(text: &str) -> Result<(), String> {
        let wanted = text.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
        ARMED.lock().unwrap_or_else(PoisonError::into_inner).extend(wanted);
        Ok(())
    }

    fn parse(text: &str) -> Result<Wanted, String> {
        let known = |(name, what): (&str, &str)| {
            let (action, number) = what.split_once('@').unwrap_or((what, "1"));
            let passes = number.parse::<u32>().ok()?.checked_sub(1)?;
            let point = Point::ALL.iter().copied().find(|point| point.as_str() == name)?;
            let action = match action {
                "error" => Action::Error,
                "panic" => Action::Panic,
                "kill" => Action::Kill,
                _ => return None,
            };
            Some(Wanted { point, action, passes })
        };
        text.split_once('=').and_then(known).ok_or_else(|| format!("{text} is no failpoint"))
    }

    /// Fails here if that is wanted, once.
    pub(crate) fn hit(point: Point) -> Result<(), Injected> {
        let action = {
            let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(place) = armed.iter().position(|wanted| wanted.point == point) else { return Ok(()) };
            if armed[place].passes > 0 {
                armed[place].passes -= 1;
                return Ok(());
            }
            armed.remove(place).action
        };
        // Tests read it, from a process that may be gone the next moment.
        let mut told = std::io::stdout().lock();
        drop(writeln!(told, "failpoint {}", point.as_str()).and_then(|()| told.flush()));
        drop(told);
        match action {
            Action::Error => Err(Injected(point)),
            Action::Panic => panic!("the failpoint {} was hit", point.as_str()),
            Action::Kill => {
                let this = rustix::process::getpid();
                rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("a process may kill itself");
                // The signal is on its way.
                loop {
                    std::thread::park();
                }
            }
        }
    }
}
