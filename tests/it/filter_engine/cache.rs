//! Compiled filters: loaded after a restart, trusted only if this host made them; and the children that
//! compile them, which never outlive who asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hooksieve::filter::{Decision, FilterLimits, Refused};
use tempfile::TempDir;

use super::{COMPILER, DONE, Room};
use crate::guests::{DONE_RECORDS, FIELD_MATCH, slow_to_compile};

/// How long a test waits for what another process does.
const PATIENCE: Duration = Duration::from_secs(20);

fn no_compiler() -> &'static Path {
    Path::new("/nonexistent/compiler")
}

/// Whether the room can use the filter without compiling it, and that it can once there is a compiler again.
async fn is_trusted(room: Room, digest: hooksieve::model::filter::FilterDigest) -> bool {
    let room = room.reopened(no_compiler());
    let without_compiler = room.configure(digest, DONE).await;
    let room = room.reopened(Path::new(COMPILER));
    let configured = room.configure(digest, DONE).await.unwrap();
    assert_eq!(room.decide(&configured).await, Decision::Deliver);
    match without_compiler {
        Ok(_) => true,
        Err(Refused::Host { .. }) => false,
        Err(refused) => panic!("{refused}"),
    }
}

#[tokio::test]
async fn a_compiled_filter_survives_a_restart() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;

    assert!(is_trusted(room, digest).await);
}

#[tokio::test]
async fn a_compiled_filter_that_is_gone_or_cut_off_is_compiled_again() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    let artifact = room.artifact(digest);

    fs::File::options().write(true).open(&artifact).unwrap().set_len(20).unwrap();
    assert!(!is_trusted(room, digest).await);

    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    fs::remove_file(room.artifact(digest)).unwrap();
    assert!(!is_trusted(room, digest).await);
}

#[tokio::test]
async fn a_filter_that_cannot_be_kept_on_disk_runs_nonetheless() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    let room = room.reopened(Path::new(COMPILER));
    fs::remove_dir_all(room.folder.path()).unwrap();

    let configured = room.configure(digest, DONE).await.unwrap();

    assert_eq!(room.decide(&configured).await, Decision::Deliver);
}

#[tokio::test]
async fn a_compiled_filter_with_a_flipped_bit_is_compiled_again() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    let artifact = room.artifact(digest);

    let mut bytes = fs::read(&artifact).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&artifact, bytes).unwrap();

    assert!(!is_trusted(room, digest).await);
}

#[tokio::test]
async fn a_compiled_filter_of_another_host_is_compiled_again() {
    let (room, other) = (Room::open(), Room::open());
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    other.upload(FIELD_MATCH).await.unwrap();

    fs::copy(other.artifact(digest), room.artifact(digest)).unwrap();

    assert!(!is_trusted(room, digest).await);
}

#[tokio::test]
async fn a_compiled_filter_does_not_pass_for_another() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    let other = room.upload(DONE_RECORDS).await.unwrap().digest;

    fs::copy(room.artifact(other), room.artifact(digest)).unwrap();

    assert!(!is_trusted(room, digest).await);
}

/// A name for the compiler that no other test has, so that its processes can be told apart.
struct NamedCompiler(TempDir);

impl NamedCompiler {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::os::unix::fs::symlink(COMPILER, folder.path().join("compiler")).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("compiler")
    }

    fn is_running(&self) -> bool {
        let name = self.path().into_os_string().into_encoded_bytes();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes.into_iter().any(|process| {
            fs::read(process.path().join("cmdline")).is_ok_and(|command_line| command_line.starts_with(&name))
        })
    }

    /// Waits until it runs or does not run.
    async fn wait_until_running_is(&self, expected: bool) {
        let began = Instant::now();
        while self.is_running() != expected {
            assert!(began.elapsed() < PATIENCE, "the compiler should {}run", if expected { "" } else { "not " });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_compiling_child_is_killed_when_nobody_waits_for_it_any_more() {
    let compiler = NamedCompiler::new();
    let folder = TempDir::new().unwrap();
    let room = Room::start(FilterLimits::default(), folder.into(), Default::default(), &compiler.path());
    let slow = slow_to_compile(4_000);

    tokio::select! {
        result = room.upload(&slow) => panic!("it was compiled too fast to be killed: {result:?}"),
        () = compiler.wait_until_running_is(true) => {}
    }

    compiler.wait_until_running_is(false).await;
}

#[tokio::test]
async fn no_compiling_child_is_left_behind() {
    let compiler = NamedCompiler::new();
    let folder = TempDir::new().unwrap();
    let room = Room::start(FilterLimits::default(), folder.into(), Default::default(), &compiler.path());

    room.upload(FIELD_MATCH).await.unwrap();
    room.upload(b"\0asm no").await.unwrap_err();

    assert!(!compiler.is_running());
}
