//! Compiled filters: on disk, authenticated, and in memory, bounded.
//!
//! Loading a compiled filter means running machine code from a file, so the file is trusted only with a
//! MAC under a key that this host made and that no filter can read. A file that is damaged, or that
//! another version of the engine made, counts as not there: the filter is compiled again.
//!
//! After that check the file is mapped, not copied: of a thousand filters only what runs takes memory, and the
//! system may drop it again. So is what was just compiled, from the file that it was written to as it came ([`super::artifact`]).
//! Files are replaced whole and never written to, in a folder that is
//! this user's alone, so what was checked is what is mapped.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::artifact::{self, Artifact, KEY_BYTES, Place};
use super::engines::Engines;
use super::loaded::Loaded;
use super::{Refused, StartError};
use crate::failpoint::{self, Point};
use crate::model::filter::FilterDigest;

/// Compiled filters in memory. One written in Rust has about 80 KB; one that brings the engine of another language may
/// have a thousand times that.
pub(super) const FILTERS: Bounds = Bounds { count: 1_024, bytes: 512 << 20 };
/// Snapshots in memory, and as many on disk.
pub(super) const SNAPSHOTS: Bounds = Bounds { count: 256, bytes: 256 << 20 };
/// How the names of compiled filters end.
const EXTENSION: &str = "cwasm";

/// How much is kept; what was used longest ago leaves first.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    count: usize,
    bytes: usize,
}

/// Compiled filters.
pub(super) struct Cache {
    engines: Arc<Engines>,
    folder: PathBuf,
    bounds: Bounds,
    key: [u8; KEY_BYTES],
    loaded: Mutex<Lru>,
}

/// Compiled code that may be loaded.
#[derive(Clone, Copy)]
enum Code<'a> {
    /// What the compiling child has just answered with, or what was loaded before.
    Bytes(&'a [u8]),
    /// The same in a file, or a file whose MAC was checked; the MAC behind the artifact is nothing to the engine.
    File(&'a Path),
}

/// A compiled filter on disk.
struct File {
    name: String,
    used: SystemTime,
    bytes: u64,
}

#[derive(Default)]
struct Lru {
    entries: HashMap<FilterDigest, Entry>,
    bytes: usize,
    uses: u64,
}

struct Entry {
    used: u64,
    bytes: usize,
    loaded: Arc<Loaded>,
}

impl Cache {
    /// Opens the folder, and makes its key if it has none.
    pub(super) fn open(engines: Arc<Engines>, folder: PathBuf, bounds: Bounds) -> Result<Self, StartError> {
        let key = fs::create_dir_all(&folder)
            .and_then(|()| artifact::delete_unfinished(&folder))
            .and_then(|()| read_or_make_key(&folder.join("key")))
            .map_err(|source| StartError::Cache { path: folder.clone(), source })?;
        Ok(Self { engines, folder, bounds, key, loaded: Mutex::default() })
    }

    /// A filter that is in memory.
    pub(super) fn recall(&self, digest: &FilterDigest) -> Option<Arc<Loaded>> {
        self.lru().get(digest)
    }

    /// A filter that is compiled on disk. Blocks.
    pub(super) fn read(&self, digest: &FilterDigest) -> Option<Arc<Loaded>> {
        let path = self.path(digest);
        let bytes = self.check(digest, &path)?;
        let loaded = Arc::new(self.load(Code::File(&path)).ok()?.ok()?);
        self.lru().put(*digest, bytes, Arc::clone(&loaded), self.bounds);
        Some(loaded)
    }

    /// Checks the MAC of a file, and notes that it is used; the size of the artifact in it.
    fn check(&self, digest: &FilterDigest, path: &Path) -> Option<usize> {
        let file = fs::File::open(path).ok()?;
        let bytes = artifact::verified_bytes(&file, &self.key, digest)?;
        // Where it cannot be noted, the file leaves earlier than it might.
        drop(file.set_modified(SystemTime::now()));
        Some(bytes)
    }

    /// Where the compiler's answer on a filter is to go. Blocks.
    pub(super) fn artifact(&self, digest: &FilterDigest) -> Artifact {
        Artifact::create(&self.folder, &self.key, digest)
    }

    /// Links what the compiler has just made, without keeping it. Blocks.
    pub(super) fn try_load(&self, artifact: &Artifact) -> Result<Arc<Loaded>, Refused> {
        let code = match artifact.place() {
            Place::Disk(file) => Code::File(file.path()),
            Place::Memory(bytes) => Code::Bytes(bytes),
        };
        // The compiler's engine is ours but for the pool, so what ours refuses does not fit the pool's slots.
        let refuse = |error: wasmtime::Error| Refused::TooMuch { message: super::run::one_line(&error) };
        self.load(code).map_err(refuse)?.map(Arc::new)
    }

    /// Loads a filter in the engine whose turn it is; refused if it has other types than the interface's.
    fn load(&self, code: Code<'_>) -> wasmtime::Result<Result<Loaded, Refused>> {
        let home = self.engines.next_home();
        let engine = self.engines.engine(home);
        let component = deserialize(engine, code).or_else(|error| match code {
            // It cannot be mapped, as on a disk that nothing may be executed from.
            Code::File(path) => fs::read(path).map_or(Err(error), |bytes| deserialize(engine, Code::Bytes(&bytes))),
            Code::Bytes(_) => Err(error),
        })?;
        Ok(Loaded::link(&self.engines, home, &component))
    }

    /// Keeps a compiled filter that was checked: in memory, also where the disk refuses it. Blocks.
    pub(super) fn put(&self, digest: FilterDigest, artifact: Artifact, loaded: Arc<Loaded>) -> io::Result<()> {
        self.lru().put(digest, artifact.bytes(), loaded, self.bounds);
        let sealed = artifact.seal()?;
        failpoint::hit(Point::UploadCompiled).map_err(io::Error::other)?;
        sealed.persist(&self.path(&digest))?;
        failpoint::hit(Point::UploadKept).map_err(io::Error::other)
    }

    /// Drops what is gone, from memory and from disk: all whose digests begin so. Blocks.
    pub(super) fn forget(&self, beginning: &[u8]) -> io::Result<()> {
        self.lru().remove_all(beginning);
        let beginning = hex::encode(beginning);
        for file in self.files()? {
            if file.name.starts_with(&beginning) {
                self.delete(&file)?;
            }
        }
        Ok(())
    }

    /// Deletes the files that were made or read longest ago, until no more are left than there may be in memory. Blocks.
    pub(super) fn prune(&self) -> io::Result<()> {
        let mut files = self.files()?;
        files.sort_by_key(|file| std::cmp::Reverse(file.used));
        let (mut count, mut bytes) = (0, 0);
        for file in files {
            count += 1;
            bytes += file.bytes;
            if count > self.bounds.count || bytes > self.bounds.bytes as u64 {
                self.delete(&file)?;
            }
        }
        Ok(())
    }

    /// Deletes a file, if nobody else has meanwhile.
    fn delete(&self, file: &File) -> io::Result<()> {
        match fs::remove_file(self.folder.join(&file.name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn files(&self) -> io::Result<Vec<File>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if Path::new(&name).extension().is_some_and(|extension| extension == EXTENSION) {
                let metadata = match entry.metadata() {
                    // Somebody else has deleted it meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    metadata => metadata?,
                };
                files.push(File { name, used: metadata.modified()?, bytes: metadata.len() });
            }
        }
        Ok(files)
    }

    fn path(&self, digest: &FilterDigest) -> PathBuf {
        self.folder.join(format!("{digest}.{EXTENSION}"))
    }

    fn lru(&self) -> std::sync::MutexGuard<'_, Lru> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lru {
    fn get(&mut self, digest: &FilterDigest) -> Option<Arc<Loaded>> {
        self.uses += 1;
        let entry = self.entries.get_mut(digest)?;
        entry.used = self.uses;
        Some(Arc::clone(&entry.loaded))
    }

    fn remove_all(&mut self, beginning: &[u8]) {
        let gone: Vec<_> = self.entries.keys().filter(|digest| digest.0.starts_with(beginning)).copied().collect();
        gone.iter().for_each(|digest| self.remove(digest));
    }

    fn remove(&mut self, digest: &FilterDigest) {
        if let Some(left) = self.entries.remove(digest) {
            self.bytes -= left.bytes;
        }
    }

    fn put(&mut self, digest: FilterDigest, bytes: usize, loaded: Arc<Loaded>, bounds: Bounds) {
        self.uses += 1;
        self.bytes += bytes;
        if let Some(replaced) = self.entries.insert(digest, Entry { used: self.uses, bytes, loaded }) {
            self.bytes -= replaced.bytes;
        }
        // The newest stays, however large it is: it is about to run.
        while self.entries.len() > 1 && (self.entries.len() > bounds.count || self.bytes > bounds.bytes) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(digest, _)| *digest);
            let Some(oldest) = oldest else { return };
            self.remove(&oldest);
        }
    }
}

/// The same code in another engine.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn copy(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    deserialize(engine, Code::Bytes(&component.serialize()?))
}

fn deserialize(engine: &Engine, code: Code<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from our own compiling child in this process's lifetime, or from a file
    // that carries a MAC under our own key, or from a component that was loaded so. So they are what the compiler
    // of this or an earlier version wrote. The engine checks the version and the settings itself.
    #[expect(unsafe_code, reason = "compiled code can only be loaded so; what is loaded is authenticated")]
    unsafe {
        match code {
            Code::Bytes(bytes) => Component::deserialize(engine, bytes),
            Code::File(path) => Component::deserialize_file(engine, path),
        }
    }
}

/// A key that was lost or cut short is made anew: what it authenticated is then compiled again.
fn read_or_make_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if let Ok(Ok(key)) = fs::read(path).map(<[u8; KEY_BYTES]>::try_from) {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    // Made for this user alone, whatever the umask.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(&key)?;
    file.persist(path)?;
    Ok(key)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::filter::{FilterLimits, engine};

    /// A component of what a compiler has made in this test.
    pub(in crate::filter) fn made(engine: &Engine, artifact: &[u8]) -> Component {
        deserialize(engine, Code::Bytes(artifact)).unwrap()
    }

    #[test]
    fn the_files_that_were_used_longest_ago_leave_first_and_others_are_left_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        let engine = engine::compiling(&FilterLimits::default()).unwrap();
        let engines = Arc::new(Engines::alone(engine));
        let cache = Cache::open(engines, folder.path().to_owned(), Bounds { count: 3, bytes: 250 }).unwrap();
        for (name, age_secs) in [("new", 1), ("older", 2), ("oldest", 3), ("ancient", 4)] {
            let path = folder.path().join(format!("{name}.{EXTENSION}"));
            fs::write(&path, [0; 100]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(age_secs);
            fs::File::open(&path).unwrap().set_modified(used).unwrap();
        }

        cache.prune().unwrap();

        let mut left: Vec<String> = cache.files().unwrap().into_iter().map(|file| file.name).collect();
        left.sort();
        assert_eq!(left, ["new.cwasm", "older.cwasm"], "three would be more bytes than there may be");
        assert!(folder.path().join("key").exists());
    }
}
