//! Rows without a key: where they were put, which nothing in the row tells, and taking them out again from there.

use std::collections::{HashMap, HashSet};

use super::left_out::Cause;
use super::take_out::not_as_written;
use super::{Applier, Context, Pending, TableWork};
use crate::change::copies;
use crate::change::{Applied, DeleteBatch, Operation, RowDigest};
use crate::error::Result;
use crate::limits;
use crate::store::Transaction;
use crate::value::{RowBatch, exact};

/// Digests and places of rows put, by table.
pub(super) type Places = HashMap<usize, Vec<(RowDigest, i64)>>;

impl Pending {
    /// Remembers where rows were put that may have to be taken out again: those of tables that reference others.
    pub(super) fn remember_places(&mut self, table: usize, work: &TableWork, applied: &Applied) {
        if work.target.is_multiset() && !work.target.table.foreign_keys.is_empty() {
            let put = applied.images.iter().filter(|image| image.before.is_none());
            let put = put.filter_map(|image| Some((copies::decode(&image.key)?.0, image.place?)));
            self.places.entry(table).or_default().extend(put);
        }
    }

    /// The keys that rows put into this table have there.
    pub(super) fn places_of(&self, table: usize) -> Result<RowBatch> {
        let mut keys = RowBatch::new(copies::WIDTH);
        for (digest, place) in self.places.get(&table).into_iter().flatten() {
            copies::push(&mut keys, *digest, *place)?;
        }
        Ok(keys)
    }
}

impl Context<'_> {
    /// Whether the target is as it was when the changes were decided, but for what this run has written. An undo has not
    /// looked at it before, and looks at each row's place instead.
    pub(super) async fn is_undisturbed(&self, tx: &mut dyn Transaction) -> Result<bool> {
        match &self.decided_at {
            Some(position) => tx.is_at(position).await,
            None => Ok(true),
        }
    }
}

impl Applier<'_> {
    /// Takes rows out again that this transaction has put, and enters them into the ledger. They come with their keys.
    pub(super) async fn take_out_copies(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        rows: Vec<(Vec<u8>, Cause)>,
    ) -> Result<()> {
        pending.held.push((table, rows.len() as u64));
        for mut chunk in rows.chunks(limits::CONFLICT_PAGE) {
            while !chunk.is_empty() {
                let done = self.take_out_chunk(tx, pending, table, chunk).await?;
                chunk = &chunk[done..];
            }
        }
        Ok(())
    }

    /// As many of them as fit a batch, and tells how many.
    async fn take_out_chunk(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        chunk: &[(Vec<u8>, Cause)],
    ) -> Result<usize> {
        let work = &self.tables[table];
        let mut named = RowBatch::new(copies::WIDTH);
        chunk.iter().try_for_each(|(key, _)| named.push_row(exact::decode_row(key).unwrap_or_default()))?;
        let seen = tx.rows(&work.target, &named).await?;
        let rows = seen.rows;
        let (mut keys, mut held, mut gone) = (RowBatch::new(copies::WIDTH), Vec::new(), HashSet::new());
        let (mut expectations, mut scratch) = (Vec::new(), Vec::new());
        for ((row, key), (_, cause)) in rows.rows().zip(named.rows()).zip(chunk) {
            let digest = work.target.digest(row.iter(), &mut scratch);
            let place = copies::place_of(key).ok_or_else(|| not_as_written(work))?;
            copies::push(&mut keys, digest, place)?;
            expectations.push(digest);
            gone.insert(place);
            let source = Some(exact::encode_row(row.iter()));
            held.push(cause.entry(Operation::Insert, copies::encode(digest, place), source, None));
        }
        if keys.len() != seen.keys {
            return Err(not_as_written(work));
        }
        let deletes = DeleteBatch { keys, expectations, left: Vec::new() };
        self.context.take_out(tx, pending, (table, work), &rows, deletes).await?;
        pending.places.entry(table).or_default().retain(|(_, place)| !gone.contains(place));
        self.context.enter(pending.number, work, held).await?;
        Ok(seen.keys)
    }
}
