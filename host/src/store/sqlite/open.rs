//! Opening a data directory: the lock, the file, its schema, its key and its settings.
//!
//! What could go wrong later is found out here and refused in words that name the remedy: another
//! process, another program's file, a newer schema, another key, a damaged file. A database is never
//! created where one was expected.

use std::fs::{DirBuilder, File, OpenOptions as FileOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::pending::Pending;
use super::room::Room;
use super::syncer::Log;
use super::writer::Files;
use super::{events, migrations, readers};
use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::store::SealingKey;

/// `application_id` of our databases, "HKSV"; the first migration sets it.
const APPLICATION_ID: i64 = 0x484b_5356;
/// What is sealed under the key to recognise it by, and for whom.
const KEY_CHECK: (&str, &[u8]) = ("key check", b"hooksieve");
/// Statements kept prepared on each connection: more than there are in the code.
const STATEMENTS_MAX: usize = 160;
/// No other process may write, so nothing but a moment's recovery is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_millis(200);

/// The database's name in its directory.
pub(super) const FILE: &str = "hooksieve.db";

/// Whether a database may be made where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// A missing directory and database are made.
    MayCreate,
    /// They are there, or something is wrong.
    MustExist,
}

/// What to open, and how.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The data directory; the database in it is `hooksieve.db`.
    pub directory: PathBuf,
    /// Whether the directory and the database may be made.
    pub create: Create,
    /// What webhook secrets are sealed with.
    pub key: SealingKey,
    /// The clock's time.
    pub now: Timestamp,
    /// Where commits are counted.
    pub metrics: Arc<Metrics>,
}

/// Why a data directory could not be opened. Each says what is wrong with which file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{0} is in use by another hooksieve process; stop that one, or choose another data directory")]
    LockedByOther(PathBuf),
    /// There is no database, and none was to be made.
    #[error("{0} is missing or empty; restore it from a backup, or choose another data directory")]
    Missing(PathBuf),
    /// A newer program wrote it.
    #[error(
        "{path} has schema {found}, newer than {known}, which this version of hooksieve knows; use a newer version"
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// Its secrets were sealed with another key.
    #[error("{0} was made with another sealing key; give the key it was made with")]
    WrongKey(PathBuf),
    /// It is not a database of this program.
    #[error("{0} is not a hooksieve database; choose another data directory, or restore the file from a backup")]
    NotADatabase(PathBuf),
    /// It is damaged.
    #[error("{path} is damaged ({detail}); restore it from a backup")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What the check found first.
        detail: String,
    },
    /// SQLite does not keep what it was told about durability.
    #[error("{path} cannot be used durably: {setting} is {found}; keep it on a local disk")]
    NotDurable {
        /// The database.
        path: PathBuf,
        /// The name of the setting.
        setting: &'static str,
        /// Its value, read back.
        found: String,
    },
    /// A file or directory could not be made, opened or locked.
    #[error("{path} cannot be opened; check that it is writable by this user")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A statement failed.
    #[error("{path} cannot be prepared; check the disk, and that there is room on it")]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// What was opened.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) room: Room,
    pub(super) readers: Vec<Connection>,
    /// How many times the database was opened, this time included.
    pub(super) opens: i64,
    /// What is owed.
    pub(super) pending: Pending,
}

pub(super) fn open(options: &OpenOptions) -> Result<Opened, OpenError> {
    let path = options.directory.join(FILE);
    let may_create = options.create == Create::MayCreate;
    let is_there = path.metadata().is_ok_and(|metadata| metadata.len() > 0);
    if !is_there && !may_create {
        return Err(OpenError::Missing(path));
    }
    if may_create {
        make_directory(&options.directory)?;
    }
    let lock = lock(&options.directory)?;
    let room = Room::new(&options.directory);
    if !is_there {
        make_file(&path, &options.directory)?;
    }
    let (connection, opens) = open_writer(&path, options).map_err(|refusal| refusal.at(&path))?;
    // SQLite makes the log and takes no notice if its name cannot be put on the disk: without it all of it is lost.
    sync_directory(&options.directory)?;
    let copying = open_writable(&path).map_err(|error| Refusal::from(error).at(&path))?;
    let last_event = events::last(&connection).map_err(|error| Refusal::from(error).at(&path))?;
    let log = Log { file: open_log(&options.directory)?, last_event };
    let readers = (0..readers::CONNECTIONS).map(|_| open_reader(&path)).collect::<Result<_, _>>();
    let readers = readers.map_err(|error| Refusal::from(error).at(&path))?;
    let pending = Pending::read(&connection).map_err(|error| Refusal::from(error).at(&path))?;
    let files = Files { connection, copying, log, lock };
    Ok(Opened { files, room, readers, opens, pending })
}

fn make_directory(directory: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io_at(directory))
}

/// An empty file that only this user can read, before SQLite and its side files take over its mode.
fn make_file(path: &Path, directory: &Path) -> Result<(), OpenError> {
    let make = || FileOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?.sync_all();
    make().map_err(io_at(path))?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(io_at(directory))
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("hooksieve.lock");
    let file =
        FileOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::LockedByOther(directory.into())),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// The log, which is one and the same file for as long as the database is open.
fn open_log(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(format!("{FILE}-wal"));
    FileOptions::new().read(true).write(true).open(&path).map_err(io_at(&path))
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |source| OpenError::Io { path: path.into(), source }
}

/// An [`OpenError`] that does not know its file yet.
enum Refusal {
    Database(rusqlite::Error),
    Io(io::Error),
    NewerSchema(i64),
    WrongKey,
    NotADatabase,
    Corrupt(String),
    NotDurable(&'static str, String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

impl Refusal {
    fn at(self, path: &Path) -> OpenError {
        let path = path.to_path_buf();
        match self {
            Self::Database(source) => OpenError::Database { path, source },
            Self::Io(source) => OpenError::Io { path, source },
            Self::NewerSchema(found) => OpenError::NewerSchema { path, found, known: migrations::VERSION },
            Self::WrongKey => OpenError::WrongKey(path),
            Self::NotADatabase => OpenError::NotADatabase(path),
            Self::Corrupt(detail) => OpenError::Corrupt { path, detail },
            Self::NotDurable(setting, found) => OpenError::NotDurable { path, setting, found },
        }
    }
}

/// The only connection that can write, and how many times the database was opened.
fn open_writer(path: &Path, options: &OpenOptions) -> Result<(Connection, i64), Refusal> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(Refusal::Io)?;
    let mut connection = open_writable(path)?;
    let version = recognise(&connection)?;
    configure_writer(&connection)?;
    if version > 0 {
        check_key(&connection, &options.key)?;
        check_unless_clean(&connection)?;
    }
    migrate(&mut connection, version, &options.key)?;
    begin(&connection, &options.key, options.now)?;
    // SQLite commits behind the last row, which `query_row` does not go to: a commit that fails would not be seen.
    let opens = connection.query_one(
        "UPDATE store_state SET is_clean = 0, opens = opens + 1, opened_at = ?1 RETURNING opens",
        (options.now,),
        |row| row.get(0),
    )?;
    // From here on the log is synced beside the writer (see `syncer`), and not within each commit.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok((connection, opens))
}

/// A connection that can write, and copies the log when it is told to and not by itself.
fn open_writable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    // Closing must not try an `fsync` again that failed before: `close` does it when all is well. Nor
    // must it touch a file that is refused.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Brings the schema up to date. What a migration takes away, such as text that is sealed from now on, is
/// overwritten, and so is the log in which it still stands.
fn migrate(connection: &mut Connection, version: i64, key: &SealingKey) -> Result<(), Refusal> {
    if version == migrations::VERSION {
        return Ok(());
    }
    connection.execute_batch("PRAGMA secure_delete = ON")?;
    migrations::apply(connection, version, key)?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA secure_delete = FAST")?;
    Ok(())
}

/// Whether a database is one of this program, of whatever version. Writes nothing.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(application_id(connection)? == APPLICATION_ID)
}

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// What SQLite finds wrong with a database; `ok` if nothing.
pub(super) fn quick_check(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
}

/// The version of the schema, 0 for a new file. Writes nothing.
fn recognise(connection: &Connection) -> Result<i64, Refusal> {
    let application_id = application_id(connection)?;
    let version = migrations::version(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (application_id, version) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, version) if version > migrations::VERSION => Err(Refusal::NewerSchema(version)),
        (APPLICATION_ID, version) if version > 0 => Ok(version),
        _ => Err(Refusal::NotADatabase),
    }
}

/// What readers and the writer have in common.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // One plan for whatever is bound. SQLite would compile a statement again whenever the value of a bound `LIMIT`
    // changes, which costs several times what most of ours do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn configure_writer(connection: &Connection) -> Result<(), Refusal> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = FAST;         -- what is deleted is overwritten where that costs no write
         PRAGMA cache_size = -32768;          -- 32 MiB
         PRAGMA wal_autocheckpoint = 0;       -- the writer does it, and looks whether it worked
         PRAGMA journal_size_limit = 67108864; -- 64 MiB",
    )?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Refusal::NotDurable("journal_mode", mode));
    }
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if synchronous != 2 {
        return Err(Refusal::NotDurable("synchronous", synchronous.to_string()));
    }
    Ok(())
}

fn check_key(connection: &Connection, key: &SealingKey) -> Result<(), Refusal> {
    let (owner, _) = KEY_CHECK;
    let sealed: Option<Vec<u8>> =
        connection.query_row("SELECT key_check FROM store_state", (), |row| row.get(0)).optional()?;
    // Without the row nothing was sealed yet: the process ended between the schema and `begin`.
    let opens = sealed.is_none_or(|sealed| key.unseal(owner, &sealed).is_ok());
    if opens { Ok(()) } else { Err(Refusal::WrongKey) }
}

fn check_unless_clean(connection: &Connection) -> Result<(), Refusal> {
    let is_clean: Option<bool> =
        connection.query_row("SELECT is_clean FROM store_state", (), |row| row.get(0)).optional()?;
    if is_clean == Some(true) {
        return Ok(());
    }
    tracing::warn!("the database was not closed the last time; checking it");
    let found = quick_check(connection)?;
    if found != "ok" {
        return Err(Refusal::Corrupt(found));
    }
    // The process before may have ended because a sync failed. What the kernel then still shows of the log need not
    // be on the disk, and no later sync would put it there: so all of it is written anew, to the main file.
    let written = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
    match written {
        // A host on a full disk has to start, so that something can be deleted.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            tracing::warn!("the disk is full; the log of the database stays as it is");
            Ok(())
        }
        written => Ok(written?),
    }
}

/// Makes the one row of `store_state`, if it is not there yet.
fn begin(connection: &Connection, key: &SealingKey, now: Timestamp) -> Result<(), Refusal> {
    let (owner, text) = KEY_CHECK;
    connection.execute(
        "INSERT INTO store_state (id, key_check, is_clean, opens, opened_at, checks) VALUES (1, ?1, 1, 0, ?2, 0)
         ON CONFLICT DO NOTHING",
        (key.seal(owner, text), now),
    )?;
    Ok(())
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    connection.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192; -- 8 MiB",
    )?;
    Ok(connection)
}
