//! Conditional changes: each row is read, held against its expectation, kept as a before-image and only then written.

mod exchange;
mod standing;

use rusqlite::Connection;
use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Image, PutBatch, Refusal, RowDigest, TableTask,
};
use syncline_core::error::{Code, Error};
use syncline_core::limits;
use syncline_core::store::Sighting;
use syncline_core::value::{Row, RowBatch, ValueRef, exact};

use self::standing::{Standing, moved};
use super::copies;
use super::displaced::{Fate, Memory};
use super::row::RowWriter;
use crate::sqlite::bulk;
use crate::sqlite::connect::failure::{Attempt, Failure};
use crate::sqlite::snapshot::select::{self, Finder};
use crate::sqlite::types::Encoding;

/// Writes the changes whose expectation holds, until what is to be returned passes a batch.
pub(super) fn apply(conn: &Connection, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Attempt<Applied> {
    if task.is_multiset() {
        return copies::apply(conn, task, batch, mode);
    }
    let whole = task.with_kept();
    let mut apply = Apply::new(conn, task, &whole)?;
    let done = match (&batch, mode) {
        (ChangeBatch::Delete(batch), ApplyMode::InPlace) => apply.delete(batch, None)?,
        (ChangeBatch::Delete(batch), ApplyMode::Displace) => {
            apply.delete(batch, Some(&mut Memory::of_table(conn, &task.table.name)?))?
        }
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
    };
    let applied = apply.applied;
    Ok(Applied { rest: batch.after(done), ..applied })
}

/// The rows with these keys as they are now, whatever the filter of the task.
pub(super) fn rows(conn: &Connection, task: &TableTask, keys: &RowBatch) -> Attempt<Sighting> {
    let mut finder = Finder::new(conn, task, None, Encoding::of(conn)?)?;
    let mut rows = RowBatch::new(task.columns.len());
    for (at, key) in keys.rows().enumerate() {
        if finder.find(|| key.iter())? {
            if rows.is_empty() && finder.bytes() > limits::BATCH_BYTES {
                return Ok(Sighting { rows: finder.take(), keys: at + 1 });
            }
            rows.push_row(finder.row().iter())?;
        }
        if rows.bytes() > limits::BATCH_BYTES {
            return Ok(Sighting { rows, keys: at + 1 });
        }
    }
    Ok(Sighting { rows, keys: keys.len() })
}

struct Apply<'c> {
    conn: &'c Connection,
    task: &'c TableTask,
    /// Finds rows with their kept cells behind those of the task, so that images are whole.
    finder: Finder<'c>,
    /// Finds rows that a filter lets take part; made when first needed.
    filtered: Option<Finder<'c>>,
    writer: RowWriter<'c>,
    /// Puts displaced rows back with their kept cells.
    whole_writer: RowWriter<'c>,
    /// Whether rows come as they are stored.
    is_native: bool,
    applied: Applied,
    /// Memory that `applied` takes.
    bytes: usize,
    scratch: Vec<u8>,
}

impl<'c> Apply<'c> {
    fn new(conn: &'c Connection, task: &'c TableTask, whole: &'c TableTask) -> Attempt<Self> {
        let encoding = Encoding::of(conn)?;
        Ok(Self {
            conn,
            task,
            finder: Finder::new(conn, whole, select::hidden_rowid(&task.table), encoding)?,
            filtered: None,
            writer: RowWriter::new(conn, task, encoding),
            whole_writer: RowWriter::new(conn, whole, encoding),
            is_native: task.forms.are_native(),
            applied: Applied::default(),
            bytes: 0,
            scratch: Vec::new(),
        })
    }

    /// Like its siblings, tells how many changes it has gone through.
    fn put(&mut self, batch: &PutBatch) -> Attempt<usize> {
        for (at, row) in batch.rows.rows().enumerate() {
            match self.standing_of_row(row, batch.expectations[at])? {
                Standing::Done => {}
                Standing::Moved(found) => self.moved(row, found)?,
                Standing::Absent => self.insert(row, batch.places.get(at).copied().flatten())?,
                Standing::Present(place) => {
                    let with_key = !self.task.key.iter().all(|cell| self.finder.row().get(*cell) == row.get(*cell));
                    let written = self.writer.update(row, place, with_key);
                    if self.is_taken(written, row, true)? {
                        self.image_of_change(row, place)?;
                        self.applied.updated += 1;
                    }
                }
            }
            if self.is_full() {
                return Ok(at + 1);
            }
        }
        Ok(batch.rows.len())
    }

    /// With a memory, the numbers of the rows are remembered: nobody gets them in this exchange, so that the rows can have
    /// them back.
    fn delete(&mut self, batch: &DeleteBatch, mut memory: Option<&mut Memory<'_>>) -> Attempt<usize> {
        if batch.expectations.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        for (at, (key, expected)) in batch.keys.rows().zip(&batch.expectations).enumerate() {
            if !self.finder.find(|| key.iter())? {
                // Gone already.
                continue;
            }
            if self.digest_of_found() == *expected {
                let place = self.finder.rowid();
                let image = self.image(self.stored_key(|| key.iter()), place, None);
                self.keep(image);
                let deleted = self.writer.delete(key.iter(), place);
                deleted.map_err(|failure| failure.at_row(|| bulk::place_of(self.task, key.iter())))?;
                if let Some(memory) = &mut memory {
                    memory.remember(&exact::encode_row(key.iter()), &Fate::Displaced { place, kept: Vec::new() })?;
                }
                self.applied.deleted += 1;
            } else {
                let found = exact::encode_row(self.found());
                self.leave(moved(exact::encode_row(key.iter()), None, Some(found)));
            }
            if self.is_full() {
                return Ok(at + 1);
            }
        }
        Ok(batch.keys.len())
    }

    /// Inserts a row where it was, unless another has that number by now: row numbers beside a key are SQLite's to
    /// give, and a row with another number is better than none.
    fn insert(&mut self, row: Row<'_>, place: Option<i64>) -> Attempt<()> {
        let place = match place {
            Some(place) if self.writer.is_taken(place)? => None,
            place => place,
        };
        let written = self.writer.insert(row, place);
        if self.is_taken(written, row, false)? {
            let (key, after) = if self.is_native && self.task.mapped.kept.is_empty() {
                (self.key_of(row), RowDigest(exact::digest_row(row.iter(), &mut self.scratch)))
            } else {
                // The columns that are not carried have got values from the database, and undo will find them there.
                self.written(row)?
            };
            self.keep(Image { key, before: None, place: None, after: Some(after) });
            self.applied.inserted += 1;
        }
        Ok(())
    }

    /// Whether the database has taken the row. One that it refuses is put on the list; `is_found` says that the row
    /// found last is the one it was to replace.
    fn is_taken(&mut self, written: Attempt<()>, row: Row<'_>, is_found: bool) -> Attempt<bool> {
        let Err(failure) = written else { return Ok(true) };
        let (reason, words) = failure.refusal()?;
        let found = is_found.then(|| exact::encode_row(self.found()));
        let row_bytes = Some(exact::encode_row(row.iter()));
        let refusal = Refusal { key: self.key_of(row), reason, words, row: row_bytes, found };
        self.bytes += refusal.bytes();
        self.applied.refused.push(refusal);
        Ok(false)
    }

    /// The image of the row that was found, which `row` has replaced.
    fn image_of_change(&mut self, row: Row<'_>, place: Option<i64>) -> Attempt<()> {
        let image = if self.is_native {
            let kept = self.finder.stored().iter().skip(self.task.columns.len());
            let after = RowDigest(exact::digest_row(row.iter().chain(kept), &mut self.scratch));
            self.image(self.key_of(row), place, Some(after))
        } else {
            let before = Some(exact::encode_row(self.finder.stored().iter()));
            let (key, after) = self.written(row)?;
            Image { key, before, place, after: Some(after) }
        };
        self.keep(image);
        Ok(())
    }

    /// Key and digest of a row that was written, as it is stored. It is read for that: what a column makes of a cell is
    /// not foretold.
    fn written(&mut self, row: Row<'_>) -> Attempt<(Vec<u8>, RowDigest)> {
        if !self.finder.find(|| row.select(&self.task.key))? {
            return Err(bug("a row that was written is not there"));
        }
        let key = self.stored_key(|| row.select(&self.task.key));
        let digest = exact::digest_row(self.finder.stored().iter(), &mut self.scratch);
        Ok((key, RowDigest(digest)))
    }

    /// The key of the row that was found, as it is stored; `key` is what it was found by.
    fn stored_key<'v, K: Iterator<Item = ValueRef<'v>>>(&self, key: impl FnOnce() -> K) -> Vec<u8> {
        match self.is_native {
            true => exact::encode_row(key()),
            false => exact::encode_row(self.finder.stored().select(&self.task.key)),
        }
    }

    fn keep(&mut self, image: Image) {
        self.bytes += image.bytes();
        self.applied.images.push(image);
    }

    fn leave(&mut self, moved: Refusal) {
        self.bytes += moved.bytes();
        self.applied.moved.push(moved);
    }

    /// Whether what is to be returned should be taken away before there is more.
    fn is_full(&self) -> bool {
        self.bytes > limits::BATCH_BYTES
    }

    fn image(&self, key: Vec<u8>, place: Option<i64>, after: Option<RowDigest>) -> Image {
        Image { key, before: Some(exact::encode_row(self.finder.stored().iter())), place, after }
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
