//! Packages of npm and PyPI, installed once and kept in the target folder.
//!
//! What is installed is pinned with its hashes (`package-lock.json`, `requirements.txt`), and the folder is named by
//! them, so a change installs anew. Test processes wait for each other; a mark that is written last tells a whole
//! installation from one that was interrupted, which is thrown away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Where the sources are that use the packages.
pub const SOURCES: &str = env!("CARGO_MANIFEST_DIR");
/// The last thing that an installation writes.
const MARK: &str = "installed";

/// The packages of `tests/node`: the folder `node_modules`.
pub fn node() -> PathBuf {
    npm("node", &Path::new(SOURCES).join("node"))
}

/// The folder `node_modules` of the packages that a folder pins; `name` tells it from others.
pub fn npm(name: &str, sources: &Path) -> PathBuf {
    let files = ["package.json", "package-lock.json"].map(|file| sources.join(file));
    let folder = installed(Path::new(env!("CARGO_TARGET_TMPDIR")), name, &files, |folder| {
        for file in &files {
            fs::copy(file, folder.join(file.file_name().expect("it has one"))).unwrap();
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]).current_dir(folder);
        run(&mut npm, "install Node.js 20 or later with npm, and let npm reach its registry once");
    });
    folder.join("node_modules")
}

/// A folder with one file of `tests/node` beside the packages of it, for programs that `import` them.
pub fn beside_packages(file: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink(node(), folder.path().join("node_modules")).unwrap();
    fs::copy(Path::new(SOURCES).join("node").join(file), folder.path().join(file)).unwrap();
    folder
}

/// A Python that has the packages of `tests/<name>/requirements.txt`.
pub fn python(name: &str) -> PathBuf {
    pip(name, &Path::new(SOURCES).join(name))
}

/// A Python that has the packages which a folder's `requirements.txt` pins; `name` tells it from others.
pub fn pip(name: &str, sources: &Path) -> PathBuf {
    let requirements = sources.join("requirements.txt");
    let files = [requirements.clone()];
    let folder = installed(Path::new(env!("CARGO_TARGET_TMPDIR")), name, &files, |folder| {
        let remedy = "install Python 3.11 or later with its venv module (Debian: python3-venv), and let pip reach \
                      its index once; `cargo xtask setup` does the first where it may";
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")), remedy);
        let mut pip = Command::new(folder.join("venv/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        run(pip.args(["--only-binary", ":all:", "--requirement"]).arg(requirements), remedy);
    });
    folder.join("venv/bin/python")
}

/// The folder of what `files` pin, installed by `install` if it is not there as a whole.
fn installed(home: &Path, name: &str, files: &[PathBuf], install: impl FnOnce(&Path)) -> PathBuf {
    let mut pinned = Sha256::new();
    for file in files {
        pinned.update(fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    let folder = home.join("clients").join(format!("{name}-{}", &hex::encode(pinned.finalize())[..16]));
    fs::create_dir_all(&folder).unwrap();
    // Beside the folder, since the folder may be thrown away. Released with its process, however that ends.
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join(MARK).exists() {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        install(&folder);
        fs::write(folder.join(MARK), "").unwrap();
    }
    folder
}

fn run(command: &mut Command, remedy: &str) {
    let shown: OsString = command.get_program().to_owned();
    let output = command.output().unwrap_or_else(|error| panic!("{shown:?} does not start ({error}): {remedy}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown:?} failed: {remedy}\n{said}");
}

#[test]
fn an_installation_that_was_interrupted_is_made_again_and_one_that_was_not_is_kept() {
    let home = TempDir::new().unwrap();
    let pinned = home.path().join("lock.json");
    fs::write(&pinned, "1").unwrap();
    let files = [pinned.clone()];

    let interrupted = std::panic::catch_unwind(|| {
        installed(home.path(), "some", &files, |folder| {
            fs::write(folder.join("half"), "").unwrap();
            panic!("the network is gone");
        })
    });
    let whole = installed(home.path(), "some", &files, |folder| fs::write(folder.join("whole"), "").unwrap());
    let kept = installed(home.path(), "some", &files, |_| panic!("it is there already"));
    fs::write(&pinned, "2").unwrap();
    let other = installed(home.path(), "some", &files, |_| {});

    assert!(interrupted.is_err());
    assert!(whole.join("whole").exists() && !whole.join("half").exists());
    assert_eq!(kept, whole);
    assert_ne!(other, whole, "what is pinned has changed");
}

#[test]
fn of_two_that_install_at_once_one_waits_for_the_other() {
    let home = TempDir::new().unwrap();
    let pinned = home.path().join("lock.json");
    fs::write(&pinned, "1").unwrap();
    let (began, beginning) = std::sync::mpsc::channel();
    let (may_end, end) = std::sync::mpsc::channel();
    let files = [pinned];

    std::thread::scope(|scope| {
        let (home, files) = (home.path(), &files);
        scope.spawn(move || {
            installed(home, "some", files, |folder| {
                began.send(()).unwrap();
                end.recv().unwrap();
                fs::write(folder.join("whole"), "").unwrap();
            })
        });
        beginning.recv().unwrap();
        let second = scope.spawn(move || installed(home, "some", files, |_| panic!("it is being installed")));
        may_end.send(()).unwrap();

        assert!(second.join().unwrap().join("whole").exists());
    });
}
