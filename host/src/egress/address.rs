//! Which addresses are public, by the special-purpose registries of IANA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Everything in IPv4 that is not on the public internet.
const PRIVATE_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),        // this network
    v4(10, 0, 0, 0, 8),       // private use
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // Azure's host, public by its number alone
    v4(169, 254, 0, 0, 16),   // link-local, the clouds' metadata among it
    v4(172, 16, 0, 0, 12),    // private use
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private use
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, and broadcast
];

/// All of IPv6 that has ever been given out for the public internet.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0], 3);

/// What inside of it is not public.
const PRIVATE_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0], 23),     // protocol assignments, Teredo among them
    v6([0x2001, 0xdb8], 32), // documentation
    v6([0x2002, 0], 16),     // 6to4, which leads to any IPv4 address
    v6([0x3fff, 0], 20),     // documentation
];

/// NAT64 (RFC 6052): leads to the IPv4 address in its last 32 bits.
const NAT64: Ipv6Net = v6([0x64, 0xff9b], 96);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(start: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(start[0], start[1], 0, 0, 0, 0, 0, 0), prefix)
}

/// The address that decides: the IPv4 inside of one that is mapped or NAT64.
pub(super) fn judged(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    if NAT64.contains(&v6) {
        let [.., a, b, c, d] = v6.octets();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    v6.to_ipv4_mapped().map_or(address, IpAddr::V4)
}

/// What makes an address private, in words; `None` for a public one.
pub(super) fn private_range(address: IpAddr) -> Option<String> {
    match address {
        IpAddr::V4(v4) => PRIVATE_V4.iter().find(|range| range.contains(&v4)).map(|range| format!("in {range}")),
        IpAddr::V6(v6) if !PUBLIC_V6.contains(&v6) => Some(format!("outside {PUBLIC_V6}")),
        IpAddr::V6(v6) => PRIVATE_V6.iter().find(|range| range.contains(&v6)).map(|range| format!("in {range}")),
    }
}
