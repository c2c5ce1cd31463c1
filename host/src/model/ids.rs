//! Identifiers. One type for each kind, so that they cannot be mixed up.
//!
//! Those that a producer or an operator chooses are 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
//! Those that Hooksieve makes are a prefix and 26 characters of Crockford's base 32, in lower case:
//! 48 bits of time and 80 random bits, so they sort by age and cannot be guessed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::Timestamp;
use super::limits::ID_CHARS_MAX;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is empty or longer than [`ID_CHARS_MAX`].
    #[error("an id has 1 to {ID_CHARS_MAX} characters")]
    Length,
    /// It has a character that identifiers do not have.
    #[error("an id has only letters, digits and `.`, `_`, `:`, `-`")]
    Character,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > ID_CHARS_MAX {
        return Err(IdError::Length);
    }
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b':' | b'-');
    if text.bytes().all(is_allowed) { Ok(()) } else { Err(IdError::Character) }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Parses an identifier.
            ///
            /// # Errors
            /// When the length or a character is not allowed.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        id_type!($(#[$doc])* $name);

        impl $name {
            /// Makes a new identifier from a moment and 10 random bytes.
            #[must_use]
            pub fn generate(at: Timestamp, random: [u8; 10]) -> Self {
                Self(format!(concat!($prefix, "{}"), sortable(at, random)).into())
            }
        }
    };
}

id_type!(
    /// An event's id: the producer's idempotency key, or generated.
    EventId, "evt_"
);
id_type!(
    /// A webhook's id.
    WebhookId, "wh_"
);
id_type!(
    /// A filter's id: generated for uploads, the name for bundled filters.
    FilterId, "flt_"
);
id_type!(
    /// A delivery's id, which is also its message id (`webhook-id`), constant over retries. It has no
    /// dot, because the Standard Webhooks signature separates with dots.
    DeliveryId, "msg_"
);
id_type!(
    /// A replay's id.
    ReplayId, "rpl_"
);
id_type!(
    /// A user's id, chosen by the operator.
    UserId
);
id_type!(
    /// A project's id, chosen by the operator.
    ProjectId
);
id_type!(
    /// A company's id, chosen by the operator.
    CompanyId
);

/// 48 bits of milliseconds and 80 random bits in Crockford's base 32 (the layout of a ULID).
fn sortable(at: Timestamp, random: [u8; 10]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&at.as_millis().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    let number = u128::from_be_bytes(bytes);
    (0..26).rev().map(|digit| char::from(DIGITS[(number >> (5 * digit)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_sort_by_time() {
        let early = WebhookId::generate(Timestamp::from_millis(1_000), [255; 10]);
        let late = WebhookId::generate(Timestamp::from_millis(1_001), [0; 10]);

        assert!(early < late);
        assert_eq!(late.as_str(), "wh_00000000z90000000000000000");
    }

    #[test]
    fn an_id_with_a_blank_is_refused() {
        assert_eq!(EventId::parse("a b"), Err(IdError::Character));
        assert_eq!(EventId::parse(""), Err(IdError::Length));
        assert_eq!(EventId::parse(&"x".repeat(129)), Err(IdError::Length));
    }
}
