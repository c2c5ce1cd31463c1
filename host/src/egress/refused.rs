//! Why a webhook may not point somewhere: two answers for everyone, the rule for whoever asks.

use std::net::IpAddr;

use crate::model::limits::URL_CHARS_MAX;

/// The answer to a user. Its two texts are those of Blue's API; [`Refused::detail`] says more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a URL for webhooks.
    #[error("url is not valid")]
    Invalid(#[from] InvalidUrl),
    /// A host that is not on the public internet.
    #[error("URL points to a private network")]
    Private(#[from] PrivateHost),
}

impl Refused {
    /// Which rule refused, and what to do.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Invalid(invalid) => invalid.to_string(),
            Self::Private(private) => private.to_string(),
        }
    }

    /// The address that a name resolves to and that refuses it, with its range in words: for the operator
    /// alone. What the resolver knows of the inner network is not for every user to ask.
    #[must_use]
    pub fn resolved(&self) -> Option<(IpAddr, &str)> {
        match self {
            Self::Private(PrivateHost::Address { name: Some(_), address, range }) => Some((*address, range)),
            _ => None,
        }
    }
}

/// Which rule a URL breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Longer than `URL_CHARS_MAX`.
    #[error("it has {chars} characters: shorten it to {URL_CHARS_MAX}")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// A control character, a blank or a backslash.
    #[error("it contains the character {character:?}: percent-encode it or leave it out")]
    Character {
        /// The first such character.
        character: char,
    },
    /// Neither `http://` nor `https://`.
    #[error("it must begin with https:// or http://")]
    Scheme,
    /// Nothing between the slashes.
    #[error("it has no host: write https://, the host and the path")]
    NoHost,
    /// A user name or password.
    #[error("it contains a user name or an `@` before the host: put credentials into the webhook's headers")]
    Userinfo,
    /// What the WHATWG URL standard does not read.
    #[error("it cannot be parsed ({0}): check the host and the port")]
    Syntax(url::ParseError),
    /// A host that is no name in the DNS.
    #[error("{name} is not a host name: use labels of letters, digits and hyphens")]
    HostName {
        /// The normalised host.
        name: String,
    },
    /// A port that webhooks may not use.
    #[error("port {port} is not allowed here: use 443, 80, or one from 1024 on that browsers do not block")]
    Port {
        /// The port.
        port: u16,
    },
}

/// What makes a host private.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrivateHost {
    /// A name without a dot.
    #[error("{name} is a single label, which only a local network knows: use the full public name")]
    SingleLabel {
        /// The name.
        name: String,
    },
    /// A name under a suffix of local networks.
    #[error("{name} is under .{suffix}, which only a local network knows: use a public name")]
    Suffix {
        /// The name.
        name: String,
        /// The suffix, without its dot.
        suffix: &'static str,
    },
    /// An address that is not public. Of a name's address it is only told that it is none.
    #[error(
        "{}: use a public host, or have the operator allow it in egress.allow",
        .name.as_ref().map_or_else(
            || format!("it leads to {address}, which is not public ({range})"),
            |name| format!("{name} resolves to an address that is not public"),
        )
    )]
    Address {
        /// The name that resolves to it, if the URL does not have the address itself.
        name: Option<String>,
        /// The address.
        address: IpAddr,
        /// Where it is, in words.
        range: String,
    },
}
