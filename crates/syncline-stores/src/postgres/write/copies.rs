//! Conditional changes of rows without a key: a row is found at its place, and where others may have written since, the
//! rows like it are counted. Nobody else writes to such a table meanwhile, so that places stay what they are.
//!
//! A row that comes back does so wherever the engine puts it: here places are not to be chosen.

use std::collections::HashMap;
use std::sync::Arc;

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, Reason, Refusal, RowDigest, TableTask,
    copies,
};
use syncline_core::limits;
use syncline_core::store::Sighting;
use syncline_core::value::{Row, RowBatch, ValueRef, exact};

use super::open::Open;
use super::picked::Picked;
use super::session::bug;
use super::stage::Stage;
use super::target::{Target, joined};
use crate::fitted::Seen;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::digest::copies::{read as read_place, written};
use crate::postgres::filter;
use crate::refused::{Objection, Refused, split};

/// Writes the changes whose expectation holds. Nothing is ever changed in place, so nothing has to leave its table and
/// come back: of an exchange only the deletes belong to the first half, and only the inserts to the second.
pub(super) async fn apply(
    open: &mut Open<'_>,
    task: &TableTask,
    batch: ChangeBatch,
    mode: ApplyMode,
) -> Attempt<Applied> {
    open.hold(task).await?;
    let target = open.target(&task.table).await?;
    let mut copies = Copies { open, task, target, applied: Applied::default() };
    let done = match (&batch, mode) {
        (ChangeBatch::Delete(_), ApplyMode::Place) => return Err(bug("a delete has no second half")),
        (ChangeBatch::Delete(batch), _) => copies.delete(batch).await?,
        (ChangeBatch::Put(batch), ApplyMode::Displace) => batch.rows.len(),
        (ChangeBatch::Put(batch), _) => copies.put(batch).await?,
    };
    let applied = copies.applied;
    Ok(Applied { rest: batch.after(done), ..applied })
}

/// The rows at these places as they are now.
pub(super) async fn rows(open: &mut Open<'_>, task: &TableTask, keys: &RowBatch) -> Attempt<Sighting> {
    let target = open.target(&task.table).await?;
    let copies = Copies { open, task, target, applied: Applied::default() };
    let places: Vec<i64> = keys.rows().map(|key| place_of(key)).collect::<Attempt<_>>()?;
    let found = copies.at(&places).await?;
    let (mut rows, mut seen) = (RowBatch::new(task.columns.len()), Seen::new(task));
    for row in found.rows.rows() {
        rows.push_row(seen.row(row)?.iter())?;
    }
    Ok(Sighting { rows, keys: found.done })
}

struct Copies<'o, 'w> {
    open: &'o mut Open<'w>,
    task: &'o TableTask,
    target: Arc<Target>,
    applied: Applied,
}

/// Rows at the places that were asked for.
struct Found {
    /// The cells of the task as they are stored, those that are kept, and the number of the place.
    rows: RowBatch,
    at: HashMap<usize, usize>,
    /// How many places were looked at.
    done: usize,
}

impl Found {
    fn row(&self, number: usize) -> Option<Row<'_>> {
        self.at.get(&number).map(|at| self.rows.row(*at))
    }
}

/// What there is of rows that are like each other.
#[derive(Default)]
struct Alike {
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

impl Copies<'_, '_> {
    /// Goes through all: a new row leaves no cells in its image, and a refused one is no larger than the batch.
    async fn put(&mut self, batch: &PutBatch) -> Attempt<usize> {
        if batch.expectations.len() != batch.rows.len() || batch.keys.len() != batch.rows.len() {
            return Err(bug("as many expectations and keys as rows are needed"));
        }
        let stage = self.open.stage(&self.target, &self.task.columns).await?;
        let (_, refused) = stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let refused: HashMap<u32, Objection> = refused.into_iter().collect();
        let mut scratch = Vec::new();
        let digests: Vec<_> = batch.rows.rows().map(|row| self.task.digest(row.iter(), &mut scratch)).collect();
        let is_counted = batch.expectations.iter().any(|expected| matches!(expected, Expectation::Fewer(_)));
        let mut there = if is_counted { self.look_for(&digests).await? } else { HashMap::new() };
        let mut wanted = Vec::new();
        for number in (0..batch.rows.len() as u32).filter(|number| !refused.contains_key(number)) {
            let count = &mut there.entry(digests[number as usize]).or_default().count;
            match batch.expectations[number as usize] {
                Expectation::Fewer(copies) if *count >= copies => continue,
                Expectation::Digest(_) => return Err(bug("a row without a key is never changed in place")),
                _ => {}
            }
            *count += 1;
            wanted.push(number);
        }
        let written = self.insert(&stage, &wanted, batch).await?;
        let mut all: Vec<Refused> = refused.into_iter().chain(written).collect();
        all.sort_by_key(|(number, _)| *number);
        for (number, (reason, words)) in all {
            let row = Some(exact::encode_row(batch.rows.row(number as usize).iter()));
            let key = batch.keys[number as usize].clone();
            self.applied.refused.push(Refusal { key, reason, words, row, found: None });
        }
        Ok(batch.rows.len())
    }

    /// Inserts staged rows, with their images, and returns those that are refused.
    async fn insert(&mut self, stage: &Stage, wanted: &[u32], batch: &PutBatch) -> Attempt<Vec<Refused>> {
        let (names, relation) = (self.target.listed(&self.task.columns), stage.relation(&self.target));
        let cells = joined((0..self.task.columns.len()).map(|at| format!("s.c{at}")));
        let (mut left, mut refused) = (vec![wanted], Vec::new());
        while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
            let sql = format!(
                "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {cells} FROM {relation} WHERE {} \
                 ORDER BY s.n RETURNING ctid",
                self.target.table,
                Picked(half)
            );
            match self.open.session.write_returning(&self.target.name, &sql).await? {
                Ok(places) => self.account(half, &places, batch).await?,
                Err(objection) => split(&mut left, half, Err(objection), &mut refused),
            }
        }
        self.open.filled.insert(self.target.name.clone());
        Ok(refused)
    }

    /// Images of rows that were inserted at these places.
    async fn account(&mut self, numbers: &[u32], places: &[String], batch: &PutBatch) -> Attempt<()> {
        if numbers.len() != places.len() {
            return Err(bug("not as many rows have places as were inserted"));
        }
        let place = |place: &String| read_place(Some(ValueRef::Text(place.as_bytes())));
        let places: Vec<i64> = places.iter().map(place).collect::<Result<_, _>>()?;
        let mut done = 0;
        while done < places.len() {
            let found = self.at(&places[done..]).await?;
            for at in 0..found.done {
                let row = found.row(at).ok_or_else(|| bug("a row is not where it was put"))?;
                let (number, place) = (numbers[done + at] as usize, places[done + at]);
                let (digest, after) = self.digests(row);
                // A row that comes back is called as it was, wherever it is now: so an undo that was cut off knows it
                // again.
                let is_back = batch.places.get(number).copied().flatten().is_some();
                let key = if is_back { batch.keys[number].clone() } else { copies::encode(digest, place) };
                self.applied.images.push(Image { key, before: None, place: Some(place), after: Some(after) });
                self.applied.inserted += 1;
            }
            done += found.done;
        }
        Ok(())
    }

    /// Tells how many it has gone through.
    async fn delete(&mut self, batch: &DeleteBatch) -> Attempt<usize> {
        let is_counted = !batch.left.is_empty();
        if batch.expectations.len() != batch.keys.len() || is_counted && batch.left.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        let mut there = if is_counted { self.look_for(&batch.expectations).await? } else { HashMap::new() };
        let places: Vec<i64> = batch.keys.rows().map(|key| place_of(key)).collect::<Attempt<_>>()?;
        let found = self.at(&places).await?;
        let (mut missed, mut doomed, mut seen) = (Vec::new(), Vec::new(), Seen::new(self.task));
        for (number, key) in batch.keys.rows().enumerate().take(found.done) {
            let (digest, left) = (batch.expectations[number], batch.left.get(number).copied());
            let row = found.row(number);
            if let Some(row) = row
                && seen.digest(row)? == digest
            {
                let count = &mut there.entry(digest).or_default().count;
                if left.is_none_or(|left| *count > left) {
                    *count = count.saturating_sub(1);
                    doomed.push((exact::encode_row(key.iter()), places[number], row));
                }
                continue;
            }
            let instead = row.map(|row| seen.row(row).map(|row| exact::encode_row(row.iter()))).transpose()?;
            missed.push(Missed { key, digest, left, instead });
        }
        self.remove(&doomed).await?;
        if !missed.is_empty() {
            self.delete_missed(missed).await?;
        }
        Ok(found.done)
    }

    /// Rows that are not at their places: any copy will do where they are counted, and otherwise none.
    async fn delete_missed(&mut self, missed: Vec<Missed<'_>>) -> Attempt<()> {
        let digests: Vec<_> = missed.iter().map(|missed| missed.digest).collect();
        let mut there = self.look_for(&digests).await?;
        let mut instead_of = Vec::new();
        for Missed { key, digest, left, instead } in missed {
            let alike = there.entry(digest).or_default();
            match left {
                Some(left) if alike.count > left => {
                    instead_of.push(alike.places.pop().ok_or_else(|| bug("copies were counted and not found"))?);
                    alike.count -= 1;
                }
                _ if instead.is_some() || left.is_none() && alike.count > 0 => {
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
        let mut done = 0;
        while done < instead_of.len() {
            let found = self.at(&instead_of[done..]).await?;
            let mut doomed = Vec::new();
            for at in 0..found.done {
                let row = found.row(at).ok_or_else(|| bug("a copy has moved within a transaction"))?;
                let place = instead_of[done + at];
                doomed.push((copies::encode(self.digests(row).0, place), place, row));
            }
            self.remove(&doomed).await?;
            done += found.done;
        }
        Ok(())
    }

    /// Deletes rows from their places.
    async fn remove(&mut self, doomed: &[(Vec<u8>, i64, Row<'_>)]) -> Attempt<()> {
        if doomed.is_empty() {
            return Ok(());
        }
        let places: Vec<i64> = doomed.iter().map(|(_, place, _)| *place).collect();
        let sql = format!("DELETE FROM {} AS t WHERE t.ctid = ANY ({})", self.target.rows, array(&places));
        match self.open.session.write(&self.target.name, &sql).await? {
            Ok(rows) if rows == doomed.len() as u64 => {}
            Ok(_) => return Err(bug("a copy has moved within a transaction")),
            // Nothing references a table without a key, so whatever it is, it is about the table.
            Err((_, words)) => {
                let what = format!("the target does not let rows of {} go", self.target.name);
                let refused = syncline_core::error::Error::new(syncline_core::error::Code::RowRefused, what);
                return Err(refused.because(words).into());
            }
        }
        for (key, place, row) in doomed {
            let before = Some(exact::encode_row(row.iter().take(row.width() - 1)));
            self.applied.images.push(Image { key: key.clone(), before, place: Some(*place), after: None });
            self.applied.deleted += 1;
        }
        Ok(())
    }

    /// The digest of the task's cells as they are stored, and that of the whole row.
    fn digests(&self, row: Row<'_>) -> (RowDigest, RowDigest) {
        let mut scratch = Vec::new();
        let mut of = |cells| RowDigest(exact::digest_row(row.iter().take(cells), &mut scratch));
        (of(self.task.columns.len()), of(row.width() - 1))
    }

    /// What is at these places, no more at once than fits a batch.
    async fn at(&self, places: &[i64]) -> Attempt<Found> {
        let columns: Vec<usize> = self.task.columns.iter().chain(&self.task.mapped.kept).copied().collect();
        let query = format!(
            "SELECT {}, k.n FROM unnest({}) WITH ORDINALITY AS k (at, n) JOIN {} AS t ON t.ctid = k.at ORDER BY k.n",
            self.target.selected(&columns),
            array(places),
            self.target.rows
        );
        let mut codecs = self.target.codecs(&columns);
        codecs.push(Codec::Int8);
        let rows = self.open.session.rows(&query, &codecs, limits::BATCH_BYTES).await?;
        let number = |row: Row<'_>| match row.get(columns.len()) {
            ValueRef::Int(number) => number as usize - 1,
            _ => usize::MAX,
        };
        let at: HashMap<_, _> = rows.rows().map(number).enumerate().map(|(at, number)| (number, at)).collect();
        let last = at.keys().max().copied().filter(|_| rows.bytes() > limits::BATCH_BYTES);
        Ok(Found { rows, at, done: last.map_or(places.len(), |last| last + 1) })
    }

    /// How many rows that take part are like these now, and where as many of them are as are asked for. One pass over the
    /// table.
    async fn look_for(&self, digests: &[RowDigest]) -> Attempt<HashMap<RowDigest, Alike>> {
        let mut wanted = HashMap::<RowDigest, (usize, Alike)>::new();
        digests.iter().for_each(|digest| wanted.entry(*digest).or_default().0 += 1);
        let filter = filter::condition(self.task, "t.")?.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        let query = format!(
            "SELECT {}, t.ctid::text FROM {} AS t{filter}",
            self.target.selected(&self.task.columns),
            self.target.rows
        );
        let mut codecs = self.target.codecs(&self.task.columns);
        codecs.push(Codec::Text);
        let (mut seen, width) = (Seen::new(self.task), self.task.columns.len());
        let each = |row: Row<'_>| {
            if let Some((asked, alike)) = wanted.get_mut(&seen.digest(row)?) {
                alike.count += 1;
                if alike.places.len() < *asked {
                    alike.places.push(read_place(Some(row.get(width)))?);
                }
            }
            Ok(())
        };
        self.open.session.each_row(&query, &codecs, each).await?;
        Ok(wanted.into_iter().map(|(digest, (_, alike))| (digest, alike)).collect())
    }
}

fn place_of(key: Row<'_>) -> Attempt<i64> {
    copies::place_of(key).ok_or_else(|| bug("a row without a key needs a place"))
}

/// Places as an array.
fn array(places: &[i64]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("\"{}\"", written(*place))).collect();
    format!("'{{{}}}'::tid[]", places.join(","))
}
