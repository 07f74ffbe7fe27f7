//! Opening a database file.
//!
//! The file is never opened with anything but SQLite, not even to look at its header: closing any descriptor of a file
//! drops every POSIX lock the process holds on it. What has to be known beforehand comes from `stat`.

pub mod disk;
pub(super) mod failure;
pub(super) mod identity;

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use syncline_core::error::{Code, Error, Result};

use self::failure::{Doing, Failure};
use self::identity::FileIdentity;
use super::Access;

/// The oldest SQLite that is free of the bugs that matter here (a WAL-reset race could damage databases before it).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Memory for pages of a connection that writes, in KiB: enough for the upper levels of a few large trees.
const WRITER_CACHE_KIB: u32 = 8_192;

/// Memory for pages of a connection that reads, in KiB. What is read is read once, and fastest into memory that stays in
/// the processor's cache: reading a table of 250 MB through 8 MB took an eighth longer.
const READER_CACHE_KIB: u32 = 1_024;

/// Statements kept prepared on a connection: those of a few tables.
const STATEMENTS_KEPT: usize = 32;

/// Where a database is and how it may be used.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    access: Access,
    lock_wait: Duration,
    /// Set once the file exists: what every later connection must find there.
    identity: Option<FileIdentity>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// One snapshot.
    Reader,
    /// Whatever is written, and watching whether others write.
    Writer,
}

impl Place {
    /// Looks at what the path names without opening it.
    ///
    /// # Errors
    /// `STORE_MISSING`, `STORE_DENIED`, `NOT_A_DATABASE`, `URL_INVALID`.
    pub(super) fn find(path: &Path, access: Access, lock_wait: Duration) -> Result<Self> {
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(Error::new(Code::UrlInvalid, "the path of the database holds a NUL character"));
        }
        // An absolute path also keeps SQLite from reading a name such as `file:x?mode=memory` as a URI.
        let path = std::path::absolute(path)
            .map_err(|error| Error::new(Code::UrlInvalid, "the path of the database is empty").caused_by(error))?;
        let identity = match std::fs::metadata(&path) {
            Ok(metadata) => Some(FileIdentity::of(&path, &ordinary(&path, metadata)?)?),
            Err(error) if error.kind() == ErrorKind::NotFound && access == Access::Create => {
                parent_exists(&path)?;
                None
            }
            Err(error) => return Err(unreachable(&path, &error)),
        };
        Ok(Self { path, access, lock_wait, identity })
    }

    /// The path, absolute.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How long to wait for locks of others.
    pub(super) fn lock_wait(&self) -> Duration {
        self.lock_wait
    }

    /// Whether the caller asked to write.
    pub(super) fn may_write(&self) -> bool {
        self.access != Access::Read
    }

    /// The same place now that the file is sure to exist.
    ///
    /// # Errors
    /// When the file has gone again.
    pub(super) fn settled(&self) -> Result<Self> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| unreachable(&self.path, &error))?;
        let identity = Some(FileIdentity::of(&self.path, &metadata)?);
        Ok(Self { path: self.path.clone(), access: self.access, lock_wait: self.lock_wait, identity })
    }

    /// The same place with another time to wait for locks.
    pub(super) fn waiting(&self, lock_wait: Duration) -> Self {
        Self { path: self.path.clone(), access: self.access, lock_wait, identity: self.identity.clone() }
    }

    /// Which file it is, once that is settled.
    pub(super) fn identity(&self) -> Option<&FileIdentity> {
        self.identity.as_ref()
    }

    /// Whether the path still leads to the file that was found there. Some connection must have it open, so that its
    /// number cannot be another file's by now.
    pub(super) fn is_still_there(&self) -> bool {
        let Ok(now) = self.settled() else { return false };
        self.identity.as_ref().zip(now.identity.as_ref()).is_some_and(|(then, now)| then.is_same_now(now))
    }

    /// The error for a path that leads to another file by now.
    pub(super) fn replaced(&self) -> Error {
        let what = format!("{} was replaced by another file while it was in use", self.path.display());
        Error::new(Code::StoreFailed, what)
    }
}

/// Opens the database and reads from it, so that whatever is wrong with it is known at once. `prepare` is called before
/// the first access to the file.
///
/// # Errors
/// Every code that begins with `STORE_`, and `NOT_A_DATABASE`.
pub(super) fn open(
    place: &Place,
    role: Role,
    prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Connection> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        let what = format!("Syncline was built with SQLite {}, which is too old to be safe", rusqlite::version());
        return Err(Error::new(Code::Internal, what));
    }
    // Read-write even for readers: a read-only connection can neither recover a hot journal nor remove the -wal and
    // -shm files it made. SQLite falls back to read-only where the file cannot be written.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if place.identity.is_none() && role == Role::Writer {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let opened = Connection::open_with_flags(&place.path, flags).and_then(|mut conn| {
        prepare(&mut conn)?;
        configure(&conn, place, role)?;
        Ok(conn)
    });
    let conn = opened.map_err(|error| Failure::from(error).into_error(&place.path, Doing::Opening))?;
    if place.identity.is_some() && !place.is_still_there() {
        // What has gone is said to be gone.
        place.settled()?;
        return Err(place.replaced());
    }
    Ok(conn)
}

fn configure(conn: &Connection, place: &Place, role: Role) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    // A misspelt column must be an error, not a string that happens to be in double quotes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    let cache = if role == Role::Reader { READER_CACHE_KIB } else { WRITER_CACHE_KIB };
    conn.execute_batch(&format!(
        "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; PRAGMA temp_store = FILE; PRAGMA cache_size = -{cache};"
    ))?;
    if role == Role::Reader || !place.may_write() {
        conn.execute_batch("PRAGMA query_only = ON")?;
    } else {
        // EXTRA rather than FULL: with a rollback journal FULL leaves the deletion of the journal to the operating
        // system, and a power cut could roll back what was committed.
        conn.execute_batch("PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")?;
    }
    conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))
}

fn ordinary(path: &Path, metadata: Metadata) -> Result<Metadata> {
    if metadata.is_file() {
        return Ok(metadata);
    }
    let kind = if metadata.is_dir() { "a directory" } else { "a device or another special file" };
    let what = format!("{} is {kind}, not a database", path.display());
    Err(Error::new(Code::NotADatabase, what).because("a SQLite database is an ordinary file"))
}

fn parent_exists(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    match std::fs::metadata(parent) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(unreachable(path, &error)),
        _ => {
            let what = format!("{} cannot be created, because its directory does not exist", path.display());
            Err(Error::new(Code::StoreMissing, what))
        }
    }
}

fn unreachable(path: &Path, error: &std::io::Error) -> Error {
    let (code, what) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (Code::StoreMissing, format!("{} does not exist", path.display()))
        }
        ErrorKind::InvalidFilename => (Code::UrlInvalid, "the path of the database is no path here".to_owned()),
        ErrorKind::PermissionDenied => (Code::StoreDenied, format!("access to {} was refused", path.display())),
        _ => (Code::StoreFailed, format!("{} cannot be looked at", path.display())),
    };
    Error::new(code, what).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(conn: &Connection, pragma: &str) -> i64 {
        conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    }

    fn connection(dir: &tempfile::TempDir, access: Access, role: Role) -> Connection {
        let path = dir.path().join("a.db");
        let place = Place::find(&path, access, Duration::ZERO).unwrap();
        open(&place, role, |_| Ok(())).unwrap()
    }

    #[test]
    fn a_connection_is_set_for_its_role() {
        let dir = tempfile::tempdir().unwrap();
        let writer = connection(&dir, Access::Create, Role::Writer);
        assert_eq!(["query_only", "synchronous", "fullfsync"].map(|it| setting(&writer, it)), [0, 3, 1]);
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        for reader in [connection(&dir, Access::Write, Role::Reader), connection(&dir, Access::Read, Role::Writer)] {
            assert_eq!(setting(&reader, "query_only"), 1);
            assert!(reader.execute_batch("INSERT INTO t VALUES (1)").is_err());
        }
        drop(writer);
    }

    #[test]
    fn every_connection_distrusts_what_it_opens() {
        let dir = tempfile::tempdir().unwrap();
        let conn = connection(&dir, Access::Create, Role::Writer);
        let on = ["foreign_keys", "trusted_schema", "cell_size_check", "temp_store"];
        assert_eq!(on.map(|it| setting(&conn, it)), [0, 0, 1, 1]);
        // Without a line at all where memory mapping is off for good.
        let mapped = conn.query_row("PRAGMA mmap_size", [], |row| row.get::<_, i64>(0));
        assert!(mapped.is_err() || mapped == Ok(0));
        assert!(conn.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap());
        assert!(!conn.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER).unwrap());
        let error = conn.query_row("SELECT load_extension('x')", [], |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("not authorized"), "{error}");
        assert!(conn.prepare("SELECT \"misspelt\" FROM sqlite_schema").is_err());
    }
}
