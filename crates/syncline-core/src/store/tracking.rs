//! The port to change tracking: logs that a database keeps itself, of every row that is touched in it, by whomever.
//!
//! A log says *this key was touched*. It may say so of rows that have not changed, and never leaves out one that has. What
//! the row is now is read from the same view.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::change::{RowDigest, TableTask};
use crate::error::{Error, Result};
use crate::limits;
use crate::value::{Row, RowBatch, ValueRef, exact};

/// Installs and removes the logs of a database, and keeps them short.
///
/// What is installed stands in the database itself, under names that begin with `_syncline_`, and works without us: whoever
/// writes to a tracked table writes to its log in the same transaction.
#[async_trait]
pub trait Tracking: Send + Sync {
    /// Sees to it that the changes of these tables are logged from here on, in one transaction where the engine defines
    /// tables in one. What is in order is left alone. The log of a table whose definition has changed, or whose triggers are not
    /// as they were made, begins anew: its earlier positions are none any more. Tables that are tracked and not named stay.
    ///
    /// A table that cannot be tracked is told with the reason, and the others are.
    ///
    /// # Errors
    /// When nothing can be installed at all: `STORE_READ_ONLY`, `STORE_LOCKED`, and what is wrong with rights.
    async fn install(&self, tables: &[String]) -> Result<Installed>;

    /// Removes the logs of these tables, or everything there is of tracking when `None`. The catalog is then what it was without.
    /// Returns the tables that were tracked.
    ///
    /// # Errors
    /// As for [`Tracking::install`].
    async fn remove(&self, tables: Option<&[String]>) -> Result<Vec<String>>;

    /// How tracking stands; `None` where there is none.
    async fn standing(&self) -> Result<Option<Standing>>;

    /// Puts in an order what was logged since it was last done, in engines where it has none by itself. To be called before a view is
    /// opened in which positions are taken: they are short then. Without it they are right too, and a window may tell once more
    /// what is known. Where the logs may only be read nothing is done.
    ///
    /// # Errors
    /// `STORE_LOCKED` while somebody else is at it for too long.
    async fn sequence(&self) -> Result<()> {
        Ok(())
    }

    /// A word that is another one than `last`, which it was before, once a log has an entry that it had not, or may have one. For
    /// those who wait, as often as they like: nothing is written and little is read.
    async fn pulse(&self, last: Option<&str>) -> Result<String>;

    /// Notes how far a consumer has come with the tables it reads, and removes the entries that no consumer needs any more. To
    /// be called once what it read is durable where it went. Consumers that have left more unread than
    /// [`LOG_KEPT_ENTRIES`](crate::limits::LOG_KEPT_ENTRIES), or anything for longer than
    /// [`LOG_KEPT_FOR`](crate::limits::LOG_KEPT_FOR), are given up: their positions lie before the log by and by.
    async fn acknowledge(&self, consumer: &Consumer) -> Result<()>;
}

/// What an installation has come to.
#[derive(Debug, Default)]
pub struct Installed {
    /// Tables that are tracked from now on.
    pub begun: Vec<String>,
    /// Tables that were tracked, and whose logs begin anew; with the reason.
    pub renewed: Vec<(String, String)>,
    /// Tables that were tracked and are in order.
    pub kept: Vec<String>,
    /// Tables that cannot be tracked.
    pub refused: Vec<(String, Error)>,
}

/// One who reads the logs of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name, which no other has.
    pub link: String,
    /// What people call it.
    pub label: String,
    /// What it has read, table by table.
    pub positions: BTreeMap<String, LogPosition>,
}

/// A place in the log of one table, in the words of its store: everything up to it is known to whoever keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition(pub String);

impl LogPosition {
    /// No place in any log: whoever was somewhere is nowhere now.
    pub fn none() -> Self {
        Self(String::new())
    }
}

/// How tracking stands in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// By what counterparts know this database, given when tracking was installed.
    pub store: String,
    /// The tracked tables, in the order of their names.
    pub tables: Vec<TrackedTable>,
    /// Who reads, in the order of their names.
    pub consumers: Vec<ConsumerStanding>,
}

/// One tracked table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedTable {
    /// Its name.
    pub name: String,
    /// Entries in its log.
    pub entries: u64,
    /// Bytes that the log takes, about.
    pub bytes: u64,
    /// When the oldest entry was made, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// Why its log is not to be trusted, where it is not.
    pub defect: Option<String>,
}

/// One who reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerStanding {
    /// As [`Consumer::link`].
    pub link: String,
    /// As [`Consumer::label`].
    pub label: String,
    /// When it was last heard of, in milliseconds since 1970.
    pub seen_ms: i64,
    /// Entries that it has not read yet.
    pub behind: u64,
    /// When the oldest of them was made, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
}

/// The logs of a database, as a view shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// As [`Standing::store`].
    pub store: String,
    /// Where the log of each tracked table ends.
    pub ends: BTreeMap<String, LogPosition>,
    /// Tracked tables whose logs are not to be trusted, with the reason.
    pub defects: BTreeMap<String, String>,
}

/// What a log tells of the time between a position and a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// Nothing was touched.
    Empty,
    /// Entries were made.
    Entries {
        /// How many, about.
        count: u64,
        /// When the oldest of them was made, in milliseconds since 1970 by the clock there, where it is told.
        oldest_ms: Option<i64>,
    },
    /// The log does not reach back to the position, or is not the one it was in; with the reason.
    Cut(String),
}

/// Keys that were touched, and the rows that have them now.
#[derive(Clone, Debug)]
pub struct TouchedBatch {
    /// Key cells, in the order of [`TableTask::key`](crate::change::TableTask::key).
    pub keys: RowBatch,
    /// The digest of the row, one a key; `None` where there is no row with this key that takes part.
    pub digests: Vec<Option<RowDigest>>,
    /// The row itself in the exact encoding, as [`Snapshot::fetch`](super::Snapshot::fetch) shows it, where it is at hand and not
    /// longer than [`limits::KEPT_ROW_BYTES`]; empty, or one a key.
    pub rows: Vec<Option<Vec<u8>>>,
    /// Bytes of the rows in the encoding by which they are equal.
    pub bytes: u64,
    row_bytes: usize,
}

impl TouchedBatch {
    /// None yet, of keys with so many columns.
    pub fn new(width: usize) -> Self {
        Self { keys: RowBatch::new(width), digests: Vec::new(), rows: Vec::new(), bytes: 0, row_bytes: 0 }
    }

    /// Keys that all have rows, of which only the digests are known, and so many bytes.
    pub fn of_digests(keys: RowBatch, digests: Vec<RowDigest>, bytes: u64) -> Self {
        Self { keys, digests: digests.into_iter().map(Some).collect(), rows: Vec::new(), bytes, row_bytes: 0 }
    }

    /// Adds a key without a row.
    ///
    /// # Errors
    /// As [`RowBatch::push`].
    pub fn push_key<'v>(&mut self, key: impl IntoIterator<Item = ValueRef<'v>>) -> Result<()> {
        self.keys.push_row(key)?;
        self.digests.push(None);
        self.rows.push(None);
        Ok(())
    }

    /// The row of the last key that was added.
    pub fn found(&mut self, task: &TableTask, row: Row<'_>, scratch: &mut Vec<u8>) {
        if let (Some(digest), Some(kept)) = (self.digests.last_mut(), self.rows.last_mut()) {
            *digest = Some(task.digest(row.iter(), scratch));
            *kept = kept_form(row);
            self.row_bytes += kept.as_ref().map_or(0, Vec::len);
            self.bytes += scratch.len() as u64;
        }
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.keys.bytes() + self.digests.len() * size_of::<Option<RowDigest>>() + self.row_bytes
    }
}

/// The row in the exact encoding, unless that is long.
fn kept_form(row: Row<'_>) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    for value in row.iter() {
        let long = match value {
            ValueRef::Text(bytes) | ValueRef::Bytes(bytes) => bytes.len(),
            ValueRef::Json(text) | ValueRef::Decimal(text) | ValueRef::Other { text, .. } => text.len(),
            _ => 0,
        };
        if encoded.len() + long > limits::KEPT_ROW_BYTES {
            return None;
        }
        exact::encode(value, &mut encoded);
    }
    Some(encoded)
}

/// Touched keys, batch by batch, in key order and none twice.
pub type TouchedStream<'a> = BoxStream<'a, Result<TouchedBatch>>;

/// What the cells of a cursor column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Points in time, as [filters](crate::mapping::filter) read them, in milliseconds since 1970.
    Time,
    /// Numbers that are given out in ascending order.
    Number,
}

/// How far a target has come with one table of a link, kept in the target itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The link, as [`Consumer::link`].
    pub link: String,
    /// The source's table.
    pub table: String,
    /// What is in the target is the source's as of this.
    pub position: LogPosition,
    /// Which columns were carried into which: what another pairing has left is not known.
    pub shape: String,
}
