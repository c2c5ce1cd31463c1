//! What a refusal looks like (RFC 9457).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mirror::mirror;
use crate::model::{Timestamp, storage};

/// Why a request was not done. `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` is what tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The phrase of the HTTP status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs: `BAD_USER_INPUT`, `UNAUTHENTICATED`, `UNAUTHORIZED`,
    /// `WEBHOOK_NOT_FOUND` (and the like for each noun), `NOT_FOUND`, `METHOD_NOT_ALLOWED`,
    /// `REQUEST_TIMEOUT`, `CONFLICT`, `PAYLOAD_TOO_LARGE`, `URI_TOO_LONG`, `HEADERS_TOO_LARGE`,
    /// `UNSUPPORTED_MEDIA_TYPE`, `RATE_LIMITED`, `BUSY`, `STORAGE_UNAVAILABLE`, `STORAGE_FULL` or `INTERNAL`.
    pub code: String,
    /// What went wrong, for people, and where there is one the remedy.
    pub detail: String,
    /// What is wrong with the input, field by field; empty where that does not apply.
    #[serde(default)]
    pub errors: Vec<Violation>,
    /// What is wrong with the host's storage; only `/readyz` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageTrouble>,
}

mirror!(
    /// What is wrong with the storage.
    StorageFault of storage::StorageFault {
        /// The disk is full, or nearly so. The host goes on by itself when there is room.
        Full = "full",
        /// The folder or the file cannot be written.
        ReadOnly = "read_only",
        /// The disk did not read or write what it was told to.
        Io = "io_error",
        /// What is in the file makes no sense.
        Corrupt = "corrupt",
        /// The part of the host that writes ended by a mistake.
        Stopped = "stopped",
    }
);

/// What is wrong with the host's storage, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageTrouble {
    /// What is wrong.
    pub fault: StorageFault,
    /// Since it was noticed.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What the operator does about it.
    pub remedy: String,
}

impl StorageTrouble {
    /// Such a fault with its remedy.
    #[must_use]
    pub fn new(fault: storage::StorageFault, since: Timestamp) -> Self {
        Self { fault: fault.into(), since, remedy: fault.remedy().to_owned() }
    }
}

/// A field of the input that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// RFC 6901 pointer into the request body, or `/name` for a parameter; empty for the whole body.
    pub pointer: String,
    /// What is wrong with it, and what to do.
    pub detail: String,
}

impl fmt::Display for Problem {
    /// The detail, and under it each violation that adds to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.errors.as_slice()
            && only.detail == self.detail
        {
            return if only.pointer.is_empty() {
                f.write_str(&self.detail)
            } else {
                write!(f, "{}: {}", only.pointer, self.detail)
            };
        }
        f.write_str(&self.detail)?;
        for Violation { pointer, detail } in &self.errors {
            write!(f, "\n  {pointer}: {detail}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(detail: &str, errors: &[(&str, &str)]) -> Problem {
        let violation = |(pointer, detail): &(&str, &str)| Violation {
            pointer: (*pointer).to_owned(),
            detail: (*detail).to_owned(),
        };
        Problem {
            kind: "about:blank".to_owned(),
            title: "Bad Request".to_owned(),
            status: 400,
            code: "BAD_USER_INPUT".to_owned(),
            detail: detail.to_owned(),
            errors: errors.iter().map(violation).collect(),
            storage: None,
        }
    }

    #[test]
    fn a_violation_that_is_the_whole_problem_is_not_said_twice() {
        assert_eq!(problem("too long", &[("/name", "too long")]).to_string(), "/name: too long");
        assert_eq!(problem("not JSON", &[("", "not JSON")]).to_string(), "not JSON");
    }

    #[test]
    fn violations_that_add_to_the_detail_come_under_it() {
        let shown = problem("url is not valid", &[("/url", "it has a blank"), ("/name", "too long")]).to_string();

        assert_eq!(shown, "url is not valid\n  /url: it has a blank\n  /name: too long");
    }
}
