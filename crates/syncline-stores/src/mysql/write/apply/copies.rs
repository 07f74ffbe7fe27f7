//! Conditional changes of rows without a key. Nobody else writes to such a table meanwhile.
//!
//! The server keeps the places of rows to itself, so that nothing tells copies apart: whatever a change says about the place of
//! a row, any row like it will do. The last of them is taken, because what this transaction has put stands behind all else.
//! One is found by how many rows come before it as long as the table is held, and by a mark of what is in it, so that a
//! statement that went through the table otherwise would find nothing.
//!
//! A new row is called by a number that no other of the writer has, and that is no place.

mod ranks;

use std::collections::{HashMap, VecDeque};

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, Refusal, RowDigest, TableTask, copies,
};
use syncline_core::limits;
use syncline_core::store::Sighting;
use syncline_core::value::{Row, RowBatch, ValueRef, exact};

use self::ranks::Ranked;
use super::{Apply, Asked};
use crate::fitted::Seen;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::write::open::Open;
use crate::mysql::write::session::bug;
use crate::refused::Objection;

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
    let stage = open.stage(&target, &task.columns);
    let asked = match &batch {
        ChangeBatch::Put(batch) => Asked::Rows(&batch.rows),
        ChangeBatch::Delete(batch) => Asked::Keys(&batch.keys),
    };
    let mut apply = Apply { open, task, target, stage, asked, applied: Applied::default() };
    let done = match (&batch, mode) {
        (ChangeBatch::Delete(_), ApplyMode::Place) => return Err(bug("a delete has no second half")),
        (ChangeBatch::Delete(batch), _) => apply.delete_copies(batch).await?,
        (ChangeBatch::Put(batch), ApplyMode::Displace) => batch.rows.len(),
        (ChangeBatch::Put(batch), _) => apply.put_copies(batch).await?,
    };
    let applied = apply.applied;
    Ok(Applied { rest: batch.after(done), ..applied })
}

/// A row like each of these as it is now, and no row twice.
pub(super) async fn rows(open: &mut Open<'_>, task: &TableTask, keys: &RowBatch) -> Attempt<Sighting> {
    let target = open.target(&task.table).await?;
    let stage = open.stage(&target, &task.columns);
    let apply = Apply { open, task, target, stage, asked: Asked::Keys(keys), applied: Applied::default() };
    let names: Vec<_> = keys.rows().map(name_of).collect::<Attempt<_>>()?;
    let mut there = apply.look_for(&names, false).await?;
    let (found, done) = choose(&mut there, &names, &[]);
    let read = apply.at(found.iter().map(|(_, place)| *place).collect()).await?;
    let (mut rows, mut seen) = (RowBatch::new(task.columns.len()), Seen::new(task));
    for (_, place) in &found {
        rows.push_row(seen.row(read.row(*place)?)?.iter())?;
    }
    Ok(Sighting { rows, keys: done })
}

/// Where a row is as long as the table is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// How many rows there are up to this one.
    rank: i64,
    /// Of what is in it.
    mark: i64,
    /// How large it is.
    bytes: usize,
}

/// What there is of rows that are like each other.
#[derive(Default)]
struct Alike {
    count: u64,
    /// How many are asked for.
    asked: usize,
    /// Where the last of them are: as many as are asked for.
    last: VecDeque<Place>,
}

/// Which changes find a row, and how many were gone through: no more than fit a batch. `left` is how many must be left of
/// each, where they are counted.
fn choose(there: &mut HashMap<RowDigest, Alike>, names: &[RowDigest], left: &[u64]) -> (Vec<(usize, Place)>, usize) {
    let (mut chosen, mut room) = (Vec::new(), limits::BATCH_BYTES);
    for (number, name) in names.iter().enumerate() {
        let least = left.get(number).copied().unwrap_or(0);
        let Some(alike) = there.get_mut(name).filter(|alike| alike.count > least) else { continue };
        let Some(place) = alike.last.back().copied() else { continue };
        if place.bytes > room && !chosen.is_empty() {
            return (chosen, number);
        }
        room = room.saturating_sub(place.bytes);
        alike.last.pop_back();
        alike.count -= 1;
        chosen.push((number, place));
    }
    (chosen, names.len())
}

impl Apply<'_, '_> {
    /// Goes through all: a new row leaves no cells in its image, and a refused one is no larger than the batch.
    async fn put_copies(&mut self, batch: &PutBatch) -> Attempt<usize> {
        if batch.expectations.len() != batch.rows.len() || batch.keys.len() != batch.rows.len() {
            return Err(bug("as many expectations and keys as rows are needed"));
        }
        let (fitted, refused) = self.stage.fill(self.open.session, (self.task, &self.target), &batch.rows).await?;
        let mut refused: HashMap<u32, Objection> = refused.into_iter().collect();
        let mut scratch = Vec::new();
        let digests: Vec<_> = batch.rows.rows().map(|row| self.task.digest(row.iter(), &mut scratch)).collect();
        let is_counted = batch.expectations.iter().any(|expected| matches!(expected, Expectation::Fewer(_)));
        let mut there = if is_counted { self.look_for(&digests, true).await? } else { HashMap::new() };
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
        refused.extend(self.insert(&wanted).await?);
        wanted.retain(|number| !refused.contains_key(number));
        let stored = self.stored(&fitted.rows, &wanted).await?;
        let carried = wanted.iter().map(|number| stored.digest(*number, std::iter::empty()));
        self.account_copies(&wanted, carried.collect::<syncline_core::error::Result<_>>()?, batch).await?;
        let mut refused: Vec<_> = refused.into_iter().collect();
        refused.sort_by_key(|(number, _)| *number);
        for (number, (reason, words)) in refused {
            let row = Some(exact::encode_row(batch.rows.row(number as usize).iter()));
            let key = batch.keys[number as usize].clone();
            self.applied.refused.push(Refusal { key, reason, words, row, found: None });
        }
        Ok(batch.rows.len())
    }

    /// Images of rows that were inserted, whose carried cells as they are stored have these digests.
    async fn account_copies(&mut self, numbers: &[u32], carried: Vec<RowDigest>, batch: &PutBatch) -> Attempt<()> {
        let mut whole = if self.task.mapped.kept.is_empty() || numbers.is_empty() {
            HashMap::new()
        } else {
            self.whole(&carried).await?
        };
        for (number, digest) in numbers.iter().zip(carried) {
            let number = *number as usize;
            let after = match whole.get_mut(&digest) {
                Some(whole) => whole.pop_front().ok_or_else(|| bug("a row is not where it was put"))?,
                None => digest,
            };
            let place = self.open.session.next_number();
            // A row that comes back is called as it was: so an undo that was cut off knows it again.
            let is_back = batch.places.get(number).copied().flatten().is_some();
            let key = if is_back { batch.keys[number].clone() } else { copies::encode(digest, place) };
            self.keep(Image { key, before: None, place: Some(place), after: Some(after) });
            self.applied.inserted += 1;
        }
        Ok(())
    }

    /// The digests of whole rows, what is not carried included, of the last rows with these digests of what is.
    async fn whole(&self, carried: &[RowDigest]) -> Attempt<HashMap<RowDigest, VecDeque<RowDigest>>> {
        let mut asked = HashMap::<RowDigest, usize>::new();
        carried.iter().for_each(|digest| *asked.entry(*digest).or_default() += 1);
        let (mut whole, mut scratch) = (HashMap::<_, VecDeque<_>>::new(), Vec::new());
        let width = self.task.columns.len();
        self.each_place(false, |_, row| {
            let digest = RowDigest(exact::digest_row(row.iter().take(width), &mut scratch));
            if let Some(asked) = asked.get(&digest) {
                let last = whole.entry(digest).or_default();
                last.push_back(RowDigest(exact::digest_row(row.iter(), &mut scratch)));
                if last.len() > *asked {
                    last.pop_front();
                }
            }
            Ok(())
        })
        .await?;
        Ok(whole)
    }

    /// Tells how many it has gone through.
    async fn delete_copies(&mut self, batch: &DeleteBatch) -> Attempt<usize> {
        let is_counted = !batch.left.is_empty();
        if batch.expectations.len() != batch.keys.len() || is_counted && batch.left.len() != batch.keys.len() {
            return Err(bug("as many expectations as keys are needed"));
        }
        let mut there = self.look_for(&batch.expectations, is_counted).await?;
        let (doomed, done) = choose(&mut there, &batch.expectations, &batch.left);
        let places: Vec<Place> = doomed.iter().map(|(_, place)| *place).collect();
        let read = self.at(places.clone()).await?;
        let mut seen = Seen::new(self.task);
        for (number, place) in &doomed {
            if seen.digest(read.row(*place)?)? != batch.expectations[*number] {
                return Err(bug("a row has moved that is locked"));
            }
        }
        let refused = self.remove_from(places).await?;
        self.account_deletes(batch, &doomed, &read, refused)?;
        Ok(done)
    }

    fn account_deletes(
        &mut self,
        batch: &DeleteBatch,
        doomed: &[(usize, Place)],
        read: &Ranked,
        mut refused: HashMap<i64, Objection>,
    ) -> Attempt<()> {
        for (number, place) in doomed {
            let (key, row) = (batch.keys.row(*number), read.row(*place)?);
            let encoded = exact::encode_row(key.iter());
            match refused.remove(&place.rank) {
                None => {
                    let before = Some(exact::encode_row(row.iter()));
                    self.keep(Image { key: encoded, before, place: copies::place_of(key), after: None });
                    self.applied.deleted += 1;
                }
                Some((reason, words)) => {
                    let found = Some(self.seen(row)?);
                    self.applied.refused.push(Refusal { key: encoded, reason, words, row: None, found });
                }
            }
        }
        Ok(())
    }

    /// What there is of rows like these, of all or of those that take part. One pass over the table.
    async fn look_for(&self, names: &[RowDigest], has_to_take_part: bool) -> Attempt<HashMap<RowDigest, Alike>> {
        let mut there = HashMap::<RowDigest, Alike>::new();
        names.iter().for_each(|name| there.entry(*name).or_default().asked += 1);
        let mut naming = Naming::of(self.task);
        self.each_place(has_to_take_part, |place, row| {
            if let Some(name) = naming.of_row(row)?.into_iter().find(|name| there.contains_key(name)) {
                let alike = there.entry(name).or_default();
                alike.count += 1;
                alike.last.push_back(place);
                if alike.last.len() > alike.asked {
                    alike.last.pop_front();
                }
            }
            Ok(())
        })
        .await?;
        Ok(there)
    }
}

/// What copies of a row are called: by what both sides see, and in images by what is stored.
pub(in crate::mysql::write) struct Naming<'t> {
    task: &'t TableTask,
    seen: Seen<'t>,
    scratch: Vec<u8>,
}

impl<'t> Naming<'t> {
    pub(in crate::mysql::write) fn of(task: &'t TableTask) -> Self {
        Self { task, seen: Seen::new(task), scratch: Vec::new() }
    }

    /// The names of a row whose first cells are those of the task.
    pub(in crate::mysql::write) fn of_row(&mut self, row: Row<'_>) -> syncline_core::error::Result<[RowDigest; 2]> {
        let stored = exact::digest_row(row.iter().take(self.task.columns.len()), &mut self.scratch);
        Ok([self.seen.digest(row)?, RowDigest(stored)])
    }
}

/// What a key calls its row.
pub(in crate::mysql::write) fn name_of(key: Row<'_>) -> Attempt<RowDigest> {
    let digest = match key.get(0) {
        ValueRef::Bytes(digest) => digest.try_into().ok().map(u128::from_be_bytes),
        _ => None,
    };
    digest.map(RowDigest).ok_or_else(|| bug("a row without a key needs a name"))
}
