mod registries;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;

/// What `check-url` would print for the text alone.
fn verdict(url: &str, policy: &Policy) -> &'static str {
    match judge_url(url, policy) {
        Ok(_) => "allow",
        Err(Refused::Invalid(_)) => "invalid",
        Err(Refused::Private(_)) => "private",
    }
}

fn policy(rules: &[&str]) -> Policy {
    Policy { allow: rules.iter().map(|rule| rule.parse().expect(rule)).collect() }
}

/// What a name that resolves to these addresses gets.
fn resolved(url: &str, addresses: &[&str], policy: &Policy) -> Result<(), Refused> {
    let target = judge_url(url, policy)?;
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect(address)).collect();
    judge_addresses(&target, &addresses, policy)
}

fn assert_all(expected: &str, policy: &Policy, urls: &[&str]) {
    for url in urls {
        assert_eq!(verdict(url, policy), expected, "{url}");
    }
}

#[test]
fn ordinary_urls_are_allowed() {
    assert_all(
        "allow",
        &Policy::default(),
        &[
            "https://example.com",
            "https://example.com/webhooks/blue?x=1#y",
            "HTTPS://EXAMPLE.com./",
            "http://my_host.example.co.uk:8080/a/../b",
            "https://bücher.example/ü",
            "https://a.b/path@with:colons//and/@",
            "https://local.example.com",
            "https://mycorp.example/",
            "https://notlocalhost.com/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
        ],
    );
}

#[test]
fn a_target_is_what_the_client_will_dial() {
    let target = |url: &str| {
        let target = judge_url(url, &Policy::default()).expect(url);
        (target.host().to_owned(), target.literal(), target.port())
    };
    let one: IpAddr = Ipv4Addr::new(1, 1, 1, 1).into();

    assert_eq!(target("http://EXAMPLE.com.:8080/x"), ("example.com".to_owned(), None, 8080));
    assert_eq!(target("https://bücher.example"), ("xn--bcher-kva.example".to_owned(), None, 443));
    assert_eq!(target("http://0x01010101"), ("1.1.1.1".to_owned(), Some(one), 80));
    assert_eq!(target("https://[2606:4700:0::1]").0, "2606:4700::1");
}

#[test]
fn text_that_the_parser_would_repair_is_refused() {
    assert_all(
        "invalid",
        &Policy::dev(),
        &[
            "",
            "example.com",
            "//example.com",
            "http:example.com",
            "http:/example.com",
            "http:///example.com",
            "http://",
            "http://?x",
            "http:\\\\example.com",
            "http://example.com\\@x.com",
            " https://example.com",
            "https://example.com ",
            "https://exa\tmple.com",
            "https://example.com/\n",
            "https://example.com/\u{7f}",
            "https://example.com/\u{85}",
            "https://example.com/a b",
            "https://example.com/\u{a0}",
            "https://example.com/\u{3000}",
            "ftp://example.com",
            "file:///etc/passwd",
            "gopher://example.com",
            "ws://example.com",
            "javascript://example.com",
            "httpss://example.com",
        ],
    );
}

#[test]
fn credentials_are_refused_even_when_empty() {
    assert_all(
        "invalid",
        &Policy::dev(),
        &[
            "https://user@example.com",
            "https://user:password@example.com",
            "https://:password@example.com",
            "https://@example.com",
            "https://:@example.com",
            "https://example.com@127.0.0.1",
            "https://example.com:80@127.0.0.1:8080",
        ],
    );
}

#[test]
fn hosts_that_are_no_names_are_refused() {
    let long_label = format!("https://{}.com", "a".repeat(64));
    let long_name = format!("https://{}com", "abcdefg.".repeat(32));
    assert_all(
        "invalid",
        &Policy::default(),
        &[
            "https://a..b",
            "https://.example.com",
            "https://example.com..",
            "https://exa$mple.com",
            "https://exam%00ple.com",
            "https://exa%20mple.com",
            "https://exa<mple.com",
            "https://1.2.3.4.5",
            "https://256.256.256.256",
            "https://example.0x7f",
            "https://[::1",
            "https://[fe80::1%25eth0]",
            "https://[1.2.3.4]",
            "https://example.com:port",
            "https://example.com:65536",
            "https://xn--a.example",
            &long_label,
            &long_name,
        ],
    );
}

#[test]
fn a_url_may_have_2048_characters() {
    let url = |chars: usize| format!("https://example.com/{}", "é".repeat(chars - 20));

    assert_eq!(verdict(&url(2048), &Policy::default()), "allow");
    assert_eq!(verdict(&url(2049), &Policy::default()), "invalid");
}

#[test]
fn only_ports_of_web_servers_are_allowed() {
    let allowed = [80, 443, 1024, 1718, 1721, 3000, 6001, 6664, 6670, 8080, 10079, 10081, 65535];
    let refused = [0, 1, 22, 25, 79, 81, 442, 444, 1023];
    for port in allowed {
        assert_eq!(verdict(&format!("http://example.com:{port}"), &Policy::default()), "allow", "{port}");
        assert_eq!(verdict(&format!("https://8.8.8.8:{port}"), &Policy::default()), "allow", "{port}");
    }
    let bad = [
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
        10080,
    ];
    for port in refused.into_iter().chain(bad) {
        assert_eq!(verdict(&format!("https://example.com:{port}"), &Policy::default()), "invalid", "{port}");
        assert_eq!(verdict(&format!("http://8.8.8.8:{port}"), &Policy::default()), "invalid", "{port}");
    }
}

#[test]
fn names_of_local_networks_are_private() {
    let suffixes = "localhost local internal home.arpa localdomain lan intranet corp home private";
    for suffix in suffixes.split(' ') {
        for url in [
            format!("https://{suffix}"),
            format!("https://printer.{suffix}"),
            format!("https://a.b.{suffix}."),
            format!("http://X.{}:8080", suffix.to_uppercase()),
        ] {
            assert_eq!(verdict(&url, &Policy::default()), "private", "{url}");
        }
    }
    assert_all(
        "private",
        &Policy::default(),
        &[
            "http://intranet",
            "http://metadata",
            "http://com.",
            "http://loc%61lhost",
            "http://ｌｏｃａｌｈｏｓｔ",
            "http://local\u{ad}host",
            "http://localhost:22",
            "http://metadata.google.internal/computeMetadata/v1/",
        ],
    );
}

#[test]
fn an_address_is_judged_in_every_spelling() {
    assert_all(
        "private",
        &Policy::default(),
        &[
            "http://127.0.0.1",
            "http://127.0.0.1.",
            "http://127.0.0.1:22",
            "http://127.1",
            "http://127.0.1",
            "http://2130706433",
            "http://0x7f000001",
            "http://0X7F.1",
            "http://0x7f.0x0.0x0.0x1",
            "http://017700000001",
            "http://0177.0.0.01",
            "http://0177.0x0.1",
            "http://%31%32%37.0.0.1",
            "http://127%2e0%2e0%2e1",
            "http://１２７.０.０.１",
            "http://127。0。0。1",
            "http://①②⑦.0.0.1",
            "http://0",
            "http://0x",
            "http://0.0.0.0",
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166",
            "http://[::]",
            "http://[::1]",
            "http://[0:0:0:0:0:0:0:1]",
            "http://[0000::0001]",
            "http://[::127.0.0.1]",
            "http://[::7f00:1]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:7f00:1]",
            "http://[0:0:0:0:0:ffff:0a00:0001]",
            "http://[::FFFF:169.254.169.254]",
            "http://[64:ff9b::10.0.0.1]",
            "http://[64:ff9b::a00:1]",
            "http://[64:ff9b:1::8.8.8.8]",
            "http://[2002:7f00:1::]",
            "http://[2001:0:7f00:1::]",
            "http://[fe80::1]",
            "http://[fd00:ec2::254]",
        ],
    );
    assert_all(
        "allow",
        &Policy::default(),
        &[
            "http://134744072",
            "http://0x8080808",
            "http://010.8.8.8",
            "http://[::ffff:8.8.8.8]",
            "http://[64:ff9b::8.8.8.8]",
        ],
    );
}

/// The first and last private address of each IPv4 range of the design, with their public neighbours.
#[test]
fn ipv4_ranges_end_where_they_should() {
    // The neighbours of 192.0.0.0/24 and of 240.0.0.0/4 are private or not addresses at all.
    let ranges = [
        ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
        ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
        ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
        ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
        ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
        ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
        ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
        ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
        ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
        ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
        ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
        ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
        ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
        ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
        ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
        ("240.0.0.0", "255.255.255.255", None, None),
    ];
    for (first, last, before, after) in ranges {
        for (address, is_private) in [(Some(first), true), (Some(last), true), (before, false), (after, false)] {
            let Some(address) = address else { continue };
            let v4: Ipv4Addr = address.parse().expect(address);
            for spelling in [v4.into(), v4.to_ipv6_mapped().into()] {
                let judged = judge_addresses(&name(443), &[spelling], &Policy::default());
                assert_eq!(judged.is_err(), is_private, "{spelling}");
            }
        }
    }
}

#[test]
fn ipv6_ranges_end_where_they_should() {
    let private = [
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "4000::",
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "100::1",
        "5f00::1",
        "fc00::",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::ffff:0:8.8.8.8",
        "64:ff9b::ffff:a00:1",
    ];
    let public = [
        "2000::",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    for (addresses, is_private) in [(&private[..], true), (&public[..], false)] {
        for text in addresses {
            let address: Ipv6Addr = text.parse().expect(text);
            let judged = judge_addresses(&name(443), &[address.into()], &Policy::default());
            assert_eq!(judged.is_err(), is_private, "{text}");
        }
    }
}

fn name(port: u16) -> Target {
    judge_url(&format!("https://example.com:{port}"), &Policy::default()).expect("a public name")
}

#[test]
fn one_private_address_refuses_the_name() {
    let refused = resolved("https://a.example", &["8.8.8.8", "::ffff:10.0.0.1"], &Policy::default());

    let refused = refused.expect_err("a private address");
    assert_eq!(refused.to_string(), "URL points to a private network");
    assert!(refused.detail().starts_with("a.example resolves to an address that is not public"), "{refused:?}");
    let address: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
    assert_eq!(refused.resolved(), Some((address, "in 10.0.0.0/8")));
    assert_eq!(resolved("https://a.example", &["8.8.8.8", "2606:4700::1"], &Policy::default()), Ok(()));
}

#[test]
fn the_two_answers_are_those_of_the_api_and_details_name_rule_and_remedy() {
    let refused = |url: &str| judge_url(url, &Policy::default()).expect_err(url);

    assert_eq!(refused("nonsense").to_string(), "url is not valid");
    assert_eq!(refused("http://10.1.2.3").to_string(), "URL points to a private network");
    assert_eq!(
        refused("http://10.1.2.3").detail(),
        "it leads to 10.1.2.3, which is not public (in 10.0.0.0/8): use a public host, or have the operator allow it in egress.allow"
    );
    assert!(refused("http://printer.lan").detail().contains("under .lan"));
    assert!(refused("http://example.com:22").detail().contains("use 443, 80"));
}

#[test]
fn a_rule_allows_its_network_and_nothing_beside_it() {
    let policy = policy(&["10.1.0.0/16", "[fd00::/8]:443"]);

    assert_all(
        "allow",
        &policy,
        &["http://10.1.255.255", "http://[::ffff:10.1.0.1]:8080", "https://[fd00::1]", "https://example.com"],
    );
    assert_all("private", &policy, &["http://10.0.255.255", "http://10.2.0.0", "http://127.0.0.1", "http://[fc00::1]"]);
    assert_eq!(resolved("https://a.example", &["10.1.0.1", "8.8.8.8"], &policy), Ok(()));
    assert!(resolved("https://a.example", &["10.1.0.1", "10.2.0.1"], &policy).is_err());
    assert_all("private", &policy, &["http://a.internal", "http://intranet", "http://localhost"]);
}

#[test]
fn the_ports_of_a_rule_count_for_its_network_only() {
    let policy = policy(&["10.1.0.0/16:25-26"]);

    assert_all("allow", &policy, &["http://10.1.0.1:25", "http://10.1.0.1:26"]);
    assert_all("invalid", &policy, &["http://10.1.0.1", "http://10.1.0.1:27", "http://8.8.8.8:25"]);
    assert_all("private", &policy, &["http://10.2.0.1:25"]);
    assert_eq!(resolved("http://a.example:25", &["10.1.0.1"], &policy), Ok(()));
    assert_eq!(resolved("http://a.example:25", &["8.8.8.8"], &policy), Err(InvalidUrl::Port { port: 25 }.into()));
}

#[test]
fn development_allows_this_machine_and_no_more() {
    let dev = Policy::dev();

    assert_all(
        "allow",
        &dev,
        &[
            "http://localhost",
            "http://localhost:6000",
            "http://LOCALHOST.:8080",
            "http://127.9.9.9:1024",
            "http://[::1]:9000",
        ],
    );
    assert_all(
        "private",
        &dev,
        &["http://10.0.0.1", "http://[::]", "http://0.0.0.0:8080", "http://a.localhost", "http://host"],
    );
    assert_all("invalid", &dev, &["http://127.0.0.1:22", "http://localhost:22", "http://[::ffff:127.0.0.1]:1023"]);
    assert_eq!(resolved("http://localhost:8080", &["127.0.0.1", "::1"], &dev), Ok(()));
    assert!(resolved("http://localhost:8080", &["192.168.1.1"], &dev).is_err());
    assert!(resolved("http://a.example:6000", &["8.8.8.8"], &dev).is_err());
}
