//! A full refresh: readers go from what all tables were to what they are to be in one step.
//!
//! What differs was decided beforehand and lies in the spool, so the transaction that holds up other writers reads no more
//! than the rows it writes. See `docs/adr/006-full-refresh.md` for why rows are not staged in the target itself.

use futures_util::StreamExt;

use super::bending::{Bent, Retried};
use super::holds::Attempt;
use super::order::units;
use super::{Action, Applier, Pending, entangled};
use crate::change::{Applied, ApplyMode, ChangeBatch, Expectation, Image, PutBatch};
use crate::error::Result;
use crate::event::Phase;
use crate::limits;
use crate::state::ChangeKind;
use crate::store::{Transaction, Writer};
use crate::value::exact;

impl Applier<'_> {
    /// All work of the run in one transaction. A failure of any table leaves all of them as they were.
    pub(crate) async fn refresh(&mut self, writer: &mut dyn Writer) -> Result<()> {
        let all = units(&self.tables.iter().map(|work| &*work.target.table).collect::<Vec<_>>());
        let tables: Vec<_> =
            all.iter().flat_map(|unit| &unit.tables).copied().filter(|table| self.is_busy(*table)).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let result = self.refresh_tables(&tables, writer).await;
        self.settle(&tables, result)
    }

    /// All that is left to do with these tables and those that must be brought in line with them at once, in one
    /// transaction: what rows that change leave behind shows only once parents and children are written.
    pub(super) async fn refresh_tied(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        let tied = self.exchanged_with(tables);
        self.refresh_tables(&tied, writer).await?;
        for table in tied {
            self.puts_done[table] = true;
            self.deletes_done[table] = true;
        }
        Ok(())
    }

    async fn refresh_tables(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        let mut rounds = 0;
        while rounds < limits::HOLD_ROUNDS_MAX {
            rounds = match self.try_refresh(tables, writer).await? {
                Attempt::Done => return Ok(()),
                Attempt::Again => rounds + 1,
                Attempt::Anew => 0,
                Attempt::Clash => return self.exchange(tables, ChangeKind::Put, writer).await,
            };
        }
        Err(entangled(self.name(tables[0])))
    }

    async fn try_refresh(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<Attempt> {
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let written = async {
            self.check_still_empty(&mut *tx, tables).await?;
            self.keep_refilled(&mut *tx, &mut pending, tables).await?;
            self.find_wanted(&mut *tx).await?;
            let before = self.dangling_before(&mut *tx, tables).await?;
            if self.empty_loaded(&mut *tx, &mut pending, tables).await? == Attempt::Again {
                return Ok(Attempt::Again);
            }
            for table in tables {
                if self.bring(&mut *tx, &mut pending, *table).await? == Attempt::Clash {
                    return Ok(Attempt::Clash);
                }
            }
            // Last, as in every run: rows that come must not be given the hidden numbers of rows that go, or those could
            // not have them back.
            for table in tables.iter().rev().filter(|table| self.tables[**table].action == Action::Differences) {
                self.delete_all(&mut *tx, &mut pending, *table, ApplyMode::InPlace).await?;
            }
            // As in an exchange: rows this transaction has put go first, so that what is still referenced then is referenced
            // by rows that stay.
            let parts: Vec<_> = tables.iter().map(|table| (*table, ChangeKind::Put)).collect();
            let mut attempt = self.hold_all_dangling(&mut *tx, &mut pending, &parts).await?;
            if attempt == Attempt::Done {
                attempt = self.leave_out_referenced(&mut *tx, tables, &before).await?;
            }
            if attempt == Attempt::Done {
                attempt = self.look_again(&mut *tx, tables).await?;
            }
            self.record_loads(&pending).await?;
            if attempt == Attempt::Done && self.context.refreshes {
                self.advance_within(&mut *tx, &mut pending).await?;
            }
            Ok(attempt)
        };
        let written = written.await;
        self.conclude(tx, pending, written).await
    }

    fn is_busy(&self, table: usize) -> bool {
        let work = &self.tables[table];
        match work.action {
            Action::Load { create } => create || work.puts > 0,
            Action::Refill => true,
            Action::Differences => work.puts + work.deletes > 0,
            Action::Empty(_) => true,
        }
    }

    /// Keeps every row of the tables that will be emptied. Before anything is written: what a snapshot shows is then what
    /// will go.
    pub(super) async fn keep_refilled(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        tables: &[usize],
    ) -> Result<()> {
        for table in tables.iter().copied() {
            let work = &self.tables[table];
            let Some(evidence) = self.context.evidence.filter(|_| work.action == Action::Refill) else { continue };
            self.record_table(tx, pending, table).await?;
            let (mut view, native) = (self.target.snapshot().await?, work.target.native());
            let mut batches = view.scan(&native).await?;
            while let Some(rows) = batches.next().await.transpose()? {
                self.context.cancel.check()?;
                let image = |row: crate::value::Row<'_>| Image {
                    key: exact::encode_row(row.select(&work.target.key)),
                    before: Some(exact::encode_row(row.iter())),
                    place: None,
                    after: None,
                };
                let images: Vec<_> = rows.rows().map(image).collect();
                evidence.record_images(pending.number, &work.name, images).await?;
            }
        }
        Ok(())
    }

    /// Brings what is to come; of a table that is refilled everything else goes before.
    async fn bring(&mut self, tx: &mut dyn Transaction, pending: &mut Pending, table: usize) -> Result<Attempt> {
        let (name, rows) = (self.name(table), self.tables[table].puts);
        match self.tables[table].action {
            Action::Load { create } => self.load(tx, pending, table, create).await?,
            Action::Empty(_) => {}
            Action::Refill => {
                self.context.started(name, Phase::Load, rows);
                self.refill(tx, pending, table).await?;
                self.context.ended(name, Phase::Load, rows);
            }
            Action::Differences => {
                self.context.started(name, Phase::Apply, rows);
                self.record_table(tx, pending, table).await?;
                let attempt = self.put_all(tx, pending, table, ChangeKind::Put, ApplyMode::InPlace).await?;
                self.context.ended(name, Phase::Apply, rows);
                return Ok(attempt);
            }
        }
        Ok(Attempt::Done)
    }

    /// Empties a table and writes all rows of the source into it. With an image for each: the table had rows, so it takes
    /// more than emptying it to take this back.
    pub(super) async fn refill(&mut self, tx: &mut dyn Transaction, pending: &mut Pending, table: usize) -> Result<()> {
        let Self { tables, source, context, left_out, .. } = self;
        let work = &tables[table];
        context.warn_of_wait(work);
        let deleted = tx.clear(&work.target).await?;
        context.account(tx, pending, (table, work), Applied { deleted, ..Applied::default() }).await?;
        let mut batches = source.all(&work.source).await?;
        let mut done = 0;
        while let Some(rows) = batches.next().await.transpose()? {
            context.cancel.check()?;
            context.pay(rows.len()).await?;
            done += rows.len() as u64;
            let (rows, excused) = left_out[table].split_rows(work, rows)?;
            context.hold_excused(pending, (table, work), excused).await?;
            let expectations = vec![Expectation::Absent; rows.len()];
            let mut batch = Some(ChangeBatch::Put(PutBatch { rows, expectations, ..PutBatch::default() }));
            let (mut retried, mut waiting) = (Retried::default(), Vec::new());
            while let Some(changes) = batch.or_else(|| waiting.pop()) {
                let mut applied = tx.apply(&work.target, changes, ApplyMode::InPlace).await?;
                batch = applied.rest.take();
                if let Some(Bent { rows, .. }) = retried.again(tx, work, &mut applied.refused).await? {
                    let expectations = vec![Expectation::Absent; rows.len()];
                    waiting.push(ChangeBatch::Put(PutBatch { rows, expectations, ..PutBatch::default() }));
                }
                retried.restore(&mut applied.refused);
                context.account(tx, pending, (table, work), applied).await?;
            }
            context.progress(&work.name, Phase::Load, done);
        }
        Ok(())
    }
}
