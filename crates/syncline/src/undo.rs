//! Taking a run back: its before-images are changes like any other, each resting on what the run left behind.

mod copies;
mod images;
mod left;
mod plan;
mod undoable;
mod works;

use std::time::Instant;

use syncline_core::apply::{Action, Applier, Context, TableOutcome, TableWork};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::pipeline::carry;
use syncline_core::state::{Evidence, Ledger};
use syncline_core::store::Writer;

use self::images::Images;
use self::left::Left;
use self::undoable::check_undoable;
use self::works::{fill_spool, sequence_before, task_of};
use crate::open::{Database, Purpose};
use crate::run::{Record, Worked, table_summary};
use crate::session::{Syncline, now_ms};
use crate::state::{NewRun, RunRecord, RunVerb};
use crate::summary::{Summary, TableSummary};

pub use self::plan::{UndoPlan, UndoTable};

impl Syncline {
    /// Carries an undo out. It is a run of its own, guarded by what the undone run left behind: rows that were changed
    /// since stay as they are and are counted.
    ///
    /// # Errors
    /// As for a run; `UNDO_STALE` stands in the summary of a table whose load cannot be taken back.
    pub async fn undo(&self, plan: &UndoPlan) -> Result<Summary> {
        let started = Instant::now();
        let state = self.state().await?;
        let undone = state.find_run(&plan.run).await?;
        let request = self.request_behind(&undone).await?;
        let request = request.ok_or_else(|| Error::new(Code::Internal, "a run was recorded without its request"))?;
        let target = self.open_database(&request.target, Purpose::Write).await?;
        let target = target.paced(self.pace(None).as_ref(), Lane::Target);
        let identity = target.description.identity.clone();
        if !target.description.is_known_as(&undone.target_identity) {
            return Err(Error::new(
                Code::UndoStale,
                format!("{} is not the database that {} wrote to", target.label, undone.id),
            )
            .because("another file has taken its place")
            .leaving("nothing was changed")
            .next("put the database back in its place", "then undo"));
        }
        let lock = self.lock_target(&target, "undo", &format!("of {}", undone.id)).await?;
        let mut writer = target.store.writer().await?;
        self.recover(&identity, &mut *writer).await?;
        let continues = self.cut_off(&identity, |run| run.undoes.as_ref() == Some(&undone.id)).await?;
        // Another undo may have been faster than the lock, and recovery may have found that nothing became durable.
        let undone = state.find_run(&undone.id).await?;
        check_undoable(state, &undone).await?;
        let run = state
            .begin_run(NewRun {
                verb: RunVerb::Undo,
                source: undone.source.clone(),
                target: undone.target.clone(),
                source_identity: None,
                target_identity: identity,
                request: None,
                undoes: Some(undone.id.clone()),
                continues: continues.clone(),
                keeps_images: true,
                started_ms: now_ms(),
            })
            .await?;
        lock.name(&run).await;
        let record = Record { session: self, run, started, continues };
        let _watch = self.watch_for_cancel(&record.run).await?;
        let mapping = Mapping::parse(&request.mapping)?;
        // What came in one step goes in one.
        let undone = (&undone, &mapping, request.refreshes());
        let worked = self.put_back(undone, &target, &mut *writer, &record.run).await;
        record.close_with(worked, true).await
    }

    async fn put_back(
        &self,
        (undone, mapping, refreshes): (&RunRecord, &Mapping, bool),
        target: &Database,
        writer: &mut dyn Writer,
        run: &str,
    ) -> Result<Worked> {
        let state = self.state().await?;
        let spool = state.spool(run).await?;
        let schema = target.store.snapshot().await?.schema().await?;
        let attempts = self.attempts_to_undo(&undone.id, run).await?;
        let mut works = Vec::new();
        let (mut refused, mut gone) = (Vec::new(), Vec::new());
        for table in state.evidence_tables(&undone.id).await? {
            let name_in_target = table.in_target.as_deref().unwrap_or_else(|| mapping.target_name(&table.table));
            match task_of(&schema, name_in_target, &table.columns) {
                Ok(task) => match fill_spool(state, (&undone.id, &attempts), &table, task, &spool).await {
                    Err(error) if error.code() == Code::UndoStale => refused.push((table.table, error)),
                    work => works.push(work?),
                },
                Err(error) => refused.push((table.table, error)),
            }
        }
        for load in state.loads(&undone.id).await? {
            // What the run had made is gone, by an earlier undo that was cut off or by anybody: that is what is wanted.
            let name_in_target = load.in_target.as_deref().unwrap_or_else(|| mapping.target_name(&load.table));
            if load.created && schema.table(name_in_target).is_none() {
                gone.push(load.table);
                continue;
            }
            match task_of(&schema, name_in_target, &load.columns) {
                Ok(task) => {
                    let task = TableTask { forms: load.forms.clone(), ..task };
                    // The counter of a table that goes, goes with it.
                    let sequence = match load.created {
                        true => None,
                        false => sequence_before(state, &undone.id, &load.table, &task, load.sequence).await?,
                    };
                    let (name, source, target, action) = (load.table.clone(), task.clone(), task, Action::Empty(load));
                    works.push(TableWork { name, source, target, action, puts: 0, deletes: 0, sequence });
                }
                Err(error) => refused.push((load.table, error)),
            }
        }
        let name = |work: &TableWork| (work.target.table.name.clone(), work.name.clone());
        let names = works.iter().map(name).collect();
        let mut images = Images { state: state.clone(), run: undone.id.clone(), names };
        let (evidence, left, dangled) = (state.evidence(run), Left::of(&works), state.dangled(&undone.id).await?);
        let context = Context {
            run,
            batch_rows: limits::BATCH_ROWS_DEFAULT,
            spool: &spool,
            evidence: Some(&evidence as &dyn Evidence),
            ledger: Some(&left as &dyn Ledger),
            events: self.events(),
            cancel: self.cancel(),
            pace: target.pace.as_deref(),
            clock: &*self.clock,
            restores: Some(&dangled),
            refreshes,
            is_exact: false,
            decided_at: None,
        };
        let applier = Applier::new(&works, &schema, &mut images, &*target.store, context);
        let carried = carry(applier, writer).await;
        let tables = summaries(&undone.id, works.iter().zip(&carried.outcomes), &gone, &refused);
        let notes = left.notes(works.iter().zip(&carried.outcomes));
        Ok(Worked { tables, notes, ..Worked::whole(carried.end, carried.last_batch > 0) })
    }
}

/// What became of the tables: those worked on, those that were gone already, and those that are left.
fn summaries<'a>(
    undone: &str,
    done: impl Iterator<Item = (&'a TableWork, &'a TableOutcome)>,
    gone: &[String],
    refused: &[(String, Error)],
) -> Vec<TableSummary> {
    let how = format!("undo of {undone}");
    let done = done.map(|(work, outcome)| table_summary(&work.name, 0, &how, outcome));
    let left = refused.iter().map(|(table, error)| TableSummary {
        error: Some(error.into()),
        ..table_summary(table, 0, &how, &TableOutcome::default())
    });
    let gone = gone.iter().map(|table| table_summary(table, 0, &how, &TableOutcome::default()));
    done.chain(gone).chain(left).collect()
}
