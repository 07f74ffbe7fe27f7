//! What stands in the place of a row, and what is said of one that is not as expected.

use std::collections::HashSet;

use syncline_core::change::{Expectation, PutBatch, Reason, Refusal};
use syncline_core::value::{Row, exact};

use super::{Apply, Found, SHARE};
use crate::fitted::Seen;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::filter;
use crate::mysql::write::picked::Picked;
use crate::mysql::write::session::bug;
use crate::mysql::write::stage::NUMBER;

/// What stands in the place of a row, held against its expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing, as expected.
    Absent,
    /// The row that was expected.
    Present,
    /// The row that is to be written.
    Done,
    /// Something else.
    Moved,
}

impl Apply<'_, '_> {
    /// How the rows with these numbers stand.
    pub(super) fn standings(
        &self,
        batch: &PutBatch,
        numbers: impl Iterator<Item = u32>,
        found: &Found,
    ) -> Attempt<Vec<(u32, Standing)>> {
        let (mut seen, mut scratch) = (Seen::new(self.task), Vec::new());
        let mut standings = Vec::new();
        for number in numbers {
            let digest = found.row(number).map(|row| seen.digest(row)).transpose()?;
            let standing = match (batch.expectations[number as usize], digest) {
                (_, Some(digest))
                    if digest == self.task.digest(batch.rows.row(number as usize).iter(), &mut scratch) =>
                {
                    Standing::Done
                }
                (Expectation::Absent, None) => Standing::Absent,
                (Expectation::Digest(expected), Some(digest)) if digest == expected => Standing::Present,
                _ => Standing::Moved,
            };
            standings.push((number, standing));
        }
        Ok(standings)
    }

    /// Puts rows on the list that are not as expected.
    pub(super) async fn moved(&mut self, batch: &PutBatch, numbers: &[u32], found: &Found) -> Attempt<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let outside = self.outside(numbers, found).await?;
        for number in numbers {
            let row = batch.rows.row(*number as usize);
            let found = found.row(*number).map(|row| self.seen(row)).transpose()?;
            let mut refusal = moved(self.key_of(row), Some(row), found);
            if outside.contains(number) {
                refusal.reason = Reason::OutOfFilter;
                "the target's row with this key lies outside the filter".clone_into(&mut refusal.words);
            }
            self.applied.moved.push(refusal);
        }
        Ok(())
    }

    /// Those of the rows found that a filter keeps from taking part.
    async fn outside(&self, numbers: &[u32], found: &Found) -> Attempt<HashSet<u32>> {
        let Some(condition) = filter::condition(self.task, "t.")? else { return Ok(HashSet::new()) };
        let numbers: Vec<u32> = numbers.iter().copied().filter(|number| found.row(*number).is_some()).collect();
        let picked = Picked(&numbers);
        let sql = format!("SELECT s.{NUMBER} {} WHERE {picked} AND ({condition}) {SHARE}", self.from());
        let inside = self.open.session.numbers(sql).await?;
        let inside: HashSet<u32> = inside.iter().flatten().map(|number| *number as u32).collect();
        Ok(numbers.into_iter().filter(|number| !inside.contains(number)).collect())
    }

    /// The numbers with this standing.
    pub(super) fn standing(standings: &[(u32, Standing)], wanted: Standing) -> Vec<u32> {
        standings.iter().filter(|(_, standing)| *standing == wanted).map(|(number, _)| *number).collect()
    }

    /// The row that was found in the place of this one.
    pub(super) fn found<'f>(found: &'f Found, number: u32) -> Attempt<Row<'f>> {
        found.row(number).ok_or_else(|| bug("a row is gone that is locked"))
    }
}

pub(super) fn moved(key: Vec<u8>, row: Option<Row<'_>>, found: Option<Vec<u8>>) -> Refusal {
    let words = match (&row, &found) {
        (_, None) => "the row was deleted in the target meanwhile",
        (None, _) => "the row was changed in the target meanwhile, so it was not deleted",
        _ => "the row was changed or added in the target meanwhile",
    };
    let row = row.map(|row| exact::encode_row(row.iter()));
    Refusal { key, reason: Reason::Moved, words: words.to_owned(), row, found }
}
