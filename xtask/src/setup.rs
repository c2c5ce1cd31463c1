//! Provides a compiler for the filters: rustup's target where its server can be reached, else the
//! distribution's toolchain with the source of the standard library.
//!
//! What is pinned: the rustup target comes with the toolchain that `rust-toolchain.toml` names, to the patch
//! version. Debian's packages cannot be pinned to a version that its mirrors will still have next month; they
//! are Debian's security-supported `rustc-web` line, signed by Debian, and their version only decides how
//! filters are compiled, never the host. The crates are pinned by `Cargo.lock` either way.
//!
//! It looks before it acts, and does nothing where a toolchain is found.

use std::env;
use std::error::Error;
use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use hooksieve_filter_build::{TARGET, Toolchain};

/// How long the server that has rustup's targets may take to accept a connection.
const PROBE: Duration = Duration::from_secs(4);
/// How long rustup may take to download the target (about 25 MB); afterwards it is stopped.
const RUSTUP: Duration = Duration::from_secs(180);
/// How often to look whether rustup is done.
const POLL: Duration = Duration::from_millis(100);

/// Rustup's server, where `RUSTUP_DIST_SERVER` names no other.
const DIST_SERVER: &str = "https://static.rust-lang.org";
/// The toolchain with the source of the standard library.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Makes sure that filters can be compiled.
///
/// # Errors
///
/// If no way leads there; the error says what to run by hand.
pub(crate) fn run(root: &Path) -> Result<(), Box<dyn Error>> {
    if let Ok(toolchain) = Toolchain::find(root) {
        eprintln!("xtask: filters are compiled by {}", toolchain.describe(&root.join("target/filters")));
        return Ok(());
    }
    for attempt in [rustup, apt] {
        match attempt(root) {
            Ok(()) => match Toolchain::find(root) {
                Ok(toolchain) => {
                    eprintln!("xtask: filters are compiled by {}", toolchain.describe(&root.join("target/filters")));
                    return Ok(());
                }
                Err(missing) => eprintln!("xtask: done, but {missing}"),
            },
            Err(reason) => eprintln!("xtask: {reason}"),
        }
    }
    Err(Box::new(NoWay))
}

/// Neither rustup nor the distribution could help.
#[derive(Debug)]
struct NoWay;

impl fmt::Display for NoWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no compiler for the filters could be installed; run one of these and try again:\n  \
             rustup target add {TARGET}\n  apt-get install {}   (as root, on Debian or Ubuntu)",
            PACKAGES.join(" ")
        )
    }
}

impl Error for NoWay {}

/// `rustup target add`, if its server answers at all: rustup itself waits for minutes where it does not.
fn rustup(root: &Path) -> Result<(), String> {
    if !runs(Command::new("rustup").arg("--version").current_dir(root)) {
        return Err("there is no rustup".into());
    }
    let server = first_hop(&|name| env::var(name).ok());
    eprintln!("xtask: looking for rustup's server at {server}");
    if !answers(&server) {
        return Err(format!("{server} does not answer within {} s", PROBE.as_secs()));
    }
    eprintln!("xtask: rustup target add {TARGET} (at most {} s)", RUSTUP.as_secs());
    within(Command::new("rustup").args(["target", "add", TARGET]).current_dir(root), RUSTUP)
}

/// The distribution's packages, on Debian and its kin, for root. A developer is told the command instead: it
/// changes their machine.
fn apt(root: &Path) -> Result<(), String> {
    install(root, &PACKAGES)
}

/// Installs packages with apt-get.
pub(crate) fn install(root: &Path, packages: &[&str]) -> Result<(), String> {
    if !runs(Command::new("apt-get").arg("--version").current_dir(root)) {
        return Err("there is no apt-get".into());
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return Err("apt-get needs root".into());
    }
    let install = ["install", "-y", "--no-install-recommends"];
    for arguments in [&["update"][..], &[&install[..], packages].concat()] {
        eprintln!("xtask: apt-get {}", arguments.join(" "));
        let mut command = Command::new("apt-get");
        // Its progress goes where ours does.
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr());
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("apt-get {}: {status}", arguments[0])),
            Err(error) => return Err(format!("cannot run apt-get: {error}")),
        }
    }
    Ok(())
}

/// Whether a command runs and succeeds, without a word.
pub(crate) fn runs(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Runs a command and stops it when its time is up.
fn within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| format!("cannot run rustup: {error}"))?;
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("rustup: {status}")),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            Ok(None) | Err(_) => {
                // It may have ended meanwhile; then there is nothing to stop.
                child.kill().ok();
                child.wait().ok();
                return Err(format!("rustup was not done within {} s", limit.as_secs()));
            }
        }
    }
}

/// The host and port that a request to rustup's server goes to first: a proxy's, if one is set.
fn first_hop(variable: &dyn Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let server = set("RUSTUP_DIST_SERVER").unwrap_or_else(|| DIST_SERVER.into());
    let proxy = if server.starts_with("http://") {
        set("http_proxy")
    } else {
        set("https_proxy").or_else(|| set("HTTPS_PROXY"))
    };
    authority(&proxy.or_else(|| set("all_proxy")).or_else(|| set("ALL_PROXY")).unwrap_or(server))
}

/// `host:port` of a URL.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match (has_port, scheme) {
        (true, _) => authority.to_owned(),
        (false, "https") => format!("{authority}:443"),
        (false, _) => format!("{authority}:80"),
    }
}

/// Whether someone accepts a connection there in time. Resolving a name can hang too, so a thread does both.
fn answers(address: &str) -> bool {
    let (sender, receiver) = mpsc::channel();
    let address = address.to_owned();
    thread::spawn(move || {
        let is_open = address
            .to_socket_addrs()
            .is_ok_and(|mut addresses| addresses.any(|address| TcpStream::connect_timeout(&address, PROBE).is_ok()));
        // Nobody listens any more if the time was up.
        sender.send(is_open).ok();
    });
    receiver.recv_timeout(PROBE).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_goes_where_rustup_would() {
        let none = |_: &str| None;
        let proxy = |name: &str| (name == "https_proxy").then(|| "http://me:pw@proxy.test:3128/".into());
        let mirror = |name: &str| (name == "RUSTUP_DIST_SERVER").then(|| "http://mirror.test/rust".into());

        assert_eq!(first_hop(&none), "static.rust-lang.org:443");
        assert_eq!(first_hop(&proxy), "proxy.test:3128");
        assert_eq!(first_hop(&mirror), "mirror.test:80");
    }

    #[test]
    fn a_port_that_nobody_listens_on_does_not_answer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(answers(&address));

        // Not the port that was just freed: a test beside this one may hold it still, in a child that it has not
        // yet turned into its command. Port 1 (tcpmux) is given to nobody who asks for any port.
        assert!(!answers("127.0.0.1:1"));
    }

    #[test]
    fn a_command_that_takes_too_long_is_stopped() {
        let error = within(Command::new("sleep").arg("60"), Duration::ZERO).unwrap_err();

        assert!(error.contains("not done"));
    }
}
