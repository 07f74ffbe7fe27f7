//! Inserts and updates.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;

use super::bending::{Bent, Retried};
use super::holds::Attempt;
use super::left_out::{LeftOut, key_form_of, take_displaced};
use super::order::Unit;
use super::pages::Pages;
use super::references::{Dangling, Put};
use super::rivals::rivals_in;
use super::{Action, Applier, Pending, entangled};
use crate::change::{
    Applied, ApplyMode, ChangeBatch, Expectation, PlannedChange, PutBatch, Reason, Refusal, TableTask, keys_of,
};
use crate::error::{Code, Error, Result};
use crate::event::Phase;
use crate::limits;
use crate::state::ChangeKind;
use crate::store::{Transaction, Writer};
use crate::value::key_order::compare_keys;
use crate::value::{RowBatch, exact};

impl Applier<'_> {
    /// Writes all inserts, updates and loads of a unit. A failure of the unit itself goes to its account.
    pub(crate) async fn put(&mut self, unit: &Unit, writer: &mut dyn Writer) -> Result<()> {
        if unit.tables.iter().all(|table| self.puts_done[*table]) {
            return Ok(());
        }
        let is_load = |table: &usize| matches!(self.tables[*table].action, Action::Load { .. });
        let result = if self.moves_references(&unit.tables).await? {
            self.refresh_tied(&unit.tables, writer).await
        } else if unit.is_circular || unit.tables.iter().any(is_load) {
            self.put_circle(&unit.tables, writer).await
        } else {
            self.put_in_batches(unit.tables[0], writer).await
        };
        unit.tables.iter().for_each(|table| self.puts_done[*table] = true);
        self.settle(&unit.tables, result)
    }

    async fn put_in_batches(&mut self, table: usize, writer: &mut dyn Writer) -> Result<()> {
        let total = self.tables[table].puts;
        if total == 0 {
            return Ok(());
        }
        self.context.started(self.name(table), Phase::Apply, total);
        let (mut pages, mut has_deferred) = (Pages::of(table, ChangeKind::Put), false);
        while let Some(page) = self.next_page(&mut pages).await? {
            has_deferred |= self.put_page(table, &page, writer).await?;
            self.context.progress(self.name(table), Phase::Apply, pages.done);
        }
        if has_deferred {
            self.exchange(&[table], ChangeKind::Deferred, writer).await?;
        }
        self.context.ended(self.name(table), Phase::Apply, pages.done);
        Ok(())
    }

    /// One page, one transaction. Tells whether rows of it were put aside.
    async fn put_page(&mut self, table: usize, page: &[PlannedChange], writer: &mut dyn Writer) -> Result<bool> {
        for _ in 0..limits::HOLD_ROUNDS_MAX {
            let (attempt, clashes) = self.try_put_page(table, page, writer).await?;
            if attempt == Attempt::Done {
                self.left_out[table] = LeftOut::default();
                self.context.spool.defer(self.name(table), &clashes).await?;
                return Ok(!clashes.is_empty());
            }
        }
        Err(entangled(self.name(table)))
    }

    async fn try_put_page(
        &mut self,
        table: usize,
        page: &[PlannedChange],
        writer: &mut dyn Writer,
    ) -> Result<(Attempt, Vec<PlannedChange>)> {
        self.context.pay_outside(page.len()).await?;
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let mut clashes = Vec::new();
        let written = async {
            self.record_table(&mut *tx, &mut pending, table).await?;
            clashes = self.put_rows(&mut *tx, &mut pending, table, page, ApplyMode::InPlace).await?.clashes;
            self.hold_dangling(&mut *tx, &mut pending, table, Put::Page(page)).await.map(Dangling::attempt)
        };
        let written = written.await;
        Ok((self.conclude(tx, pending, written).await?, clashes))
    }

    /// Tables that cannot be written one by one: first each row where it is; should unique values be in the way, once
    /// more by exchanging them.
    async fn put_circle(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        let mut rounds = 0;
        while rounds < limits::HOLD_ROUNDS_MAX {
            rounds = match self.try_put_circle(tables, writer).await? {
                Attempt::Done => return Ok(()),
                Attempt::Again => rounds + 1,
                Attempt::Anew => 0,
                Attempt::Clash => return self.exchange(tables, ChangeKind::Put, writer).await,
            };
        }
        Err(entangled(self.name(tables[0])))
    }

    /// All puts of some tables in one transaction.
    async fn try_put_circle(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<Attempt> {
        let is_busy = |table: &usize| match self.tables[*table].action {
            Action::Load { create } => create || self.tables[*table].puts > 0,
            Action::Differences => self.tables[*table].puts > 0,
            // These have their own time: a refresh, and the deletes.
            Action::Refill | Action::Empty(_) => false,
        };
        let tables: Vec<_> = tables.iter().copied().filter(is_busy).collect();
        if tables.is_empty() {
            return Ok(Attempt::Done);
        }
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let written = async {
            self.check_still_empty(&mut *tx, &tables).await?;
            for table in &tables {
                if let Action::Load { create } = self.tables[*table].action {
                    self.load(&mut *tx, &mut pending, *table, create).await?;
                } else {
                    self.record_table(&mut *tx, &mut pending, *table).await?;
                    let written =
                        self.put_all(&mut *tx, &mut pending, *table, ChangeKind::Put, ApplyMode::InPlace).await?;
                    if written == Attempt::Clash {
                        return Ok(Attempt::Clash);
                    }
                }
            }
            let parts: Vec<_> = tables.iter().map(|table| (*table, ChangeKind::Put)).collect();
            let mut attempt = self.hold_all_dangling(&mut *tx, &mut pending, &parts).await?;
            if attempt == Attempt::Done {
                attempt = self.look_again(&mut *tx, &tables).await?;
            }
            self.record_loads(&pending).await?;
            Ok(attempt)
        };
        let written = written.await;
        self.conclude(tx, pending, written).await
    }

    /// A table that is to be loaded must be as empty as when that was decided. The transaction takes the right to write to
    /// all tables whose rows as a whole matter, and has written nothing, so what a snapshot shows now is what it finds.
    pub(super) async fn check_still_empty(&self, tx: &mut dyn Transaction, tables: &[usize]) -> Result<()> {
        self.hold_whole(tx, tables).await?;
        for table in tables {
            let work = &self.tables[*table];
            if work.action == (Action::Load { create: false })
                && self.target.snapshot().await?.count(&work.target.unfiltered()).await? > 0
            {
                return Err(Error::new(Code::TargetChanged, format!("{} is no longer empty in the target", work.name))
                    .leaving("the table is as somebody else has left it")
                    .next("run again", "compare the rows that are there now"));
            }
        }
        Ok(())
    }

    /// Takes the right to write to those of the tables that are filled, refilled or emptied as a whole.
    pub(super) async fn hold_whole(&self, tx: &mut dyn Transaction, tables: &[usize]) -> Result<()> {
        let whole = tables.iter().map(|table| &self.tables[*table]);
        let whole = whole.filter(|work| match work.action {
            Action::Load { create } => !create,
            Action::Refill | Action::Empty(_) => true,
            Action::Differences => false,
        });
        tx.hold(&whole.map(|work| &work.target).collect::<Vec<_>>()).await
    }

    /// All puts of one kind to a table.
    pub(super) async fn put_all(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        kind: ChangeKind,
        mode: ApplyMode,
    ) -> Result<Attempt> {
        let (mut pages, mut attempt) = (Pages::wide(table, kind), Attempt::Done);
        while let Some(page) = self.next_page(&mut pages).await? {
            self.context.pay(page.len()).await?;
            let written = self.put_rows(tx, pending, table, &page, mode).await?;
            if !written.clashes.is_empty() {
                return Ok(Attempt::Clash);
            }
            if written.has_to_repeat {
                attempt = Attempt::Again;
            }
            self.context.progress(self.name(table), Phase::Apply, pages.done);
        }
        Ok(attempt)
    }

    /// Reads the new rows of a page from the source and writes them.
    async fn put_rows(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        page: &[PlannedChange],
        mode: ApplyMode,
    ) -> Result<Written> {
        let (page, excused) = self.left_out[table].split(page);
        // An exchange passes over its rows twice; they are held once.
        if !excused.is_empty() && mode != ApplyMode::Displace {
            self.hold_rows(tx, pending, table, excused, false).await?;
        }
        if mode == ApplyMode::InPlace {
            self.mark_dangling(tx, pending, table, &page).await?;
        }
        let Self { tables, source, context, left_out, .. } = self;
        let work = &tables[table];
        let mut written = Written::default();
        let is_disturbed = work.source.is_multiset() && !context.is_undisturbed(tx).await?;
        let keys = keys_of(&page, work.source.key_width())?;
        let places = source.places(&work.source, &keys).await?;
        let mut changes = page.iter().zip(places.into_iter().chain(std::iter::repeat(None)));
        let mut batches = source.by_keys(&work.source, &keys).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            let batch = if work.source.is_multiset() {
                copies_batch(&work.source, rows, &mut changes, is_disturbed)?
            } else {
                put_batch(&work.source, rows, &mut changes)?
            };
            let (mut batch, mut retried) = (Some(ChangeBatch::Put(batch)), Retried::default());
            let mut waiting = Vec::new();
            while let Some(changes) = batch.or_else(|| waiting.pop()) {
                let mut applied = tx.apply(&work.target, changes, mode).await?;
                batch = applied.rest.take();
                if mode == ApplyMode::InPlace {
                    let bent = retried.again(tx, work, &mut applied.refused).await?;
                    waiting.extend(bent.map(|bent| ChangeBatch::Put(bent_batch(bent, &page))));
                    retried.restore(&mut applied.refused);
                }
                pending.remember_places(table, work, &applied);
                match mode {
                    ApplyMode::InPlace => written.clashes.extend(take_clashes(&page, &mut applied)),
                    ApplyMode::Place => {
                        let displaced = take_displaced(&page, &mut applied);
                        let causes = context.causes_of(tx, work, &displaced).await?;
                        written.has_to_repeat |= !displaced.is_empty();
                        left_out[table].in_the_way.extend(rivals_in(&causes));
                        left_out[table].leave(displaced.into_iter().map(|refusal| refusal.key).zip(causes));
                    }
                    ApplyMode::Displace => {}
                }
                context.account(tx, pending, (table, work), applied).await?;
            }
        }
        Ok(written)
    }
}

/// What became of a page beside what was written.
#[derive(Debug, Default)]
struct Written {
    /// Changes that a unique value is in the way of.
    clashes: Vec<PlannedChange>,
    /// Rows that have left the table may not enter it again, so the exchange has to be begun anew without them.
    has_to_repeat: bool,
}

/// The rows with what each rests on.
fn put_batch<'c>(
    source: &TableTask,
    rows: RowBatch,
    changes: &mut impl Iterator<Item = (&'c PlannedChange, Option<i64>)>,
) -> Result<PutBatch> {
    let mut expectations = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for row in rows.rows() {
        let key = exact::encode_row(row.select(&source.key));
        let (change, place) =
            changes.find(|(change, _)| is_same_key(&change.key, &key)).ok_or_else(row_without_change)?;
        expectations.push(change.seen.map_or(Expectation::Absent, Expectation::Digest));
        places.push(place);
    }
    Ok(PutBatch { rows, expectations, places, keys: Vec::new() })
}

/// As [`put_batch`], for rows without a key: the rows come in the order of the changes.
fn copies_batch<'c>(
    source: &TableTask,
    rows: RowBatch,
    changes: &mut impl Iterator<Item = (&'c PlannedChange, Option<i64>)>,
    is_disturbed: bool,
) -> Result<PutBatch> {
    let mut batch = PutBatch::default();
    let mut scratch = Vec::new();
    for row in rows.rows() {
        let (change, place) = changes.next().ok_or_else(row_without_change)?;
        let digest = source.digest(row.iter(), &mut scratch);
        if change.becomes.is_some_and(|becomes| becomes != digest) {
            return Err(row_without_change());
        }
        let counted = change.copies.filter(|_| is_disturbed);
        batch.expectations.push(counted.map_or(Expectation::Absent, Expectation::Fewer));
        batch.places.push(place);
        batch.keys.push(change.key.clone());
    }
    Ok(PutBatch { rows, ..batch })
}

/// Rows that are tried once more with other values, and rest on what they did before.
fn bent_batch(bent: Bent, page: &[PlannedChange]) -> PutBatch {
    let seen: HashMap<_, _> = page.iter().map(|change| (key_form_of(&change.key), change.seen)).collect();
    let expectation = |key: &Vec<u8>| {
        let seen = seen.get(&key_form_of(key)).copied().flatten();
        seen.map_or(Expectation::Absent, Expectation::Digest)
    };
    PutBatch { expectations: bent.keys.iter().map(expectation).collect(), rows: bent.rows, ..PutBatch::default() }
}

/// Takes the rows off the list of refused ones that a unique value is in the way of.
fn take_clashes(page: &[PlannedChange], applied: &mut Applied) -> Vec<PlannedChange> {
    let is_clash = |refusal: &Refusal| refusal.reason == Reason::Unique;
    let (clashes, refused): (Vec<_>, Vec<_>) = std::mem::take(&mut applied.refused).into_iter().partition(is_clash);
    applied.refused = refused;
    let keys: HashSet<_> = clashes.iter().map(|refusal| key_form_of(&refusal.key)).collect();
    if keys.is_empty() {
        return Vec::new();
    }
    page.iter().filter(|change| keys.contains(&key_form_of(&change.key))).cloned().collect()
}

/// A key may be written in two ways that mean the same row, such as 1 and 1.0: undo knows one and finds the other.
fn is_same_key(a: &[u8], b: &[u8]) -> bool {
    let cells = |key| exact::decode_row(key).unwrap_or_default();
    a == b || compare_keys(cells(a), cells(b)).is_eq()
}

fn row_without_change() -> Error {
    Error::new(Code::Internal, "the source returned a row that was not asked for")
}
