//! What a run will do, and the guards that look at it before it does.

use std::sync::Arc;

use syncline_core::apply::guards::{self, DeleteGuard};
use syncline_core::apply::order::parents_first;
use syncline_core::apply::{Action, TableWork};
use syncline_core::capture::{KeptRows, Tally};
use syncline_core::error::{Error, Result};
use syncline_core::mapping::Resolved;
use syncline_core::schema::{AddedColumn, Schema, SchemaStep, TableSchema};
use syncline_core::store::{Position, Snapshot};

use super::Link;
use crate::request::{DeleteLimit, RunRequest, Verb};

/// What a run will do.
pub(crate) struct Decision {
    /// The tables with something to do or to prove, in the order of their names unless they were put into another.
    pub(crate) tables: Vec<Decided>,
    /// Tables that cannot be carried, with the reason.
    pub(crate) refused: Vec<(String, Error)>,
    /// Tables that are not in the target and were not to be created.
    pub(crate) absent: Vec<String>,
    /// What is done to the target's schema before the first row.
    pub(crate) steps: Vec<SchemaStep>,
    /// All tables of the target as they are before the run.
    pub(crate) target_schema: Schema,
    /// How the source is seen.
    pub(crate) resolved: Resolved,
    /// Everything goes into one transaction.
    pub(crate) refreshes: bool,
    /// Deletes that turn out to be referenced end the run as long as it has written nothing.
    pub(crate) is_exact: bool,
    /// Remarks for a person.
    pub(crate) notes: Vec<String>,
    /// Where the target stood.
    pub(crate) decided_at: Position,
    /// The link, where the run goes by a log.
    pub(crate) link: Option<Link>,
    /// Rows of the source that need not be read again.
    pub(crate) kept: KeptRows,
}

/// One table's part.
pub(crate) struct Decided {
    pub(crate) work: TableWork,
    pub(crate) tally: Tally,
    /// Which way was taken, and why.
    pub(crate) how: String,
    /// Columns that the target's table is yet to get.
    pub(crate) added: Vec<AddedColumn>,
    /// Rows that differ and are kept as the target has them, as asked.
    pub(crate) kept: u64,
    /// There is nothing new in the log, and nothing to do but for rows that wait: the cursor may stay where it is.
    pub(crate) is_unmoved: bool,
    /// Where only rows were looked at that were touched or are new by a column, and those that wait in the ledger.
    pub(crate) incremental: Option<Incremental>,
}

/// What was looked at of a table that is carried by what a log tells of it, or a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incremental {
    /// Entries of the log since the last run, about, or rows that were read.
    pub(crate) entries: u64,
    /// When the oldest of them was made, by the source's clock.
    pub(crate) oldest_ms: Option<i64>,
    /// Some changes are seen by a comparison only: the table goes by a column.
    pub(crate) is_by_column: bool,
    /// Rows that were not looked at, about.
    pub(crate) untouched: u64,
}

impl Decided {
    /// Whether the target's table is made or gets columns.
    pub(crate) fn changes_table(&self) -> bool {
        self.work.action == Action::Load { create: true } || !self.added.is_empty()
    }

    /// Whether the table goes by a column, which does not tell of all changes.
    pub(crate) fn is_by_column(&self) -> bool {
        self.incremental.is_some_and(|seen| seen.is_by_column)
    }

    /// Whether the table is carried by what a log tells of it, or a column.
    pub(crate) fn is_incremental(&self) -> bool {
        self.incremental.is_some()
    }
}

impl Decision {
    /// Whether there is anything to write, be it only how far the target has come.
    pub(crate) fn has_work(&self) -> bool {
        let is_work = |decided: &Decided| decided.work.puts + decided.work.deletes > 0 || decided.changes_table();
        self.tables.iter().any(is_work) || self.link.as_ref().is_some_and(|link| !link.moves().is_empty())
    }

    /// From here on the columns that are to be added count as being there: the run's first step is to add them.
    pub(crate) fn define_columns(&mut self) {
        for decided in &mut self.tables {
            let target = &mut decided.work.target;
            target.mapped.fills.clear();
            if !decided.added.is_empty() {
                let same = |table: &&mut Arc<TableSchema>| table.name == target.table.name;
                self.target_schema.tables.iter_mut().filter(same).for_each(|table| *table = Arc::clone(&target.table));
            }
            let step = |added: &AddedColumn| SchemaStep::AddColumn(Box::new(added.step.clone()));
            self.steps.extend(decided.added.iter().map(step));
        }
    }

    /// Puts referenced tables first, as a script wants them that is run as it stands.
    pub(crate) fn order_parents_first(&mut self) {
        let tables: Vec<&TableSchema> = self.tables.iter().map(|decided| &*decided.work.target.table).collect();
        let order = parents_first(&tables);
        let mut tables: Vec<_> = std::mem::take(&mut self.tables).into_iter().map(Some).collect();
        self.tables = order.into_iter().filter_map(|at| tables[at].take()).collect();
    }

    /// Replaces the estimates of loads by exact numbers, for people who are to agree to them.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(crate) async fn count_loads(&mut self, source: &mut dyn Snapshot) -> Result<()> {
        for decided in &mut self.tables {
            if matches!(decided.work.action, Action::Load { .. }) {
                let rows = source.count(&decided.work.source).await?;
                (decided.work.puts, decided.tally.only_source) = (rows, rows);
            }
        }
        Ok(())
    }

    /// Stops a run that would delete too much.
    ///
    /// # Errors
    /// `GUARD_DELETES` and `GUARD_EMPTY_SOURCE`.
    pub(crate) fn check_guards(&self, request: &RunRequest) -> Result<()> {
        if request.verb != Verb::Mirror {
            return Ok(());
        }
        let guard = match request.max_delete {
            DeleteLimit::Guarded => DeleteGuard::default(),
            DeleteLimit::Rows(rows) => DeleteGuard::rows(rows),
            DeleteLimit::Percent(percent) => DeleteGuard::percent(percent.into()),
        };
        let whole = |decided: &Decided| Tally {
            same: decided.tally.same + decided.incremental.map_or(0, |seen| seen.untouched),
            ..decided.tally
        };
        let tallies: Vec<_> = self.tables.iter().map(|decided| (decided.work.name.as_str(), whole(decided))).collect();
        guards::check_deletes(&tallies, guard, request.allow_empty_source)
    }

    pub(super) fn push(&mut self, decided: Decided) {
        if decided.kept > 0 {
            let (rows, table) = (decided.kept, &decided.work.name);
            let s = if rows == 1 { "" } else { "s" };
            self.notes
                .push(format!("{rows} row{s} of {table} kept as in the target, where the source has other values"));
        }
        self.tables.push(decided);
    }
}
