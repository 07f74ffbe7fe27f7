//! Conditional changes: each row is read, held against its expectation, kept as a before-image and only then written.

use rusqlite::Connection;
use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, RowDigest, TableTask,
};
use syncline_core::error::{Code, Error};
use syncline_core::value::{Row, exact};

use super::displaced::{Fate, Memory};
use super::row::RowWriter;
use crate::sqlite::bulk;
use crate::sqlite::connect::failure::{Attempt, Failure};
use crate::sqlite::snapshot::select::{self, Finder};
use crate::sqlite::types::Encoding;

/// Writes the changes whose expectation holds.
pub(super) fn apply(conn: &Connection, task: &TableTask, batch: &ChangeBatch, mode: ApplyMode) -> Attempt<Applied> {
    let mut apply = Apply::new(conn, task)?;
    match (batch, mode) {
        (ChangeBatch::Delete(batch), ApplyMode::InPlace | ApplyMode::Displace) => apply.delete(batch)?,
        (ChangeBatch::Delete(_), ApplyMode::Place) => return Err(bug("a delete has no second half")),
        (ChangeBatch::Put(batch), mode) => {
            if batch.expectations.len() != batch.rows.len() {
                return Err(bug("as many expectations as rows are needed"));
            }
            match mode {
                ApplyMode::InPlace => apply.put(batch)?,
                ApplyMode::Displace => apply.displace(batch, &mut Memory::of_table(conn, &task.table.name)?)?,
                ApplyMode::Place => apply.place(batch, &mut Memory::of_table(conn, &task.table.name)?)?,
            }
        }
    }
    Ok(apply.applied)
}

struct Apply<'c> {
    task: &'c TableTask,
    finder: Finder<'c>,
    writer: RowWriter<'c>,
    applied: Applied,
    scratch: Vec<u8>,
}

/// What a row was found to be, held against its expectation.
enum Standing {
    /// The row is not there, as expected.
    Absent,
    /// The row is there and has the expected digest; its row number, where it has one beside its key.
    Present(Option<i64>),
    /// The change is there already.
    Done,
    /// The expectation failed.
    Moved,
}

impl<'c> Apply<'c> {
    fn new(conn: &'c Connection, task: &'c TableTask) -> Attempt<Self> {
        let encoding = Encoding::of(conn)?;
        Ok(Self {
            task,
            finder: Finder::new(conn, task, select::hidden_rowid(&task.table), encoding)?,
            writer: RowWriter::new(conn, task, encoding),
            applied: Applied::default(),
            scratch: Vec::new(),
        })
    }

    fn put(&mut self, batch: &PutBatch) -> Attempt<()> {
        for (at, row) in batch.rows.rows().enumerate() {
            match self.standing_of_row(row, batch.expectations[at])? {
                Standing::Done => {}
                Standing::Moved => self.moved(row),
                Standing::Absent => self.insert(row, batch.places.get(at).copied().flatten())?,
                Standing::Present(place) => {
                    self.image_of_change(row, place);
                    let with_key = !self.task.key.iter().all(|cell| self.finder.row().get(*cell) == row.get(*cell));
                    self.writer.update(row, place, with_key).map_err(|failure| at_row(failure, self.task, row))?;
                    self.applied.updated += 1;
                }
            }
        }
        Ok(())
    }

    fn delete(&mut self, batch: &DeleteBatch) -> Attempt<()> {
        if batch.expectations.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        for (key, expected) in batch.keys.rows().zip(&batch.expectations) {
            if !self.finder.find(|| key.iter())? {
                // Gone already.
                continue;
            }
            if self.digest_of_found() == *expected {
                let place = self.finder.rowid();
                let image = self.image(exact::encode_row(key.iter()), place, None);
                self.applied.images.push(image);
                let deleted = self.writer.delete(key.iter(), place);
                deleted.map_err(|failure| failure.at_row(|| bulk::place_of(self.task, key.iter())))?;
                self.applied.deleted += 1;
            } else {
                self.applied.moved.push(exact::encode_row(key.iter()));
            }
        }
        Ok(())
    }

    fn displace(&mut self, batch: &PutBatch, memory: &mut Memory<'_>) -> Attempt<()> {
        for (row, expectation) in batch.rows.rows().zip(&batch.expectations) {
            match self.standing_of_row(row, *expectation)? {
                // It has nothing to leave; the second half inserts it.
                Standing::Absent => {}
                Standing::Done => memory.remember(&self.key_of(row), Fate::Left)?,
                Standing::Moved => {
                    memory.remember(&self.key_of(row), Fate::Left)?;
                    self.moved(row);
                }
                Standing::Present(place) => {
                    self.image_of_change(row, place);
                    memory.remember(&self.key_of(row), Fate::Displaced(place))?;
                    let deleted = self.writer.delete(row.select(&self.task.key), place);
                    deleted.map_err(|failure| at_row(failure, self.task, row))?;
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, batch: &PutBatch, memory: &mut Memory<'_>) -> Attempt<()> {
        // New rows stay clear of the numbers that displaced rows will come back to.
        let reserved = memory.highest_place()?;
        for (at, row) in batch.rows.rows().enumerate() {
            match memory.recall(&self.key_of(row))? {
                Some(Fate::Left) => {}
                Some(Fate::Displaced(place)) => {
                    self.writer.insert(row, place).map_err(|failure| at_row(failure, self.task, row))?;
                    self.applied.updated += 1;
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
                    Standing::Moved => self.moved(row),
                },
            }
        }
        Ok(())
    }

    /// Inserts a row where it was, unless another has that number by now: row numbers beside a key are SQLite's to
    /// give, and a row with another number is better than none.
    fn insert(&mut self, row: Row<'_>, place: Option<i64>) -> Attempt<()> {
        let after = Some(RowDigest(exact::digest_row(row.iter(), &mut self.scratch)));
        self.applied.images.push(Image { key: self.key_of(row), before: None, place: None, after });
        let place = match place {
            Some(place) if self.writer.is_taken(place)? => None,
            place => place,
        };
        self.writer.insert(row, place).map_err(|failure| at_row(failure, self.task, row))?;
        self.applied.inserted += 1;
        Ok(())
    }

    fn standing_of_row(&mut self, row: Row<'_>, expectation: Expectation) -> Attempt<Standing> {
        let found = self.finder.find(|| row.select(&self.task.key))?;
        if found && row.iter().eq(self.finder.row().iter()) {
            return Ok(Standing::Done);
        }
        Ok(match (expectation, found) {
            (Expectation::Absent, false) => Standing::Absent,
            (Expectation::Digest(expected), true) if self.digest_of_found() == expected => {
                Standing::Present(self.finder.rowid())
            }
            _ => Standing::Moved,
        })
    }

    fn digest_of_found(&mut self) -> RowDigest {
        RowDigest(exact::digest_row(self.finder.row().iter(), &mut self.scratch))
    }

    fn moved(&mut self, row: Row<'_>) {
        let key = self.key_of(row);
        self.applied.moved.push(key);
    }

    /// The image of the row that was found, which `row` is about to replace.
    fn image_of_change(&mut self, row: Row<'_>, place: Option<i64>) {
        let after = Some(RowDigest(exact::digest_row(row.iter(), &mut self.scratch)));
        let image = self.image(self.key_of(row), place, after);
        self.applied.images.push(image);
    }

    fn image(&self, key: Vec<u8>, place: Option<i64>, after: Option<RowDigest>) -> Image {
        Image { key, before: Some(exact::encode_row(self.finder.row().iter())), place, after }
    }

    fn key_of(&self, row: Row<'_>) -> Vec<u8> {
        exact::encode_row(row.select(&self.task.key))
    }
}

fn at_row(failure: Failure, task: &TableTask, row: Row<'_>) -> Failure {
    failure.at_row(|| bulk::place_of(task, row.select(&task.key)))
}

fn bug(what: &str) -> Failure {
    Error::new(Code::Internal, what).into()
}
