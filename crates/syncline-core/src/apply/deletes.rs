//! Deletes, referenced tables last.

use super::holds::Attempt;
use super::order::Unit;
use super::pages::Pages;
use super::{Action, Applier, Pending, entangled, sum_of};
use crate::change::{Applied, ApplyMode, ChangeBatch, DeleteBatch, PlannedChange, keys_of};
use crate::error::{Code, Error, Result};
use crate::event::Phase;
use crate::limits;
use crate::schema::SchemaStep;
use crate::state::{ChangeKind, LoadRecord};
use crate::store::{Transaction, Writer};

impl Applier<'_> {
    /// Carries out all deletes of a unit. A failure of the unit itself goes to its account.
    pub(crate) async fn delete(&mut self, unit: &Unit, writer: &mut dyn Writer) -> Result<()> {
        let tables: Vec<_> = unit.tables.iter().copied().filter(|table| self.has_deletes(*table)).collect();
        let Some(first) = tables.first().copied() else { return Ok(()) };
        let is_empty_action = matches!(self.tables[first].action, Action::Empty(_));
        let result = if unit.is_circular || is_empty_action || self.is_referenced(first) {
            self.delete_together(&tables, writer).await
        } else {
            self.delete_in_batches(first, writer).await
        };
        self.settle(&tables, result)
    }

    /// A table that could not be written to its end keeps the rows it has.
    fn has_deletes(&self, table: usize) -> bool {
        let work = &self.tables[table];
        let wanted = work.deletes > 0 || matches!(work.action, Action::Empty(_));
        wanted && !self.deletes_done[table] && self.outcomes[table].error.is_none()
    }

    /// Nothing references the table, so every page stands for itself.
    async fn delete_in_batches(&mut self, table: usize, writer: &mut dyn Writer) -> Result<()> {
        self.context.started(self.name(table), Phase::Apply, self.tables[table].deletes);
        let mut pages = Pages::of(table, ChangeKind::Delete);
        while let Some(page) = self.next_page(&mut pages).await? {
            while self.try_delete_page(table, &page, writer).await? != Attempt::Done {}
            self.context.progress(self.name(table), Phase::Apply, pages.done);
        }
        self.context.ended(self.name(table), Phase::Apply, pages.done);
        Ok(())
    }

    /// One page, one transaction.
    async fn try_delete_page(
        &mut self,
        table: usize,
        page: &[PlannedChange],
        writer: &mut dyn Writer,
    ) -> Result<Attempt> {
        self.context.pay_outside(page.len()).await?;
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let written = async {
            self.record_table(&mut *tx, &mut pending, table).await?;
            self.delete_rows(&mut *tx, &mut pending, table, page, ApplyMode::InPlace).await?;
            Ok(Attempt::Done)
        };
        let written = written.await;
        self.conclude(tx, pending, written).await
    }

    /// Something references the tables: all deletes in one transaction, which leaves no dangling reference that it has
    /// not found. Rows that are still referenced stay.
    async fn delete_together(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        for _ in 0..limits::HOLD_ROUNDS_MAX {
            let left: Vec<_> = tables.iter().copied().filter(|table| self.outcomes[*table].error.is_none()).collect();
            if left.is_empty() || self.try_delete_together(&left, writer).await? == Attempt::Done {
                tables.iter().for_each(|table| self.deletes_done[*table] = true);
                return Ok(());
            }
        }
        Err(entangled(self.name(tables[0])))
    }

    async fn try_delete_together(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<Attempt> {
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let written = async {
            self.hold_whole(&mut *tx, tables).await?;
            self.find_wanted(&mut *tx).await?;
            let before = self.dangling_before(&mut *tx, tables).await?;
            if self.empty_loaded(&mut *tx, &mut pending, tables).await? == Attempt::Again {
                return Ok(Attempt::Again);
            }
            for table in tables.iter().filter(|table| self.tables[**table].action == Action::Differences) {
                self.context.started(self.name(*table), Phase::Apply, self.tables[*table].deletes);
                self.record_table(&mut *tx, &mut pending, *table).await?;
                self.delete_all(&mut *tx, &mut pending, *table, ApplyMode::InPlace).await?;
                self.context.ended(self.name(*table), Phase::Apply, self.tables[*table].deletes);
            }
            self.leave_out_referenced(&mut *tx, tables, &before).await
        };
        let written = written.await;
        self.conclude(tx, pending, written).await
    }

    pub(super) async fn delete_all(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        mode: ApplyMode,
    ) -> Result<()> {
        let mut pages = Pages::of(table, ChangeKind::Delete);
        while let Some(page) = self.next_page(&mut pages).await? {
            self.context.pay(page.len()).await?;
            self.delete_rows(tx, pending, table, &page, mode).await?;
            self.context.progress(self.name(table), Phase::Apply, pages.done);
        }
        Ok(())
    }

    async fn delete_rows(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        page: &[PlannedChange],
        mode: ApplyMode,
    ) -> Result<()> {
        let (page, excused) = self.left_out[table].split(page);
        if !excused.is_empty() {
            self.hold_rows(tx, pending, table, excused, false).await?;
        }
        let work = &self.tables[table];
        let expected = |change: &PlannedChange| change.seen.expect("BUG: a delete that has seen no row");
        let expectations = page.iter().map(expected).collect();
        let keys = keys_of(&page, work.target.key_width())?;
        let is_disturbed = work.target.is_multiset() && !self.context.is_undisturbed(tx).await?;
        let left = if is_disturbed { page.iter().filter_map(|change| change.copies).collect() } else { Vec::new() };
        let mut batch = Some(ChangeBatch::Delete(DeleteBatch { keys, expectations, left }));
        while let Some(changes) = batch {
            let mut applied = tx.apply(&work.target, changes, mode).await?;
            batch = applied.rest.take();
            self.context.account(tx, pending, (table, work), applied).await?;
        }
        Ok(())
    }

    /// The rows of a load that is to be taken back, which the table must still hold exactly; `None` when it is empty, as it
    /// was before. The transaction holds the right to write and has not written to the table, so what a snapshot shows now
    /// is what it will remove.
    pub(super) async fn still_loaded(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        load: &LoadRecord,
    ) -> Result<Option<u64>> {
        let work = &self.tables[table];
        let sum = sum_of(self.target, &work.target, self.context.cancel).await?;
        if sum.rows == 0 && !load.created {
            return Ok(None);
        }
        if sum.to_bytes() != load.sum {
            return Err(Error::new(
                Code::UndoStale,
                format!("rows of {} were changed since they were loaded", work.name),
            )
            .leaving("the table is untouched"));
        }
        if work.sequence.is_some() {
            pending.found_counter(table, tx.sequence(&work.target.table.name).await?);
        }
        Ok(Some(sum.rows))
    }

    /// Takes a load of so many rows back, together with its table if it has made that.
    pub(super) async fn empty(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, is_created): (usize, bool),
        rows: u64,
    ) -> Result<()> {
        let work = &self.tables[table];
        if is_created {
            tx.define(&[SchemaStep::DropTable(work.target.table.name.clone())]).await?;
        } else {
            tx.clear(&work.target).await?;
        }
        let applied = Applied { deleted: rows, ..Applied::default() };
        self.context.account(tx, pending, (table, work), applied).await
    }
}
