//! The rows that a log of the source says were touched, held against the target's.
//!
//! A log may say too much, so what it names is compared like everything else: what is equal is passed over, and what is
//! written rests on the target's row as it was seen.

use futures_util::StreamExt;

use crate::change::{Operation, PlannedChange, RowDigest, TableTask};
use crate::error::{Code, Error, Result};
use crate::store::{RowStream, Snapshot, TouchedBatch, TouchedStream};
use crate::value::key_order::compare_keys;
use crate::value::{Row, RowBatch, exact};

use super::{KeptRows, Tally};

/// Touched rows on their way. Ask for pages until there are none.
pub struct Touched<'a> {
    source: TouchedStream<'a>,
    target: &'a mut dyn Snapshot,
    of_source: &'a TableTask,
    task: &'a TableTask,
    kept: &'a KeptRows,
    tally: Tally,
}

impl<'a> Touched<'a> {
    /// The tasks have the same columns and key. Rows that are to be written are kept.
    pub fn new(
        source: TouchedStream<'a>,
        target: &'a mut dyn Snapshot,
        (of_source, task): (&'a TableTask, &'a TableTask),
        kept: &'a KeptRows,
    ) -> Self {
        Self { source, target, of_source, task, kept, tally: Tally::default() }
    }

    /// The counts so far, of touched rows only.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The next rows that differ, in key order. `None` after the last. A page may be empty, so that the caller can show
    /// progress and be interrupted.
    ///
    /// # Errors
    /// Those of both sides; `INTERNAL` when the target returns rows that it was not asked for.
    pub async fn next_page(&mut self) -> Result<Option<Vec<PlannedChange>>> {
        let Some(TouchedBatch { keys, digests, mut rows, bytes, .. }) = self.source.next().await.transpose()? else {
            return Ok(None);
        };
        self.tally.source_bytes += bytes;
        let found = digests_of(self.target.fetch(self.task, &keys).await?, self.task, &keys).await?;
        let differing = differing(&keys, digests.into_iter().zip(found), &mut self.tally);
        let to_write = differing.iter().filter(|(_, change)| change.becomes.is_some());
        let rows = to_write.filter_map(|(at, change)| Some((change.key.clone(), rows.get_mut(*at)?.take()?)));
        self.kept.keep(&self.of_source.table.name, rows);
        Ok(Some(differing.into_iter().map(|(_, change)| change).collect()))
    }
}

/// Rows with these keys on both sides, whether they were touched or not: those that differ, and the counts. No key twice.
///
/// # Errors
/// As [`Touched::next_page`].
pub async fn compare_keys_of(
    (source, source_task): (&mut dyn Snapshot, &TableTask),
    (target, target_task): (&mut dyn Snapshot, &TableTask),
    keys: &RowBatch,
) -> Result<(Vec<PlannedChange>, Tally)> {
    let of_source = digests_of(source.fetch(source_task, keys).await?, source_task, keys).await?;
    let of_target = digests_of(target.fetch(target_task, keys).await?, target_task, keys).await?;
    let mut tally = Tally::default();
    let changes = differing(keys, of_source.into_iter().zip(of_target), &mut tally);
    Ok((changes.into_iter().map(|(_, change)| change).collect(), tally))
}

/// The changes, each with the number of its key.
fn differing(
    keys: &RowBatch,
    digests: impl Iterator<Item = (Option<RowDigest>, Option<RowDigest>)>,
    tally: &mut Tally,
) -> Vec<(usize, PlannedChange)> {
    let mut changes = Vec::new();
    for (at, (key, (source, target))) in keys.rows().zip(digests).enumerate() {
        if let Some(operation) = count(source, target, tally) {
            let key = exact::encode_row(key.iter());
            changes.push((at, PlannedChange { operation, key, seen: target, becomes: source, copies: None }));
        }
    }
    changes
}

/// What brings the target's row in line with the source's.
fn count(source: Option<RowDigest>, target: Option<RowDigest>, tally: &mut Tally) -> Option<Operation> {
    let (counter, operation) = match (source, target) {
        (None, None) => return None,
        (Some(_), None) => (&mut tally.only_source, Some(Operation::Insert)),
        (None, Some(_)) => (&mut tally.only_target, Some(Operation::Delete)),
        (Some(source), Some(target)) if source == target => (&mut tally.same, None),
        (Some(_), Some(_)) => (&mut tally.changed, Some(Operation::Update)),
    };
    *counter += 1;
    operation
}

/// The digests of the rows with these keys, one a key. Rows come in the order of the keys.
///
/// # Errors
/// Those of the stream, and `INTERNAL` for rows that nobody has asked for.
pub async fn digests_of(mut rows: RowStream<'_>, task: &TableTask, keys: &RowBatch) -> Result<Vec<Option<RowDigest>>> {
    let (mut digests, mut scratch) = (vec![None; keys.len()], Vec::new());
    let mut at = 0;
    while let Some(batch) = rows.next().await.transpose()? {
        for row in batch.rows() {
            at += place_of(row, task, keys, at)?;
            digests[at] = Some(task.digest(row.iter(), &mut scratch));
            at += 1;
        }
    }
    Ok(digests)
}

/// How many keys lie between `from` and that of the row.
fn place_of(row: Row<'_>, task: &TableTask, keys: &RowBatch, from: usize) -> Result<usize> {
    let is_it = |at: usize| compare_keys(keys.row(at).iter(), row.select(&task.key)).is_eq();
    (from..keys.len()).position(is_it).ok_or_else(|| {
        let what = format!("rows of {} came in another order than they were asked for", task.table.name);
        Error::new(Code::Internal, what).leaving("nothing was decided on that ground")
    })
}
