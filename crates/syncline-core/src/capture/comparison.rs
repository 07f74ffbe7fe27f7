//! A table compared in the way that suits its links.
//!
//! Over a fast link nothing beats reading both sides once. Over a slow one, where the engines can, both sum up ranges of their
//! rows, and only ranges whose sums differ are read. What is decided rests on digests of rows that were read either way.

use crate::change::{PlannedChange, TableTask};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::store::{Estimate, Key, KeyRange, RangeSums, Snapshot, Traffic};

use super::borders::Borders;
use super::{Compare, Tally};

/// What counts as a slow link, and where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowLinks {
    /// Bytes a second below which a link is slow; 0 for never.
    pub rate: u64,
    /// Bytes that are read before that is known.
    pub probe_bytes: u64,
    /// Bytes of a table up to which it is read whole over any link.
    pub table_bytes: u64,
}

impl Default for SlowLinks {
    fn default() -> Self {
        Self {
            rate: limits::SLOW_LINK_BYTES,
            probe_bytes: limits::LINK_PROBE_BYTES,
            table_bytes: limits::SUMMED_TABLE_BYTES,
        }
    }
}

/// How a table was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All rows of both sides were read.
    Read,
    /// Sums were, and rows only where they differ, because rows came at so many bytes a second.
    Summed {
        /// The slower link's.
        rate: u64,
    },
}

/// Both sides of a table.
pub struct Comparison<'a> {
    source: Side<'a>,
    target: Side<'a>,
    tally: Tally,
    /// Rows of the source that were read.
    rows_read: u64,
}

struct Side<'a> {
    view: &'a mut dyn Snapshot,
    task: &'a TableTask,
}

impl Side<'_> {
    fn sums(&mut self) -> Result<&mut dyn RangeSums> {
        let gone = || Error::new(Code::Internal, "a view sums up no ranges any more");
        self.view.sums().ok_or_else(gone)
    }

    async fn method(&mut self) -> Result<Option<String>> {
        let task = self.task;
        self.sums()?.method(task).await
    }
}

impl<'a> Comparison<'a> {
    /// The tasks must have the same columns and key.
    pub fn new(
        (source, source_task): (&'a mut dyn Snapshot, &'a TableTask),
        (target, target_task): (&'a mut dyn Snapshot, &'a TableTask),
    ) -> Self {
        let (source, target) = (Side { view: source, task: source_task }, Side { view: target, task: target_task });
        Self { source, target, tally: Tally::default(), rows_read: 0 }
    }

    /// Compares the two, and passes on the rows that differ, page by page in key order, with the counts so far. A page may be
    /// empty, so that the caller can show progress and interrupt. `estimate` is the source's.
    ///
    /// # Errors
    /// As [`Compare::next_page`], and what `pass` fails with.
    pub async fn run(
        mut self,
        links: &SlowLinks,
        estimate: Estimate,
        mut pass: impl AsyncFnMut(Vec<PlannedChange>, Tally) -> Result<()>,
    ) -> Result<(Tally, Way)> {
        let Some(row_bytes) = self.begin(links, estimate, &mut pass).await? else {
            self.read(None, &mut pass).await?;
            return Ok((self.tally, Way::Read));
        };
        let rate = self.rate(links)?;
        if rate >= links.rate {
            self.read(None, &mut pass).await?;
            return Ok((self.tally, Way::Read));
        }
        let spacing = (limits::SUMMED_RANGE_BYTES / row_bytes).clamp(4, 256) as u32;
        let mut after = None;
        loop {
            let (ranges, is_last) = self.find(&mut after, spacing, &mut pass).await?;
            self.read(Some(&ranges), &mut pass).await?;
            if is_last {
                break;
            }
        }
        Ok((self.estimated(), Way::Summed { rate }))
    }

    /// Makes sure that the speed of both links is known, by reading some rows where it is not. Nothing is made of these: to
    /// go on behind them, or to break off a stream of all, may cost the server more than to send them once more. Returns what
    /// a row takes; `None` when ranges cannot be summed up, or all is to be read in any case.
    async fn begin(
        &mut self,
        links: &SlowLinks,
        estimate: Estimate,
        pass: &mut impl AsyncFnMut(Vec<PlannedChange>, Tally) -> Result<()>,
    ) -> Result<Option<u64>> {
        let can_sum = self.source.view.sums().is_some() && self.target.view.sums().is_some();
        if links.rate == 0 || self.source.task.is_multiset() || !can_sum {
            return Ok(None);
        }
        let of_target = self.target.view.estimate(self.target.task).await?;
        let is_target_larger = of_target.bytes > estimate.bytes;
        let estimate = if is_target_larger { of_target } else { estimate };
        if estimate.bytes <= links.table_bytes || !self.has_method().await? {
            return Ok(None);
        }
        let row_bytes = (estimate.bytes / estimate.rows.max(1)).max(1);
        let is_known = |traffic: Traffic| traffic.bytes >= links.probe_bytes;
        if is_known(self.source.sums()?.traffic()) && is_known(self.target.sums()?.traffic()) {
            return Ok(Some(row_bytes));
        }
        let larger = if is_target_larger { &mut self.target } else { &mut self.source };
        let (task, rows) = (larger.task, (links.probe_bytes / row_bytes).max(1));
        let Some(key) = larger.sums()?.nth_key(task, rows).await? else { return Ok(None) };
        let mut compare = self.compare(Some(&[KeyRange::upto(key)])).await?;
        while compare.next_page(limits::SPOOL_PAGE).await?.is_some() {
            pass(Vec::new(), Tally::default()).await?;
        }
        drop(compare);
        Ok(Some(row_bytes))
    }

    /// Whether both sides sum up their rows in the same way.
    async fn has_method(&mut self) -> Result<bool> {
        let of_source = self.source.method().await?;
        Ok(of_source.is_some() && of_source == self.target.method().await?)
    }

    /// That of the slower link. A side of which next to nothing came says nothing.
    fn rate(&mut self, links: &SlowLinks) -> Result<u64> {
        let rate = |traffic: Traffic| if traffic.bytes < links.probe_bytes / 4 { u64::MAX } else { traffic.rate() };
        Ok(rate(self.source.sums()?.traffic()).min(rate(self.target.sums()?.traffic())))
    }

    /// Reads all rows, or those in some ranges.
    async fn read(
        &mut self,
        ranges: Option<&[KeyRange]>,
        pass: &mut impl AsyncFnMut(Vec<PlannedChange>, Tally) -> Result<()>,
    ) -> Result<()> {
        if ranges.is_some_and(<[_]>::is_empty) {
            return Ok(());
        }
        let before = self.tally;
        let mut compare = self.compare(ranges).await?;
        while let Some(page) = compare.next_page(limits::SPOOL_PAGE).await? {
            pass(page, before + compare.tally()).await?;
        }
        let read = compare.tally();
        drop(compare);
        self.tally = before + read;
        self.rows_read += read.source_rows();
        Ok(())
    }

    /// All rows of both sides, or those in some ranges.
    async fn compare(&mut self, ranges: Option<&[KeyRange]>) -> Result<Compare<'_>> {
        let Self { source, target, .. } = self;
        let (of_source, of_target) = (source.task, target.task);
        let (source, target) = match ranges {
            None => (source.view.digest(of_source).await?, target.view.digest(of_target).await?),
            Some(ranges) => (
                source.sums()?.digest_within(of_source, ranges).await?,
                target.sums()?.digest_within(of_target, ranges).await?,
            ),
        };
        Ok(Compare::of(of_source, source, target))
    }

    /// Goes on behind `after` until all is known, or as many ranges differ as are kept. Returns these, and whether it was all.
    async fn find(
        &mut self,
        after: &mut Option<Key>,
        spacing: u32,
        pass: &mut impl AsyncFnMut(Vec<PlannedChange>, Tally) -> Result<()>,
    ) -> Result<(Vec<KeyRange>, bool)> {
        let (of_source, of_target) = (self.source.task, self.target.task);
        let source = self.source.sums()?.borders(of_source, after.as_ref(), spacing).await?;
        let target = self.target.sums()?.borders(of_target, after.as_ref(), spacing).await?;
        let mut borders = Borders::new(source, target);
        let (mut ranges, mut stretches) = (Vec::new(), 0);
        while ranges.len() < limits::SUMMED_RANGES_KEPT {
            let Some(stretch) = borders.next().await? else {
                add(&mut ranges, KeyRange { after: after.take(), upto: None });
                return Ok((ranges, true));
            };
            let upto = Some(stretch.upto);
            let before = std::mem::replace(after, upto.clone());
            match stretch.same {
                Some(rows) => self.tally.same += rows,
                None => add(&mut ranges, KeyRange { after: before, upto }),
            }
            stretches += 1;
            if stretches % limits::STREAM_ROWS == 0 {
                pass(Vec::new(), self.tally).await?;
            }
        }
        Ok((ranges, false))
    }

    /// The tally, with the bytes of rows that were not read.
    fn estimated(&self) -> Tally {
        let rows = u128::from(self.tally.source_rows());
        let bytes = u128::from(self.tally.source_bytes) * rows / u128::from(self.rows_read.max(1));
        Tally { source_bytes: u64::try_from(bytes).unwrap_or(u64::MAX), ..self.tally }
    }
}

/// Ranges that touch are one.
fn add(ranges: &mut Vec<KeyRange>, range: KeyRange) {
    match ranges.last_mut() {
        Some(last) if last.upto == range.after => last.upto = range.upto,
        _ => ranges.push(range),
    }
}
