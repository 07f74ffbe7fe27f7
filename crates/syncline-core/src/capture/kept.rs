//! Rows of the source that were read to be compared, and need not be read again to be written.
//!
//! Rows that a log names lie all over a table. To read them twice is to look twice for each of them, which a server whose cache is
//! smaller than the table does from the disk.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};

use crate::change::TableTask;
use crate::error::Result;
use crate::limits;
use crate::store::{RowSource, RowStream, Snapshot};
use crate::value::{RowBatch, exact};

/// Rows of one view of the source, by table and key, up to [`limits::KEPT_BYTES`] of them.
#[derive(Debug, Default)]
pub struct KeptRows {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tables: HashMap<String, HashMap<Vec<u8>, Vec<u8>>>,
    bytes: usize,
}

/// What a row takes beside its bytes and those of its key: two vectors in a hash table, and the allocator's share.
const OVERHEAD: usize = 96;

impl KeptRows {
    /// Keeps rows of a table, by keys in the exact encoding and in that encoding, as long as there is room.
    pub fn keep(&self, table: &str, rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { tables, bytes } = &mut *kept;
        for (key, row) in rows {
            *bytes += key.len() + row.len() + OVERHEAD;
            if *bytes > limits::KEPT_BYTES {
                return;
            }
            tables.entry(table.to_owned()).or_default().insert(key, row);
        }
    }

    /// The rows with these keys in the order of the keys, in batches of a stream; `None` where one of them was not kept.
    fn rows(&self, task: &TableTask, keys: &RowBatch) -> Option<Vec<RowBatch>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = kept.tables.get(&task.table.name)?;
        let (mut batches, mut batch) = (Vec::new(), RowBatch::new(task.columns.len()));
        for key in keys.rows() {
            let row = rows.get(&exact::encode_row(key.iter()))?;
            batch.push_row(exact::decode_row(row).ok()?).ok()?;
            if batch.len() >= limits::STREAM_ROWS || batch.bytes() >= limits::BATCH_BYTES {
                batches.push(std::mem::replace(&mut batch, RowBatch::new(task.columns.len())));
            }
        }
        batches.extend((!batch.is_empty()).then_some(batch));
        Some(batches)
    }
}

/// A view of the source of which some rows were kept.
pub struct Remembered<'a> {
    view: &'a mut Box<dyn Snapshot>,
    kept: &'a KeptRows,
}

impl<'a> Remembered<'a> {
    /// The rows must be this view's, or those of one that shows the same.
    pub fn new(view: &'a mut Box<dyn Snapshot>, kept: &'a KeptRows) -> Self {
        Self { view, kept }
    }
}

#[async_trait]
impl RowSource for Remembered<'_> {
    async fn all(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        self.view.scan(task).await
    }

    async fn by_keys(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        match self.kept.rows(task, keys) {
            Some(batches) => Ok(stream::iter(batches.into_iter().map(Ok)).boxed()),
            None => self.view.fetch(task, keys).await,
        }
    }

    async fn places(&mut self, _task: &TableTask, _keys: &RowBatch) -> Result<Vec<Option<i64>>> {
        Ok(Vec::new())
    }

    fn view(&mut self) -> Option<&mut dyn Snapshot> {
        Some(&mut **self.view)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::TableSchema;
    use crate::value::ValueRef;

    fn task() -> TableTask {
        let table = TableSchema { name: "t".into(), ..TableSchema::default() };
        TableTask {
            table: Arc::new(table),
            columns: vec![0, 1],
            key: vec![0],
            mapped: Default::default(),
            forms: Default::default(),
        }
    }

    fn row(id: i64, text: &str) -> (Vec<u8>, Vec<u8>) {
        let (id, text) = (ValueRef::Int(id), ValueRef::Text(text.as_bytes()));
        (exact::encode_row([id]), exact::encode_row([id, text]))
    }

    fn keys(ids: &[i64]) -> RowBatch {
        let mut keys = RowBatch::new(1);
        ids.iter().for_each(|id| keys.push_row([ValueRef::Int(*id)]).unwrap());
        keys
    }

    #[test]
    fn rows_come_in_the_order_of_the_keys_or_not_at_all() {
        let kept = KeptRows::default();
        kept.keep("t", (0..5_000).map(|id| row(id, "text")));
        kept.keep("other", [row(9_999, "text")]);
        let ids: Vec<i64> = (0..5_000).rev().collect();
        let batches = kept.rows(&task(), &keys(&ids)).unwrap();
        assert_eq!(batches.iter().map(RowBatch::len).collect::<Vec<_>>(), [2_048, 2_048, 904]);
        let found = batches.iter().flat_map(RowBatch::rows).map(|row| row.get(0));
        assert!(found.eq(ids.into_iter().map(ValueRef::Int)));
        assert!(kept.rows(&task(), &keys(&[1, 9_999])).is_none(), "one is another table's");
        assert!(kept.rows(&task(), &keys(&[])).unwrap().is_empty());
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let kept = KeptRows::default();
        let long = "x".repeat(limits::KEPT_BYTES / 3);
        kept.keep("t", (1..=4).map(|id| row(id, &long)));
        assert!(kept.rows(&task(), &keys(&[1, 2])).is_some());
        assert!(kept.rows(&task(), &keys(&[3])).is_none());
    }
}
