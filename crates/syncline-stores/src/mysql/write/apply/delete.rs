//! Rows that go, for good or in an exchange: none of them comes back by itself.

use std::collections::BTreeMap;

use syncline_core::change::{DeleteBatch, Image, Reason, Refusal};
use syncline_core::value::{Row, exact};

use super::{Apply, LOCK};
use crate::fitted::Seen;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::write::picked::Picked;
use crate::mysql::write::session::bug;
use crate::refused::Objection;
use crate::standing::moved;

impl Apply<'_, '_> {
    pub(super) async fn delete(&mut self, batch: &DeleteBatch) -> Attempt<usize> {
        if batch.expectations.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        // A key that does not fit is that of no row: gone already.
        self.stage.fill(self.open.session, (self.task, &self.target), &batch.keys).await?;
        let (found, end) = self.find(batch.keys.len(), LOCK).await?;
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
        let refused: BTreeMap<u32, Objection> = self.remove(&doomed).await?;
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

    /// Deletes rows. References do not act while we write.
    async fn remove(&self, doomed: &[u32]) -> Attempt<BTreeMap<u32, Objection>> {
        if let Some(words) = self.untouchable() {
            return Ok(doomed.iter().map(|number| (*number, (Reason::ForeignKey, words.clone()))).collect());
        }
        let refused = self.write(doomed, |picked| vec![self.deletion(picked)]).await?;
        Ok(refused.into_iter().collect())
    }

    /// Why no row may go, not even for a moment: rows of another database might go with it.
    pub(super) fn untouchable(&self) -> Option<String> {
        let child = self.target.referenced.from_elsewhere.as_ref().filter(|_| self.target.referenced.acts_elsewhere)?;
        Some(format!("rows of {child}, in another database, would go or change with it"))
    }

    /// The statement that deletes the rows in the places of some that are staged.
    pub(super) fn deletion(&self, picked: &Picked<'_>) -> String {
        format!("DELETE t {} WHERE {picked}", self.from())
    }

    fn native_key(&self, row: Row<'_>) -> Vec<u8> {
        exact::encode_row(row.select(&self.task.key))
    }
}
