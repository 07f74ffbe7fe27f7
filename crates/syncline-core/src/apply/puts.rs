//! Inserts and updates, and loads.

use futures_util::StreamExt;

use super::order::Unit;
use super::{Action, Applier, Pending};
use crate::change::{Applied, ApplyMode, ChangeBatch, Expectation, PlannedChange, PutBatch, keys_of};
use crate::error::{Code, Error, Result};
use crate::event::Phase;
use crate::schema::{Index, SchemaStep, TableSchema};
use crate::state::{ChangeKind, LoadRecord};
use crate::store::{Transaction, Writer};
use crate::value::key_order::compare_keys;
use crate::value::{TableSum, exact};

impl Applier<'_> {
    /// Writes all inserts, updates and loads of a unit. A failure of the unit itself goes to its account.
    pub(crate) async fn put(&mut self, unit: &Unit, writer: &mut dyn Writer) -> Result<()> {
        if unit.tables.iter().all(|table| self.puts_done[*table]) {
            return Ok(());
        }
        let is_load = |table: &usize| matches!(self.tables[*table].action, Action::Load { .. });
        let result = if unit.is_circular || unit.tables.iter().any(is_load) {
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
        let mut done = 0;
        loop {
            self.context.cancel.check()?;
            let page = self.page(table, ChangeKind::Put, done).await?;
            if page.is_empty() {
                break;
            }
            match self.put_page(table, &page, writer).await {
                Ok(()) => done += page.len() as u64,
                Err(error) if error.code() == Code::UniqueClash => {
                    self.exchange(&[table], done, writer).await?;
                    done = total;
                    break;
                }
                Err(error) => return Err(error),
            }
            self.context.progress(self.name(table), Phase::Apply, done);
        }
        self.context.ended(self.name(table), Phase::Apply, done);
        Ok(())
    }

    /// One page, one transaction.
    async fn put_page(&mut self, table: usize, page: &[PlannedChange], writer: &mut dyn Writer) -> Result<()> {
        let mut pending = self.pending();
        let number = pending.number;
        let mut tx = writer.begin().await?;
        let written = async {
            self.record_table(&mut *tx, table).await?;
            self.put_rows(&mut *tx, &mut pending, table, page, ApplyMode::InPlace).await?;
            self.check_parents(&mut *tx, table, Some(page)).await
        };
        match written.await {
            Ok(()) => self.commit(tx, pending).await,
            Err(error) => {
                drop(tx);
                Err(self.abandon(number, error).await)
            }
        }
    }

    /// Tables that cannot be written one by one: first each row where it is; should unique values be in the way, once
    /// more by exchanging them.
    async fn put_circle(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        match self.put_together(tables, writer).await {
            Err(error) if error.code() == Code::UniqueClash => {
                let has_changes = tables.iter().any(|table| self.tables[*table].action == Action::Differences);
                if has_changes { self.exchange(tables, 0, writer).await } else { Err(error) }
            }
            other => other,
        }
    }

    /// All puts of some tables in one transaction.
    async fn put_together(&mut self, tables: &[usize], writer: &mut dyn Writer) -> Result<()> {
        let is_busy = |table: &usize| match self.tables[*table].action {
            Action::Load { create } => create || self.tables[*table].puts > 0,
            Action::Differences => self.tables[*table].puts > 0,
            Action::Empty(_) => false,
        };
        let tables: Vec<_> = tables.iter().copied().filter(is_busy).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let mut pending = self.pending();
        let number = pending.number;
        let mut tx = writer.begin().await?;
        let written = async {
            self.check_still_empty(&tables).await?;
            let mut loads = Vec::new();
            for table in &tables {
                if let Action::Load { create } = self.tables[*table].action {
                    loads.push(self.load(&mut *tx, &mut pending, *table, create).await?);
                } else {
                    self.record_table(&mut *tx, *table).await?;
                    self.put_all(&mut *tx, &mut pending, *table, 0, ApplyMode::InPlace).await?;
                }
            }
            for table in &tables {
                self.check_all_parents(&mut *tx, *table, 0).await?;
            }
            self.record_loads(number, &loads).await
        };
        match written.await {
            Ok(()) => self.commit(tx, pending).await,
            Err(error) => {
                drop(tx);
                Err(self.abandon(number, error).await)
            }
        }
    }

    /// A table that is to be loaded must be as empty as when that was decided. The transaction holds the right to write
    /// and has written nothing, so what a snapshot shows now is what it finds.
    pub(super) async fn check_still_empty(&self, tables: &[usize]) -> Result<()> {
        for table in tables {
            let work = &self.tables[*table];
            if work.action == (Action::Load { create: false })
                && self.target.snapshot().await?.count(&work.target).await? > 0
            {
                return Err(Error::new(Code::TargetChanged, format!("{} is no longer empty in the target", work.name))
                    .leaving("the table is as somebody else has left it")
                    .next("run again", "compare the rows that are there now"));
            }
        }
        Ok(())
    }

    pub(super) async fn put_all(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        from: u64,
        mode: ApplyMode,
    ) -> Result<()> {
        let mut done = from;
        loop {
            self.context.cancel.check()?;
            let page = self.page(table, ChangeKind::Put, done).await?;
            if page.is_empty() {
                return Ok(());
            }
            self.put_rows(tx, pending, table, &page, mode).await?;
            done += page.len() as u64;
            self.context.progress(self.name(table), Phase::Apply, done);
        }
    }

    /// Reads the new rows of a page from the source and writes them.
    async fn put_rows(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        page: &[PlannedChange],
        mode: ApplyMode,
    ) -> Result<()> {
        let Self { tables, source, context, .. } = self;
        let work = &tables[table];
        let keys = keys_of(page, work.source.key.len())?;
        let places = source.places(&work.source, &keys).await?;
        let mut changes = page.iter().zip(places.into_iter().chain(std::iter::repeat(None)));
        let mut batches = source.by_keys(&work.source, &keys).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            let mut expectations = Vec::with_capacity(rows.len());
            let mut places = Vec::with_capacity(rows.len());
            for row in rows.rows() {
                let key = exact::encode_row(row.select(&work.source.key));
                let (change, place) =
                    changes.find(|(change, _)| is_same_key(&change.key, &key)).ok_or_else(row_without_change)?;
                expectations.push(change.seen.map_or(Expectation::Absent, Expectation::Digest));
                places.push(place);
            }
            let batch = ChangeBatch::Put(PutBatch { rows, expectations, places });
            let applied = tx.apply(&work.target, &batch, mode).await?;
            context.account(pending, table, &work.name, applied).await?;
        }
        Ok(())
    }

    /// Loads a whole table, creating it first if need be and its indexes afterwards.
    pub(super) async fn load(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        create: bool,
    ) -> Result<LoadRecord> {
        let Self { tables, source, context, .. } = self;
        let work = &tables[table];
        context.started(&work.name, Phase::Load, work.puts);
        let sequence = tx.sequence(&work.target.table.name).await?;
        if create {
            let created = tx.define(&[SchemaStep::CreateTable(work.target.table.clone())]).await;
            created.map_err(|error| not_created(&work.name, error))?;
        }
        let mut sum = TableSum::default();
        let mut scratch = Vec::new();
        let mut batches = source.all(&work.source).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            context.cancel.check()?;
            sum.add(&rows, &mut scratch);
            tx.load(&work.target, &rows).await?;
            context.progress(&work.name, Phase::Load, sum.rows);
        }
        drop(batches);
        if create {
            tx.define(&index_steps(&work.target.table)).await.map_err(|error| not_created(&work.name, error))?;
        }
        context.account(pending, table, &work.name, Applied { inserted: sum.rows, ..Applied::default() }).await?;
        context.ended(&work.name, Phase::Load, sum.rows);
        Ok(LoadRecord {
            table: self.name(table).to_owned(),
            columns: work.target.column_names().map(str::to_owned).collect(),
            created: create,
            sum: sum.to_bytes(),
            sequence,
        })
    }

    pub(super) async fn record_loads(&self, batch: u64, loads: &[LoadRecord]) -> Result<()> {
        if let Some(evidence) = self.context.evidence {
            for load in loads {
                evidence.record_load(batch, load).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn page(&self, table: usize, kind: ChangeKind, from: u64) -> Result<Vec<PlannedChange>> {
        self.context.spool.page(self.name(table), kind, from, self.context.batch_rows).await
    }
}

fn index_steps(table: &TableSchema) -> Vec<SchemaStep> {
    let step = |index: &Index| SchemaStep::CreateIndex { table: table.name.clone(), index: index.clone() };
    table.indexes.iter().map(step).collect()
}

/// A key may be written in two ways that mean the same row, such as 1 and 1.0: undo knows one and finds the other.
fn is_same_key(a: &[u8], b: &[u8]) -> bool {
    let cells = |key| exact::decode_row(key).unwrap_or_default();
    a == b || compare_keys(cells(a), cells(b)).is_eq()
}

/// A table that cannot be created concerns nobody but itself, unless the database as a whole has failed.
fn not_created(table: &str, error: Error) -> Error {
    if error.code() != Code::StoreFailed {
        return error;
    }
    Error::new(Code::TableNotCreated, format!("{table} could not be created in the target with its indexes"))
        .because(error.to_string())
        .leaving("the table is not there")
        .caused_by(error)
}

fn row_without_change() -> Error {
    Error::new(Code::Internal, "the source returned a row that was not asked for")
}
