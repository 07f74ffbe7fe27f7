//! The borders of two sides merged into ranges of rows that are equal and ranges that are not.

use std::cmp::Ordering;

use futures_util::StreamExt;

use crate::error::{Code, Error, Result};
use crate::store::{BorderBatch, BorderStream, Key};
use crate::value::key_order::compare_key_rows;
use crate::value::{Row, ValueRef};

/// Both sides on their way from one border that they share to the next.
pub(super) struct Borders<'a> {
    source: Side<'a>,
    target: Side<'a>,
}

/// The rows behind the border before, up to one that both sides share.
#[derive(Debug, PartialEq)]
pub(super) struct Stretch {
    /// Its last key.
    pub(super) upto: Key,
    /// How many rows it has on both sides, where they are equal.
    pub(super) same: Option<u64>,
}

impl<'a> Borders<'a> {
    /// Both streams must begin behind the same key, with one method and spacing.
    pub(super) fn new(source: BorderStream<'a>, target: BorderStream<'a>) -> Self {
        Self { source: Side::new("source", source), target: Side::new("target", target) }
    }

    /// The next stretch; `None` when nothing is known of the rows behind the last one.
    ///
    /// # Errors
    /// Those of the streams; `INTERNAL` when one is not in key order.
    pub(super) async fn next(&mut self) -> Result<Option<Stretch>> {
        loop {
            self.source.fill().await?;
            self.target.fill().await?;
            let (Some(source), Some(target)) = (self.source.key(), self.target.key()) else { return Ok(None) };
            match compare_key_rows(source, target) {
                Ordering::Less => self.source.at += 1,
                Ordering::Greater => self.target.at += 1,
                Ordering::Equal => {
                    let upto = source.iter().map(ValueRef::to_owned).collect();
                    let (source, target) = (self.source.pass(), self.target.pass());
                    return Ok(Some(Stretch { upto, same: (source == target).then_some(source.rows) }));
                }
            }
        }
    }
}

/// Rows, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summed {
    rows: u64,
    sum: u128,
}

/// One stream and the batch of it that is being gone through.
struct Side<'a> {
    name: &'static str,
    stream: BorderStream<'a>,
    batch: Option<BorderBatch>,
    at: usize,
    /// Up to the last border that both sides share.
    shared: Summed,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, stream: BorderStream<'a>) -> Self {
        Self { name, stream, batch: None, at: 0, shared: Summed::default() }
    }

    /// Takes batches until there is a border to look at, or none any more.
    async fn fill(&mut self) -> Result<()> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.keys.len()) {
            let Some(batch) = self.stream.next().await.transpose()? else {
                self.batch = None;
                // A stream that has ended is not asked again.
                self.stream = futures_util::stream::empty().boxed();
                return Ok(());
            };
            self.check_order(&batch)?;
            self.batch = Some(batch);
            self.at = 0;
        }
        Ok(())
    }

    fn check_order(&self, batch: &BorderBatch) -> Result<()> {
        let last = self.batch.as_ref().and_then(|batch| Some(batch.keys.row(batch.keys.len().checked_sub(1)?)));
        let keys: Vec<Row<'_>> = last.into_iter().chain(batch.keys.rows()).collect();
        if keys.is_sorted_by(|a, b| compare_key_rows(*a, *b).is_lt()) {
            return Ok(());
        }
        let what = format!("the {} did not deliver its borders in key order", self.name);
        Err(Error::new(Code::Internal, what).leaving("nothing was decided on that ground"))
    }

    fn key(&self) -> Option<Row<'_>> {
        self.batch.as_ref().map(|batch| batch.keys.row(self.at))
    }

    /// Goes past the border, and returns what lies between it and the one before that both sides share.
    fn pass(&mut self) -> Summed {
        let batch = self.batch.as_ref().expect("BUG: a border was passed that is not there");
        let here = Summed { rows: batch.rows[self.at], sum: batch.sums[self.at] };
        let before = std::mem::replace(&mut self.shared, here);
        self.at += 1;
        Summed { rows: here.rows.wrapping_sub(before.rows), sum: here.sum ^ before.sum }
    }
}

#[cfg(test)]
mod tests;
