//! What stands in the place of a row, and what is said of one that is not as expected.

use std::collections::HashSet;

use syncline_core::change::{PutBatch, Reason};

use super::{Apply, SHARE};
use crate::mysql::connect::failure::Attempt;
use crate::mysql::filter;
use crate::mysql::write::picked::Picked;
use crate::mysql::write::stage::NUMBER;
use crate::standing::{Found, moved};

impl Apply<'_, '_> {
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
}
