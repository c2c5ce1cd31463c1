//! What a host did to the files of its database, read from what `strace` wrote down, and what a power cut in the
//! middle of it would have left on the disk.

use std::collections::BTreeMap;

use crate::queue::numbers::Numbers;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The files whose names begin so; the index of the log is made anew from the log.
const DATABASE: &str = "hooksieve.db";
const INDEX: &str = "hooksieve.db-shm";

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

enum Deed {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
    Sync,
}

/// One call on one file.
pub struct Step {
    /// When it was made, in seconds since the epoch.
    pub at: f64,
    file: String,
    deed: Deed,
}

/// Which syncs count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    All,
    /// Those of the log do not reach the disk: what the check itself is checked with.
    NotOfLog,
}

/// Reads the lines of `strace -f -y -xx -ttt`. A call that failed counts as not made.
pub fn read(lines: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    for line in lines {
        let parts = line.split_once(' ').and_then(|(_, rest)| rest.trim_start().split_once(' '));
        let Some((at, call)) = parts else { continue };
        let at = at.parse().unwrap();
        let Some((name, arguments)) = call.split_once('(') else { continue };
        let Some(file) = file_of(arguments).filter(|file| file.starts_with(DATABASE) && file != INDEX) else {
            continue;
        };
        assert!(!call.contains(" = -1"), "a call failed: {call}");
        let deed = match name {
            "pwrite64" => write(arguments),
            "ftruncate" => Deed::Truncate { length: last_number(arguments) },
            // It covers what was written when it began: another thread goes on writing meanwhile.
            "fsync" | "fdatasync" => Deed::Sync,
            _ => continue,
        };
        steps.push(Step { at, file, deed });
    }
    steps
}

/// The name of the file in `12<\x2f\x74…>, …`.
fn file_of(arguments: &str) -> Option<String> {
    let path = arguments.split_once('<')?.1.split_once('>')?.0;
    let path = String::from_utf8(unescape(path)).unwrap();
    Some(path.rsplit('/').next()?.to_owned())
}

/// `…, "\x00\x01…", 4096, 56) = 4096`, or cut off behind the arguments.
fn write(arguments: &str) -> Deed {
    let (before, after) = arguments.rsplit_once('"').unwrap();
    assert!(!after.starts_with("..."), "a write is longer than what is written down of it");
    let bytes = unescape(before.split_once('"').unwrap().1);
    let mut numbers = after.trim_start_matches(", ").split([',', ')', '<']);
    let length: usize = numbers.next().unwrap().trim().parse().unwrap();
    assert_eq!(bytes.len(), length);
    Deed::Write { offset: numbers.next().unwrap().trim().parse().unwrap(), bytes }
}

fn last_number(arguments: &str) -> usize {
    let arguments = arguments.split([')', '<']).rfind(|part| part.contains(", ")).unwrap();
    arguments.rsplit(", ").next().unwrap().trim().parse().unwrap()
}

fn unescape(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect()
}

/// What is on the disk after a cut behind these steps: what was synced, and of the rest whatever the disk happened
/// to have written, a last sector of a write or not.
pub fn left_by_cut(before: &Files, steps: &[Step], syncs: Syncs, numbers: &mut Numbers) -> Files {
    let mut files = before.clone();
    let mut pending: BTreeMap<&str, Vec<&Deed>> = BTreeMap::new();
    for step in steps {
        let of_file = pending.entry(&step.file).or_default();
        match step.deed {
            Deed::Sync if syncs == Syncs::NotOfLog && step.file != DATABASE => {}
            Deed::Sync => {
                let file = files.entry(step.file.clone()).or_default();
                of_file.drain(..).for_each(|deed| apply(file, deed, usize::MAX));
            }
            _ => of_file.push(&step.deed),
        }
    }
    // A third of all cuts leave nothing of the rest, a third all of it, a third some.
    let luck = numbers.below(3);
    for (name, deeds) in pending {
        let file = files.entry(name.to_owned()).or_default();
        for deed in deeds {
            let is_written = luck == 1 || luck == 2 && numbers.below(2) == 0;
            let is_torn = luck == 2 && numbers.below(4) == 0;
            let sectors = if is_torn { usize::try_from(numbers.below(8)).unwrap() } else { usize::MAX / SECTOR };
            if is_written {
                apply(file, deed, sectors * SECTOR);
            }
        }
    }
    files
}

fn apply(file: &mut Vec<u8>, deed: &Deed, bytes_max: usize) {
    match deed {
        Deed::Write { offset, bytes } => {
            let bytes = &bytes[..bytes.len().min(bytes_max)];
            let end = offset + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*offset..end].copy_from_slice(bytes);
        }
        Deed::Truncate { length } => file.resize(*length, 0),
        Deed::Sync => unreachable!("a sync is never pending"),
    }
}
