//! What the operator allows beyond the public internet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// All that the operator decided. By default only the public internet may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The networks that are allowed although they are private.
    pub allow: Vec<AllowRule>,
}

impl Policy {
    /// For development: loopback is allowed at every port from 1024 on, and so is the name `localhost`.
    #[must_use]
    pub fn dev() -> Self {
        let v4 = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8));
        let v6 = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128));
        let rule = |network, ports| AllowRule { network, ports };
        let rules = [v4, v6].map(|network| [rule(network, None), rule(network, Some(1024..=u16::MAX))]);
        Self { allow: rules.into_iter().flatten().collect() }
    }

    pub(super) fn allows_loopback(&self) -> bool {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        self.allow.iter().any(|rule| loopback.iter().any(|&address| rule.covers(address)))
    }

    /// Whether a rule names the port, so that a name may turn out to lead to where it is allowed.
    pub(super) fn names_port(&self, port: u16) -> bool {
        self.allow.iter().filter_map(AllowRule::ports).any(|ports| ports.contains(&port))
    }
}

/// A network that is allowed although it is private. With ports, those and no others are allowed there;
/// without, the ports that are allowed anywhere.
///
/// As text: `10.1.0.0/16`, `10.1.2.3`, `127.0.0.0/8:8000-9000`, `fd00::/8`, `[fd00::/8]:443`. The IPv4
/// address inside of an IPv6 one is what the networks are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowRule {
    network: IpNet,
    ports: Option<RangeInclusive<u16>>,
}

/// Why a text is not an [`AllowRule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowRuleError {
    /// The network is none.
    #[error("not a network: write it like 10.1.0.0/16, 10.1.2.3 or [fd00::/8], with ports like 10.1.0.0/16:8000-9000")]
    Network,
    /// The address is not the first of the network.
    #[error("the address has bits outside of the network: write {network} for all of it, or {address} for the one")]
    HostBits {
        /// The network that the prefix makes.
        network: IpNet,
        /// The address alone.
        address: IpAddr,
    },
    /// The ports are none.
    #[error("not a port or a range of ports: write it like 443 or 8000-9000")]
    Ports,
}

impl AllowRule {
    pub(super) fn covers(&self, address: IpAddr) -> bool {
        self.network.contains(&address)
    }

    pub(super) fn ports(&self) -> Option<&RangeInclusive<u16>> {
        self.ports.as_ref()
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.network, &self.ports) {
            (network, None) => write!(f, "{network}"),
            (IpNet::V4(network), Some(ports)) => write!(f, "{network}:{}-{}", ports.start(), ports.end()),
            (IpNet::V6(network), Some(ports)) => write!(f, "[{network}]:{}-{}", ports.start(), ports.end()),
        }
    }
}

impl From<AllowRule> for String {
    fn from(rule: AllowRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for AllowRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: AllowRuleError| format!("egress.allow has {text:?}: {error}"))
    }
}

impl FromStr for AllowRule {
    type Err = AllowRuleError;

    fn from_str(text: &str) -> Result<Self, AllowRuleError> {
        let (network, ports) = split_ports(text)?;
        Ok(Self { network: parse_network(network)?, ports: ports.map(parse_ports).transpose()? })
    }
}

/// Takes the ports off. Colons belong to the address of IPv6 unless it is in brackets.
fn split_ports(text: &str) -> Result<(&str, Option<&str>), AllowRuleError> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (network, rest) = bracketed.split_once(']').ok_or(AllowRuleError::Network)?;
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((network, Some(ports))),
            None if rest.is_empty() => Ok((network, None)),
            None => Err(AllowRuleError::Network),
        };
    }
    match text.split_once(':') {
        Some((network, ports)) if !ports.contains(':') => Ok((network, Some(ports))),
        _ => Ok((text, None)),
    }
}

fn parse_network(text: &str) -> Result<IpNet, AllowRuleError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let written: IpNet = text.parse().map_err(|_| AllowRuleError::Network)?;
    let network = written.trunc();
    if network != written {
        return Err(AllowRuleError::HostBits { network, address: written.addr() });
    }
    Ok(network)
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, AllowRuleError> {
    let port = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| is_number && *port > 0).ok_or(AllowRuleError::Ports)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = port(first)?..=port(last)?;
    if ports.is_empty() { Err(AllowRuleError::Ports) } else { Ok(ports) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(network: &str, ports: Option<RangeInclusive<u16>>) -> AllowRule {
        AllowRule { network: network.parse().expect(network), ports }
    }

    #[test]
    fn rules_are_read_with_and_without_ports() {
        let cases = [
            ("10.1.0.0/16", rule("10.1.0.0/16", None)),
            ("10.1.2.3", rule("10.1.2.3/32", None)),
            ("10.1.2.3:22", rule("10.1.2.3/32", Some(22..=22))),
            ("127.0.0.0/8:8000-9000", rule("127.0.0.0/8", Some(8000..=9000))),
            ("fd00::/8", rule("fd00::/8", None)),
            ("::1", rule("::1/128", None)),
            ("[fd00::/8]", rule("fd00::/8", None)),
            ("[fd00::/8]:443", rule("fd00::/8", Some(443..=443))),
            ("[::1]:1-65535", rule("::1/128", Some(1..=65535))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_can_be_read() {
        for text in ["10.1.0.0/16", "10.1.2.3", "127.0.0.0/8:8000-9000", "fd00::/8", "[::1]:443"] {
            let rule: AllowRule = text.parse().expect(text);

            assert_eq!(rule.to_string().parse(), Ok(rule), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_rule_is_refused_by_its_part() {
        for text in
            ["", "10.1.0.0/33", "10.1/16", "example.com", "*", "[fd00::/8", "[fd00::/8]443", "fd00::/8:443", "[]"]
        {
            assert_eq!(text.parse::<AllowRule>(), Err(AllowRuleError::Network), "{text}");
        }
        for text in
            ["10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:2-1", "10.0.0.0/8:1-", "10.0.0.0/8:65536", "10.0.0.0/8:+80"]
        {
            assert_eq!(text.parse::<AllowRule>(), Err(AllowRuleError::Ports), "{text}");
        }
    }

    #[test]
    fn a_network_with_host_bits_is_refused_with_both_corrections() {
        let error = "10.1.2.3/8".parse::<AllowRule>().expect_err("host bits").to_string();

        assert!(error.contains("10.0.0.0/8") && error.contains("10.1.2.3 "), "{error}");
    }
}
