//! The process that compiles: what it has of the host's, and that it ends with it.

use std::fs;
use std::time::{Duration, Instant};

use hooksieve::wire::UploadQuery;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::watched::{children_of, stat};
use crate::app::member;
use crate::guests::slow_to_compile;
use crate::process::Process;

/// How long a host may take until it compiles.
const START_MAX: Duration = Duration::from_secs(20);
/// How long a child may live on: less than it would need to finish.
const END_MAX: Duration = Duration::from_secs(3);
/// Where `nice` stands in what the kernel says of a process.
const NICE: usize = 16;

/// A host that compiles something that takes long.
struct Compiling {
    host: Process,
    child: u32,
    upload: JoinHandle<()>,
    _data: TempDir,
}

impl Compiling {
    /// Waits until the child has begun.
    async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let host = Process::start(data.path(), &[]).await;
        let user = host.client(&member(&host.operator(), "u1").await);
        let upload = tokio::spawn(async move {
            // A host that is asked to stop may still finish it.
            drop(user.upload_filter(&UploadQuery::default(), slow_to_compile(4_000)).await);
        });
        let child = wait(START_MAX, || {
            children_of(host.pid()).first().copied().filter(|&child| limit(child, "Max open files") == "0 0")
        })
        .await;
        Self { host, child, upload, _data: data }
    }
}

/// Waits until there is an answer.
async fn wait<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < patience, "it should have happened by now");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The soft and the hard limit; of a process that is gone, nothing.
fn limit(pid: u32, name: &str) -> String {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_compiling_child_has_nothing_of_the_hosts_and_is_the_first_to_go() {
    let compiling = Compiling::start().await;
    let child = compiling.child;

    let mut open: Vec<_> =
        fs::read_dir(format!("/proc/{child}/fd")).unwrap().map(|fd| fd.unwrap().file_name()).collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"]);
    assert_eq!(read(child, "environ"), "MIMALLOC_ARENA_RESERVE=16MiB\0");
    assert_eq!(fs::read_link(format!("/proc/{child}/cwd")).unwrap().to_str(), Some("/"));
    assert_eq!(limit(child, "Max address space"), format!("{0} {0}", 2_u64 << 30));
    assert_eq!(limit(child, "Max cpu time"), "60 61");
    assert_eq!(limit(child, "Max core file size"), "0 0");
    assert_eq!(limit(child, "Max file size"), "0 0");
    assert_eq!(read(child, "oom_score_adj"), "1000");
    let nice = |pid| stat(pid).unwrap()[NICE].parse::<i32>().unwrap();
    assert_eq!(nice(child), (nice(compiling.host.pid()) + 5).min(19));
}

#[tokio::test]
async fn a_compiling_child_ends_with_a_host_that_is_killed() {
    let Compiling { host, child, upload, _data } = Compiling::start().await;

    host.kill().await;

    // Gone, or dead and not yet waited for by whoever inherited it.
    wait(END_MAX, || stat(child).is_none_or(|stat| stat[0] == "Z").then_some(())).await;
    upload.await.unwrap();
}

#[tokio::test]
async fn a_compiling_child_ends_with_a_host_that_is_asked_to_stop() {
    let Compiling { host, child, upload, _data } = Compiling::start().await;

    host.terminate().await;

    wait(END_MAX, || stat(child).is_none_or(|stat| stat[0] == "Z").then_some(())).await;
    upload.await.unwrap();
}
