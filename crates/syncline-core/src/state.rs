//! The ports to Syncline's own memory: the spool of a plan and the evidence of what was changed.
//!
//! Both belong to one run. The evidence is written ahead: it is durable before the target commits, tagged with the
//! batch, so that after a crash the part newer than the target's checkpoint can be discarded.

use async_trait::async_trait;

use crate::change::{Image, PlannedChange};
use crate::error::Result;

/// Changes decided and not yet carried out, table by table, in the order they were decided. It need not survive the
/// process: what was not carried out is decided anew.
#[async_trait]
pub trait Spool: Send + Sync {
    /// Appends changes of a table.
    async fn append(&self, table: &str, changes: &[PlannedChange]) -> Result<()>;

    /// Up to `limit` changes of a table with one of the two kinds, after the first `offset` of that kind.
    async fn page(&self, table: &str, kind: ChangeKind, offset: u64, limit: usize) -> Result<Vec<PlannedChange>>;

    /// Forgets everything.
    async fn clear(&self) -> Result<()>;
}

/// The two halves of a plan: rows to write and rows to delete are carried out at different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Inserts and updates.
    Put,
    /// Deletes.
    Delete,
}

/// What a load into an empty table left there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRecord {
    /// The table.
    pub table: String,
    /// The columns loaded, in the order the digest is taken over.
    pub columns: Vec<String>,
    /// The run created the table, so undoing the load drops it.
    pub created: bool,
    /// Number and digest of all rows loaded, in the bytes of [`crate::value::TableSum`].
    pub sum: Vec<u8>,
    /// The table's sequence before the load.
    pub sequence: Option<i64>,
}

/// The table's part of the evidence that does not repeat with every batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRecord {
    /// The table.
    pub table: String,
    /// The columns of the images, in their order.
    pub columns: Vec<String>,
    /// The table's sequence before the first change.
    pub sequence: Option<i64>,
}

/// Before-images and loads of one run.
#[async_trait]
pub trait Evidence: Send + Sync {
    /// Records what the images of a table mean. Repeating it for the same table changes nothing.
    async fn record_table(&self, record: &TableRecord) -> Result<()>;

    /// Records before-images. Durable when it returns.
    async fn record_images(&self, batch: u64, table: &str, images: &[Image]) -> Result<()>;

    /// Records a load. Durable when it returns.
    async fn record_load(&self, batch: u64, load: &LoadRecord) -> Result<()>;

    /// Forgets what was recorded for a batch whose transaction came to nothing. Durable when it returns.
    async fn forget_batch(&self, batch: u64) -> Result<()>;

    /// Declares that batches up to and including this one are in the target and that no more will come, so that the
    /// target's checkpoint may go. What was recorded for later batches is forgotten.
    async fn seal(&self, batch: u64) -> Result<()>;
}
