//! API tokens and what they allow.

use super::Timestamp;
use super::ids::UserId;

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The operator: posts events, manages users, projects, members and tokens.
    Operator,
    /// A user: manages their own webhooks and filters.
    User(UserId),
}

/// A token as it is stored: the secret only as SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The public part, 1 to 64 letters, digits and `-`; never an underscore, which separates.
    pub id: String,
    /// Who it speaks for.
    pub caller: Caller,
    /// A name for people.
    pub name: Option<String>,
    /// SHA-256 of the secret part, which has at least 160 random bits.
    pub secret_sha256: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}
