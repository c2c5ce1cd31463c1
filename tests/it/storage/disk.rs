//! A small file system in memory, in a mount namespace of its own: it can be filled and made read-only, and takes
//! no rights but those of the user.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::app::data_folder;
use crate::process::{serve, under};

/// What holds the namespace open: it copies a prepared data folder onto the disk and waits for the end.
const HOLD: &str = r#"mount -t tmpfs -o size="$1" none "$2" && cp -a "$3/." "$2" && echo ready && exec cat"#;

pub struct Disk {
    /// Ends with its standard input.
    holder: Child,
    place: TempDir,
}

impl Disk {
    /// A disk of so many bytes with the data folder of a host that has started before.
    pub async fn new(bytes: u64) -> Self {
        let (place, data) = (TempDir::new().unwrap(), data_folder().await);
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", HOLD, "sh"])
            .arg(bytes.to_string())
            .args([place.path(), data.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("unshare of util-linux is there");
        let mut told = BufReader::new(holder.stdout.take().unwrap()).lines();
        let ready = told.next_line().await.unwrap();
        assert_eq!(ready.as_deref(), Some("ready"), "this machine does not let its users mount in a namespace");
        Self { holder, place }
    }

    /// `hooksieve serve` on this disk.
    pub fn serve(&self) -> Command {
        self.inside(&serve(self.place.path(), &[]))
    }

    /// Has the kernel refuse all writes.
    pub async fn make_read_only(&self) {
        let mut remount = Command::new("mount");
        remount.args(["-o", "remount,ro"]).arg(self.place.path());
        assert!(self.inside(&remount).status().await.unwrap().success());
    }

    fn inside(&self, command: &Command) -> Command {
        let holder = self.holder.id().expect("it runs until this is dropped").to_string();
        under("nsenter", &["--preserve-credentials", "--user", "--mount", "--target", &holder], command)
    }

    /// The data folder, as it is seen from outside of the namespace.
    pub fn folder(&self) -> PathBuf {
        let holder = self.holder.id().expect("it runs until this is dropped");
        Path::new("/proc").join(holder.to_string()).join("root").join(self.place.path().strip_prefix("/").unwrap())
    }

    pub fn free(&self) -> u64 {
        let disk = statvfs(self.folder()).unwrap();
        disk.f_bavail * disk.f_frsize
    }

    /// Has others fill it until so many bytes are free.
    pub fn fill_to(&self, free: u64) {
        let filler = OpenOptions::new().create(true).append(true).open(self.filler()).unwrap();
        let taken = filler.metadata().unwrap().len();
        let more = self.free().saturating_sub(free);
        if more > 0 {
            fallocate(&filler, FallocateFlags::empty(), taken, more).unwrap();
        }
        assert!(self.free() <= free);
    }

    /// Has the others give their room back.
    pub fn empty(&self) {
        File::create(self.filler()).unwrap();
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder().join("of-somebody-else")
    }
}
