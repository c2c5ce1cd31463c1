//! URLs in every spelling, at every door: registration, change, `check-url`, and an attempt at a stored one.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use hooksieve::wire::PatchWebhook;
use serde_json::Value;
use tempfile::TempDir;

use super::{Script, Trap, assert_refused, only_attempt, rules};
use crate::app::{TestApp, created, problem, webhook};
use crate::process::{command, printed};

/// Not a URL for webhooks.
const INVALID: &[&str] = &[
    "",
    "example.com",
    "//example.com/",
    "http:example.com",
    "http:///example.com/",
    "http://",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)",
    "data:text/plain,x",
    // User names, and what looks like them.
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:80@127.0.0.1:8080/",
    "https://@127.0.0.1/",
    "http://1.1.1.1 &@127.0.0.1# @8.8.8.8/",
    // What parsers read differently.
    "http://example.com\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "https://exa\tmple.com/",
    "https://example.com/\r\nhost: a",
    "http://127.0.0.1\n.example.com/",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/a b",
    "https://example.com\u{0}/",
    "https://exam%00ple.com/",
    "https://exam%2fple.com/",
    "https://exam%5cple.com/",
    "http://127.0.0.1%2f@example.com/",
    // Hosts that are none.
    "https://a..example.com/",
    "https://example.com../",
    "https://exa$mple.com/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1]x/",
    "http://[127.0.0.1]/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://0x100000000/",
    "http://08.8.8.8/",
    // Ports.
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:1023/",
    "https://example.com:6000/",
    "https://example.com:65536/",
    "https://example.com:+80/",
    "https://example.com:80:80/",
    "https://example.com:eighty/",
    "https://example.com:8 0/",
];

/// Not on the public internet.
const PRIVATE: &[&str] = &[
    "http://localhost/",
    "http://LOCALHOST.:8080/",
    "http://a.localhost/",
    "http://loc%61lhost/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://intranet/",
    "http://db.internal/",
    "http://printer.local/",
    "http://router.home.arpa/",
    "http://metadata.google.internal/computeMetadata/v1/",
    // One address in many spellings.
    "http://127.0.0.1:8080/",
    "http://127.0.0.2/",
    "http://127.0.0.2./",
    "http://127.2/",
    "http://127.0.2/",
    "http://2130706434/",
    "http://0x7f000002/",
    "http://0X7F.2/",
    "http://0x7f.0x0.0x0.0x2/",
    "http://017700000002/",
    "http://0177.0.0.02/",
    "http://%31%32%37.0.0.2/",
    "http://127%2e0%2e0%2e2/",
    "http://１２７.０.０.２/",
    "http://127。0。0。2/",
    "http://127．0．0．2/",
    "http://127｡0｡0｡2/",
    "http://①②⑦.⓪.⓪.②/",
    "http://127.0.0.2:22/",
    "http://127.0.0.2:443/",
    // Others that must not be reached.
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://10.0.0.1/",
    "http://100.64.0.1/",
    "http://168.63.129.16/metadata",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://169.254.43518/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    // IPv6, and the IPv4 inside of it.
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.2]/",
    "http://[::8.8.8.8]/",
    "http://[::ffff:127.0.0.2]/",
    "http://[::ffff:7f00:2]/",
    "http://[0:0:0:0:0:FFFF:0a00:0001]/",
    "http://[::ffff:0:127.0.0.2]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::8.8.8.8]/",
    "http://[2002:7f00:2::]/",
    "http://[2001:0:7f00:2::]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[3fff::1]/",
    // A public name, as the table has it.
    "https://inside.example/",
    "https://INSIDE.example.:8443/",
];

/// Public, in spellings that are as good as others.
const ALLOWED: &[&str] = &[
    "https://public.example/",
    "https://PUBLIC.example./hook?a=b#c",
    "https://public.example:443/",
    "http://public.example:80/",
    "http://public.example:00080/",
    "http://public.example:/",
    "https://public.example:8443/@/127.0.0.1",
    "https://bücher.example/",
    "https://8.8.8.8/",
    "http://0x8080808/",
    "http://[2606:4700::1111]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::8.8.8.8]/",
    "https://unknown.example/",
];

/// What each is to be called, in the words of `check-url`.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let with = |word: &'static str| move |url: &&'static str| (*url, word);
    let (invalid, private) = (INVALID.iter().map(with("invalid")), PRIVATE.iter().map(with("private")));
    invalid.chain(private).chain(ALLOWED.iter().map(with("allow")))
}

fn script() -> Arc<Script> {
    let script = Arc::new(Script::default());
    script.set("inside.example", &["8.8.8.8", "10.1.2.3"]);
    for name in ["public.example", "xn--bcher-kva.example"] {
        script.set(name, &["8.8.8.8"]);
    }
    script
}

#[tokio::test]
async fn registration_and_change_judge_every_spelling_alike() {
    let app = TestApp::start_resolving(script().resolver(), |config| config.dev = false).await;
    let user = app.user("u1").await;
    let before = user.create_webhook(&webhook("https://8.8.8.8/")).await.unwrap();

    for (url, word) in all() {
        let patch = PatchWebhook { url: Some(url.to_owned()), ..PatchWebhook::default() };
        let registered = user.create_webhook(&webhook(url)).await;
        let changed = user.update_webhook(&before.id, &patch).await;

        let expected = match word {
            "allow" => {
                assert_eq!(registered.unwrap().url, url);
                assert_eq!(changed.unwrap().url, url);
                continue;
            }
            "invalid" => "url is not valid",
            _ => "URL points to a private network",
        };
        for refused in [problem(registered), problem(changed)] {
            assert_eq!((refused.status, refused.code.as_str()), (400, "BAD_USER_INPUT"), "{url:?}");
            assert_eq!((refused.detail.as_str(), refused.errors[0].pointer.as_str()), (expected, "/url"), "{url:?}");
            assert_ne!(refused.errors[0].detail, expected, "{url:?}");
        }
    }
}

#[tokio::test]
async fn check_url_judges_as_the_host_does_and_says_so_by_its_exit_code() {
    let folder = TempDir::new().unwrap();
    let (table, config) = (folder.path().join("table"), folder.path().join("hooksieve.toml"));
    fs::write(&table, "inside.example 8.8.8.8 10.1.2.3\npublic.example 8.8.8.8\nxn--bcher-kva.example 8.8.8.8\n")
        .unwrap();
    fs::write(&config, "[egress]\nallow = [\"10.9.0.0/16:8080\"]\n").unwrap();
    let check = async |urls: &[&str]| {
        // A URL may begin with blanks, but no argument can hold a NUL.
        let urls: Vec<&&str> = urls.iter().filter(|url| !url.contains('\0')).collect();
        let mut command = command(&[]);
        command.args(["--json", "check-url", "--resolver-table"]).arg(&table).arg("--").args(&urls);
        let output = command.current_dir(folder.path()).output().await.unwrap();
        let (out, err) = printed(&output);
        let words: Vec<String> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["verdict"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words.len(), urls.len(), "{err}");
        (output.status.code(), words)
    };

    let (refused, words) = check(&all().map(|(url, _)| url).collect::<Vec<_>>()).await;
    let (allowed, _) = check(&[&["http://10.9.0.1:8080/"], ALLOWED].concat()).await;

    let expected: Vec<&str> = all().filter(|(url, _)| !url.contains('\0')).map(|(_, word)| word).collect();
    assert_eq!(words, expected);
    assert_eq!((refused, allowed), (Some(1), Some(0)));
}

/// Spellings of an address, for a port.
fn spellings(port: u16) -> Vec<String> {
    let spelled = [
        "127.0.0.2",
        "127.2",
        "2130706434",
        "0x7f.2",
        "0177.0.0.2",
        "127。0。0。2",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
    ];
    spelled.iter().map(|host| format!("http://{host}:{port}/")).collect()
}

#[tokio::test]
async fn a_stored_url_is_judged_again_at_each_attempt_when_the_policy_has_changed() {
    let script = Arc::new(Script::default());
    let trap = Trap::at(SocketAddr::from(([127, 0, 0, 2], 0)));
    let port = trap.address().port();
    script.set("hooks.example", &["127.0.0.2"]);
    let urls: Vec<String> = spellings(port).into_iter().chain([format!("http://hooks.example:{port}/")]).collect();
    let before = TestApp::start_running_with(script.resolver(), |config| {
        config.dev = false;
        config.egress.allow = rules(&["127.0.0.0/8:1-65535"]);
    })
    .await;
    let user = before.user("u1").await;
    let mut registered = Vec::new();
    for url in &urls {
        registered.push(user.create_webhook(&webhook(url)).await.unwrap());
    }
    let token = before.operator().create_token("u1", &Default::default()).await.unwrap().token;

    let app = before.reconfigured(super::strict).await;
    app.send(&created("e1")).await;

    let user = app.client(token.expose());
    trap.assert_never_dialled("stored");
    for (webhook, url) in registered.iter().zip(&urls) {
        assert_refused(&only_attempt(&user, webhook).await, "URL points to a private network", url);
    }
}
