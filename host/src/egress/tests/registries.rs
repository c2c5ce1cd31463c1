//! The policy against IANA's registries of special-purpose addresses (RFC 6890), as of 2025, and those of
//! multicast. Whatever a registry does not call globally reachable is refused.

use super::*;

/// Whether a registry calls a block globally reachable, and whether we do.
enum Reach {
    /// It does not, nor do we.
    Neither,
    /// It does, and so do we.
    Both,
    /// It does, but the block lies in a larger one that is kept for protocols and has no webhook receivers.
    NotForUs,
}
use Reach::{Both, Neither, NotForUs};

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const V4: [(&str, Reach); 27] = [
    ("0.0.0.0/8", Neither),          // this network
    ("0.0.0.0/32", Neither),         // this host
    ("10.0.0.0/8", Neither),         // private use
    ("100.64.0.0/10", Neither),      // shared address space
    ("127.0.0.0/8", Neither),        // loopback
    ("169.254.0.0/16", Neither),     // link-local
    ("172.16.0.0/12", Neither),      // private use
    ("192.0.0.0/24", Neither),       // protocol assignments
    ("192.0.0.0/29", Neither),       // service continuity
    ("192.0.0.8/32", Neither),       // dummy address
    ("192.0.0.9/32", NotForUs),      // port control anycast
    ("192.0.0.10/32", NotForUs),     // TURN anycast
    ("192.0.0.170/32", Neither),     // NAT64 discovery
    ("192.0.0.171/32", Neither),     // NAT64 discovery
    ("192.0.2.0/24", Neither),       // documentation
    ("192.31.196.0/24", Both),       // AS112
    ("192.52.193.0/24", Both),       // AMT
    ("192.88.99.0/24", Neither),     // former 6to4 relays
    ("192.88.99.2/32", Neither),     // 6a44 relays
    ("192.168.0.0/16", Neither),     // private use
    ("192.175.48.0/24", Both),       // AS112
    ("198.18.0.0/15", Neither),      // benchmarks
    ("198.51.100.0/24", Neither),    // documentation
    ("203.0.113.0/24", Neither),     // documentation
    ("224.0.0.0/4", Neither),        // multicast
    ("240.0.0.0/4", Neither),        // reserved
    ("255.255.255.255/32", Neither), // broadcast
];

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const V6: [(&str, Reach); 26] = [
    ("::1/128", Neither),          // loopback
    ("::/128", Neither),           // unspecified
    ("64:ff9b:1::/48", Neither),   // local translation
    ("100::/64", Neither),         // discard
    ("100:0:0:1::/64", Neither),   // dummy prefix
    ("2001::/23", Neither),        // protocol assignments
    ("2001::/32", Neither),        // Teredo
    ("2001:1::1/128", NotForUs),   // port control anycast
    ("2001:1::2/128", NotForUs),   // TURN anycast
    ("2001:1::3/128", NotForUs),   // service registration anycast
    ("2001:2::/48", Neither),      // benchmarks
    ("2001:3::/32", NotForUs),     // AMT
    ("2001:4:112::/48", NotForUs), // AS112
    ("2001:10::/28", Neither),     // former ORCHID
    ("2001:20::/28", NotForUs),    // ORCHIDv2
    ("2001:30::/28", NotForUs),    // drones
    ("2001:db8::/32", Neither),    // documentation
    ("2002::/16", Neither),        // 6to4
    ("2620:4f:8000::/48", Both),   // AS112
    ("3fff::/20", Neither),        // documentation
    ("5f00::/16", Neither),        // segment routing
    ("fc00::/7", Neither),         // unique local
    ("fe80::/10", Neither),        // link-local
    ("fec0::/10", Neither),        // former site-local
    ("ff00::/8", Neither),         // multicast
    ("::/96", Neither),            // former IPv4-compatible
];

#[test]
fn nothing_is_reached_that_a_registry_does_not_call_globally_reachable() {
    for (block, reach) in V4.iter().chain(&V6) {
        let network: ipnet::IpNet = block.parse().expect(block);
        let expected = matches!(reach, Both);
        for address in [network.addr(), network.network(), network.broadcast()] {
            let judged = judge_addresses(&name(443), &[address], &Policy::default());

            assert_eq!(judged.is_ok(), expected, "{address} of {block}");
        }
    }
}

/// NAT64 (64:ff9b::/96) is globally reachable by the registry and leads to IPv4, so that decides.
#[test]
fn an_address_that_leads_to_ipv4_is_judged_by_it_for_every_block() {
    for (block, reach) in &V4 {
        let network: ipnet::Ipv4Net = block.parse().expect(block);
        for v4 in [network.network(), network.broadcast()] {
            let [a, b, c, d] = v4.octets().map(u16::from);
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            for address in [nat64, v4.to_ipv6_mapped()] {
                let judged = judge_addresses(&name(443), &[address.into()], &Policy::default());

                assert_eq!(judged.is_ok(), matches!(reach, Both), "{address} of {block}");
            }
            // Nobody routes these, whatever is inside.
            let compatible = Ipv6Addr::new(0, 0, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            assert!(judge_addresses(&name(443), &[compatible.into()], &Policy::default()).is_err(), "{compatible}");
        }
    }
}
