//! Ranges of rows that an engine sums up by itself, so that those which are equal need not be moved.
//!
//! Keys of the table are *borders*, about one in so many. Which ones are is decided by the rows' own content, in the same way
//! everywhere, so two tables that hold nearly the same have nearly the same borders without having to talk about them.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::DigestStream;
use crate::change::TableTask;
use crate::error::Result;
use crate::value::{RowBatch, Value};

/// The cells of a key, in the order of [`TableTask::key`].
pub type Key = Vec<Value>;

/// Borders with the sums of the rows so far, batch by batch, in key order.
pub type BorderStream<'a> = BoxStream<'a, Result<BorderBatch>>;

/// Borders, and what lies before each of them.
#[derive(Clone, Debug)]
pub struct BorderBatch {
    /// The keys of the borders.
    pub keys: RowBatch,
    /// Rows from the beginning of the stream to each border, that of the border included.
    pub rows: Vec<u64>,
    /// The 128-bit sums of these rows, combined by exclusive or: of two such sums it is that of the rows between them.
    pub sums: Vec<u128>,
}

/// Keys between two, the first of which is not among them and the last is. `None` is no end.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRange {
    /// What comes before all of them.
    pub after: Option<Key>,
    /// The last.
    pub upto: Option<Key>,
}

impl KeyRange {
    /// All keys up to this one.
    pub fn upto(key: Key) -> Self {
        Self { after: None, upto: Some(key) }
    }
}

/// What has come through the streams of a view and of its twins, and how long was waited for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes that came.
    pub bytes: u64,
    /// How long a stream that had begun had nothing to pass on because nothing had come yet. What was done with the bytes
    /// meanwhile, or how long nobody asked for more, does not count.
    pub waited: Duration,
}

impl Traffic {
    /// Bytes for each second that was waited.
    pub fn rate(self) -> u64 {
        let nanos = self.waited.as_nanos().max(1);
        u64::try_from(u128::from(self.bytes) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// A view whose engine sums up ranges of rows, and reads ranges of them.
#[async_trait]
pub trait RangeSums: Send {
    /// How the engine sums up the rows of this task; `None` when it cannot, when equal sums would not mean equal rows as the
    /// task sees them, or when it would have to go through the whole table for each range. Where the methods of two
    /// views are the same, rows of equal sums are equal, but for a collision of 128 bits.
    async fn method(&mut self, task: &TableTask) -> Result<Option<String>>;

    /// The key of the row that is the so manieth in key order; `None` when there are not so many.
    async fn nth_key(&mut self, task: &TableTask, rows: u64) -> Result<Option<Key>>;

    /// The borders in key order behind `after`, about one in `spacing` rows (1 to 256). The last rows of the table have none
    /// behind them. Only for tasks with a [method](RangeSums::method).
    async fn borders(&mut self, task: &TableTask, after: Option<&Key>, spacing: u32) -> Result<BorderStream<'_>>;

    /// As [`Snapshot::digest`](super::Snapshot::digest), of the rows whose keys are in these ranges. They are in key order and
    /// do not overlap. Only for tasks with a [method](RangeSums::method).
    async fn digest_within(&mut self, task: &TableTask, ranges: &[KeyRange]) -> Result<DigestStream<'_>>;

    /// What has come through the streams so far.
    fn traffic(&self) -> Traffic;
}
