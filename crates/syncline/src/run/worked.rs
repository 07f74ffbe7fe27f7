//! What a run has come to, table by table.

use std::collections::BTreeMap;

use syncline_core::apply::{TableOutcome, TableWork};
use syncline_core::error::{Code, Result};
use syncline_core::pipeline::Carried;
use syncline_core::store::Cursor;
use syncline_core::value::TableSum;

use crate::decide::{Decision, Link};
use crate::summary::{ErrorReport, Status, TableSummary, Verified};
use crate::verify::Claim;

/// What a run has come to.
pub(crate) struct Worked {
    pub(crate) tables: Vec<TableSummary>,
    pub(crate) notes: Vec<String>,
    pub(crate) verified: Verified,
    pub(crate) end: Result<()>,
    /// Whether anything became durable in the target, even if nobody was told what.
    pub(crate) has_committed: bool,
    /// Rows that differ and that the run was not to touch, by table.
    pub(crate) left_alone: BTreeMap<String, u64>,
    /// What loads have left, by table.
    pub(crate) loaded: BTreeMap<String, TableSum>,
}

impl Worked {
    pub(crate) fn new(decision: &Decision, carried: Carried) -> Self {
        let mut tables = Vec::new();
        for (decided, outcome) in decision.tables.iter().zip(&carried.outcomes) {
            let summary = table_summary(&decided.work.name, decided.tally.same, &decided.how, outcome);
            // Columns come with the first transaction.
            let added = decided.added.iter().filter(|_| carried.last_batch > 0);
            let added_columns = added.map(|added| added.step.column.name.clone()).collect();
            tables.push(TableSummary { kept: decided.kept, added_columns, ..summary });
        }
        for table in &decision.absent {
            tables.push(table_summary(table, 0, "not carried: not in the target", &TableOutcome::default()));
        }
        for (table, error) in &decision.refused {
            let outcome = TableOutcome::default();
            let summary = table_summary(table, 0, "not carried", &outcome);
            tables.push(TableSummary { error: Some(error.into()), ..summary });
        }
        tables.sort_by(|a, b| a.table.cmp(&b.table));
        let outcomes = decision.tables.iter().zip(&carried.outcomes);
        let loaded = outcomes.filter_map(|(decided, outcome)| Some((decided.work.name.clone(), outcome.loaded?)));
        Self {
            loaded: loaded.collect(),
            tables,
            notes: decision.notes.clone(),
            verified: Verified::Skipped,
            end: carried.end,
            has_committed: carried.last_batch > 0,
            left_alone: BTreeMap::new(),
        }
    }

    /// The cursors of a link that have moved with this work: none where it failed, and none of tables that are not done.
    pub(crate) fn moved(&self, link: &Link) -> Vec<Cursor> {
        if self.end.is_err() {
            return Vec::new();
        }
        let is_done = |cursor: &Cursor| {
            let table = self.tables.iter().find(|table| table.table == cursor.table);
            table.is_some_and(|table| table.error.is_none() && table.conflicts == 0)
        };
        link.moves().into_iter().filter(is_done).collect()
    }

    /// Takes note of rows with values that were bent.
    pub(crate) fn are_bent(&mut self, rows: &[(String, u64)]) {
        for (name, bent) in rows {
            for table in self.tables.iter_mut().filter(|table| table.table == *name) {
                table.bent = *bent;
            }
        }
    }

    /// Takes note of rows that differ beside the plan that was carried out.
    pub(super) fn leave_alone(&mut self, rows: BTreeMap<String, u64>) {
        self.left_alone = rows.into_iter().filter(|(_, rows)| *rows > 0).collect();
        let total: u64 = self.left_alone.values().sum();
        if total > 0 {
            let (rows, were) = if total == 1 { ("row differs", "was") } else { ("rows differ", "were") };
            self.notes.push(format!("{total} {rows} beside the plan, and {were} left alone"));
        }
    }

    /// What a run has come to that goes through no single table.
    pub(crate) fn whole(end: Result<()>, has_committed: bool) -> Self {
        let (tables, notes) = (Vec::new(), Vec::new());
        let (left_alone, loaded) = (BTreeMap::new(), BTreeMap::new());
        Self { tables, notes, verified: Verified::Skipped, end, has_committed, left_alone, loaded }
    }

    /// What is to be proven of the work that was done to its end.
    pub(crate) fn finished<'d>(&self, decision: &'d Decision) -> Vec<Claim<'d>> {
        let summary = |work: &TableWork| self.tables.iter().find(|table| table.table == work.name);
        let beside = |work: &TableWork| self.left_alone.get(&work.name).copied().unwrap_or(0);
        let finished = decision.tables.iter().filter_map(|decided| {
            let table = summary(&decided.work).filter(|table| table.error.is_none())?;
            Some((&decided.work, decided.is_incremental(), table))
        });
        let claim = |(work, is_incremental, table): (&'d TableWork, bool, &TableSummary)| Claim {
            work,
            is_incremental,
            left_alone: table.conflicts + table.held + table.kept + beside(work),
            beside: beside(work),
            loaded: self.loaded.get(&work.name).copied(),
        };
        finished.map(claim).collect()
    }

    /// The tables of which all rows were looked at: of one with changes beside a plan nobody has.
    pub(crate) fn whole_among<'d>(&self, finished: &[Claim<'d>]) -> Vec<&'d TableWork> {
        finished.iter().map(|claim| claim.work).filter(|work| !self.left_alone.contains_key(&work.name)).collect()
    }

    /// What is proven of the tables that were carried, in the light of those that were not.
    pub(super) fn with_exceptions(&self, verified: Verified, decision: &Decision) -> Verified {
        let failed = self.tables.iter().filter(|table| table.error.is_some()).count();
        match verified {
            Verified::Equal if failed > 0 && failed == self.tables.len() => Verified::Skipped,
            Verified::Equal if failed > 0 || self.tables.iter().any(|table| table.bent > 0) => Verified::EqualExcept,
            Verified::Equal if decision.tables.iter().any(|decided| decided.is_by_column()) => Verified::EqualExcept,
            verified => verified,
        }
    }

    /// How the run ended.
    pub(super) fn status(&self) -> Status {
        let has_failed = self.tables.iter().any(|table| table.error.is_some());
        let has_held = self.tables.iter().any(|table| table.held > 0);
        let has_conflicts = self.tables.iter().any(|table| table.conflicts > 0);
        match &self.end {
            Err(error) if error.code() == Code::RunCancelled => Status::Cancelled,
            Err(_) => Status::Failed,
            Ok(()) if has_failed || has_held => Status::Partial,
            Ok(()) if has_conflicts => Status::Conflicts,
            Ok(()) => Status::Succeeded,
        }
    }

    fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.inserted + table.updated + table.deleted).sum()
    }

    /// Where an error that ended the run leaves the tables.
    pub(super) fn state_text(&self) -> String {
        let touched = self.tables.iter().filter(|table| table.inserted + table.updated + table.deleted > 0).count();
        match (touched, self.rows()) {
            (0, _) if self.has_committed => "what was committed is kept".to_owned(),
            (0, _) => "nothing was changed".to_owned(),
            (tables, rows) => {
                let plural = |count: u64| if count == 1 { "" } else { "s" };
                let (s, t) = (plural(rows), plural(tables as u64));
                format!("{rows} row{s} in {tables} table{t} committed and kept")
            }
        }
    }
}

pub(crate) fn table_summary(table: &str, unchanged: u64, how: &str, outcome: &TableOutcome) -> TableSummary {
    TableSummary {
        table: table.to_owned(),
        direction: "source->target".to_owned(),
        inserted: outcome.inserted,
        updated: outcome.updated,
        deleted: outcome.deleted,
        unchanged,
        conflicts: outcome.moved,
        held: outcome.held,
        kept: 0,
        bent: 0,
        added_columns: Vec::new(),
        strategy: how.to_owned(),
        error: outcome.error.as_ref().map(ErrorReport::from),
    }
}
