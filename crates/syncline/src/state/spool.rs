//! The scratch paper of one run: decided changes, kept outside memory because a plan may have any length.
//!
//! A file of its own without any durability. Where the operating system allows it, the file loses its name as soon as
//! it is open, so that it is gone whenever and however its process ends; elsewhere it is removed when the spool is
//! dropped, or swept when the state directory is opened next.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};
use syncline_core::change::{Operation, PlannedChange, RowDigest};
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::state::{ChangeKind, Spool};

use super::database::{Failure, Outcome, blocking, explain, file_failed, private};
use super::locks;
use super::run_record::{to_count, to_sql};

const PREFIX: &str = "spool-";
const SUFFIX: &str = ".db";

/// A page of a table is one seek: changes lie in the order of their stream, numbered from 0 without gaps.
const SCHEMA: &str = "
    CREATE TABLE change (
        stream INTEGER NOT NULL,
        number INTEGER NOT NULL,
        operation INTEGER NOT NULL,
        seen BLOB,
        becomes BLOB,
        key BLOB NOT NULL,
        copies INTEGER,
        PRIMARY KEY (stream, number)
    ) STRICT, WITHOUT ROWID";

/// The spool of one run. It takes next to no room before something is appended, and none after it is cleared or
/// dropped.
#[derive(Debug)]
pub struct RunSpool {
    path: PathBuf,
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    file: Option<SpoolFile>,
    streams: HashMap<String, [Stream; KINDS]>,
}

/// Kinds of changes of one table.
const KINDS: usize = 3;

/// The changes of one kind to one table.
#[derive(Clone, Copy, Debug)]
struct Stream {
    id: i64,
    length: u64,
}

/// Fields are dropped in this order: the file is closed before it is removed, because not every system removes an
/// open one.
#[derive(Debug)]
struct SpoolFile {
    connection: Connection,
    _name: FileName,
}

/// A file that goes when this is dropped. What cannot be removed is swept later.
#[derive(Debug)]
struct FileName(PathBuf);

impl RunSpool {
    pub(super) async fn create(dir: &Path, run: &str) -> Result<Self> {
        let path = dir.join(format!("{PREFIX}{run}{SUFFIX}"));
        let spool = Self { path, content: Arc::default() };
        spool
            .call("make room for the decided changes", |content, path| opened(&mut content.file, path).map(drop))
            .await?;
        Ok(spool)
    }

    async fn call<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Content, &Path) -> Outcome<T> + Send + 'static,
    {
        let path = self.path.clone();
        let content = self.content.clone();
        blocking(&self.path, doing, move || {
            let mut content = content.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut content, &path).map_err(|failure| explain(failure, &path, doing))
        })
        .await
    }
}

#[async_trait]
impl Spool for RunSpool {
    async fn append(&self, table: &str, changes: &[PlannedChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let (table, changes) = (table.to_owned(), changes.to_vec());
        let kind_of = |change: &PlannedChange| kind_of(change.operation);
        self.call("keep the decided changes", move |content, path| content.append(path, table, &changes, kind_of)).await
    }

    async fn defer(&self, table: &str, changes: &[PlannedChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let (table, changes) = (table.to_owned(), changes.to_vec());
        let kind_of = |_: &PlannedChange| ChangeKind::Deferred;
        self.call("put changes aside", move |content, path| content.append(path, table, &changes, kind_of)).await
    }

    async fn page(&self, table: &str, kind: ChangeKind, offset: u64, limit: usize) -> Result<Vec<PlannedChange>> {
        let table = table.to_owned();
        self.call("read the decided changes", move |content, _| content.page(&table, kind, offset, limit)).await
    }

    async fn forget(&self, table: &str) -> Result<()> {
        let table = table.to_owned();
        self.call("forget the decided changes", move |content, _| content.forget(&table)).await
    }

    async fn clear(&self) -> Result<()> {
        self.call("forget the decided changes", |content, _| {
            *content = Content::default();
            Ok(())
        })
        .await
    }
}

impl Content {
    fn append(
        &mut self,
        path: &Path,
        table: String,
        changes: &[PlannedChange],
        kind_of: impl Fn(&PlannedChange) -> ChangeKind,
    ) -> Outcome<()> {
        let next_id = (KINDS * self.streams.len()) as i64;
        let new = || std::array::from_fn(|kind| Stream { id: next_id + kind as i64, length: 0 });
        let streams = self.streams.entry(table).or_insert_with(new);
        let mut longer = *streams;
        let connection = opened(&mut self.file, path)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut statement = tx.prepare_cached("INSERT INTO change VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for change in changes {
                let stream = &mut longer[position(kind_of(change))];
                let bytes = |digest: Option<RowDigest>| digest.map(|digest| digest.0.to_be_bytes());
                let (operation, seen, becomes) =
                    (to_number(change.operation), bytes(change.seen), bytes(change.becomes));
                let (id, length, copies) = (stream.id, to_sql(stream.length), change.copies.map(to_sql));
                statement.execute(params![id, length, operation, seen, becomes, change.key, copies])?;
                stream.length += 1;
            }
        }
        tx.commit()?;
        *streams = longer;
        Ok(())
    }

    fn forget(&mut self, table: &str) -> Outcome<()> {
        let (Some(file), Some(streams)) = (&self.file, self.streams.get_mut(table)) else { return Ok(()) };
        let mut statement = file.connection.prepare_cached("DELETE FROM change WHERE stream = ?1")?;
        for stream in streams {
            statement.execute(params![stream.id])?;
            stream.length = 0;
        }
        Ok(())
    }

    fn page(&self, table: &str, kind: ChangeKind, offset: u64, limit: usize) -> Outcome<Vec<PlannedChange>> {
        let (Some(file), Some(streams)) = (&self.file, self.streams.get(table)) else { return Ok(Vec::new()) };
        let mut statement = file.connection.prepare_cached(
            "SELECT operation, seen, becomes, key, copies FROM change WHERE stream = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
        )?;
        let values = params![streams[position(kind)].id, to_sql(offset), to_sql(limit as u64)];
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for change in statement.query_map(values, read_change)? {
            let change = change?;
            bytes += change.key.len();
            changes.push(change);
            if bytes > limits::BATCH_BYTES {
                break;
            }
        }
        Ok(changes)
    }
}

fn read_change(row: &Row<'_>) -> rusqlite::Result<PlannedChange> {
    let digest = |column| {
        let bytes: Option<[u8; 16]> = row.get(column)?;
        Ok::<_, rusqlite::Error>(bytes.map(|bytes| RowDigest(u128::from_be_bytes(bytes))))
    };
    Ok(PlannedChange {
        operation: from_number(row.get(0)?)?,
        key: row.get(3)?,
        seen: digest(1)?,
        becomes: digest(2)?,
        copies: row.get::<_, Option<i64>>(4)?.map(to_count),
    })
}

/// The connection to the file, which is made if there is none.
fn opened<'a>(file: &'a mut Option<SpoolFile>, path: &Path) -> Outcome<&'a mut Connection> {
    let open = match file.take() {
        Some(open) => open,
        None => SpoolFile::create(path)?,
    };
    Ok(&mut file.insert(open).connection)
}

impl SpoolFile {
    fn create(path: &Path) -> Outcome<Self> {
        let failed = |error| Failure::Syncline(file_failed(path, "create", error));
        // So that no one sweeps the file in the moment in which it still has its name.
        let _alone = locks::opening(path.parent().unwrap_or(path))?;
        // What lies there was left by a process that is dead: no other run has this name.
        remove(path).map_err(failed)?;
        private(OpenOptions::new().write(true).create_new(true)).open(path).map_err(failed)?;
        let name = FileName(path.to_owned());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // In memory rather than off: a full disk must leave the pages that were there readable. It stays small,
        // because appending touches few of them.
        connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        connection.execute_batch(SCHEMA)?;
        if cfg!(unix) {
            remove(path).map_err(failed)?;
        }
        Ok(Self { connection, _name: name })
    }
}

impl Drop for FileName {
    fn drop(&mut self) {
        let _ = remove(&self.0);
    }
}

/// Removes the spools of dead processes. Those of living ones have no name any more, or cannot be removed while they
/// are open. What resists is left: it is only in the way of disk space.
pub(super) fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn kind_of(operation: Operation) -> ChangeKind {
    match operation {
        Operation::Insert | Operation::Update => ChangeKind::Put,
        Operation::Delete => ChangeKind::Delete,
    }
}

fn position(kind: ChangeKind) -> usize {
    match kind {
        ChangeKind::Put => 0,
        ChangeKind::Delete => 1,
        ChangeKind::Deferred => 2,
    }
}

fn to_number(operation: Operation) -> i64 {
    match operation {
        Operation::Insert => 0,
        Operation::Update => 1,
        Operation::Delete => 2,
    }
}

fn from_number(number: i64) -> rusqlite::Result<Operation> {
    match number {
        0 => Ok(Operation::Insert),
        1 => Ok(Operation::Update),
        2 => Ok(Operation::Delete),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    }
}
