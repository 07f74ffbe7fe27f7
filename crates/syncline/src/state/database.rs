//! The connection to `state.db`, and the way to it from asynchronous code.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_stores::sqlite::disk;

use super::migrations;

/// The database's name in the state directory.
pub(super) const FILE: &str = "state.db";

/// The folder of lock files in the state directory.
pub(super) const LOCKS: &str = "locks";

/// The write-ahead log is cut back to this size once its content is in the database.
const LOG_BYTES_KEPT: i64 = 16 << 20;

/// Statements kept ready; a little more than there are.
const STATEMENTS_KEPT: usize = 64;

/// One connection, used by one thread at a time. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    path: Arc<Path>,
    connection: Arc<Mutex<Connection>>,
}

/// The result of work on the connection.
pub(super) type Outcome<T> = std::result::Result<T, Failure>;

/// Why work on the connection ended: in SQLite's words, which still lack their place, or in ours.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Syncline(Error),
}

impl Database {
    /// Opens or creates the database. Blocks, and is called by one process at a time.
    pub(super) fn open(path: &Path) -> Result<Self> {
        create_file(path).map_err(|error| file_failed(path, "create", error))?;
        let connection =
            connect(path).map_err(|failure| explain(failure, path, "open Syncline's record of its runs"))?;
        Ok(Self { path: path.into(), connection: Arc::new(Mutex::new(connection)) })
    }

    /// Reads, away from the threads that drive futures. `doing` completes "cannot ...".
    pub(super) async fn read<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        self.call(doing, |connection| work(connection)).await
    }

    /// Writes in one transaction, which is durable on return and takes everything back on an error.
    pub(super) async fn write<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    {
        self.call(doing, |connection| {
            // A transaction that begins by reading could not wait for another writer later on.
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        })
        .await
    }

    async fn call<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Outcome<T> + Send + 'static,
    {
        let connection = self.connection.clone();
        let path = self.path.clone();
        blocking(&self.path, doing, move || {
            // Work that panicked has rolled its transaction back, so the connection is as good as before.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|failure| explain(failure, &path, doing))
        })
        .await
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Syncline(error)
    }
}

/// Runs work that blocks on a thread made for it.
pub(super) async fn blocking<T, F>(path: &Path, doing: &str, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(state_failed(path, doing).because(error.to_string()).caused_by(error)),
    }
}

/// Creates the state directory and its folder of locks for its owner only, durably.
pub(super) fn create_directory(dir: &Path) -> Result<()> {
    let locks = dir.join(LOCKS);
    let missing: Vec<_> = locks.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    create_private(&locks).map_err(|error| file_failed(&locks, "create", error))?;
    // What is inside is only as durable as the way to it.
    for path in missing {
        sync_parent(path).map_err(|error| file_failed(path, "make durable", error))?;
    }
    Ok(())
}

/// Creates a directory, and those above it, for their owner only.
pub(crate) fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// A file opened so that only its owner can read it if it is created.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Adds place, cause and a next step to a failure of work on the database at `path`.
pub(super) fn explain(failure: Failure, path: &Path, doing: &str) -> Error {
    let error = match failure {
        Failure::Syncline(error) => return error,
        Failure::Sqlite(error) => error,
    };
    let explained = if disk::is_full(&error, path) { disk_full(path, doing) } else { state_failed(path, doing) };
    explained.because(disk::words(&error)).caused_by(error)
}

/// A failure of the operating system at `path`.
pub(super) fn file_failed(path: &Path, doing: &str, error: io::Error) -> Error {
    let doing = format!("{doing} a file of the state directory");
    let explained = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => disk_full(path, &doing),
        _ => state_failed(path, &doing),
    };
    explained.because(error.to_string()).caused_by(error)
}

/// "cannot ..." at `path`, with the way out that always exists.
pub(super) fn state_failed(path: &Path, doing: &str) -> Error {
    Error::new(Code::StateFailed, format!("cannot {doing}"))
        .at(path.display().to_string())
        .next("--state-dir D", "keeps Syncline's state in the directory D")
}

fn disk_full(path: &Path, doing: &str) -> Error {
    Error::new(Code::DiskFull, format!("cannot {doing}: the disk is full")).at(path.display().to_string())
}

/// Created before SQLite does it, because SQLite gives its log the rights of its database. An existing file is not
/// opened: closing it again would release the locks that a connection of this process holds on it.
fn create_file(path: &Path) -> io::Result<()> {
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Outcome<Connection> {
    // Without SQLITE_OPEN_URI: the path is a path, whatever it looks like.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    migrations::check(&connection, path)?;
    // Has an effect on a new database only, and only before anything else is written to it.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        let why = format!("its file system allows no write-ahead log, SQLite stays with journal_mode={mode}");
        return Err(state_failed(path, "use the state directory").because(why).into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where a plain fsync stops at the drive's cache; elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    migrations::migrate(&mut connection, path)?;
    Ok(connection)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Elsewhere directories cannot be opened, nor need they be.
    if cfg!(unix) { File::open(fs::canonicalize(parent)?)?.sync_all() } else { Ok(()) }
}
