//! Folders that a host does not start on: it says which file is wrong and what to do, and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::disk::Disk;
use crate::app::created;
use crate::process::{Process, printed, serve};

const DATABASE: &str = "hooksieve.db";
/// Bytes of a page of the database.
const PAGE: usize = 4096;

/// Every file under the folder with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => contents(&path).into_iter().collect::<Vec<_>>(),
            false => vec![(path.clone(), fs::read(&path).unwrap())],
        })
        // SQLite's index of the log is no data: it is made from the log.
        .filter(|(path, _)| !path.to_string_lossy().ends_with("-shm"))
        .collect()
}

fn assert_refused(output: &Output, words: &str) {
    let (_, told) = printed(output);
    assert_eq!(output.status.code(), Some(1), "{words}: {told}");
    assert!(told.contains(words) && told.contains("hint: "), "{words} is not in {told}");
}

/// How to spoil the file of a database that was closed well.
type Spoil = fn(&mut Vec<u8>);

/// What is spoiled, and what is said of it.
const SPOILED: [(Spoil, &str); 5] = [
    (|bytes| bytes.truncate(bytes.len() / 2), "hooksieve.db is damaged"),
    (|bytes| bytes.truncate(bytes.len() / PAGE / 2 * PAGE + 7), "hooksieve.db is damaged"),
    (|bytes| bytes.clear(), "hooksieve.db is missing or empty; restore it from a backup"),
    (|bytes| bytes[..16].fill(b'x'), "hooksieve.db is not a hooksieve database"),
    // The number of the schema, in the header.
    (|bytes| bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes()), "has schema 9999, newer than"),
];

#[tokio::test]
async fn a_spoiled_database_is_refused_with_its_name_and_a_remedy_and_left_as_it_is() {
    let data = crate::app::data_folder().await;
    let (status, _) = Process::start(data.path(), &[]).await.terminate().await;
    assert!(status.success());
    let path = data.path().join(DATABASE);
    let good = fs::read(&path).unwrap();

    for (spoil, words) in SPOILED {
        let mut bytes = good.clone();
        spoil(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let before = contents(data.path());

        let refused = serve(data.path(), &[]).output().await.unwrap();

        assert_refused(&refused, words);
        assert!(contents(data.path()) == before, "{words}: something was changed");
    }
    fs::write(&path, good).unwrap();
    Process::start(data.path(), &[]).await.terminate().await;
}

#[tokio::test]
async fn flipped_bytes_are_found_after_a_kill() {
    let data = crate::app::data_folder().await;
    let process = Process::start(data.path(), &[]).await;
    process.operator().send_event(&created("e1")).await.unwrap();
    process.terminate().await;
    Process::start(data.path(), &[]).await.kill().await;
    let path = data.path().join(DATABASE);
    let mut bytes = fs::read(&path).unwrap();
    // The first byte of a page says what kind of page it is.
    bytes.iter_mut().skip(PAGE).step_by(PAGE).for_each(|byte| *byte ^= 0x55);
    fs::write(&path, &bytes).unwrap();

    let refused = serve(data.path(), &[]).output().await.unwrap();

    assert_refused(&refused, "hooksieve.db is damaged");
    assert!(fs::read(&path).unwrap() == bytes, "the file was changed");
}

#[tokio::test]
async fn a_read_only_disk_is_refused_with_its_name_and_a_remedy() {
    let disk = Disk::new(128 << 20).await;
    disk.make_read_only().await;
    let before = contents(&disk.folder());

    let refused = disk.serve().output().await.unwrap();

    assert_refused(&refused, "check that it is writable by this user");
    assert!(contents(&disk.folder()) == before, "something was changed");
}
