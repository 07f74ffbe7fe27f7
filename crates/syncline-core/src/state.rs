//! The ports to Syncline's own memory: the spool of decided changes, the evidence of what was changed, and the ledger of
//! rows that were left out.
//!
//! All belong to one run. Evidence and ledger are written ahead: they are durable before the target commits, tagged with
//! the batch, so that after a crash the part newer than the target's checkpoint can be discarded.

use async_trait::async_trait;

use crate::change::{Image, Mark, Operation, PlannedChange, Reason};
use crate::error::Result;
use crate::value::Forms;

/// Changes decided and not yet carried out, table by table, in the order they were decided. It need not survive the
/// process: what was not carried out is decided anew.
#[async_trait]
pub trait Spool: Send + Sync {
    /// Appends changes of a table.
    async fn append(&self, table: &str, changes: &[PlannedChange]) -> Result<()>;

    /// Puts inserts and updates of a table aside: a unique value is in their way that another change will free.
    async fn defer(&self, table: &str, changes: &[PlannedChange]) -> Result<()>;

    /// Changes of a table with one of the kinds, after the first `offset` of that kind: up to `limit`, and fewer where their
    /// keys pass [`crate::limits::BATCH_BYTES`]. None at all only behind the last.
    async fn page(&self, table: &str, kind: ChangeKind, offset: u64, limit: usize) -> Result<Vec<PlannedChange>>;

    /// Forgets the changes of a table, which are then decided anew.
    async fn forget(&self, table: &str) -> Result<()>;

    /// Forgets everything.
    async fn clear(&self) -> Result<()>;
}

/// The parts of a plan that are carried out at different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Inserts and updates.
    Put,
    /// Deletes.
    Delete,
    /// Inserts and updates that were put aside.
    Deferred,
}

/// What a load into an empty table left there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRecord {
    /// The table.
    pub table: String,
    /// What it is called in the target; unknown of runs by earlier versions.
    pub in_target: Option<String>,
    /// The columns loaded, in the order the digest is taken over.
    pub columns: Vec<String>,
    /// The run created the table, so undoing the load drops it.
    pub created: bool,
    /// In which forms these columns were seen when the digest was taken.
    pub forms: Forms,
    /// Number and digest of all rows loaded, in the bytes of [`crate::value::TableSum`].
    pub sum: Vec<u8>,
    /// Which rows these were, in the bytes of [`crate::value::Sketch`]; empty of runs by earlier versions.
    pub sketch: Vec<u8>,
    /// The table's sequence before the load.
    pub sequence: Option<i64>,
}

/// The table's part of the evidence that does not repeat with every batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRecord {
    /// The table.
    pub table: String,
    /// What it is called in the target; unknown of runs by earlier versions.
    pub in_target: Option<String>,
    /// The columns of the images, in their order.
    pub columns: Vec<String>,
    /// The table's sequence before the first change.
    pub sequence: Option<i64>,
}

/// Where a batch has left the sequence of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRecord {
    /// The table.
    pub table: String,
    /// The number; `None` where none was given out.
    pub left: Option<i64>,
    /// Somebody else has given out numbers between the batches of the run.
    pub is_shared: bool,
}

/// Rows of the target that pointed at nothing by one foreign key before a run: they may do so again when it is taken
/// back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DanglingRecord {
    /// The sum of the marks of all such rows; `None` where only some of the rows were looked at.
    pub sum: Option<u128>,
    /// The mark of each; empty where there are too many.
    pub marks: Vec<Mark>,
}

/// Before-images and loads of one run.
#[async_trait]
pub trait Evidence: Send + Sync {
    /// Records what the images of a table mean. Repeating it for the same table changes nothing.
    async fn record_table(&self, record: &TableRecord) -> Result<()>;

    /// Sends before-images on their way, behind those that were sent before, and returns while they are being written, if they are
    /// no more than [`crate::limits::IMAGES_AHEAD_BYTES`]: rows can meanwhile be written to the target. They are durable once
    /// [`Evidence::settle`] has returned.
    ///
    /// # Errors
    /// Those of the images that were sent before, too.
    async fn record_images(&self, batch: u64, table: &str, images: Vec<Image>) -> Result<()>;

    /// Waits until all images are durable. Every other recording does so first.
    async fn settle(&self) -> Result<()>;

    /// Records a load. Durable when it returns.
    async fn record_load(&self, batch: u64, load: &LoadRecord) -> Result<()>;

    /// Records where a batch leaves a sequence. Durable when it returns.
    async fn record_counter(&self, batch: u64, counter: &CounterRecord) -> Result<()>;

    /// Records what pointed at nothing before the first change. Durable when it returns.
    async fn record_dangling(&self, records: &[DanglingRecord]) -> Result<()>;

    /// Forgets what was recorded for a batch whose transaction came to nothing. Durable when it returns.
    async fn forget_batch(&self, batch: u64) -> Result<()>;

    /// Declares that batches up to and including this one are in the target and that no more will come, so that the
    /// target's checkpoint may go. What was recorded for later batches is forgotten.
    async fn seal(&self, batch: u64) -> Result<()>;
}

/// A row that a run left out, with both values and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// What was to happen to it.
    pub operation: Operation,
    /// Its key, in the exact encoding.
    pub key: Vec<u8>,
    /// Why it is held.
    pub reason: Reason,
    /// The database's own words, or Syncline's where it found the reason itself.
    pub words: String,
    /// The row as the source shows it through the mapping, all columns of the task in the exact encoding; `None` for a
    /// delete.
    pub source: Option<Vec<u8>>,
    /// The row as the target had it, likewise; `None` when there was none.
    pub target: Option<Vec<u8>>,
    /// Rows of the target that it needs and that are not there, or that have a unique value it is to get: a held row among
    /// them holds this one too.
    pub awaits: Vec<Awaited>,
}

/// A row that another one waits for: it is called by the columns that are referenced, or by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Its table, as the target spells it.
    pub table: String,
    /// The columns, by name.
    pub columns: Vec<String>,
    /// Their values, in the exact encoding.
    pub values: Vec<u8>,
}

/// The rows that a run has left out: every row known to differ has one entry, for a person to see.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records rows of a table. Durable when it returns. `table` is what the spool calls it, and `columns` are those of
    /// the rows, in their order.
    async fn hold(&self, batch: u64, table: &str, columns: &[String], rows: Vec<HeldRow>) -> Result<()>;

    /// Forgets what was recorded for a batch whose transaction came to nothing. Durable when it returns.
    async fn forget_held(&self, batch: u64) -> Result<()>;

    /// Declares that batches up to and including this one are in the target and that no more will come. What was
    /// recorded for later batches is forgotten.
    async fn seal_held(&self, batch: u64) -> Result<()>;
}
