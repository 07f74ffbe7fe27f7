//! The ports to a database: [`Store`], its [`Snapshot`], its [`Writer`] and the writer's [`Transaction`].
//!
//! All are object-safe and work at the granularity of batches. Every implementation passes the conformance suite in
//! `syncline-testkit`; when it does, the store is done.

mod backup;
mod examine;
mod orphans;
mod sums;
mod tracking;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::change::{Applied, ApplyMode, ChangeBatch, Refusal, RowDigest, TableTask};
use crate::checkpoint::Checkpoint;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::schema::{ForeignKey, NewColumn, Schema, SchemaStep, TableSchema, Translated, Widened};
use crate::value::{RowBatch, SumPart, TableSum};

pub use backup::{Backup, Care, Extent, Hold, Owners, Watch};
pub use examine::{Finding, Grant, Grants, Side, Verdict};
pub use orphans::Orphans;
pub use sums::{BorderBatch, BorderStream, Key, KeyRange, RangeSums, Traffic};
pub use tracking::{
    Consumer, ConsumerStanding, Cursor, Installed, LogPosition, Logs, Scale, Standing, TouchedBatch, TouchedStream,
    TrackedTable, Tracking, Window,
};

/// What a store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `sqlite`, `postgres` or `mysql`.
    pub engine: &'static str,
    /// The engine's version.
    pub version: String,
    /// Which database this is, decided by the engine rather than by its name: two stores with equal identities are the
    /// same database, through whatever alias they were opened. A database that takes the place of another has an identity
    /// of its own.
    pub identity: String,
    /// What this store called the same database in earlier versions, where that was less exact: what was kept under that
    /// name counts as this database's.
    pub former_identity: Option<String>,
    /// Whether it can be written.
    pub writable: bool,
    /// Bytes free where the database keeps its data, when that can be told.
    pub free_bytes: Option<u64>,
}

impl Description {
    /// Whether an identity that was kept is that of this database.
    pub fn is_known_as(&self, identity: &str) -> bool {
        self.identity == identity || self.former_identity.as_deref() == Some(identity)
    }
}

/// One database behind an adapter.
///
/// Opening a store and reading from it leave nothing in the database.
#[async_trait]
pub trait Store: Send + Sync {
    /// Engine, version, identity and rights, as they are now.
    async fn describe(&self) -> Result<Description>;

    /// Opens one consistent view. Everything read through it, schema included, belongs to the same instant; commits
    /// by others after that are not seen. Several snapshots may be open at once.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>>;

    /// Opens the only way to write. A store has at most one writer per run; it waits for other programs' locks up to
    /// [`crate::limits::LOCK_WAIT`].
    ///
    /// # Errors
    /// `STORE_READ_ONLY` when the database cannot be written, before anything is.
    async fn writer(&self) -> Result<Box<dyn Writer>>;

    /// Takes the right to change this database, among all runs on it: those of other state directories, users and
    /// programs that link this library too, through whatever alias they came. It does not wait for a holder. Other
    /// programs are not kept from anything. The engine or the operating system frees it when the process dies, however
    /// it does. While it is held, others may see that it is; nothing of it is left in the database, and nothing beside it
    /// once it is given back.
    ///
    /// `note` says whose it is, to those who find it held. They may be anybody who may write to the database, so it names
    /// no paths and no other databases.
    ///
    /// # Errors
    /// `RUN_LOCKED` with the holder's note when another holds it; `STORE_READ_ONLY` when the database cannot be written.
    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>>;

    /// What those who look after the database should know, from what is cheap to ask: whether it can be read, and written
    /// where it is not to be a source only; what would end a run or keep a table from being carried, with the error
    /// that this would be; what is risky; and what the tables lack. What is as it should be is told too, of all tables together.
    ///
    /// Nothing is changed, and no claim is taken: runs may work meanwhile.
    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>>;

    /// The statements that give `role` what a run needs that reads the tables with these names, or writes to them too, and no
    /// more. `None` where the engine itself keeps no rights.
    ///
    /// # Errors
    /// `USAGE_INVALID` for a role that means everybody, and when a name cannot be written in SQL.
    async fn grants(&self, side: Side, role: &str, tables: &[String]) -> Result<Option<Grants>> {
        let _ = (side, role, tables);
        Ok(None)
    }

    /// The way to copy the database whole, where the engine has one.
    fn backup(&self) -> Option<&dyn Backup> {
        None
    }

    /// The way to have the database log its changes.
    fn tracking(&self) -> &dyn Tracking;
}

/// The right of one run to change a database, given back when dropped.
#[async_trait]
pub trait RunClaim: Send + Sync {
    /// Replaces the note, for instance once the run has a name. A note that cannot be left is none; the claim holds all
    /// the same.
    async fn note(&self, note: &str);
}

/// Rows of a table, batch by batch. The stream ends after the last row; an empty table yields no batch. Dropping it
/// early is safe and frees the snapshot for the next call.
pub type RowStream<'a> = BoxStream<'a, Result<RowBatch>>;

/// Keys and digests of a table, batch by batch, in key order.
pub type DigestStream<'a> = BoxStream<'a, Result<DigestBatch>>;

/// Sums of rows that follow each other, to be merged into the sum of all.
pub type SumStream<'a> = BoxStream<'a, Result<SumPart>>;

/// Rows as an engine sends them, batch by batch, each with what it adds to the sum of all.
pub type RawStream<'a> = BoxStream<'a, Result<RawBatch>>;

/// Rows as an engine sends them, and takes them from another of its kind, undecoded.
#[derive(Clone, Debug)]
pub struct RawBatch {
    /// The rows, one after the other, in the engine's own format.
    pub rows: Vec<u8>,
    /// Their sum, by exact equality.
    pub sum: TableSum,
    /// The digest of each, by the same.
    pub digests: Vec<u128>,
}

/// What rows are like that are not decoded: the engine's format, and the types of their columns. Rows of one format mean the
/// same on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFormat(pub String);

/// One of so many shares of a table. Every row is in exactly one of them, in all views that show the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which one, counted from 0.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    /// The one share that is everything.
    pub const ALL: Share = Share { index: 0, of: 1 };
}

/// Keys with the digest of each row.
#[derive(Clone, Debug)]
pub struct DigestBatch {
    /// Key cells, in the order of [`TableTask::key`].
    pub keys: RowBatch,
    /// Digest of all columns of the task, one a row.
    pub digests: Vec<RowDigest>,
    /// Bytes of the rows in the encoding by which they are equal, to estimate what writing them takes.
    pub bytes: u64,
    /// Rows that were read for it. They are those of the batch, except where digests are sorted before the first is passed
    /// on: there batches without rows tell what was read meanwhile, and the rows come afterwards without any being read.
    pub read: u64,
}

/// How much the streams of a view pass on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Rows in one batch, at most.
    pub rows: usize,
    /// Bytes after which a batch is closed.
    pub bytes: usize,
    /// Bytes of a value that a stream may come to, at most; a larger one ends it with `VALUE_TOO_LARGE` before any memory is
    /// taken for it. `None` for as many as the engine can store.
    pub value_bytes: Option<usize>,
    /// Whether the next batches may be read before they are asked for. The first is read at once in any case.
    pub reads_ahead: bool,
}

impl Default for Flow {
    fn default() -> Self {
        Self { rows: limits::STREAM_ROWS, bytes: limits::BATCH_BYTES, value_bytes: None, reads_ahead: true }
    }
}

impl Flow {
    /// The share of one of so many views of a side that are read side by side. Half of what an even share were, because each
    /// has buffers beside.
    #[must_use]
    pub fn shared_by(views: usize) -> Self {
        let bytes = limits::BATCH_BYTES / (2 * views.max(1));
        Self { bytes, value_bytes: Some(bytes), ..Self::default() }
    }
}

/// About how much a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Rows.
    pub rows: u64,
    /// Bytes of all rows together.
    pub bytes: u64,
}

/// One consistent view of a database. Reads never write. One stream is open at a time: that is what `&mut` says.
#[async_trait]
pub trait Snapshot: Send {
    /// The schema, as of this view.
    async fn schema(&mut self) -> Result<Schema>;

    /// A table as this engine would make it, whichever engine describes it; one of this engine as it is. Nothing is asked of
    /// the database. Every column of the translation takes all values of the column it stands for, or as many as the engine
    /// has a type for.
    fn translate(&self, table: &Arc<TableSchema>) -> Translated;

    /// A table of this engine as it can be made in this database: `among` is the database's schema together with all
    /// tables that are made at once. What the engine would refuse, such as a reference to a table that is not there, is left
    /// out. Nothing is asked of the database.
    fn settled(&self, table: &Arc<TableSchema>, _among: &Schema) -> Translated {
        Translated { table: Arc::clone(table), left_out: Vec::new() }
    }

    /// The statements that create a table and its indexes, as a writer of this database would carry them out.
    ///
    /// # Errors
    /// When a name cannot be written in SQL.
    fn statements(&self, table: &TableSchema) -> Result<Vec<String>>;

    /// What a table of this view becomes when these columns are added to it in this order: asked of the engine itself, on a table of
    /// the same definition, so nothing is written here. A column that it refuses is passed over. What only the rows can tell,
    /// such as a condition that one of them breaks, shows when the step is carried out.
    async fn widened(&mut self, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened>;

    /// Rows in the table. Exact, and at the price of going through it.
    async fn count(&mut self, task: &TableTask) -> Result<u64>;

    /// Whether there is no row in the table, at the price of one.
    async fn is_empty(&mut self, task: &TableTask) -> Result<bool>;

    /// About how much there is in the table, at the price of a few rows. There are 0 rows exactly when it is empty.
    async fn estimate(&mut self, task: &TableTask) -> Result<Estimate>;

    /// The highest value of a column among the rows of the task, in whole units and rounded down. What is none is passed over.
    async fn highest(&mut self, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>>;

    /// Makes sure that no cell of the key is NULL, without going through a table whose definition rules that out.
    ///
    /// # Errors
    /// `KEY_NULL` when one is, `TABLE_NO_KEY` when rows have neither key nor place.
    async fn check_key(&mut self, task: &TableTask) -> Result<()>;

    /// All rows, in the order that is cheapest to read, with the columns of the task.
    async fn scan(&mut self, task: &TableTask) -> Result<RowStream<'_>>;

    /// In which format [`Snapshot::scan_raw`] sends the rows of a task; `None` where it does not.
    fn raw_format(&self, task: &TableTask) -> Option<RawFormat> {
        let _ = task;
        None
    }

    /// As [`Snapshot::scan`], without decoding rows further than their sum needs.
    ///
    /// # Errors
    /// `INTERNAL` for a task that there is no format for.
    async fn scan_raw(&mut self, task: &TableTask) -> Result<RawStream<'_>> {
        Err(Error::new(Code::Internal, format!("{} is not read undecoded", task.table.name)))
    }

    /// Keys and digests of all rows in key order ([`crate::value::key_order`]), whatever the collation of the key. The
    /// rows of a table without a key come in the order of their digests, then of their places
    /// ([`crate::change::copies`]).
    ///
    /// # Errors
    /// `KEY_NULL` from the stream when a key cell is NULL, `TABLE_NO_KEY` when rows have neither key nor place.
    async fn digest(&mut self, task: &TableTask) -> Result<DigestStream<'_>>;

    /// The sum of the rows of one share, in whatever order is cheapest to read. Shares need not be of one size, and may be
    /// empty. Each part is taken where the rows are read, so that views that are summed up at the same time are so on
    /// threads of their own.
    async fn sum(&mut self, task: &TableTask, share: Share) -> Result<SumStream<'_>>;

    /// The rows with these keys, no key twice. Rows come in the order of the keys, in batches bounded like those of a
    /// scan; keys without a row are left out. In a table without a key the place says which row is meant.
    async fn fetch(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>>;

    /// From here on streams are held to this.
    fn set_flow(&mut self, flow: Flow);

    /// The engine's own way to sum up ranges of rows, for those who are far from it; `None` where nothing is, or there is none.
    fn sums(&mut self) -> Option<&mut dyn RangeSums> {
        None
    }

    /// As [`Transaction::orphans`], as this view shows them.
    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans>;

    /// The logs of the tracked tables, as this view shows them; `None` where tracking is not installed.
    async fn logs(&mut self) -> Result<Option<Logs>> {
        Ok(None)
    }

    /// What the log of a table tells of the time since a position.
    async fn window(&mut self, task: &TableTask, since: &LogPosition) -> Result<Window> {
        let _ = (task, since);
        Ok(Window::Cut("the database keeps no log".to_owned()))
    }

    /// The keys touched since a position, and the rows that have them in this view. To be asked for where
    /// [`Snapshot::window`] tells of entries.
    async fn touched(&mut self, task: &TableTask, since: &LogPosition) -> Result<TouchedStream<'_>> {
        let _ = since;
        Err(Error::new(Code::Internal, format!("no log is kept of {}", task.table.name)))
    }

    /// The cursors that links into this database have left here, as this view shows them.
    async fn cursors(&mut self) -> Result<Vec<Cursor>> {
        Ok(Vec::new())
    }

    /// The table's highest row number ever given out, where the engine keeps one (SQLite's `sqlite_sequence`).
    async fn sequence(&mut self, table: &str) -> Result<Option<i64>>;

    /// One more view of the same instant, to be read at the same time. `None` where that cannot be had, or not without waiting. To
    /// be asked for before this store's own writer has committed anything.
    async fn twin(&mut self) -> Result<Option<Box<dyn Snapshot>>>;

    /// Where this view stands in the database's history. Two positions of one store are equal only if nothing was committed in
    /// between by anyone but this store's own writer.
    async fn position(&mut self) -> Result<Position>;

    /// Whether positions of this engine that are not equal mean that somebody else has committed. Where they do not, its own
    /// writer's commits may be all there was.
    fn tells_commits_apart(&self) -> bool {
        true
    }

    /// How many rows of its database anybody has written by now, where the engine counts that apart from others; somewhat late.
    async fn writes(&mut self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// This view, for a writer of the same engine to take rows from with a connection of its own; `None` where the
    /// engine has no such way.
    fn shared(&self) -> Option<Arc<dyn SharedView>>;
}

/// A view that a writer of the same engine can read by itself, so that rows need not be decoded on their way.
#[async_trait]
pub trait SharedView: Send + Sync {
    /// As [`Description::engine`].
    fn engine(&self) -> &'static str;

    /// The file the database is in.
    fn path(&self) -> &Path;

    /// Whether a view of the database taken before this call, and after the snapshot was, shows the same as the
    /// snapshot. `false` when that cannot be told.
    async fn is_current(&self) -> Result<bool>;
}

/// An opaque point in the history of one store, comparable for equality only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub Vec<u8>);

/// Where the rows come from that are written: a snapshot of the source, or what undo has kept.
#[async_trait]
pub trait RowSource: Send {
    /// As [`Snapshot::scan`].
    async fn all(&mut self, task: &TableTask) -> Result<RowStream<'_>>;

    /// As [`Snapshot::fetch`].
    async fn by_keys(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>>;

    /// The engine's own row numbers the rows with these keys should get, one a key; empty where they do not matter.
    async fn places(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Vec<Option<i64>>>;

    /// The view that the rows come from, where they come from one.
    fn view(&mut self) -> Option<&mut dyn Snapshot> {
        None
    }
}

/// A run's only way to write.
#[async_trait]
pub trait Writer: Send {
    /// The checkpoints that runs have left in this database, newest last; empty when the last run ended well.
    async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>>;

    /// Begins a transaction. It holds the right to write from here on, so nobody changes a row between its check and
    /// its write.
    ///
    /// # Errors
    /// `STORE_LOCKED` when others do not let go in time.
    async fn begin(&mut self) -> Result<Box<dyn Transaction + '_>>;

    /// How many sessions may load a table that is made, at once: one until this is said, and where more would gain nothing.
    fn widen(&mut self, _sessions: usize) {}

    /// Who the entries are from that this writer leaves in the logs of tracked tables, until this is said anew: a word that
    /// whoever reads them knows it by. Whoever writes to the database without us leaves none.
    fn sign(&mut self, _origin: &str) {}

    /// Forgets the checkpoint of a run that has ended, and removes what Syncline keeps once no run needs it. Twice is once.
    async fn forget(&mut self, run: &str) -> Result<()>;

    /// Removes the cursors of all links, with what else is kept for them. Returns whether there was anything.
    async fn unlink(&mut self) -> Result<bool>;
}

/// A cell that a database refuses by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisfitCell {
    /// The row, counted from 0.
    pub row: usize,
    /// The position in the columns of the task.
    pub column: usize,
    /// Why, in the words of the database.
    pub words: String,
}

/// Work that becomes visible all at once or not at all. Dropping it without [`Transaction::commit`] undoes it.
///
/// The application's triggers do not fire and foreign-key actions do not run: what the source shows is what is written,
/// and references are checked with [`Transaction::orphans`].
///
/// Where many write at once, the engine may undo it because of others (a deadlock, a failed serialization). Whichever call
/// finds that out fails with an error that [is passing](crate::error::Error::is_passing), a commit only where it is certain
/// that nothing was committed; and the same work may be begun anew.
#[async_trait]
pub trait Transaction: Send {
    /// Carries out schema steps.
    async fn define(&mut self, steps: &[SchemaStep]) -> Result<()>;

    /// Takes the right to write to these tables, until the end: from here on what a snapshot shows of them is what this
    /// transaction finds. To be asked for before anything is decided by their being empty, or of all their rows. An engine
    /// with one writer at a time has nothing to do.
    ///
    /// # Errors
    /// `STORE_LOCKED` when others do not let go in time.
    async fn hold(&mut self, tables: &[&TableTask]) -> Result<()> {
        let _ = tables;
        Ok(())
    }

    /// Adds rows to a table that had none when the transaction began. Without before-images: an empty table is what
    /// there was before. Rows that the database refuses are left out and returned; their neighbours are added and the
    /// transaction goes on.
    async fn load(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>>;

    /// As [`Transaction::load`], where more rows of the table follow: rows may still be on their way when this returns, and
    /// what the database refuses of them may be returned by a later call for the same table. The last of them is a `load`,
    /// of no rows if there are none left; a transaction that is committed without it has failed.
    async fn load_on(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        self.load(task, rows).await
    }

    /// In which format [`Transaction::load_raw_on`] takes the rows of a task; `None` where it does not.
    fn raw_format(&self, task: &TableTask) -> Option<RawFormat> {
        let _ = task;
        None
    }

    /// As [`Transaction::load_on`], for rows in the format of the task.
    ///
    /// # Errors
    /// `INTERNAL` for a task that there is no format for.
    async fn load_raw_on(&mut self, task: &TableTask, rows: RawBatch) -> Result<Vec<Refusal>> {
        let _ = rows;
        Err(Error::new(Code::Internal, format!("{} is not written undecoded", task.table.name)))
    }

    /// Fills a table that this transaction has created just like one in `view`, with all rows of that
    /// table, as the engine stores them, and returns how many there are. Hidden row numbers come along. Dropping the
    /// future stops the work.
    ///
    /// `None` when the engine cannot do it here, or the view is not that of the database any more: nothing was written
    /// then, and the rows are to be loaded one by one.
    async fn adopt(&mut self, table: &TableSchema, view: &dyn SharedView) -> Result<Option<u64>>;

    /// Writes the changes whose expectation holds and returns before-images of all it wrote. A change that is already
    /// there (the row equals the new one, or is absent already) is passed over: neither written nor moved. An empty
    /// batch does nothing. No key may occur twice in a batch.
    ///
    /// In a table without a key a row to delete is looked for at its place. Where others may have written since
    /// ([`DeleteBatch::left`](crate::change::DeleteBatch::left), [`Expectation::Fewer`](crate::change::Expectation::Fewer)),
    /// rows like it are counted: any copy will do, no more than are too many are deleted, and no more than are missing are
    /// inserted. Otherwise a copy that is not at its place is *moved* while there is another like it; where the engine keeps places
    /// from writers, any copy will do then too.
    ///
    /// A row that the database refuses is left as it is and returned with the database's words; its neighbours are
    /// written and the transaction goes on. In [`ApplyMode::Place`] a displaced row that is refused stays out of the
    /// table: such a transaction must not be committed.
    ///
    /// Once what it returns takes more than [`crate::limits::BATCH_BYTES`], it may stop between two changes and return those
    /// that are left; it has then gone through at least one. All parts of a batch together are as the batch in one.
    async fn apply(&mut self, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Result<Applied>;

    /// Which cells of these rows, in the columns at these positions of the task, the database does not take whatever the rest of
    /// the row is: for their type, or a rule of the type. Of columns whose type does not take NULL either nothing is said, and
    /// of cells that are NULL. Nothing is changed. An engine that refuses no value that fits its column has nothing to say.
    async fn misfits(&mut self, task: &TableTask, columns: &[usize], rows: &RowBatch) -> Result<Vec<MisfitCell>> {
        let _ = (task, columns, rows);
        Ok(Vec::new())
    }

    /// Whether nobody but this writer has committed since a view of the same store stood there.
    async fn is_at(&mut self, position: &Position) -> Result<bool>;

    /// The rows with these keys as this transaction sees them, in the order of the keys; keys without a row are left
    /// out. No filter of the task applies. It may stop between two keys as [`Transaction::apply`] may.
    async fn rows(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Sighting>;

    /// Removes all rows of the table and returns how many there were.
    async fn clear(&mut self, task: &TableTask) -> Result<u64>;

    /// Rows of `child` whose foreign key points at nothing: among the rows with `keys`, or in the whole table. All are
    /// counted and summed up, at most `limit` are named.
    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans>;

    /// For each of these rows, the keys of the other rows that have a unique value it is to get, in the exact encoding: as
    /// this transaction sees them, whether the row itself is there yet or not. None for a row that would be refused for
    /// another reason, and none in a table without a key. Nothing is changed.
    async fn rivals(&mut self, task: &TableTask, rows: &RowBatch) -> Result<Vec<Vec<Vec<u8>>>>;

    /// The table's highest row number ever given out, where the engine keeps one (SQLite's `sqlite_sequence`).
    async fn sequence(&mut self, table: &str) -> Result<Option<i64>>;

    /// Sets that number, or removes it.
    async fn restore_sequence(&mut self, table: &str, value: Option<i64>) -> Result<()>;

    /// Moves these cursors, or sets them for the first time. They become durable with the rows.
    async fn advance(&mut self, cursors: &[Cursor]) -> Result<()> {
        match cursors.first() {
            None => Ok(()),
            Some(cursor) => Err(Error::new(Code::Internal, format!("no cursor of {} can be kept here", cursor.table))),
        }
    }

    /// Makes everything durable together with the checkpoint. When this returns, a crash of the process or the
    /// machine no longer undoes it.
    async fn commit(self: Box<Self>, checkpoint: &Checkpoint) -> Result<()>;
}

/// Rows as a transaction sees them.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The rows.
    pub rows: RowBatch,
    /// How many keys, from the first on, were looked up.
    pub keys: usize,
}
