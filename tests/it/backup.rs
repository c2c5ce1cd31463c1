//! A backup of a host that is at work has everything that was acknowledged before it began, and is of use only with
//! the key.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::app::{created, member, webhook};
use crate::durability::send_until_gone;
use crate::process::{Process, command, printed, serve};
use crate::receiver::{Answer, Receiver};

async fn backup(data: &Path, to: &Path) -> Output {
    command(&[]).arg("backup").arg(to).arg("--data").arg(data).output().await.unwrap()
}

/// A data folder with this copy as its database.
fn restored(copy: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::copy(copy, folder.path().join("hooksieve.db")).unwrap();
    folder
}

#[tokio::test]
async fn a_backup_under_load_has_every_event_that_was_acknowledged_before_it() {
    let (data, receiver, place) = (TempDir::new().unwrap(), Receiver::start().await, TempDir::new().unwrap());
    let copy = place.path().join("backup.db");
    // Nothing is answered, so every delivery is still owed in the copy.
    receiver.always("/a", Answer::held());
    let process = Process::start(data.path(), &[]).await;
    let token = member(&process.operator(), "u1").await;
    process.client(&token).create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let senders = (0..4).map(|sender| {
        tokio::spawn(send_until_gone(process.operator(), format!("s{sender}"), Arc::clone(&acknowledged)))
    });
    let senders: Vec<_> = senders.collect();
    receiver.wait_for("/a", 5).await;
    let until = |count: usize| {
        let acknowledged = Arc::clone(&acknowledged);
        async move {
            while acknowledged.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        }
    };
    until(300).await;

    let before: BTreeSet<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    let made = backup(data.path(), &copy).await;
    // Whatever the copy does, the host goes on accepting.
    until(before.len() + 50).await;
    process.kill().await;
    join_all(senders).await;

    let (told, errors) = printed(&made);
    assert!(made.status.success(), "{errors}");
    assert!(told.contains("checked") && told.contains("sealing.key"), "{told}");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let beside: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["backup.db"], "nothing is left beside it");

    let second = restored(&copy);
    std::fs::copy(data.path().join("sealing.key"), second.path().join("sealing.key")).unwrap();
    receiver.always("/a", Answer::status(204));
    receiver.release();
    let process = Process::start(second.path(), &[]).await;
    for id in &before {
        process.operator().get_event(id).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    }
    // The secrets open with the key: deliveries go on.
    let count = receiver.on("/a").len();
    process.operator().send_event(&created("after-the-restore")).await.unwrap();
    receiver.wait_for("/a", count + 1).await;
}

#[tokio::test]
async fn a_backup_replaces_no_file_and_makes_none_of_nothing() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let copy = place.path().join("backup.db");
    Process::start(data.path(), &[]).await.terminate().await;

    let stopped = backup(data.path(), &copy).await;
    let bytes = std::fs::read(&copy).unwrap();
    let again = backup(data.path(), &copy).await;
    let nothing = backup(place.path(), &place.path().join("other.db")).await;
    std::fs::write(place.path().join("hooksieve.db"), b"a text that is no database, and long enough to have a header")
        .unwrap();
    let no_database = backup(place.path(), &place.path().join("other.db")).await;
    let nowhere = backup(data.path(), Path::new("/no/such/folder/backup.db")).await;

    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);
    for (output, words) in [
        (again, "is there already; choose another name"),
        (nothing, "is missing; name the folder of a host's data"),
        (no_database, "cannot be copied"),
        (nowhere, "cannot be written"),
    ] {
        let (_, told) = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(words) && told.contains("hint: "), "{words} is not in {told}");
    }
    assert!(!place.path().join("other.db").exists());
}

#[tokio::test]
async fn a_restored_backup_is_refused_without_its_key_and_with_another() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let copy = place.path().join("backup.db");
    let key = "5a".repeat(32);
    let process = Process::start(data.path(), &[("HOOKSIEVE_SEALING_KEY", key.as_str())]).await;
    assert!(!data.path().join("sealing.key").exists(), "a key of the environment is not written down");
    let made = backup(data.path(), &copy).await;
    assert!(printed(&made).0.contains("HOOKSIEVE_SEALING_KEY"), "{made:?}");
    process.terminate().await;
    let folder = restored(&copy);

    let none = serve(folder.path(), &[]).output().await.unwrap();
    let other = serve(folder.path(), &[("HOOKSIEVE_SEALING_KEY", "a5".repeat(32).as_str())]).output().await.unwrap();
    let nonsense = serve(folder.path(), &[("HOOKSIEVE_SEALING_KEY", "nonsense")]).output().await.unwrap();
    std::fs::write(folder.path().join("sealing.key"), "a5".repeat(32)).unwrap();
    let other_file = serve(folder.path(), &[]).output().await.unwrap();

    for (output, words) in [
        (none, "sealing.key is missing"),
        (other, "was made with another sealing key"),
        (nonsense, "64 hexadecimal digits"),
        (other_file, "was made with another sealing key"),
    ] {
        let (_, told) = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(words), "{words} is not in {told}");
        assert!(!told.contains("a5a5") && !told.contains("nonsense"), "{told}");
    }
    Process::start(folder.path(), &[("HOOKSIEVE_SEALING_KEY", key.as_str())]).await.terminate().await;
}
