//! What a process has of everything that a filter could leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::process::resident_bytes;

/// How long what is being closed may still be open.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much more memory a process may have than at first.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// How much more of what the runtime keeps there may be: its pools grow with what happens at once.
const KEPT_MORE_MAX: usize = 8;
/// The threads that the runtime keeps for its next use.
const RUNTIME_THREAD: &str = "tokio-rt-worker";

/// A process and its folders.
pub struct Watched {
    pid: u32,
    folders: [PathBuf; 2],
}

/// What it has at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// Threads by name.
    threads: BTreeMap<String, usize>,
    /// Open files by what they are, without numbers that say which.
    open: BTreeMap<String, usize>,
    /// Every file in its folders.
    files: BTreeSet<PathBuf>,
    /// Resident memory.
    pub rss_bytes: u64,
}

impl Watched {
    pub fn new(pid: u32, data: &Path, temporary: &Path) -> Self {
        Self { pid, folders: [data.to_owned(), temporary.to_owned()] }
    }

    pub fn now(&self) -> Seen {
        Seen {
            threads: count(
                self.tasks().filter_map(|task| Some(fs::read_to_string(task.join("comm")).ok()?.trim().into())),
            ),
            open: count(self.links().map(|link| link.split(['[', ' ']).next().unwrap_or_default().to_owned())),
            files: self.folders.iter().flat_map(|folder| files_in(folder)).collect(),
            rss_bytes: resident_bytes(self.pid),
        }
    }

    /// Waits until it has nothing that it did not have before.
    pub async fn wait_until_nothing_is_left(&self, before: &Seen) -> Seen {
        let began = Instant::now();
        loop {
            let now = self.now();
            let mut left = now.beyond(before);
            left.extend(children_of(self.pid).into_iter().map(|child| format!("the child {child}")));
            if left.is_empty() {
                return now;
            }
            assert!(began.elapsed() < PATIENCE, "left behind: {left:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn tasks(&self) -> impl Iterator<Item = PathBuf> {
        entries(&PathBuf::from(format!("/proc/{}/task", self.pid)))
    }

    fn links(&self) -> impl Iterator<Item = String> {
        let links = entries(&PathBuf::from(format!("/proc/{}/fd", self.pid)));
        links.filter_map(|link| Some(fs::read_link(link).ok()?.to_string_lossy().into_owned()))
    }
}

impl Seen {
    /// What was not there before.
    fn beyond(&self, before: &Self) -> Vec<String> {
        let more = |now: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>, kept: &str| -> Vec<_> {
            let allowed = |name: &str| {
                before.get(name).copied().unwrap_or_default() + if name == kept { KEPT_MORE_MAX } else { 0 }
            };
            now.iter()
                .filter(|(name, count)| **count > allowed(name))
                .map(|(name, count)| format!("{count} {name}"))
                .collect()
        };
        let mut left = more(&self.threads, &before.threads, RUNTIME_THREAD);
        left.extend(more(&self.open, &before.open, "socket:"));
        left.extend(self.files.difference(&before.files).map(|file| file.display().to_string()));
        if self.rss_bytes > before.rss_bytes + GROWTH_BYTES_MAX {
            left.push(format!("{} MiB, before {} MiB", self.rss_bytes >> 20, before.rss_bytes >> 20));
        }
        left
    }
}

/// The processes that this one started, and that are not waited for yet.
pub fn children_of(pid: u32) -> Vec<u32> {
    let processes = entries(Path::new("/proc")).filter_map(|process| process.file_name()?.to_str()?.parse().ok());
    processes.filter(|&process: &u32| stat(process).is_some_and(|stat| stat[1] == pid.to_string())).collect()
}

/// What the kernel says of a process behind its name: state, parent and so on.
pub fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (folders, mut files): (Vec<_>, Vec<_>) = entries(folder).partition(|entry| entry.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_in(folder)));
    files
}

/// What is there; what goes away meanwhile was not.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}
