//! Where webhooks may point: the one egress policy, as pure functions.
//!
//! A URL comes from a user and is requested from inside the operator's network, so it must lead to the
//! public internet unless the operator allowed the place. [`judge_url`] judges the text, and
//! [`judge_addresses`] every address that its name resolves to; both run at registration and again at
//! each attempt, and only addresses that were judged may be dialled. Nothing is resolved here.
//!
//! Hosts are judged as the WHATWG URL standard reads them, because the HTTP client reads them so:
//! `0x7f.1`, `2130706433` and `127。0。0。1` are all 127.0.0.1.

mod address;
mod allow;
mod refused;

use std::net::IpAddr;

use url::{Host, Url};

pub use allow::{AllowRule, AllowRuleError, Policy};
pub use refused::{InvalidUrl, PrivateHost, Refused};

use crate::model::limits::URL_CHARS_MAX;

/// The last labels of names that never lead to the public internet.
const PRIVATE_SUFFIXES: [&str; 10] =
    ["localhost", "local", "internal", "home.arpa", "localdomain", "lan", "intranet", "corp", "home", "private"];

/// The bad ports of the Fetch standard from 1024 on: those of protocols that can be abused with HTTP.
const BAD_PORTS: [u16; 19] =
    [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080];

/// Bytes of a host name (RFC 1035), and of each of its labels.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Where a URL that was not refused leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    literal: Option<IpAddr>,
    port: u16,
}

impl Target {
    /// The normalised host: a name in lower-case ASCII without a dot at its end, or an address without
    /// brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address, if the URL has one instead of a name.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.literal
    }

    /// The port, the scheme's own if the URL has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Judges the text of a URL, and its address if it has one instead of a name. The addresses of a name
/// are left to [`judge_addresses`].
///
/// # Errors
/// When the URL is not one that a webhook may have, or its host is private by its name or address.
pub fn judge_url(url: &str, policy: &Policy) -> Result<Target, Refused> {
    let parsed = parse(url)?;
    let port = parsed.port_or_known_default().ok_or(InvalidUrl::Scheme)?;
    match parsed.host() {
        Some(Host::Ipv4(address)) => literal(address.into(), port, policy),
        Some(Host::Ipv6(address)) => literal(address.into(), port, policy),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            judge_name(name, policy)?;
            if !is_usual_port(port) && !policy.names_port(port) {
                return Err(InvalidUrl::Port { port }.into());
            }
            Ok(Target { host: name.to_owned(), literal: None, port })
        }
        None => Err(InvalidUrl::Scheme.into()),
    }
}

/// Judges the addresses that a target's name resolves to. One that is refused refuses the name; no
/// addresses at all are nothing to refuse.
///
/// # Errors
/// When an address is private, or the port is not for it.
pub fn judge_addresses(target: &Target, addresses: &[IpAddr], policy: &Policy) -> Result<(), Refused> {
    addresses.iter().try_for_each(|&address| judge_address(target, address, policy))
}

/// What may be read off the text alone. The parser is lenient, so what it would repair is refused first.
fn parse(url: &str) -> Result<Url, InvalidUrl> {
    let chars = url.chars().count();
    if chars > URL_CHARS_MAX {
        return Err(InvalidUrl::TooLong { chars });
    }
    let is_forbidden = |c: &char| c.is_control() || c.is_whitespace() || *c == '\\';
    if let Some(character) = url.chars().find(is_forbidden) {
        return Err(InvalidUrl::Character { character });
    }
    let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl::Scheme)?;
    if !["http", "https"].iter().any(|allowed| scheme.eq_ignore_ascii_case(allowed)) {
        return Err(InvalidUrl::Scheme);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(InvalidUrl::NoHost);
    }
    if authority.contains('@') {
        return Err(InvalidUrl::Userinfo);
    }
    Url::parse(url).map_err(InvalidUrl::Syntax)
}

fn literal(address: IpAddr, port: u16, policy: &Policy) -> Result<Target, Refused> {
    let target = Target { host: address.to_string(), literal: Some(address), port };
    judge_address(&target, address, policy)?;
    Ok(target)
}

fn judge_name(name: &str, policy: &Policy) -> Result<(), Refused> {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(is_allowed)
    };
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
        return Err(InvalidUrl::HostName { name: name.to_owned() }.into());
    }
    if name == "localhost" && policy.allows_loopback() {
        return Ok(());
    }
    let has_suffix =
        |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if let Some(suffix) = PRIVATE_SUFFIXES.into_iter().find(|suffix| has_suffix(suffix)) {
        return Err(PrivateHost::Suffix { name: name.to_owned(), suffix }.into());
    }
    if !name.contains('.') {
        return Err(PrivateHost::SingleLabel { name: name.to_owned() }.into());
    }
    Ok(())
}

/// An operator's rule for the address stands above both the ranges and the ports.
fn judge_address(target: &Target, address: IpAddr, policy: &Policy) -> Result<(), Refused> {
    let port = target.port;
    let judged = address::judged(address);
    let mut is_covered = false;
    for rule in policy.allow.iter().filter(|rule| rule.covers(judged)) {
        if rule.ports().map_or(is_usual_port(port), |ports| ports.contains(&port)) {
            return Ok(());
        }
        is_covered = true;
    }
    match address::private_range(judged) {
        Some(range) if !is_covered => {
            let name = target.literal.is_none().then(|| target.host.clone());
            Err(PrivateHost::Address { name, address, range }.into())
        }
        None if is_usual_port(port) => Ok(()),
        _ => Err(InvalidUrl::Port { port }.into()),
    }
}

fn is_usual_port(port: u16) -> bool {
    port == 80 || port == 443 || (port >= 1024 && !BAD_PORTS.contains(&port))
}

#[cfg(test)]
mod tests;
