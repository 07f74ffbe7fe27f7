//! The two halves of an exchange: rows leave their places, and take each other's.

use syncline_core::change::{Image, PutBatch};
use syncline_core::value::{Row, RowBatch, exact};

use super::super::displaced::{Fate, Memory};
use super::standing::Standing;
use super::{Apply, at_row, bug};
use crate::sqlite::connect::failure::Attempt;

impl Apply<'_> {
    pub(super) fn displace(&mut self, batch: &PutBatch, memory: &mut Memory<'_>) -> Attempt<usize> {
        for (at, (row, expectation)) in batch.rows.rows().zip(&batch.expectations).enumerate() {
            match self.standing_of_row(row, *expectation)? {
                // It has nothing to leave; the second half inserts it.
                Standing::Absent => {}
                Standing::Done => memory.remember(&self.key_of(row), &Fate::Left)?,
                Standing::Moved(found) => {
                    memory.remember(&self.key_of(row), &Fate::Left)?;
                    self.moved(row, found)?;
                }
                Standing::Present(place) => {
                    // What a row becomes that does not come as it is stored, is known once it is.
                    let whole = self.finder.stored().iter();
                    let kept = match self.is_native {
                        true => exact::encode_row(whole.skip(self.task.columns.len())),
                        false => exact::encode_row(whole),
                    };
                    if self.is_native {
                        self.image_of_change(row, place)?;
                    }
                    memory.remember(&self.key_of(row), &Fate::Displaced { place, kept })?;
                    let deleted = self.writer.delete(row.select(&self.task.key), place);
                    deleted.map_err(|failure| at_row(failure, self.task, row))?;
                }
            }
            if self.is_full() {
                return Ok(at + 1);
            }
        }
        Ok(batch.rows.len())
    }

    pub(super) fn place(&mut self, batch: &PutBatch, memory: &mut Memory<'_>) -> Attempt<usize> {
        // New rows stay clear of the numbers that displaced rows will come back to.
        let reserved = memory.highest_place()?;
        for (at, row) in batch.rows.rows().enumerate() {
            match memory.recall(&self.key_of(row))? {
                Some(Fate::Left) => {}
                Some(Fate::Displaced { place, kept }) => {
                    let written = self.put_back(row, place, &kept);
                    if self.is_taken(written, row, false)? {
                        if !self.is_native {
                            let (key, after) = self.written(row)?;
                            self.keep(Image { key, before: Some(kept), place, after: Some(after) });
                        }
                        self.applied.updated += 1;
                    }
                }
                None => match self.standing_of_row(row, batch.expectations[at])? {
                    Standing::Done => {}
                    Standing::Absent => {
                        let wanted = batch.places.get(at).copied().flatten();
                        let place = match (wanted, reserved) {
                            (None, Some(reserved)) => self.writer.place_above(reserved)?,
                            (wanted, _) => wanted,
                        };
                        self.insert(row, place)?;
                    }
                    Standing::Present(_) => return Err(bug("a row was placed that had not been displaced")),
                    Standing::Moved(found) => self.moved(row, found)?,
                },
            }
            if self.is_full() {
                return Ok(at + 1);
            }
        }
        Ok(batch.rows.len())
    }

    /// Inserts a displaced row again, with the cells of it that are not carried.
    fn put_back(&mut self, row: Row<'_>, place: Option<i64>, kept: &[u8]) -> Attempt<()> {
        let kept = exact::decode_row(kept).map_err(|_| bug("what a displaced row has kept cannot be read"))?;
        let mut whole = RowBatch::new(self.task.columns.len() + self.task.mapped.kept.len());
        let own = if self.is_native { 0 } else { self.task.columns.len() };
        whole.push_row(row.iter().chain(kept.into_iter().skip(own)))?;
        self.whole_writer.insert(whole.row(0), place)
    }
}
