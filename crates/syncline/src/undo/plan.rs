//! What undoing a run would do, and which run is undone where none is named.

use serde::{Deserialize, Serialize};
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Mapping;
use syncline_core::value::TableSum;
use syncline_stores::sql::Dialect;

use super::undoable::{check_undoable, is_under_way, may_have_changed, not_a_restore, under_way, what_stays};
use crate::decide::of_triggers;
use crate::open::Purpose;
use crate::session::Syncline;
use crate::state::{RunRecord, RunVerb};

/// How far back a newer run that cannot be undone is looked for.
pub(super) const RECENT_RUNS: usize = 100;

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
    /// What the run has made that stays, and the triggers that fire.
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
        let (mut tables, mut written) = (Vec::new(), Vec::new());
        for table in state.evidence_tables(&record.id).await? {
            written.push((table.table.clone(), table.in_target));
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
            written.push((load.table.clone(), load.in_target));
            let (empties, drops) = (!load.created, load.created);
            let remove = TableSum::rows_of(&load.sum).unwrap_or(0);
            tables.push(UndoTable { table: load.table, restore: 0, revert: 0, remove, empties, drops });
        }
        let notes = what_stays(&record).into_iter().chain(self.triggers_that_fire(&record, &written).await?).collect();
        let RunRecord { id, source, target, started_ms, .. } = record;
        Ok(UndoPlan { format: 1, kind: "undo-plan".to_owned(), run: id, source, target, started_ms, tables, notes })
    }

    /// What is said of triggers that fire while tables are put back, given by their names in the source and, where these are
    /// known, in the target. Only servers of MySQL let nobody switch them off, and only those are asked.
    async fn triggers_that_fire(
        &self,
        record: &RunRecord,
        written: &[(String, Option<String>)],
    ) -> Result<Option<String>> {
        let is_asked =
            record.target_identity.split_once(':').is_some_and(|(engine, _)| Dialect::of(engine) == Dialect::Mysql);
        let Some(request) = self.request_behind(record).await?.filter(|_| is_asked) else { return Ok(None) };
        let target = self.open_unguarded(&request.target, Purpose::Read).await?;
        if !target.description.is_known_as(&record.target_identity) {
            // Undo says so itself.
            return Ok(None);
        }
        let mapping = Mapping::parse(&request.mapping)?;
        let schema = target.store.snapshot().await?.schema().await?;
        let name = |(table, in_target): &'_ (String, Option<String>)| {
            in_target.clone().unwrap_or_else(|| mapping.target_name(table).to_owned())
        };
        let names: Vec<String> = written.iter().map(name).collect();
        Ok(of_triggers(names.iter().map(String::as_str), &schema))
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
}
