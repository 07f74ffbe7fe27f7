//! Rows that are left out and entered into the ledger, so that a row at fault never takes its neighbours with it.
//!
//! What the database refuses by itself is known row by row and held at once. What only shows when rows are looked at
//! together, such as a reference to a row that is not there, is found at the end of a transaction. Rows it has inserted
//! are then taken out of it again. A row it has changed or deleted cannot be put back as it was without disturbing
//! others, so the transaction is begun anew without that row.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;

use super::{Applier, Context, Pending, TableWork};
use crate::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Operation, PlannedChange, Reason, Refusal, RowDigest, copies, keys_of,
};
use crate::error::{Code, Error, Result};
use crate::state::{Awaited, HeldRow};
use crate::store::Transaction;
use crate::value::{RowBatch, ValueRef, canonical, exact};

/// What became of a transaction before its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It can be committed.
    Done,
    /// More rows have to be left out, so it is begun anew.
    Again,
    /// A unique value is in the way that another change will free.
    Clash,
}

/// Why a row is left out before anything is tried with it.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    pub(super) words: String,
    pub(super) awaits: Vec<Awaited>,
}

/// Rows of one table that are left out of the transactions of one unit, by [`key_form`].
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) puts: HashMap<Vec<u8>, Cause>,
    pub(super) deletes: HashMap<Vec<u8>, Cause>,
}

/// A planned change and why it is left out.
pub(super) type Excused = (PlannedChange, Cause);

impl LeftOut {
    fn of(&self, operation: Operation) -> &HashMap<Vec<u8>, Cause> {
        if operation == Operation::Delete { &self.deletes } else { &self.puts }
    }

    /// Splits a page into what is tried and what is left out.
    pub(super) fn split(&self, page: &[PlannedChange]) -> (Vec<PlannedChange>, Vec<Excused>) {
        if self.puts.is_empty() && self.deletes.is_empty() {
            return (page.to_vec(), Vec::new());
        }
        let (mut tried, mut excused) = (Vec::new(), Vec::new());
        for change in page {
            match self.of(change.operation).get(&key_form_of(&change.key)) {
                Some(cause) => excused.push((change.clone(), cause.clone())),
                None => tried.push(change.clone()),
            }
        }
        (tried, excused)
    }
}

impl LeftOut {
    /// Takes rows off the list of refused ones that have left the table for an exchange: they should never have left
    /// it. Tells whether there are any.
    pub(super) fn take_displaced(
        &mut self,
        page: &[PlannedChange],
        applied: &mut Applied,
        work: &TableWork,
        context: &Context<'_>,
    ) -> Result<bool> {
        if applied.refused.is_empty() {
            return Ok(false);
        }
        let updates: HashSet<_> = page
            .iter()
            .filter(|change| change.operation == Operation::Update)
            .map(|change| key_form_of(&change.key))
            .collect();
        let is_displaced = |refusal: &Refusal| updates.contains(&key_form_of(&refusal.key));
        let (displaced, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut applied.refused).into_iter().partition(is_displaced);
        applied.refused = others;
        let has_displaced = !displaced.is_empty();
        for refusal in displaced {
            if context.ledger.is_none() {
                return Err(into_error(refusal, work));
            }
            let cause = Cause { reason: refusal.reason, words: refusal.words, awaits: Vec::new() };
            self.puts.insert(key_form_of(&refusal.key), cause);
        }
        Ok(has_displaced)
    }
}

/// A key in a form in which 1 and 1.0 are the same row.
pub(super) fn key_form<'v>(cells: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut form = Vec::new();
    cells.into_iter().for_each(|cell| canonical::encode(cell, &mut form));
    form
}

/// As [`key_form`], of a key in the exact encoding.
pub(super) fn key_form_of(key: &[u8]) -> Vec<u8> {
    key_form(exact::decode_row(key).unwrap_or_default())
}

impl Context<'_> {
    /// Enters what the database left out into the ledger. Without a ledger the first such row fails its table.
    pub(super) async fn hold_refused(
        &self,
        pending: &mut Pending,
        table: usize,
        work: &TableWork,
        applied: Applied,
    ) -> Result<()> {
        let Applied { refused, moved, .. } = applied;
        if self.ledger.is_none() {
            return refused.into_iter().next().map_or(Ok(()), |first| Err(into_error(first, work)));
        }
        pending.held.push((table, refused.len() as u64));
        let rows: Vec<_> = refused.into_iter().chain(moved).map(held).collect();
        self.enter(pending.number, work, rows).await
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
                take_out(tx, pending, table, work, &rows, keys.clone(), context).await?;
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
                    held.push(entry(operation, key, cause, Some(exact::encode_row(row.iter())), target));
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
                entry(Operation::Delete, change.key.clone(), cause, None, target)
            };
            let held = rows.by_ref().take(seen.keys).map(entry).collect();
            self.context.enter(pending.number, work, held).await?;
        }
        Ok(())
    }
}

/// Deletes rows that this transaction has inserted. Of a load no trace is kept; elsewhere the images of insertion and
/// deletion cancel each other out.
async fn take_out(
    tx: &mut dyn Transaction,
    pending: &mut Pending,
    table: usize,
    work: &TableWork,
    rows: &RowBatch,
    keys: RowBatch,
    context: &Context<'_>,
) -> Result<()> {
    let mut scratch = Vec::new();
    let expectations = rows.rows().map(|row| RowDigest(exact::digest_row(row.iter(), &mut scratch))).collect();
    let mut batch = Some(ChangeBatch::Delete(DeleteBatch { keys, expectations, left: Vec::new() }));
    let load = pending.loads.iter_mut().find(|load| load.table == table);
    let evidence = context.evidence.filter(|_| load.is_none());
    let mut deleted = 0;
    while let Some(changes) = batch {
        let applied = tx.apply(&work.target, changes, ApplyMode::InPlace).await?;
        batch = applied.rest;
        deleted += applied.deleted;
        if let Some(evidence) = evidence {
            evidence.record_images(pending.number, &work.name, applied.images).await?;
        }
    }
    if deleted != rows.len() as u64 {
        return Err(Error::new(Code::Internal, format!("rows of {} are not as they were written", work.name)));
    }
    if let Some(load) = load {
        rows.rows().for_each(|row| load.sum.remove(&exact::encode_row(row.iter())));
    }
    pending.taken_out.push((table, deleted));
    Ok(())
}

/// Rows of the target by the form of their keys.
fn found(work: &TableWork, rows: &RowBatch) -> HashMap<Vec<u8>, Vec<u8>> {
    rows.rows().map(|row| (key_form(row.select(&work.target.key)), exact::encode_row(row.iter()))).collect()
}

fn entry(
    operation: Operation,
    key: Vec<u8>,
    cause: &Cause,
    source: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
) -> HeldRow {
    let Cause { reason, words, awaits } = cause.clone();
    HeldRow { operation, key, reason, words, source, target, awaits }
}

fn held(refusal: Refusal) -> HeldRow {
    let Refusal { key, reason, words, row, found } = refusal;
    let operation = match (&row, &found) {
        (None, _) => Operation::Delete,
        (Some(_), None) => Operation::Insert,
        (Some(_), Some(_)) => Operation::Update,
    };
    HeldRow { operation, key, reason, words, source: row, target: found, awaits: Vec::new() }
}

fn into_error(refusal: Refusal, work: &TableWork) -> Error {
    let code = if refusal.reason == Reason::Unique { Code::UniqueClash } else { Code::RowRefused };
    let place = super::references::named_key(&work.target, &refusal.key);
    Error::new(code, format!("the target refused a row of {}", work.name)).because(refusal.words).at(place)
}
