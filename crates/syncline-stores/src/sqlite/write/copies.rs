//! Conditional changes of rows without a key: a row is found at its place, and where others may have written since, the
//! rows like it are counted.

use std::collections::HashMap;

use rusqlite::Connection;
use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, Reason, Refusal, RowDigest, TableTask,
    copies,
};
use syncline_core::error::{Code, Error};
use syncline_core::limits;
use syncline_core::value::{Row, RowBatch, ValueRef, exact};

use super::displaced::{Fate, Memory};
use super::row::RowWriter;
use crate::sqlite::connect::failure::{Attempt, Failure};
use crate::sqlite::digest::copies::each_row;
use crate::sqlite::snapshot::select::Finder;
use crate::sqlite::types::Encoding;

/// Writes the changes whose expectation holds. Nothing is ever changed in place, so nothing has to leave its table and
/// come back: of an exchange only the deletes belong to the first half, and only the inserts to the second. These do not
/// get the places of rows that have left, so that those can have them back.
pub(super) fn apply(conn: &Connection, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Attempt<Applied> {
    let whole = task.with_kept();
    let mut apply = Apply::new(conn, task, &whole)?;
    let done = match (&batch, mode) {
        (ChangeBatch::Delete(_), ApplyMode::Place) => return Err(bug("a delete has no second half")),
        (ChangeBatch::Delete(batch), ApplyMode::Displace) => {
            let done = apply.delete(batch)?;
            let mut memory = Memory::of_table(conn, &task.table.name)?;
            for Image { key, place, .. } in &apply.applied.images {
                memory.remember(key, &Fate::Displaced { place: *place, kept: Vec::new() })?;
            }
            done
        }
        (ChangeBatch::Delete(batch), ApplyMode::InPlace) => apply.delete(batch)?,
        (ChangeBatch::Put(batch), ApplyMode::Displace) => batch.rows.len(),
        (ChangeBatch::Put(batch), ApplyMode::InPlace) => apply.put(batch)?,
        (ChangeBatch::Put(batch), ApplyMode::Place) => {
            apply.reserved = Memory::of_table(conn, &task.table.name)?.highest_place()?;
            apply.put(batch)?
        }
    };
    let applied = apply.applied;
    Ok(Applied { rest: batch.after(done), ..applied })
}

struct Apply<'c> {
    conn: &'c Connection,
    task: &'c TableTask,
    /// Finds rows with their kept cells behind those of the task, so that images are whole.
    finder: Finder<'c>,
    writer: RowWriter<'c>,
    applied: Applied,
    scratch: Vec<u8>,
    /// The highest place that an exchange keeps free.
    reserved: Option<i64>,
}

/// What there is of rows that are like each other.
#[derive(Default)]
struct Found {
    count: u64,
    /// Where some of them are.
    places: Vec<i64>,
}

/// A row that was not at its place.
struct Missed<'b> {
    key: Row<'b>,
    digest: RowDigest,
    /// How many there must be left, where they are counted.
    left: Option<u64>,
    /// What is at its place instead.
    instead: Option<Vec<u8>>,
}

impl<'c> Apply<'c> {
    fn new(conn: &'c Connection, task: &'c TableTask, whole: &'c TableTask) -> Attempt<Self> {
        let encoding = Encoding::of(conn)?;
        Ok(Self {
            conn,
            task,
            finder: Finder::new(conn, whole, None, encoding)?,
            writer: RowWriter::new(conn, task, encoding),
            applied: Applied::default(),
            scratch: Vec::new(),
            reserved: None,
        })
    }

    /// Goes through all: a new row leaves no cells in its image, and a refused one is no larger than the batch.
    fn put(&mut self, batch: &PutBatch) -> Attempt<usize> {
        if batch.expectations.len() != batch.rows.len() || batch.keys.len() != batch.rows.len() {
            return Err(bug("as many expectations and keys as rows are needed"));
        }
        let mut digests = Vec::with_capacity(batch.rows.len());
        for row in batch.rows.rows() {
            digests.push(self.task.digest(row.iter(), &mut self.scratch));
        }
        let is_counted = batch.expectations.iter().any(|expected| matches!(expected, Expectation::Fewer(_)));
        let mut there = if is_counted { self.look_for(&digests)? } else { HashMap::new() };
        for (at, row) in batch.rows.rows().enumerate() {
            let place = batch.places.get(at).copied().flatten();
            if place.is_some() && self.is_at(place, digests[at])? {
                continue;
            }
            let count = &mut there.entry(digests[at]).or_default().count;
            match batch.expectations[at] {
                Expectation::Fewer(copies) if *count >= copies => continue,
                Expectation::Digest(_) => return Err(bug("a row without a key is never changed in place")),
                _ => {}
            }
            if self.insert(row, place, (&batch.keys[at], digests[at]))? {
                *count += 1;
            }
        }
        Ok(batch.rows.len())
    }

    /// Inserts a row, at this place unless another has it by now. False when the database refuses it.
    fn insert(&mut self, row: Row<'_>, wanted: Option<i64>, (key, digest): (&[u8], RowDigest)) -> Attempt<bool> {
        let place = match wanted {
            Some(place) if !self.writer.is_taken(place)? => Some(place),
            _ => match self.reserved {
                Some(reserved) => self.writer.place_above(reserved)?,
                None => None,
            },
        };
        if let Err(failure) = self.writer.insert(row, place) {
            let (reason, words) = failure.refusal()?;
            let row = Some(exact::encode_row(row.iter()));
            self.applied.refused.push(Refusal { key: key.to_vec(), reason, words, row, found: None });
            return Ok(false);
        }
        let place = self.conn.last_insert_rowid();
        let is_native = self.task.forms.are_native();
        let (stored, after) = if is_native && self.task.mapped.kept.is_empty() || !self.find(place)? {
            (digest, digest)
        } else {
            // The columns that are not carried have got values from the database, and undo will find them there.
            (self.stored_digest(), RowDigest(exact::digest_row(self.finder.stored().iter(), &mut self.scratch)))
        };
        // A row that comes back is called as it was, wherever it is now: so an undo that was cut off knows it again.
        let key = if wanted.is_some() && is_native { key.to_vec() } else { copies::encode(stored, place) };
        self.applied.images.push(Image { key, before: None, place: Some(place), after: Some(after) });
        self.applied.inserted += 1;
        Ok(true)
    }

    /// Tells how many it has gone through.
    fn delete(&mut self, batch: &DeleteBatch) -> Attempt<usize> {
        let is_counted = !batch.left.is_empty();
        if batch.expectations.len() != batch.keys.len() || is_counted && batch.left.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        let mut there = if is_counted { self.look_for(&batch.expectations)? } else { HashMap::new() };
        let (mut missed, mut bytes, mut done) = (Vec::new(), 0, 0);
        for (at, (key, digest)) in batch.keys.rows().zip(batch.expectations.iter().copied()).enumerate() {
            if bytes > limits::BATCH_BYTES {
                break;
            }
            done = at + 1;
            let left = batch.left.get(at).copied();
            let count = &mut there.entry(digest).or_default().count;
            let place = copies::place_of(key).ok_or_else(|| bug("a row without a key needs a place"))?;
            if self.is_at(Some(place), digest)? {
                if left.is_none_or(|left| *count > left) {
                    self.delete_found(key, place)?;
                    *count = count.saturating_sub(1);
                    bytes += self.applied.images.last().map_or(0, Image::bytes);
                }
                continue;
            }
            let instead = self.find(place)?.then(|| exact::encode_row(self.found()));
            bytes += instead.as_ref().map_or(0, Vec::len);
            missed.push(Missed { key, digest, left, instead });
        }
        if !missed.is_empty() {
            self.delete_missed(missed)?;
        }
        Ok(done)
    }

    /// Rows that are not at their places: any copy will do where they are counted, and otherwise none.
    fn delete_missed(&mut self, missed: Vec<Missed<'_>>) -> Attempt<()> {
        let digests: Vec<_> = missed.iter().map(|missed| missed.digest).collect();
        let mut there = self.look_for(&digests)?;
        for Missed { key, digest, left, instead } in missed {
            let found = there.entry(digest).or_default();
            match left {
                Some(left) if found.count > left => {
                    let place = found.places.pop().ok_or_else(|| bug("copies were counted and not found"))?;
                    found.count -= 1;
                    if !self.is_at(Some(place), digest)? {
                        return Err(bug("a copy has moved within a transaction"));
                    }
                    let mut key = RowBatch::new(copies::WIDTH);
                    copies::push(&mut key, digest, place)?;
                    self.delete_found(key.row(0), place)?;
                }
                _ if instead.is_some() || left.is_none() && found.count > 0 => {
                    let words = match &instead {
                        Some(_) => "the row was changed in the target meanwhile, so it was not deleted",
                        None => "the row is not where it was left, and there are others like it",
                    };
                    let (key, words) = (exact::encode_row(key.iter()), words.to_owned());
                    self.applied.moved.push(Refusal { key, reason: Reason::Moved, words, row: None, found: instead });
                }
                // Gone already.
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes the row that was found last, which is at this place and was looked for by this key.
    fn delete_found(&mut self, key: Row<'_>, place: i64) -> Attempt<()> {
        let key = match self.task.forms.are_native() {
            true => exact::encode_row(key.iter()),
            false => copies::encode(self.stored_digest(), place),
        };
        let before = Some(exact::encode_row(self.finder.stored().iter()));
        self.writer.delete(std::iter::empty(), Some(place))?;
        self.applied.images.push(Image { key, before, place: Some(place), after: None });
        self.applied.deleted += 1;
        Ok(())
    }

    /// Whether a row like this is at this place. The filter does not matter there: what was decided for is at its place.
    fn is_at(&mut self, place: Option<i64>, digest: RowDigest) -> Attempt<bool> {
        let Some(place) = place else { return Ok(false) };
        if !self.find(place)? {
            return Ok(false);
        }
        let found = self.finder.row().iter().take(self.task.columns.len());
        Ok(self.task.digest(found, &mut self.scratch) == digest)
    }

    /// By what a row is called that was found, where no forms are known: images are read there.
    fn stored_digest(&mut self) -> RowDigest {
        let stored = self.finder.stored().iter().take(self.task.columns.len());
        RowDigest(exact::digest_row(stored, &mut self.scratch))
    }

    fn find(&mut self, place: i64) -> Attempt<bool> {
        self.finder.find(|| [ValueRef::Null, ValueRef::Int(place)].into_iter())
    }

    /// The cells of the task in the row that was found.
    fn found(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.finder.row().iter().take(self.task.columns.len())
    }

    /// How many rows are like these now, and where as many of them are as are asked for. One pass over the table.
    fn look_for(&self, digests: &[RowDigest]) -> Attempt<HashMap<RowDigest, Found>> {
        let mut wanted = HashMap::<RowDigest, (usize, Found)>::new();
        digests.iter().for_each(|digest| wanted.entry(*digest).or_default().0 += 1);
        each_row(self.conn, self.task, |digest, place, _| {
            if let Some((asked, found)) = wanted.get_mut(&digest) {
                found.count += 1;
                if found.places.len() < *asked {
                    found.places.push(place);
                }
            }
            Ok(true)
        })?;
        Ok(wanted.into_iter().map(|(digest, (_, found))| (digest, found)).collect())
    }
}

fn bug(what: &str) -> Failure {
    Error::new(Code::Internal, what).into()
}
