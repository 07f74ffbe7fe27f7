//! Loads into tables that have no rows.
//!
//! Three lanes. A table just created like the source's is taken over as the engine stores it, where both ends allow that.
//! Else rows are read and handed over batch by batch: undecoded, where both ends have one format for them, or as values.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::{self, Either};

use super::bending::{Bent, Retried};
use super::left_out::LeftOut;
use super::{Applier, Context, Load, Pending, TableWork};
use crate::capture::scan::sketch_rows;
use crate::change::{Applied, Mapped, Refusal, TableTask};
use crate::error::{Code, Error, Result};
use crate::event::{Event, Phase};
use crate::limits;
use crate::schema::{Counter, Index, SchemaStep, TableSchema};
use crate::state::LoadRecord;
use crate::store::{RowSource, RowStream, Share, Snapshot, Transaction};
use crate::value::{Equality, RowBatch, Sketched, SumPart, exact};

impl Applier<'_> {
    /// Loads a whole table, creating it first if need be and its indexes afterwards.
    pub(super) async fn load(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        is_created: bool,
    ) -> Result<()> {
        let Self { tables, source, context, left_out, .. } = self;
        let (work, left_out) = (&tables[table], &left_out[table]);
        context.started(&work.name, Phase::Load, work.puts);
        let sequence = tx.sequence(&work.target.table.name).await?;
        if work.target.table.autoincrement {
            pending.found_counter(table, sequence);
        }
        if is_created {
            let created = tx.define(&[SchemaStep::CreateTable(work.target.table.clone())]).await;
            created.map_err(|error| not_created(&work.name, error))?;
        }
        let adopted = match source.view().filter(|_| is_created && is_carried_whole(work) && left_out.is_empty()) {
            Some(view) => context.adopt(view, tx, work).await?,
            None => None,
        };
        let (mut rows, read) = match adopted {
            Some(rows) => {
                let read = rows.sum.rows;
                (rows, read)
            }
            None => match source.view().filter(|view| left_out.is_empty() && is_taken_raw(&**view, tx, work)) {
                Some(view) => context.load_raw(view, tx, pending, (table, work)).await?,
                None => context.load_rows(&mut **source, tx, pending, (table, work, left_out)).await?,
            },
        };
        if is_created {
            tx.define(&index_steps(&work.target.table)).await.map_err(|error| not_created(&work.name, error))?;
        }
        raise_sequence(&mut **source, tx, work).await?;
        let inserted = rows.sum.rows;
        context.account(tx, pending, (table, work), Applied { inserted, ..Applied::default() }).await?;
        context.ended(&work.name, Phase::Load, read);
        rows.sketch = rows.sketch.folded(inserted);
        pending.loads.push(Load { table, is_created, rows, sequence });
        Ok(())
    }

    /// Keeps what was loaded, once it is known which rows stay. Where none does, there is nothing to take back.
    pub(super) async fn record_loads(&self, pending: &Pending) -> Result<()> {
        let Some(evidence) = self.context.evidence else { return Ok(()) };
        for load in pending.loads.iter().filter(|load| !load.left_nothing()) {
            let record = LoadRecord {
                table: self.name(load.table).to_owned(),
                in_target: Some(self.tables[load.table].target.table.name.clone()),
                columns: self.tables[load.table].target.column_names().map(str::to_owned).collect(),
                forms: self.tables[load.table].target.forms.clone(),
                created: load.is_created,
                sum: load.rows.sum.to_bytes(),
                sketch: load.rows.sketch.to_bytes(),
                sequence: load.sequence,
            };
            evidence.record_load(pending.number, &record).await?;
        }
        Ok(())
    }
}

impl Context<'_> {
    /// All rows go into one transaction, so at a slow pace others wait longer for the target than they are used to.
    pub(super) fn warn_of_wait(&self, work: &TableWork) {
        let Some(pace) = self.pace else { return };
        let time = pace.rate().time_of(work.puts);
        if time > limits::LOCK_WAIT {
            let (table, seconds) = (&work.name, time.as_secs());
            self.events.emit(Event::Note(format!(
                "{table} is filled in one transaction: nobody else can write to the target for about {seconds} s"
            )));
        }
    }

    /// Reads every row and hands it over, batch by batch. Returns which rows were taken, and how many were read.
    async fn load_rows(
        &self,
        source: &mut dyn RowSource,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work, left_out): (usize, &TableWork, &LeftOut),
    ) -> Result<(Sketched, u64)> {
        self.warn_of_wait(work);
        let (mut taken, mut read) = (Sketched::default(), 0);
        let mut batches = Summed {
            batches: source.all(&work.source).await?,
            equality: work.source.forms.equality,
            scratch: Vec::new(),
        };
        let mut ahead = None;
        loop {
            self.cancel.check()?;
            let next = match ahead.take() {
                Some(next) => next,
                None => batches.next().await?,
            };
            let Some((rows, part)) = next else { break };
            taken.merge(part.sum, &part.digests);
            read += part.sum.rows;
            self.pay(rows.len()).await?;
            let (rows, excused) = left_out.split_rows(work, rows)?;
            remove(&mut taken, work, excused.iter().filter_map(|held| held.source.as_deref()))?;
            self.hold_excused(pending, (table, work), excused).await?;
            let has_room = rows.bytes() <= limits::BATCH_BYTES;
            let loading = tx.load_on(&work.target, rows);
            // The next batch is summed up while this one is written: otherwise the writer waits a fifth of the time.
            let refused = if has_room {
                let (refused, next) = future::try_join(loading, batches.next()).await?;
                ahead = Some(next);
                refused
            } else {
                loading.await?
            };
            self.leave_out(tx, pending, (table, work), &mut taken, refused).await?;
            self.progress(&work.name, Phase::Load, read);
        }
        let refused = tx.load(&work.target, RowBatch::new(work.target.columns.len())).await?;
        self.leave_out(tx, pending, (table, work), &mut taken, refused).await?;
        Ok((taken, read))
    }

    /// As [`Context::load_rows`], with rows that nobody decodes.
    async fn load_raw(
        &self,
        source: &mut dyn Snapshot,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
    ) -> Result<(Sketched, u64)> {
        self.warn_of_wait(work);
        let (mut taken, mut read) = (Sketched::default(), 0);
        let mut batches = source.scan_raw(&work.source).await?;
        while let Some(batch) = batches.next().await.transpose()? {
            self.cancel.check()?;
            taken.merge(batch.sum, &batch.digests);
            read += batch.sum.rows;
            self.pay(batch.sum.rows as usize).await?;
            let refused = tx.load_raw_on(&work.target, batch).await?;
            self.leave_out(tx, pending, (table, work), &mut taken, refused).await?;
            self.progress(&work.name, Phase::Load, read);
        }
        let refused = tx.load(&work.target, RowBatch::new(work.target.columns.len())).await?;
        self.leave_out(tx, pending, (table, work), &mut taken, refused).await?;
        Ok((taken, read))
    }

    /// Rows that the database refused are not loaded, and wait for a person, unless a person chose NULL for values like theirs.
    async fn leave_out(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
        taken: &mut Sketched,
        mut refused: Vec<Refusal>,
    ) -> Result<()> {
        let mut retried = Retried::default();
        while !refused.is_empty() {
            let bent = retried.again(tx, work, &mut refused).await?;
            remove(taken, work, refused.iter().filter_map(|refusal| refusal.row.as_deref()))?;
            retried.restore(&mut refused);
            let applied = Applied { refused: std::mem::take(&mut refused), ..Applied::default() };
            self.hold_refused(tx, pending, (table, work), applied).await?;
            if let Some(Bent { rows, before, .. }) = bent {
                remove(taken, work, before.iter().map(Vec::as_slice))?;
                let part = SumPart::of(&rows, work.source.forms.equality, &mut Vec::new());
                taken.merge(part.sum, &part.digests);
                refused = tx.load(&work.target, rows).await?;
            }
        }
        Ok(())
    }

    /// Lets the target take the table over from the source as it is stored. Meanwhile the source is read and summed up
    /// here, which undo and the proof need: the engine's thread has the one core, the reader the other. `None` when the
    /// target cannot; nothing was written then.
    async fn adopt(
        &self,
        source: &mut dyn Snapshot,
        tx: &mut dyn Transaction,
        work: &TableWork,
    ) -> Result<Option<Sketched>> {
        let Some(view) = source.shared() else { return Ok(None) };
        let progress = |rows| self.progress(&work.name, Phase::Load, rows);
        let adopting = tx.adopt(&work.target.table, &*view);
        let summing = pin!(sketch_rows(source.sum(&work.source, Share::ALL).await?, self.cancel, &progress));
        let (adopted, read) = match future::select(adopting, summing).await {
            Either::Left((Err(error), _)) => return Err(error),
            Either::Left((Ok(None), _)) => return Ok(None),
            Either::Left((Ok(Some(adopted)), summing)) => (Some(adopted), summing.await?),
            Either::Right((read, adopting)) => {
                let read = read?;
                (adopting.await?, read)
            }
        };
        match adopted {
            Some(rows) if rows != read.sum.rows => {
                let what = format!("{rows} rows of {} were taken over, and {} were read", work.name, read.sum.rows);
                Err(Error::new(Code::Internal, what))
            }
            adopted => Ok(adopted.map(|_| read)),
        }
    }
}

/// Numbers that the source has given out, to rows that are gone since, are given out in the target neither. A number of the
/// target that is further on stays, and so does one where the numbers go the other way.
async fn raise_sequence(source: &mut dyn RowSource, tx: &mut dyn Transaction, work: &TableWork) -> Result<()> {
    let (from, into) = (&work.source.table, &work.target.table);
    let Some(view) = source.view().filter(|_| from.autoincrement && into.autoincrement) else { return Ok(()) };
    let given = view.sequence(&from.name).await?;
    let goes_down = is_descending(into);
    if goes_down != is_descending(from) {
        return Ok(());
    }
    let there = tx.sequence(&into.name).await?;
    if given.is_some_and(|given| there.is_none_or(|there| if goes_down { given < there } else { given > there })) {
        tx.restore_sequence(&into.name, given).await?;
    }
    Ok(())
}

/// Whether the numbers that a table gives out become less: those of its primary key, if they are counted.
fn is_descending(table: &TableSchema) -> bool {
    let of_key = |counter: &&Counter| table.primary_key.iter().any(|at| table.columns[*at].name == counter.column);
    let counter = table.counters.iter().find(of_key).or(table.counters.first());
    counter.is_some_and(|counter| counter.increment < 0)
}

/// Takes rows that are not written, given in the exact encoding, out of the sum of all.
fn remove<'r>(taken: &mut Sketched, work: &TableWork, rows: impl Iterator<Item = &'r [u8]>) -> Result<()> {
    for row in rows {
        let cells = exact::decode_row(row)
            .map_err(|error| Error::new(Code::Internal, "a row that was left out cannot be read").caused_by(error))?;
        taken.remove(cells, work.source.forms.equality);
    }
    Ok(())
}

/// Batches, each with the sum of its rows.
struct Summed<'a> {
    batches: RowStream<'a>,
    equality: Equality,
    scratch: Vec<u8>,
}

impl Summed<'_> {
    async fn next(&mut self) -> Result<Option<(RowBatch, SumPart)>> {
        let Some(rows) = self.batches.next().await.transpose()? else { return Ok(None) };
        let part = SumPart::of(&rows, self.equality, &mut self.scratch);
        if self.scratch.capacity() > limits::BATCH_BYTES {
            // One huge row must not keep its room for the rest of the table.
            self.scratch = Vec::new();
        }
        Ok(Some((rows, part)))
    }
}

/// Whether rows can be handed over undecoded.
fn is_taken_raw(source: &dyn Snapshot, tx: &dyn Transaction, work: &TableWork) -> bool {
    source.raw_format(&work.source).is_some_and(|format| tx.raw_format(&work.target) == Some(format))
}

/// Whether the target's table is to be just like the source's, with nothing left out, renamed, masked or computed.
fn is_carried_whole(work: &TableWork) -> bool {
    let all = 0..work.source.table.columns.len();
    let is_mapped = |task: &TableTask| task.mapped != Mapped::default();
    Arc::ptr_eq(&work.source.table, &work.target.table)
        && !is_mapped(&work.source)
        && !is_mapped(&work.target)
        && work.source.table.stored_columns().len() == all.len()
        && work.source.columns.iter().copied().eq(all)
}

fn index_steps(table: &TableSchema) -> Vec<SchemaStep> {
    let step = |index: &Index| SchemaStep::CreateIndex { table: table.name.clone(), index: index.clone() };
    table.indexes.iter().map(step).collect()
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
