//! Why a use case did not do what it was asked.

use crate::failpoint::Injected;
use crate::filter::Refused;
use crate::json::JsonError;
use crate::model::Timestamp;
use crate::model::storage::StorageFault;
use crate::schema::Flaw;
use crate::store::StoreError;

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A webhook.
    Webhook,
    /// A filter.
    Filter,
    /// An event.
    Event,
    /// A delivery.
    Delivery,
    /// A replay.
    Replay,
    /// A token.
    Token,
    /// A user.
    User,
    /// A project.
    Project,
}

impl Noun {
    /// The word, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Filter => "filter",
            Self::Event => "event",
            Self::Delivery => "delivery",
            Self::Replay => "replay",
            Self::Token => "token",
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// One field of the input that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// RFC 6901 pointer into the input.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

impl Violation {
    /// The same of what is a member of a larger input, at `place`.
    #[must_use]
    pub(super) fn under(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

impl From<Flaw> for Violation {
    fn from(Flaw { pointer, detail }: Flaw) -> Self {
        Self { pointer, detail }
    }
}

/// Why a use case did not do what it was asked. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The input cannot be taken: the caller's fault.
    #[error("{detail}")]
    BadInput {
        /// The first violation, or what is wrong as a whole.
        detail: String,
        /// What is wrong, field by field.
        violations: Vec<Violation>,
    },
    /// There is no valid token.
    #[error("a valid token is needed: `Authorization: Bearer hs_…`")]
    Unauthenticated,
    /// The token does not allow this.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// There is no such thing, or it is someone else's.
    #[error("{} not found", .0.as_str())]
    NotFound(Noun),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// Too many writes wait already.
    #[error("the host is busy; try again in a moment")]
    Busy,
    /// The disk is full.
    #[error("the host's disk is full")]
    Full,
    /// Events cannot be accepted, and it is known why.
    #[error("{} (since {since}); {}", .fault.what(), .fault.remedy())]
    NotReady {
        /// What is wrong.
        fault: StorageFault,
        /// Since it was noticed.
        since: Timestamp,
    },
    /// The disk or the database file fails: our fault.
    #[error("the host's storage fails")]
    Storage(#[source] StoreError),
    /// The store could not do as it was asked: our fault.
    #[error("the host's storage refused a statement")]
    Statement(#[source] StoreError),
    /// Anything else that is our fault.
    #[error("{0}")]
    Internal(String),
}

impl ServiceError {
    /// One field that cannot be taken.
    #[must_use]
    pub fn bad_field(pointer: &str, detail: String) -> Self {
        let violation = Violation { pointer: pointer.to_owned(), detail: detail.clone() };
        Self::BadInput { detail, violations: vec![violation] }
    }

    /// The same refusal of what is a member of a larger input, at `place`: its pointers begin there.
    #[must_use]
    pub(super) fn under(self, place: &str) -> Self {
        let Self::BadInput { detail, violations } = self else { return self };
        Self::BadInput { detail, violations: violations.into_iter().map(|violation| violation.under(place)).collect() }
    }

    /// A filter or its configuration, given at `pointer`, that was refused.
    #[must_use]
    pub fn refused(pointer: &str, refused: &Refused) -> Self {
        if *refused == Refused::Compiling {
            return Self::Busy;
        }
        if refused.is_hosts_fault() {
            return Self::Internal(refused.to_string());
        }
        let detail = refused.to_string();
        match refused {
            Refused::ConfigSchema { flaws } => {
                let violations = flaws.iter().cloned().map(|flaw| Violation::from(flaw).under(pointer)).collect();
                Self::BadInput { detail, violations }
            }
            _ => Self::bad_field(pointer, detail),
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Full => Self::Full,
            StoreError::Broken(_) => Self::Storage(error),
            StoreError::Internal(_) => Self::Statement(error),
        }
    }
}

impl From<Injected> for ServiceError {
    fn from(injected: Injected) -> Self {
        Self::Statement(injected.into())
    }
}

impl From<JsonError> for ServiceError {
    fn from(error: JsonError) -> Self {
        Self::bad_field(error.pointer(), error.to_string())
    }
}
