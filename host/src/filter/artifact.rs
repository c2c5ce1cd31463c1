//! Compiled code on its way from the compiling child to the cache: a file that has no name yet.
//!
//! It may be a hundred times as large as its upload, so it is written down as it comes, a piece at a time, and its MAC is
//! made on the way: the allocator would keep much of what stood in memory as a whole. Only where the disk refuses it, which
//! keeps no filter from running, is it held in memory.

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tempfile::NamedTempFile;

use crate::model::filter::FilterDigest;

/// Bytes of the key of the MACs.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of the MAC behind an artifact.
const MAC_BYTES: usize = 32;
/// Bytes that are in memory at a time.
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// How the names of files end that have not got theirs yet.
const EXTENSION: &str = "part";

/// Compiled code of this process's own child.
#[derive(Debug)]
pub(super) struct Artifact {
    place: Place,
    bytes: usize,
    mac: Hmac<Sha256>,
}

#[derive(Debug)]
pub(super) enum Place {
    Disk(NamedTempFile),
    Memory(Vec<u8>),
}

impl Artifact {
    /// An empty one, of the filter with this digest, in `folder`. Blocks.
    pub(super) fn create(folder: &Path, key: &[u8; KEY_BYTES], digest: &FilterDigest) -> Self {
        let file = tempfile::Builder::new().suffix(&format!(".{EXTENSION}")).tempfile_in(folder);
        let place = file.map_or_else(|_| Place::Memory(Vec::new()), Place::Disk);
        Self { place, bytes: 0, mac: mac(key, digest) }
    }

    /// Adds all that comes. Blocks.
    pub(super) fn read_from(&mut self, mut source: impl BufRead) -> io::Result<()> {
        loop {
            let piece = source.fill_buf()?;
            let bytes = piece.len();
            if bytes == 0 {
                return Ok(());
            }
            self.write(piece)?;
            source.consume(bytes);
        }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        if let Place::Disk(file) = &mut self.place
            && file.write_all(piece).is_err()
        {
            let mut written = Vec::new();
            file.rewind()?;
            file.take(self.bytes as u64).read_to_end(&mut written)?;
            self.place = Place::Memory(written);
        }
        if let Place::Memory(bytes) = &mut self.place {
            bytes.extend_from_slice(piece);
        }
        self.mac.update(piece);
        self.bytes += piece.len();
        Ok(())
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// How large it is.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts its MAC behind it. Blocks.
    pub(super) fn seal(self) -> io::Result<Sealed> {
        match self.place {
            Place::Disk(mut file) => {
                file.write_all(&self.mac.finalize().into_bytes())?;
                Ok(Sealed(file))
            }
            Place::Memory(_) => Err(io::Error::other("the disk does not take it")),
        }
    }
}

/// An artifact with its MAC.
pub(super) struct Sealed(NamedTempFile);

impl Sealed {
    /// Gives it its name. Blocks.
    pub(super) fn persist(self, path: &Path) -> io::Result<()> {
        // Not synced: a file that a power cut damages fails its MAC and is made again.
        self.0.persist(path)?;
        Ok(())
    }
}

/// The size of the artifact in a file, if its MAC is that of this filter under this key. Blocks.
pub(super) fn verified_bytes(file: &File, key: &[u8; KEY_BYTES], digest: &FilterDigest) -> Option<usize> {
    let bytes = usize::try_from(file.metadata().ok()?.len()).ok()?.checked_sub(MAC_BYTES)?;
    let (mut mac, mut left) = (mac(key, digest), bytes);
    let mut source = io::BufReader::with_capacity(PIECE_BYTES, file);
    while left > 0 {
        let piece = source.fill_buf().ok()?;
        let piece = &piece[..piece.len().min(left)];
        if piece.is_empty() {
            return None;
        }
        mac.update(piece);
        let read = piece.len();
        left -= read;
        source.consume(read);
    }
    let mut expected = [0; MAC_BYTES];
    source.read_exact(&mut expected).ok()?;
    mac.verify_slice(&expected).ok()?;
    Some(bytes)
}

/// Deletes what a process left behind that was killed. Blocks.
pub(super) fn delete_unfinished(folder: &Path) -> io::Result<()> {
    let is_unfinished = |path: &PathBuf| path.extension().is_some_and(|extension| extension == EXTENSION);
    fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(is_unfinished).try_for_each(fs::remove_file)
}

fn mac(key: &[u8; KEY_BYTES], digest: &FilterDigest) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];
    const DIGEST: FilterDigest = FilterDigest([1; 32]);

    fn artifact(folder: &Path, bytes: usize) -> Artifact {
        let mut artifact = Artifact::create(folder, &KEY, &DIGEST);
        artifact.read_from(io::BufReader::new(io::repeat(5).take(bytes as u64))).unwrap();
        artifact
    }

    #[test]
    fn what_is_written_in_pieces_is_verified_and_nothing_else() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("kept");
        for bytes in [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 3] {
            artifact(folder.path(), bytes).seal().unwrap().persist(&path).unwrap();

            let verified = |key, digest| verified_bytes(&File::open(&path).unwrap(), key, digest);
            assert_eq!(verified(&KEY, &DIGEST), Some(bytes));
            assert_eq!(verified(&[8; KEY_BYTES], &DIGEST), None);
            assert_eq!(verified(&KEY, &FilterDigest([2; 32])), None);
            fs::File::options().append(true).open(&path).unwrap().write_all(&[0]).unwrap();
            assert_eq!(verified(&KEY, &DIGEST), None);
            fs::File::options().write(true).open(&path).unwrap().set_len(MAC_BYTES as u64 - 1).unwrap();
            assert_eq!(verified(&KEY, &DIGEST), None);
        }
    }

    #[test]
    fn what_the_disk_refuses_midway_is_whole_in_memory() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut artifact = artifact(folder.path(), 1_000);
        let Place::Disk(file) = &artifact.place else { panic!("the disk took it") };
        // A file that can be read only: the next write fails.
        let (read_only, path) = (File::open(file.path()).unwrap(), file.path().to_owned());
        artifact.place =
            Place::Disk(NamedTempFile::from_parts(read_only, tempfile::TempPath::try_from_path(path).unwrap()));

        artifact.read_from(&[6; 500][..]).unwrap();

        let Place::Memory(bytes) = artifact.place() else { panic!("the disk refuses it") };
        assert_eq!(*bytes, [vec![5; 1_000], vec![6; 500]].concat());
        assert_eq!(artifact.bytes(), 1_500);
        assert!(artifact.seal().is_err());
    }

    #[test]
    fn what_a_killed_process_left_unfinished_is_deleted_and_nothing_else() {
        let folder = tempfile::TempDir::new().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let Place::Disk(file) = artifact(folder.path(), 10).place else { panic!("the disk took it") };
        file.keep().unwrap();
        artifact(folder.path(), 10).seal().unwrap().persist(&folder.path().join("kept.cwasm")).unwrap();
        assert_eq!(names(), 2);

        delete_unfinished(folder.path()).unwrap();

        assert_eq!(names(), 1);
        assert!(folder.path().join("kept.cwasm").exists());
    }
}
