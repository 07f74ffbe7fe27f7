//! Two streams of keys and digests merged into the rows that differ.
//!
//! Both sides are read from start to end. Where changes are spread over a table this is faster than narrowing down
//! ranges by their hashes, and it never needs an order that an index does not deliver on one of the sides.

use std::cmp::Ordering;
use std::ops::Add;

use futures_util::StreamExt;

use crate::change::{Operation, PlannedChange, RowDigest, TableTask};
use crate::error::{Code, Error, Result};
use crate::store::{DigestBatch, DigestStream};
use crate::value::key_order::compare_key_rows;
use crate::value::{Row, RowBatch, exact};

/// The merge of two sides. Ask for pages until there are none.
pub struct Compare<'a> {
    source: Side<'a>,
    target: Side<'a>,
    tally: Tally,
    copies: Option<Copies>,
}

/// Rows of the source so far that are like the last one.
#[derive(Default)]
struct Copies {
    like: Option<RowDigest>,
    rows: u64,
}

impl Copies {
    /// Counts one more row, and returns the how-manieth of its like it is.
    fn count(&mut self, digest: RowDigest) -> u64 {
        self.rows = self.of(digest) + 1;
        self.like = Some(digest);
        self.rows
    }

    /// How many rows like this there were.
    fn of(&self, digest: RowDigest) -> u64 {
        if self.like == Some(digest) { self.rows } else { 0 }
    }
}

/// What a comparison has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that are equal.
    pub same: u64,
    /// Rows only the source has.
    pub only_source: u64,
    /// Rows only the target has.
    pub only_target: u64,
    /// Rows both have, with different values.
    pub changed: u64,
    /// Bytes of all rows of the source, in the exact encoding; of rows that were not read, as many as those that were have
    /// on average.
    pub source_bytes: u64,
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            same: self.same + other.same,
            only_source: self.only_source + other.only_source,
            only_target: self.only_target + other.only_target,
            changed: self.changed + other.changed,
            source_bytes: self.source_bytes + other.source_bytes,
        }
    }
}

impl Tally {
    /// Rows of the source gone through.
    pub fn source_rows(&self) -> u64 {
        self.same + self.changed + self.only_source
    }

    /// Rows of the target gone through.
    pub fn target_rows(&self) -> u64 {
        self.same + self.changed + self.only_target
    }

    /// Rows that differ.
    pub fn differences(&self) -> u64 {
        self.only_source + self.only_target + self.changed
    }

    /// What writing the rows that the source has and the target lacks or has otherwise takes, judged by their average.
    pub fn bytes_to_write(&self) -> u64 {
        let average = self.source_bytes.checked_div(self.source_rows()).unwrap_or(0);
        average.saturating_mul(self.only_source + self.changed)
    }
}

impl<'a> Compare<'a> {
    /// Both streams must be over tasks with the same columns and key, in key order.
    pub fn new(source: DigestStream<'a>, target: DigestStream<'a>) -> Self {
        let (source, target) = (Side::new("source", source), Side::new("target", target));
        Self { source, target, tally: Tally::default(), copies: None }
    }

    /// As [`Compare::new`], for tasks of tables without a key. Equal rows are paired one by one; what is left over on one
    /// side is to be inserted or deleted, and nothing is ever updated.
    pub fn of_multisets(source: DigestStream<'a>, target: DigestStream<'a>) -> Self {
        Self { copies: Some(Copies::default()), ..Self::new(source, target) }
    }

    /// As the task needs it.
    pub fn of(task: &TableTask, source: DigestStream<'a>, target: DigestStream<'a>) -> Self {
        if task.is_multiset() { Self::of_multisets(source, target) } else { Self::new(source, target) }
    }

    /// The counts so far.
    pub fn tally(&self) -> Tally {
        Tally { source_bytes: self.source.bytes, ..self.tally }
    }

    /// The next rows that differ, in key order: at most `limit`, possibly fewer. `None` after the last. A page may be
    /// empty when a long stretch is equal, so that the caller can show progress and be interrupted.
    ///
    /// # Errors
    /// Those of the streams; `INTERNAL` when one is not in key order, because rows would be missed or deleted then.
    pub async fn next_page(&mut self, limit: usize) -> Result<Option<Vec<PlannedChange>>> {
        let mut page = Vec::new();
        let mut refills = 0;
        while page.len() < limit && refills < 2 {
            refills += usize::from(self.source.fill().await?) + usize::from(self.target.fill().await?);
            let has_more = self.merge_held_rows(&mut page, limit);
            if !has_more {
                return Ok((!page.is_empty()).then_some(page));
            }
        }
        Ok(Some(page))
    }

    /// Merges until one side's batch is used up or the page is full. False when both sides have ended.
    fn merge_held_rows(&mut self, page: &mut Vec<PlannedChange>, limit: usize) -> bool {
        loop {
            if self.source.needs_fill() || self.target.needs_fill() || page.len() >= limit {
                return true;
            }
            let order = match (self.source.key(), self.target.key()) {
                (None, None) => return false,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                // Keys of such rows are in the order of their digests; their places say nothing here.
                (Some(_), Some(_)) if self.copies.is_some() => self.source.digest().cmp(&self.target.digest()),
                (Some(source), Some(target)) => compare_key_rows(source, target),
            };
            match order {
                Ordering::Less => {
                    self.tally.only_source += 1;
                    let digest = self.source.digest();
                    let copies = self.copies.as_mut().map(|copies| copies.count(digest));
                    let change = self.source.take(Operation::Insert, None, Some(digest));
                    page.push(PlannedChange { copies, ..change });
                }
                Ordering::Greater => {
                    self.tally.only_target += 1;
                    let digest = self.target.digest();
                    let copies = self.copies.as_ref().map(|copies| copies.of(digest));
                    let change = self.target.take(Operation::Delete, Some(digest), None);
                    page.push(PlannedChange { copies, ..change });
                }
                Ordering::Equal if self.source.digest() == self.target.digest() => {
                    self.tally.same += 1;
                    let digest = self.source.digest();
                    if let Some(copies) = &mut self.copies {
                        copies.count(digest);
                    }
                    self.source.at += 1;
                    self.target.at += 1;
                }
                Ordering::Equal => {
                    self.tally.changed += 1;
                    let (seen, becomes) = (Some(self.target.digest()), Some(self.source.digest()));
                    page.push(self.source.take(Operation::Update, seen, becomes));
                    self.target.at += 1;
                }
            }
        }
    }
}

/// One stream and the batch of it that is being gone through.
struct Side<'a> {
    name: &'static str,
    stream: DigestStream<'a>,
    batch: Option<DigestBatch>,
    at: usize,
    ended: bool,
    bytes: u64,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, stream: DigestStream<'a>) -> Self {
        Self { name, stream, batch: None, at: 0, ended: false, bytes: 0 }
    }

    fn needs_fill(&self) -> bool {
        !self.ended && self.batch.as_ref().is_none_or(|batch| self.at >= batch.digests.len())
    }

    /// Takes the next batch when the present one is used up. True when it did. The batch may be without rows.
    async fn fill(&mut self) -> Result<bool> {
        if !self.needs_fill() {
            return Ok(false);
        }
        match self.stream.next().await.transpose()? {
            None => {
                self.ended = true;
                self.batch = None;
            }
            Some(batch) => {
                self.check_order(&batch)?;
                self.bytes += batch.bytes;
                self.batch = Some(batch);
            }
        }
        self.at = 0;
        Ok(true)
    }

    /// Keys must rise strictly, within a batch and from the last one.
    fn check_order(&self, batch: &DigestBatch) -> Result<()> {
        let before = self.batch.as_ref().and_then(|last| last_row(&last.keys));
        let mut previous = before;
        for key in batch.keys.rows() {
            if previous.is_some_and(|previous| compare_key_rows(previous, key) != Ordering::Less) {
                let what = format!("the {} did not deliver its rows in key order", self.name);
                return Err(Error::new(Code::Internal, what).leaving("nothing was decided on that ground"));
            }
            previous = Some(key);
        }
        Ok(())
    }

    fn key(&self) -> Option<Row<'_>> {
        self.batch.as_ref().map(|batch| batch.keys.row(self.at))
    }

    fn digest(&self) -> RowDigest {
        self.batch.as_ref().expect("BUG: a digest was asked for after the end").digests[self.at]
    }

    fn take(&mut self, operation: Operation, seen: Option<RowDigest>, becomes: Option<RowDigest>) -> PlannedChange {
        let key = exact::encode_row(self.key().expect("BUG: a key was taken after the end").iter());
        self.at += 1;
        PlannedChange { operation, key, seen, becomes, copies: None }
    }
}

fn last_row(keys: &RowBatch) -> Option<Row<'_>> {
    keys.len().checked_sub(1).map(|last| keys.row(last))
}

#[cfg(test)]
mod tests;
