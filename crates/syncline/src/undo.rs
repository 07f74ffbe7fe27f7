//! Taking a run back: its before-images are changes like any other, each resting on what the run left behind.

mod copies;
mod left;
mod undoable;

use std::collections::BTreeMap;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use syncline_core::apply::{Action, Applier, Context, Counter, Sequence, TableOutcome, TableWork};
use syncline_core::change::{Mapped, Operation, PlannedChange, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::pipeline::carry;
use syncline_core::schema::Schema;
use syncline_core::state::{Evidence, Ledger, Spool, TableRecord};
use syncline_core::store::{RowSource, RowStream, Writer};
use syncline_core::undo::reverse;
use syncline_core::value::{RowBatch, TableSum, exact};

use self::copies::is_key_of;
use self::left::Left;
use self::undoable::{check_undoable, is_under_way, may_have_changed, not_a_restore, under_way, what_stays};
use crate::open::{Database, Purpose};
use crate::run::{Record, Worked, table_summary};
use crate::session::{Syncline, now_ms};
use crate::state::{NewRun, RunRecord, RunVerb, State};
use crate::summary::{Summary, TableSummary};

/// How far back a newer run that cannot be undone is looked for.
const RECENT_RUNS: usize = 100;

/// What undoing a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoPlan {
    /// Version of this object.
    pub format: u32,
    /// `undo-plan`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The run to be undone.
    pub run: String,
    /// Its source.
    pub source: String,
    /// Its target, where everything is put back.
    pub target: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// One entry a table.
    pub tables: Vec<UndoTable>,
    /// What the run has made that stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One table of an [`UndoPlan`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoTable {
    /// The table.
    pub table: String,
    /// Rows the run deleted, which come back.
    pub restore: u64,
    /// Rows the run changed, which change back.
    pub revert: u64,
    /// Rows the run added, which go.
    pub remove: u64,
    /// The run filled the table, which will be empty again.
    pub empties: bool,
    /// The run created the table, which will be dropped.
    pub drops: bool,
}

impl Syncline {
    /// What undoing `run` would do, or undoing the newest run that can be undone.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` or `NOTHING_TO_UNDO`.
    pub async fn undo_plan(&self, run: Option<&str>) -> Result<UndoPlan> {
        let state = self.state().await?;
        self.recover_dead_runs().await?;
        let record = match run {
            Some(run) => state.find_run(run).await?,
            None => self.newest_to_undo().await?,
        };
        if is_under_way(state, &record) {
            return Err(under_way(&record));
        }
        check_undoable(state, &record).await?;
        let mut tables = Vec::new();
        for table in state.evidence_tables(&record.id).await? {
            let counts = state.image_counts(&record.id, &table.table).await?;
            tables.push(UndoTable {
                table: table.table,
                restore: counts.to_restore,
                revert: counts.to_revert,
                remove: counts.to_remove,
                empties: false,
                drops: false,
            });
        }
        for load in state.loads(&record.id).await? {
            let (empties, drops) = (!load.created, load.created);
            let remove = TableSum::rows_of(&load.sum).unwrap_or(0);
            tables.push(UndoTable { table: load.table, restore: 0, revert: 0, remove, empties, drops });
        }
        let notes = what_stays(&record).into_iter().collect();
        let RunRecord { id, source, target, started_ms, .. } = record;
        Ok(UndoPlan { format: 1, kind: "undo-plan".to_owned(), run: id, source, target, started_ms, tables, notes })
    }

    /// The newest run that can be undone, unless a newer one changed something and kept no before-images: to pass over
    /// that in silence would not be what *undo* means.
    async fn newest_to_undo(&self) -> Result<RunRecord> {
        let state = self.state().await?;
        let none = || {
            Error::new(Code::NothingToUndo, "there is no run to undo").next("syncline runs list", "see what was run")
        };
        let newest = state.newest_undoable().await?;
        let (recent, _) = state.list_runs(RECENT_RUNS, None).await?;
        let newer = recent.iter().take_while(|run| newest.as_ref().is_none_or(|newest| run.id != newest.id));
        let newer: Vec<_> = newer.filter(|run| run.verb != RunVerb::Undo && run.superseded_by.is_none()).collect();
        if let Some(run) = newer.iter().find(|run| is_under_way(state, run)) {
            return Err(under_way(run));
        }
        let lost = newer.into_iter().find(|run| may_have_changed(run) && !run.keeps_images);
        if let Some(restore) = lost.filter(|run| run.verb == RunVerb::Restore) {
            return Err(not_a_restore(restore, newest.as_ref()));
        }
        let newest = newest.ok_or_else(none)?;
        match lost {
            None => Ok(newest),
            Some(lost) => {
                Err(Error::new(Code::NothingToUndo, format!("the newest run, {}, cannot be undone", lost.id))
                    .because("no before-images of it are kept")
                    .leaving("nothing was changed")
                    .next(format!("syncline undo {}", newest.id), "undo the run before it"))
            }
        }
    }

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
            match task_of(&schema, mapping.target_name(&table.table), &table.columns) {
                Ok(task) => match fill_spool(state, (&undone.id, &attempts), &table, task, &spool).await {
                    Err(error) if error.code() == Code::UndoStale => refused.push((table.table, error)),
                    work => works.push(work?),
                },
                Err(error) => refused.push((table.table, error)),
            }
        }
        for load in state.loads(&undone.id).await? {
            // What the run had made is gone, by an earlier undo that was cut off or by anybody: that is what is wanted.
            let name_in_target = mapping.target_name(&load.table);
            if load.created && schema.table(name_in_target).is_none() {
                gone.push(load.table);
                continue;
            }
            match task_of(&schema, name_in_target, &load.columns) {
                Ok(task) => {
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

/// The table as it is now, if it still has the columns the run has kept and no others: what somebody put into a column
/// since would go with the rows.
fn task_of(schema: &Schema, table: &str, columns: &[String]) -> Result<TableTask> {
    let stale = |why: String| {
        Error::new(Code::UndoStale, format!("{table} is no longer as the run left it"))
            .because(why)
            .leaving("the table is untouched")
    };
    let table = schema.table(table).ok_or_else(|| stale("it is gone".to_owned()))?;
    let position = |name: &String| table.column(name).ok_or_else(|| stale(format!("column {name} is gone")));
    let columns = columns.iter().map(position).collect::<Result<Vec<_>>>()?;
    if let Some(added) = table.stored_columns().into_iter().find(|column| !columns.contains(column)) {
        return Err(stale(format!("column {} was added", table.columns[added].name)));
    }
    let position = |column: &usize| columns.iter().position(|other| other == column);
    let key = table.key.iter().flat_map(|key| &key.columns).map(position).collect::<Option<Vec<_>>>();
    let key = key.ok_or_else(|| stale("its key is another one".to_owned()))?;
    Ok(TableTask { table: table.clone(), columns, key, mapped: Mapped::default() })
}

/// Turns the images of a table into the changes that take them back.
async fn fill_spool(
    state: &State,
    (run, attempts): (&str, &[String]),
    table: &TableRecord,
    task: TableTask,
    spool: &dyn Spool,
) -> Result<TableWork> {
    let (mut puts, mut deletes, mut after) = (0, 0, 0);
    loop {
        let page = state.traces(run, &table.table, after, limits::SPOOL_PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        if !page.iter().all(|(_, trace)| is_key_of(&task, trace)) {
            return Err(Error::new(Code::UndoStale, format!("{} is no longer as the run left it", table.table))
                .because("its key is another one")
                .leaving("the table is untouched"));
        }
        let traces = page.into_iter().map(|(_, trace)| trace);
        let changes = match task.is_multiset() {
            true => copies::changes(state, attempts, &table.table, traces).await?,
            false => traces.map(|trace| reverse(trace.key, trace.was_there, trace.after)).collect(),
        };
        let is_delete = |change: &&PlannedChange| change.operation == Operation::Delete;
        deletes += changes.iter().filter(is_delete).count() as u64;
        puts += changes.iter().filter(|change| !is_delete(change)).count() as u64;
        spool.append(&table.table, &changes).await?;
    }
    let sequence = sequence_before(state, run, &table.table, &task, table.sequence).await?;
    Ok(TableWork {
        name: table.table.clone(),
        source: task.clone(),
        target: task,
        action: Action::Differences,
        puts,
        deletes,
        sequence,
    })
}

/// What the table's counter is put back to, for a table that has one.
async fn sequence_before(
    state: &State,
    run: &str,
    name: &str,
    task: &TableTask,
    before: Option<i64>,
) -> Result<Option<Sequence>> {
    if !task.table.autoincrement {
        return Ok(None);
    }
    let unknown = Counter { left: None, is_shared: true };
    let counter = state.counter_left(run, name).await?.unwrap_or(unknown);
    Ok(Some(Sequence { before, counter }))
}

/// The before-images of a run as the source of rows.
struct Images {
    state: State,
    run: String,
    /// What the evidence calls each table, by its name in the target, which may be spelt differently.
    names: BTreeMap<String, String>,
}

/// Images read at once, where they are small.
const IMAGES_AT_ONCE: usize = 256;

impl Images {
    fn name_of(&self, task: &TableTask) -> String {
        self.names.get(&task.table.name).unwrap_or(&task.table.name).clone()
    }
}

#[async_trait]
impl RowSource for Images {
    async fn all(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        Err(Error::new(Code::Internal, format!("an undo was asked to load {}", task.table.name)))
    }

    async fn by_keys(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let keys: Vec<_> = keys.rows().map(|key| exact::encode_row(key.iter())).collect();
        let (table, width) = (self.name_of(task), task.columns.len());
        let this = &*self;
        let read = move |(keys, mut done, table): (Vec<Vec<u8>>, usize, String)| async move {
            let mut rows = RowBatch::new(width);
            while rows.is_empty() && done < keys.len() {
                let chunk = &keys[done..keys.len().min(done + IMAGES_AT_ONCE)];
                let (images, looked_up) = this.state.images_by_key(&this.run, &table, chunk).await?;
                done += looked_up;
                for image in images {
                    let before = image.before.unwrap_or_default();
                    rows.push_row(exact::decode_row(&before).map_err(unreadable)?)?;
                }
            }
            Ok((!rows.is_empty()).then_some((rows, (keys, done, table))))
        };
        Ok(stream::try_unfold((keys, 0, table), read).boxed())
    }

    async fn places(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Vec<Option<i64>>> {
        // Where the key is the row number, or there is none, nothing needs to be looked up.
        if task.table.without_rowid || task.table.key.as_ref().is_some_and(|key| key.is_rowid) {
            return Ok(Vec::new());
        }
        let name = self.name_of(task);
        let keys: Vec<_> = keys.rows().map(|key| exact::encode_row(key.iter())).collect();
        let mut places = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(IMAGES_AT_ONCE) {
            places.extend(self.state.places_by_key(&self.run, &name, chunk).await?);
        }
        Ok(places)
    }
}

fn unreadable(error: exact::DecodeError) -> Error {
    Error::new(Code::StateFailed, "a before-image cannot be read").caused_by(error)
}
