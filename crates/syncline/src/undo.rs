//! Taking a run back: its before-images are changes like any other, each resting on what the run left behind.

mod copies;
mod images;
mod left;
mod loaded;
mod plan;
mod undoable;
mod works;

use std::time::Instant;

use syncline_core::apply::{Applier, Context, Cursors, TableOutcome, TableWork};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::pipeline::carry;
use syncline_core::schema::Schema;
use syncline_core::state::{Evidence, Ledger, Spool};
use syncline_core::store::{Cursor, LogPosition, Writer};

use self::images::Images;
use self::left::Left;
use self::loaded::Loads;
use self::undoable::check_undoable;
use self::works::{fill_spool, task_of};
use crate::decide::of_triggers;
use crate::open::{Database, Purpose};
use crate::request::{RunRequest, Strategy};
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
    /// As for a run; `UNDO_STALE` stands in the summary of a table that cannot be taken back, not even row by row.
    pub async fn undo(&self, plan: &UndoPlan) -> Result<Summary> {
        self.logged(Box::pin(self.take_back(plan))).await
    }

    async fn take_back(&self, plan: &UndoPlan) -> Result<Summary> {
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
            .because("another database has taken its place")
            .leaving("nothing was changed")
            .next("put the database back in its place", "then undo")
            .next("syncline runs list", "names earlier runs, which can be undone by their names"));
        }
        let lock = self.lock_target(&target, "undo", &format!("of {}", undone.id)).await?;
        let mut writer = target.store.writer().await?;
        self.recover(&identity, &mut *writer).await?;
        let continues = self.cut_off(&identity, |run| run.undoes.as_ref() == Some(&undone.id)).await?;
        // Another undo may have been faster than the lock, and recovery may have found that nothing became durable.
        let undone = state.find_run(&undone.id).await?;
        check_undoable(state, &undone).await?;
        let run = self
            .enter(NewRun {
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
        let undone = (&undone, &mapping, &request);
        let worked = self.put_back(undone, &target, &mut *writer, &record.run).await;
        record.close_with(worked, true).await
    }

    async fn put_back(
        &self,
        (undone, mapping, request): (&RunRecord, &Mapping, &RunRequest),
        target: &Database,
        writer: &mut dyn Writer,
        run: &str,
    ) -> Result<Worked> {
        let state = self.state().await?;
        let spool = state.spool(run).await?;
        let schema = target.store.snapshot().await?.schema().await?;
        let Decided { works, refused, gone } =
            self.decide_undo((undone, mapping, request), target, &schema, (run, &spool)).await?;
        let name = |work: &TableWork| (work.target.table.name.clone(), work.name.clone());
        let names = works.iter().map(name).collect();
        let mut images = Images { state: state.clone(), run: undone.id.clone(), names };
        let (evidence, left, dangled) = (state.evidence(run), Left::of(&works), state.dangled(&undone.id).await?);
        let cursors = taken_back(&works, target).await?;
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
            refreshes: request.refreshes() || request.strategy == Strategy::Incremental,
            is_exact: false,
            cursors: Cursors::Before(&cursors),
            decided_at: None,
        };
        let applier = Applier::new(&works, &schema, &mut images, &*target.store, context);
        let carried = carry(applier, writer).await;
        let tables = summaries(&undone.id, works.iter().zip(&carried.outcomes), &gone, &refused);
        let mut notes = left.notes(works.iter().zip(&carried.outcomes));
        notes.extend(of_triggers(works.iter().map(|work| work.target.table.name.as_str()), &schema));
        Ok(Worked { tables, notes, ..Worked::whole(carried.end, carried.last_batch > 0) })
    }

    /// What is to be done with each table that the run has written to. Nothing is written yet.
    async fn decide_undo(
        &self,
        (undone, mapping, request): (&RunRecord, &Mapping, &RunRequest),
        target: &Database,
        schema: &Schema,
        (run, spool): (&str, &dyn Spool),
    ) -> Result<Decided> {
        let state = self.state().await?;
        let attempts = self.attempts_to_undo(&undone.id, run).await?;
        let mut decided = Decided::default();
        for table in state.evidence_tables(&undone.id).await? {
            let name_in_target = table.in_target.as_deref().unwrap_or_else(|| mapping.target_name(&table.table));
            let work = match task_of(schema, name_in_target, &table.columns) {
                Ok(task) => fill_spool(state, (&undone.id, &attempts), &table, task, spool).await,
                Err(error) => Err(error),
            };
            decided.take(table.table, work)?;
        }
        let loads = Loads {
            state,
            run: undone,
            attempts: &attempts,
            mapping: &request.mapping,
            target: &*target.store,
            schema,
            spool,
            cancel: self.cancel(),
        };
        for load in state.loads(&undone.id).await? {
            // What the run had made is gone, by an earlier undo that was cut off or by anybody: that is what is wanted.
            let name_in_target = load.in_target.as_deref().unwrap_or_else(|| mapping.target_name(&load.table));
            if load.created && schema.table(name_in_target).is_none() {
                decided.gone.push(load.table);
                continue;
            }
            let work = loads.work(&load, name_in_target).await;
            decided.take(load.table, work)?;
        }
        Ok(decided)
    }
}

/// The tables of a run that is to be taken back.
#[derive(Default)]
struct Decided {
    works: Vec<TableWork>,
    /// Those that have to be left, and why.
    refused: Vec<(String, Error)>,
    /// Those that the run had made and that are not there any more.
    gone: Vec<String>,
}

impl Decided {
    fn take(&mut self, table: String, work: Result<TableWork>) -> Result<()> {
        match work {
            Err(error) if error.code() == Code::UndoStale => self.refused.push((table, error)),
            work => self.works.push(work?),
        }
        Ok(())
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

/// The cursors of tables from which something is taken back, as they are to be: the next run that goes by a log has to look at
/// all rows, or it would leave out what was taken.
async fn taken_back(works: &[TableWork], target: &Database) -> Result<Vec<Cursor>> {
    let cursors = target.store.snapshot().await?.cursors().await?.into_iter();
    let is_concerned = |cursor: &Cursor| works.iter().any(|work| work.name == cursor.table);
    let none = |cursor| Cursor { position: LogPosition::none(), ..cursor };
    Ok(cursors.filter(is_concerned).map(none).collect())
}
