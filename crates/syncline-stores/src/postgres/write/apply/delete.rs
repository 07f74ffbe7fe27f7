//! Rows that go, for good or in an exchange: none of them comes back by itself.

use std::collections::BTreeMap;

use syncline_core::change::{DeleteBatch, Image, Reason, Refusal};
use syncline_core::value::{Row, exact};

use super::Apply;
use crate::fitted::Seen;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::picked::Picked;
use crate::postgres::write::session::bug;
use crate::refused::{Objection, Refused};
use crate::standing::moved;

/// Nobody changes the row or adds what references it.
pub(super) const FOR_DELETE: &str = "FOR UPDATE";

impl Apply<'_, '_> {
    pub(super) async fn delete(&mut self, batch: &DeleteBatch) -> Attempt<usize> {
        if batch.expectations.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        // A key that does not fit is that of no row: gone already.
        self.stage.fill(self.open.session, (self.task, &self.target), &batch.keys).await?;
        let (found, end) = self.find(batch.keys.len(), FOR_DELETE).await?;
        let (mut doomed, mut seen) = (Vec::new(), Seen::new(self.task));
        for number in 0..end as u32 {
            let Some(row) = found.row(number) else { continue };
            if seen.digest(row)? == batch.expectations[number as usize] {
                doomed.push(number);
            } else {
                let key = exact::encode_row(batch.keys.row(number as usize).iter());
                let found = self.seen(row)?;
                self.applied.moved.push(moved(key, None, Some(found)));
            }
        }
        let refused = self.remove(&doomed).await?;
        for number in &doomed {
            let row = found.locked_row(*number)?;
            match refused.get(number) {
                None => {
                    let image = Image { key: self.native_key(row), before: self.before(row), place: None, after: None };
                    self.keep(image);
                    self.applied.deleted += 1;
                }
                Some((reason, words)) => {
                    let key = exact::encode_row(batch.keys.row(*number as usize).iter());
                    let (reason, words, found) = (*reason, words.clone(), Some(self.seen(row)?));
                    self.applied.refused.push(Refusal { key, reason, words, row: None, found });
                }
            }
        }
        Ok(end)
    }

    /// Deletes rows, but those that others reference in such a way that they would change.
    async fn remove(&self, doomed: &[u32]) -> Attempt<BTreeMap<u32, Objection>> {
        let mut refused: BTreeMap<_, _> = self.referenced(doomed).await?.into_iter().collect();
        let free: Vec<u32> = doomed.iter().copied().filter(|number| !refused.contains_key(number)).collect();
        let (relation, same) = (self.stage.relation(&self.target), self.same_key()?);
        let sql = |picked: &Picked<'_>| {
            format!("DELETE FROM {} AS t USING {relation} WHERE {same} AND {picked}", self.target.rows)
        };
        refused.extend(self.write(&free, sql).await?);
        Ok(refused)
    }

    /// Rows that others reference by a foreign key whose action would change those others. Where references do not act
    /// while we write there are none.
    pub(super) async fn referenced(&self, doomed: &[u32]) -> Attempt<Vec<Refused>> {
        let mut refused = Vec::new();
        if self.open.replicates || doomed.is_empty() {
            return Ok(refused);
        }
        let (relation, same) = (self.stage.relation(&self.target), self.same_key()?);
        for action in &self.target.actions {
            let sql = format!(
                "SELECT s.n FROM {relation} JOIN {} AS t ON {same} WHERE {} \
                 AND EXISTS (SELECT FROM {} AS c WHERE {}) ORDER BY s.n",
                self.target.rows,
                Picked(doomed),
                action.table,
                action.condition
            );
            let words = format!("rows of {} reference it, and deleting it would change them", action.table);
            let found = self.open.session.numbers(&sql).await?;
            refused.extend(found.iter().flatten().map(|number| (*number as u32, (Reason::ForeignKey, words.clone()))));
        }
        refused.sort_by_key(|(number, _)| *number);
        refused.dedup_by_key(|(number, _)| *number);
        Ok(refused)
    }

    fn native_key(&self, row: Row<'_>) -> Vec<u8> {
        exact::encode_row(row.select(&self.task.key))
    }
}
