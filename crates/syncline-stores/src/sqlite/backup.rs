//! Backups through SQLite's online backup API: page by page, from one connection into another.
//!
//! **Saving** reads in one transaction that is held from the first page to the last, so the API never begins anew however
//! much others write, and the copy is of that instant. With a rollback journal others' commits wait meanwhile, as they do
//! for every snapshot.
//!
//! **Restoring** writes in one transaction of SQLite, which takes the exclusive lock with its first step: a journal or the
//! write-ahead log brings the old content back after a crash, as it does for any transaction. No file is renamed or
//! overwritten under the programs that have it open. What SQLite learns about a file once, when it opens it, stays as it is:
//! text encoding, page size with a write-ahead log, and which of the two journals it works with.

mod check;
mod fit;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::backup::{Backup as PageCopy, StepResult};
use rusqlite::ffi;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Backup, Care, Extent, Owners, Store, Watch};

use self::fit::Ends;
use super::connect::failure::{Attempt, Doing, Failure};
use super::connect::{self, Place, Role};
use super::thread::ConnectionThread;
use super::{Access, SqliteStore};
use crate::disk::refused;
use crate::draft::Draft;
use crate::one_writer::OneWriter;

#[async_trait]
impl Backup for SqliteStore {
    fn ending(&self) -> &'static str {
        "db"
    }

    async fn bytes(&self) -> Result<u64> {
        let path = self.place.path();
        let found = std::fs::metadata(path).map_err(|error| refused(path, error))?;
        Ok(found.len())
    }

    async fn save(&self, file: &Path, care: Care, watch: &Watch) -> Result<Extent> {
        let reader = ConnectionThread::start(Arc::clone(&self.place), Role::Reader).await?;
        let (file, watch, wait) = (file.to_owned(), Arc::clone(watch), self.place.lock_wait());
        let save = move |conn: &mut Connection| {
            // The view of everything that follows.
            begin_read(conn)?;
            let size = size(conn)?;
            let draft = Draft::of_backup(&file, size)?;
            copy_into_draft(conn, draft.path(), &watch)?;
            let copied = match care {
                Care::Checked => check::whole_file(draft.path(), wait)?,
                Care::AsItIs => Extent { bytes: size, tables: check::tables(conn).unwrap_or_default() },
            };
            draft.publish(&file)?;
            Ok(copied)
        };
        reader.call(Doing::Reading, save).await
    }

    async fn check(&self, file: &Path) -> Result<Extent> {
        let (file, wait) = (file.to_owned(), self.place.lock_wait());
        let check = move |_: &mut Connection| {
            let conn = open_backup(&file, wait)?;
            let told = |failure: Failure| Failure::Said(failure.into_error(&file, Doing::Reading));
            begin_read(&conn).map_err(told)?;
            check::whole(&conn).map_err(told)
        };
        self.resident.call(Doing::Reading, check).await
    }

    async fn check_fit(&self, file: &Path) -> Result<()> {
        let (path, file, wait) = (self.place.path().to_owned(), file.to_owned(), self.place.lock_wait());
        let check = move |conn: &mut Connection| Ends::of(&open_backup(&file, wait)?, conn)?.check(&path);
        self.resident.call(Doing::Reading, check).await
    }

    async fn restore(&self, file: &Path, _owners: Owners, watch: &Watch) -> Result<Extent> {
        let path = self.place.path().to_owned();
        if !self.place.may_write() || !self.describe().await?.writable {
            return Err(Error::new(Code::StoreReadOnly, format!("{} cannot be written", path.display())));
        }
        let Some(_right) = OneWriter::take(&self.writing) else {
            let what = format!("{} is being written by this run already", path.display());
            return Err(Error::new(Code::StoreLocked, what));
        };
        let (file, watch, wait) = (file.to_owned(), Arc::clone(watch), self.place.lock_wait());
        let restore = move |conn: &mut Connection| {
            let from = open_backup(&file, wait)?;
            let told = |failure: Failure| Failure::Said(failure.into_error(&file, Doing::Reading));
            begin_read(&from).map_err(told)?;
            let found = check::whole(&from).map_err(told)?;
            let ends = Ends::of(&from, conn)?;
            ends.check(&path)?;
            if ends.journal_would_change() {
                copy_with_rollback_journal(&from, conn, &path, &watch)?;
            } else {
                copy(&from, conn, &watch)?;
            }
            Ok(found)
        };
        self.resident.call(Doing::Writing, restore).await
    }
}

fn open_backup(file: &Path, lock_wait: Duration) -> Attempt<Connection> {
    let place = Place::find(file, Access::Read, lock_wait)?;
    Ok(connect::open(&place, Role::Reader, |conn| conn.busy_timeout(lock_wait))?)
}

/// BEGIN alone takes no view; the first read does.
fn begin_read(conn: &Connection) -> Attempt<()> {
    conn.execute_batch("BEGIN")?;
    Ok(conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?)
}

/// Bytes of the database, as of the connection's view.
fn size(conn: &Connection) -> rusqlite::Result<u64> {
    Ok(pragma(conn, "page_count")?.saturating_mul(pragma(conn, "page_size")?))
}

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<u64> {
    conn.pragma_query_value(Some("main"), name, |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

fn copy_into_draft(from: &Connection, draft: &Path, watch: &Watch) -> Attempt<()> {
    let said = |error: rusqlite::Error| Failure::Said(Failure::from(error).into_error(draft, Doing::Writing));
    let mut to = Connection::open(draft).map_err(said)?;
    // Nobody else knows the file, and what is left of it after a crash is thrown away: it needs neither a journal nor a
    // lock, and is made durable once, at the end.
    to.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF").map_err(said)?;
    copy(from, &mut to, watch).map_err(|failure| Failure::Said(failure.into_error(draft, Doing::Writing)))?;
    to.close().map_err(|(_, error)| said(error))
}

/// As [`copy`], for a backup that is marked as working with a write-ahead log and a database that does not: the mark is on
/// a page and would come along. It is taken off a draft first, since the backup is not ours to change.
fn copy_with_rollback_journal(from: &Connection, to: &mut Connection, path: &Path, watch: &Watch) -> Attempt<()> {
    // Beside the file itself, where the room was looked for.
    let real = path.canonicalize().map_err(|error| refused(path, error))?;
    let draft = Draft::beside(&real).map_err(|error| refused(&real, error))?;
    copy_into_draft(from, draft.path(), watch)?;
    let said = |error: rusqlite::Error| Failure::Said(Failure::from(error).into_error(draft.path(), Doing::Writing));
    let marked = Connection::open(draft.path()).map_err(said)?;
    marked.execute_batch("PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE").map_err(said)?;
    let mode: String = marked.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(said)?;
    if mode != "delete" {
        // SQLite says what it has come to, and calls that no error.
        let what = format!("a copy of the backup still works with the journal mode {mode}");
        return Err(Error::new(Code::StoreFailed, what).leaving("nothing was changed").into());
    }
    begin_read(&marked)?;
    copy(&marked, to, watch)
}

/// Copies all pages. Ended early, it takes everything back.
fn copy(from: &Connection, to: &mut Connection, watch: &Watch) -> Attempt<()> {
    let page = pragma(from, "page_size")?.max(1);
    let pages = i32::try_from(limits::BACKUP_STEP_BYTES / page).unwrap_or(i32::MAX).max(1);
    // Nothing is locked yet by the copy, so a stop costs nothing.
    watch(0, size(from)?)?;
    let copy = PageCopy::new(from, to)?;
    loop {
        // Locks are waited for inside, by the busy handler; without the lock at the end of that there is none.
        match copy.step(pages)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into()),
        }
        let progress = copy.progress();
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * page;
        watch(bytes(progress.pagecount - progress.remaining), bytes(progress.pagecount))?;
    }
}
