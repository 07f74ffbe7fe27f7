//! Rows that are left out and entered into the ledger, so that a row at fault never takes its neighbours with it.
//!
//! What the database refuses by itself is known row by row and held at once. What only shows when rows are looked at
//! together, such as a reference to a row that is not there, is found at the end of a transaction. Rows it has inserted
//! are then taken out of it again. A row it has changed or deleted cannot be put back as it was without disturbing
//! others, so the transaction is begun anew without that row.

use std::collections::HashMap;

use futures_util::StreamExt;

use super::bending::choices_without_help;
use super::left_out::{Cause, Excused, key_form, key_form_of};
use super::rivals::rivals_of;
use super::{Applier, Context, Pending, TableWork};
use crate::change::{Applied, DeleteBatch, Operation, Reason, Refusal, copies, keys_of};
use crate::error::{Code, Error, Result};
use crate::state::HeldRow;
use crate::store::Transaction;
use crate::value::{RowBatch, exact};

/// What became of a transaction before its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It can be committed.
    Done,
    /// More rows have to be left out, or others at work were in the way, so it is begun anew.
    Again,
    /// Rows that were left out can be tried again, so it is begun anew.
    Anew,
    /// A unique value is in the way that another change will free.
    Clash,
}

impl Context<'_> {
    /// Enters what the database left out into the ledger. Without a ledger the first such row fails its table.
    pub(super) async fn hold_refused(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
        applied: Applied,
    ) -> Result<()> {
        let Applied { refused, moved, .. } = applied;
        let causes = self.causes_of(tx, work, &refused).await?;
        let outside = moved.iter().filter(|refusal| self.is_held(refusal)).count();
        pending.held.push((table, (refused.len() + outside) as u64));
        pending.remember_rivals(table, &causes);
        let refused = refused.into_iter().zip(&causes).map(|(refusal, cause)| held(refusal, cause));
        let moved = moved.into_iter().map(|refusal| {
            let cause = Cause { reason: refusal.reason, words: refusal.words.clone(), awaits: Vec::new() };
            held(refusal, &cause)
        });
        let rows = refused.chain(moved).collect();
        self.enter(pending.number, work, rows).await
    }

    /// Why the rows were refused, each in its turn: one whose unique value others have awaits those. Without a ledger the
    /// first is an error.
    pub(super) async fn causes_of(
        &self,
        tx: &mut dyn Transaction,
        work: &TableWork,
        refused: &[Refusal],
    ) -> Result<Vec<Cause>> {
        if self.ledger.is_none() {
            return refused.first().map_or(Ok(Vec::new()), |first| Err(into_error(first, work)));
        }
        let awaits = rivals_of(tx, work, refused).await?;
        let cause = |(refusal, awaits): (&Refusal, _)| {
            let words = refusal.words.clone() + &choices_without_help(work, refusal);
            Cause { reason: refusal.reason, words, awaits }
        };
        Ok(refused.iter().zip(awaits).map(cause).collect())
    }

    /// Enters rows of a whole table that were left out of it.
    pub(super) async fn hold_excused(
        &self,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
        excused: Vec<HeldRow>,
    ) -> Result<()> {
        pending.held.push((table, excused.len() as u64));
        self.enter(pending.number, work, excused).await
    }

    /// Whether a row whose expectation failed is held for that. A row outside the filter was there when the run was decided;
    /// nobody has changed anything meanwhile.
    pub(super) fn is_held(&self, moved: &Refusal) -> bool {
        self.ledger.is_some() && moved.reason == Reason::OutOfFilter
    }

    /// Writes rows into the ledger. Rows that nothing tells apart have one entry.
    pub(super) async fn enter(&self, batch: u64, work: &TableWork, mut rows: Vec<HeldRow>) -> Result<()> {
        let Some(ledger) = self.ledger.filter(|_| !rows.is_empty()) else { return Ok(()) };
        if work.target.is_multiset() {
            rows.iter_mut().for_each(|row| row.key = copies::name_of(&row.key));
        }
        let columns: Vec<_> = work.source.column_names().map(str::to_owned).collect();
        ledger.hold(batch, &work.name, &columns, rows).await
    }
}

impl Applier<'_> {
    /// Enters rows into the ledger that the transaction does not write. With `is_written` it has inserted them already,
    /// and they are taken out again.
    pub(super) async fn hold_rows(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        rows: Vec<Excused>,
        is_written: bool,
    ) -> Result<()> {
        let (deletes, puts): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(change, _)| change.operation == Operation::Delete);
        pending.held.push((table, (deletes.len() + puts.len()) as u64));
        self.hold_deletes(tx, pending, table, &deletes).await?;
        if puts.is_empty() {
            return Ok(());
        }
        let causes: HashMap<_, _> = puts.iter().map(|(change, cause)| (key_form_of(&change.key), cause)).collect();
        let Self { tables, source, context, .. } = self;
        let work = &tables[table];
        let keys = keys_of(puts.iter().map(|(change, _)| change), work.source.key_width())?;
        let mut batches = source.by_keys(&work.source, &keys).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            let mut keys = RowBatch::new(work.source.key_width());
            rows.rows().try_for_each(|row| keys.push_row(row.select(&work.source.key)))?;
            if is_written {
                context.take_out(tx, pending, (table, work), &rows, as_written(work, &rows, keys.clone())).await?;
            }
            let mut done = 0;
            while !keys.is_empty() {
                let seen = tx.rows(&work.target, &keys).await?;
                keys.drop_front(seen.keys);
                let mut there = found(work, &seen.rows);
                drop(seen.rows);
                let mut held = Vec::with_capacity(seen.keys);
                for row in rows.rows().skip(done).take(seen.keys) {
                    let form = key_form(row.select(&work.source.key));
                    let Some(cause) = causes.get(&form) else { continue };
                    let target = there.remove(&form);
                    let operation = if target.is_some() { Operation::Update } else { Operation::Insert };
                    let key = exact::encode_row(row.select(&work.source.key));
                    held.push(cause.entry(operation, key, Some(exact::encode_row(row.iter())), target));
                }
                done += seen.keys;
                context.enter(pending.number, work, held).await?;
            }
        }
        Ok(())
    }

    async fn hold_deletes(
        &self,
        tx: &mut dyn Transaction,
        pending: &Pending,
        table: usize,
        rows: &[Excused],
    ) -> Result<()> {
        let work = &self.tables[table];
        let mut keys = keys_of(rows.iter().map(|(change, _)| change), work.target.key_width())?;
        let mut rows = rows.iter();
        while !keys.is_empty() {
            let seen = tx.rows(&work.target, &keys).await?;
            keys.drop_front(seen.keys);
            let mut there = found(work, &seen.rows);
            drop(seen.rows);
            let entry = |(change, cause): &Excused| {
                let target = there.remove(&key_form_of(&change.key));
                cause.entry(Operation::Delete, change.key.clone(), None, target)
            };
            let held = rows.by_ref().take(seen.keys).map(entry).collect();
            self.context.enter(pending.number, work, held).await?;
        }
        Ok(())
    }
}

/// Rows of the target by the form of their keys.
fn found(work: &TableWork, rows: &RowBatch) -> HashMap<Vec<u8>, Vec<u8>> {
    rows.rows().map(|row| (key_form(row.select(&work.target.key)), exact::encode_row(row.iter()))).collect()
}

/// The delete of rows that are as they were written a moment ago.
fn as_written(work: &TableWork, rows: &RowBatch, keys: RowBatch) -> DeleteBatch {
    let mut scratch = Vec::new();
    let expectations = rows.rows().map(|row| work.target.digest(row.iter(), &mut scratch)).collect();
    DeleteBatch { keys, expectations, left: Vec::new() }
}

fn held(refusal: Refusal, cause: &Cause) -> HeldRow {
    let operation = match (&refusal.row, &refusal.found) {
        (None, _) => Operation::Delete,
        (Some(_), None) => Operation::Insert,
        (Some(_), Some(_)) => Operation::Update,
    };
    cause.entry(operation, refusal.key, refusal.row, refusal.found)
}

fn into_error(refusal: &Refusal, work: &TableWork) -> Error {
    let code = if refusal.reason == Reason::Unique { Code::UniqueClash } else { Code::RowRefused };
    let place = super::references::named_key(&work.target, &refusal.key);
    Error::new(code, format!("the target refused a row of {}", work.name)).because(refusal.words.clone()).at(place)
}
