//! Sealing of what only its owner may have, signing secrets and the values of a webhook's own headers: what lies
//! on disk is unreadable without a key that does not.
//!
//! XChaCha20-Poly1305 under one key, with a random nonce for each secret (24 bytes are long enough to
//! draw them without counting) and the owner's id as associated data, so that a sealed secret that was
//! moved to another row does not open. The nonce comes straight from the kernel: nothing that a test
//! could assert depends on it, and a nonce that repeats would give the secrets away.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The key that signing secrets and headers are sealed with. Forgets itself when dropped and is never shown.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; KEY_BYTES]>);

/// Why a text is not a [`SealingKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealing key is {KEY_BYTES} bytes, written as 64 hexadecimal digits or in base64")]
pub struct SealingKeyError;

/// The sealed bytes were made with another key or for another owner, or were changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub(in crate::store) struct UnsealError;

impl SealingKey {
    /// A key from 32 bytes that nobody can guess.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key from 64 hexadecimal digits or from base64; blanks around it are ignored.
    ///
    /// # Errors
    /// When the text is neither, or not 32 bytes long.
    pub fn parse(text: &str) -> Result<Self, SealingKeyError> {
        let text = text.trim();
        let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).map_err(|_| SealingKeyError)?;
        let bytes = Zeroizing::new(bytes);
        let bytes: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| SealingKeyError)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Seals `text` for `owner`: nonce, then encrypted text and tag.
    pub(in crate::store) fn seal(&self, owner: &str, text: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; NONCE_BYTES];
        getrandom::fill(&mut sealed).expect("the kernel's random source answers on every supported system");
        let payload = Payload { msg: text, aad: owner.as_bytes() };
        let encrypted = self.cipher().encrypt(&nonce(&sealed), payload).expect("the text is shorter than 256 GiB");
        sealed.extend(encrypted);
        sealed
    }

    /// Opens what [`Self::seal`] made for the same `owner`.
    pub(in crate::store) fn unseal(&self, owner: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let (head, encrypted) = sealed.split_at_checked(NONCE_BYTES).ok_or(UnsealError)?;
        let payload = Payload { msg: encrypted, aad: owner.as_bytes() };
        self.cipher().decrypt(&nonce(head), payload).map(Zeroizing::new).map_err(|_| UnsealError)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

fn nonce(bytes: &[u8]) -> XNonce {
    XNonce::try_from(bytes).expect("the slice is as long as a nonce")
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::from_bytes([7; KEY_BYTES])
    }

    #[test]
    fn a_sealed_text_opens_for_its_owner_only() {
        let sealed = key().seal("wh_1", b"whsec_x");

        assert_eq!(key().unseal("wh_1", &sealed).unwrap().as_slice(), b"whsec_x");
        assert_eq!(key().unseal("wh_2", &sealed), Err(UnsealError));
        assert_eq!(SealingKey::from_bytes([8; KEY_BYTES]).unseal("wh_1", &sealed), Err(UnsealError));
    }

    #[test]
    fn a_changed_or_shortened_text_does_not_open() {
        let sealed = key().seal("wh_1", b"whsec_x");

        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(key().unseal("wh_1", &changed), Err(UnsealError), "byte {position}");
            assert_eq!(key().unseal("wh_1", &sealed[..position]), Err(UnsealError), "length {position}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        assert_ne!(key().seal("wh_1", b"x"), key().seal("wh_1", b"x"));
    }

    #[test]
    fn a_key_is_read_from_hex_and_from_base64() {
        let sealed = key().seal("wh_1", b"x");

        for text in ["07".repeat(32), format!(" {}\n", STANDARD.encode([7; KEY_BYTES]))] {
            assert!(SealingKey::parse(&text).unwrap().unseal("wh_1", &sealed).is_ok());
        }
        for text in ["", "07", &"0".repeat(63), "not a key"] {
            assert_eq!(SealingKey::parse(text).unwrap_err(), SealingKeyError, "{text:?}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", key()), "SealingKey(..)");
    }
}
