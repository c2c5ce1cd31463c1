//! What a thousand different filters cost a host that starts again: time and memory.
//!
//! The host is a process of its own, so that its memory is its alone. It cannot compile anything: what it
//! runs comes from the compiled files that the process before it left.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fan_out::Host;
use crate::room::{Room, guests, variant};

/// The word that selects this.
pub(crate) const NAME: &str = "thousand";
/// The argument that makes this program the host that starts again.
pub(crate) const ARGUMENT: &str = "start-again";

/// Makes the filters and a webhook for each, then starts again in another process.
pub(crate) fn measure(runtime: &Runtime) {
    let wasm = &guests()["done-records"];
    let folder = TempDir::new().expect("a temporary folder can be made");
    {
        let room = Room::open_in(folder.path(), 2, 0);
        let digests: Vec<_> = (0..1_000).map(|number| room.upload(runtime, &variant(wasm, number))).collect();
        let host = Host::open(folder.path(), &room.host);
        runtime.block_on(async {
            host.add(1_000, &digests).await;
            host.close().await;
        });
    }
    let program = std::env::current_exe().expect("the system tells");
    let status = Command::new(program).args([ARGUMENT.as_ref(), folder.path().as_os_str()]).status();
    assert!(status.expect("this program can be started").success());
}

/// Is the host that starts again.
pub(crate) fn start_again(folder: &Path, runtime: &Runtime) {
    let before = resident_mib();
    let began = Instant::now();
    let room = Room::open_in(folder, 2, 0);
    let host = Host::open(folder, &room.host);
    let ready = began.elapsed();
    let first = runtime.block_on(host.time(1_000, 1));
    let resident = resident_mib();
    let next = runtime.block_on(host.time(1_000, 10)) / 10;
    let millis = |duration: Duration| format!("{:.0} ms", duration.as_secs_f64() * 1e3);
    println!("\nA thousand filters, a webhook for each, after a restart:");
    println!("- ready after {}; verdicts of all on the first event after {} more", millis(ready), millis(first));
    println!("- verdicts of all on each event after it: {}", millis(next));
    println!("- resident memory: {resident} MiB, before it began {before} MiB");
    runtime.block_on(host.close());
}

/// Resident memory of this process.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib / 1024
}
