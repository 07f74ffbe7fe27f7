//! Rows that go while others reference them: they stay, and so does a loaded table as a whole.

use std::collections::HashSet;

use super::alike::Alike;
use super::dangled::Before;
use super::holds::Attempt;
use super::left_out::{Cause, key_form, key_form_of};
use super::pages::Pages;
use super::references::named_cells;
use super::{Action, Applier, Pending, TableWork};
use crate::change::{PlannedChange, Reason, TableTask, keys_of};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::schema::{ForeignKey, SchemaStep};
use crate::state::ChangeKind;
use crate::store::{Orphans, Transaction};
use crate::value::exact;

impl Applier<'_> {
    /// Whether any table references this one.
    pub(super) fn is_referenced(&self, table: usize) -> bool {
        !self.referencing(&[table]).is_empty()
    }

    /// What points at nothing in every table that references one of these.
    pub(super) async fn dangling_before(&self, tx: &mut dyn Transaction, tables: &[usize]) -> Result<Vec<Before>> {
        let mut before = Vec::new();
        for (child, foreign_key) in self.referencing(tables) {
            let found = tx.orphans(&child, &foreign_key, None, limits::HELD_BY_REFERENCES_MAX).await?;
            before.push(Before::new(child, foreign_key, &found));
        }
        Ok(before)
    }

    /// Where others do now, what was deleted is referenced by rows that stay. Those deletes are left out, and the
    /// transaction has to be begun anew. Rows that an undo brings back may point at nothing as they did before its run.
    pub(super) async fn leave_out_referenced(
        &mut self,
        tx: &mut dyn Transaction,
        tables: &[usize],
        before: &[Before],
    ) -> Result<Attempt> {
        let mut attempt = Attempt::Done;
        for before in before {
            let limit = limits::HELD_BY_REFERENCES_MAX as u64;
            let found = tx.orphans(&before.child, &before.foreign_key, None, limits::HELD_BY_REFERENCES_MAX).await?;
            let new = before.new_among(found, self.context.restores)?;
            if new.count == 0 {
                continue;
            }
            let is_stale = self.is_bound_to_plan() && self.is_to_key(&before.foreign_key);
            if is_stale && !self.is_own(before, &new).await? {
                return Err(referenced_since(&before.child, &before.foreign_key));
            }
            if self.context.ledger.is_some() && new.count <= limit && self.keep_referenced(tables, before, &new).await?
            {
                attempt = Attempt::Again;
            } else if new.count > limit || !before.may_hold(&new) {
                return Err(self.dangling(&before.child, &before.foreign_key, &new));
            }
        }
        Ok(attempt)
    }

    /// Whether all rows that point at nothing are rows that the work writes. Such a row has lost what it was to reference
    /// because one of the two was held, and nobody else has written it.
    async fn is_own(&self, before: &Before, orphans: &Orphans) -> Result<bool> {
        let child = &before.child;
        let is_child = |work: &&TableWork| work.target.table.is_called(&child.table.name);
        let Some(table) = self.tables.iter().position(|work| is_child(&work)) else { return Ok(false) };
        let work = &self.tables[table];
        let is_keyed = !child.is_multiset() && key_names(child).eq(key_names(&work.target));
        if work.action != Action::Differences || !is_keyed || !orphans.are_all_named() {
            // Which rows they are cannot be told.
            return Ok(work.puts > 0);
        }
        let mut missing: HashSet<_> = orphans.keys.rows().map(|row| key_form(row.iter())).collect();
        for kind in [ChangeKind::Put, ChangeKind::Deferred, ChangeKind::Delete] {
            let mut pages = Pages::of(table, kind);
            while !missing.is_empty()
                && let Some(page) = self.next_page(&mut pages).await?
            {
                page.iter().for_each(|change| _ = missing.remove(&key_form_of(&change.key)));
            }
        }
        Ok(missing.is_empty())
    }

    /// Takes back the loads among these tables, before anything else is written: what is to leave is read through a
    /// snapshot first. A load that is not as it was left stays as a whole. `tables` come with those that are referenced
    /// first, and go last: an engine may drop none that another still references.
    pub(super) async fn empty_loaded(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        tables: &[usize],
    ) -> Result<Attempt> {
        let (mut attempt, mut leaving) = (Attempt::Done, Vec::new());
        // All are read before the first goes: an engine may lock what a table references together with it.
        for table in tables.iter().copied() {
            let Action::Empty(load) = &self.tables[table].action else { continue };
            if self.stays(table) {
                continue;
            }
            match self.still_loaded(tx, pending, table, load).await {
                Ok(rows) => leaving.extend(rows.map(|rows| (table, load.created, rows))),
                Err(error) => attempt = self.left_whole(table, error)?,
            }
        }
        self.untie(tx, &leaving).await?;
        for (table, is_created, rows) in leaving.into_iter().rev() {
            if attempt == Attempt::Done
                && let Err(error) = self.empty(tx, pending, (table, is_created), rows).await
            {
                attempt = self.left_whole(table, error)?;
            }
        }
        Ok(attempt)
    }

    /// Drops what tables that are to go reference of each other: of a circle none could go first.
    async fn untie(&self, tx: &mut dyn Transaction, leaving: &[(usize, bool, u64)]) -> Result<()> {
        let created = leaving.iter().filter(|(_, is_created, _)| *is_created);
        let created: Vec<_> = created.map(|(table, ..)| self.tables[*table].target.table.name.clone()).collect();
        if created.len() < 2 {
            return Ok(());
        }
        tx.define(&[SchemaStep::DropReferencesAmong(created)]).await
    }

    /// Leaves a load as it is that cannot be taken back. References from it count once more.
    fn left_whole(&mut self, table: usize, error: Error) -> Result<Attempt> {
        if error.code() != Code::UndoStale {
            return Err(error);
        }
        self.leave_whole(table, error);
        Ok(Attempt::Again)
    }

    /// Whether a loaded table stays as it is.
    fn stays(&self, table: usize) -> bool {
        self.outcomes[table].error.is_some()
    }

    fn leave_whole(&mut self, table: usize, error: Error) {
        let error = error.at_if_unsaid(self.name(table)).leaving_if_unsaid("the table is untouched");
        self.outcomes[table].error = Some(error);
    }

    /// Leaves out the deletes of rows that `orphans` point at; false when none of them is among the deletes.
    async fn keep_referenced(&mut self, tables: &[usize], before: &Before, orphans: &Orphans) -> Result<bool> {
        let Before { child, foreign_key, .. } = before;
        let is_parent = |table: &usize| self.tables[*table].target.table.is_called(&foreign_key.parent);
        let Some(table) = tables.iter().copied().find(is_parent) else { return Ok(false) };
        if matches!(self.tables[table].action, Action::Empty(_)) {
            self.leave_whole(table, self.dangling(child, foreign_key, orphans));
            return Ok(true);
        }
        let words = format!("rows of {} still reference it ({})", child.table.name, foreign_key.columns.join(", "));
        let cause = Cause { reason: Reason::ForeignKey, words, awaits: Vec::new() };
        let Some(order) = key_order(&self.tables[table].target, foreign_key) else {
            return self.want(table, before, orphans, cause).await;
        };
        let target = &self.tables[table].target;
        let alike = Alike::new(target, &target.key);
        let wanted: HashSet<_> = orphans.points_at.rows().map(|row| alike.form(row.select(&order))).collect();
        let (mut pages, mut is_any) = (Pages::of(table, ChangeKind::Delete), false);
        while let Some(page) = self.next_page(&mut pages).await? {
            let is_wanted = |change: &&PlannedChange| {
                wanted.contains(&alike.form(exact::decode_row(&change.key).unwrap_or_default()))
            };
            for change in page.iter().filter(is_wanted) {
                // Another reference to the same row may have found it a moment before.
                self.left_out[table].deletes.entry(key_form_of(&change.key)).or_insert_with(|| cause.clone());
                is_any = true;
            }
        }
        Ok(is_any)
    }

    /// Asks for the rows of a parent that hold what `orphans` point at, in columns that are not its key. Which these are
    /// shows only before they are written.
    async fn want(&mut self, table: usize, before: &Before, orphans: &Orphans, cause: Cause) -> Result<bool> {
        let target = &self.tables[table].target;
        if target.is_multiset() {
            return Ok(false);
        }
        let position = |name: &String| target.column_names().position(|column| column.eq_ignore_ascii_case(name));
        let Some(columns) = before.foreign_key.parent_columns.iter().map(position).collect::<Option<Vec<_>>>() else {
            return Ok(false);
        };
        let alike = Alike::new(target, &columns);
        let held = orphans.points_at.rows().map(|row| alike.form(row.iter())).collect();
        let error = self.dangling(&before.child, &before.foreign_key, orphans);
        let is_stale = self.is_bound_to_plan() && !self.is_own(before, orphans).await?;
        let stale = is_stale.then(|| referenced_since(&before.child, &before.foreign_key));
        self.wanted.push(Wanted { table, columns, held, cause, error, stale });
        Ok(true)
    }

    /// Leaves out the changes and deletes of rows that the attempt before this one asked for. It has not written yet.
    ///
    /// # Errors
    /// `FOREIGN_KEY_BROKEN` when there are none.
    pub(super) async fn find_wanted(&mut self, tx: &mut dyn Transaction) -> Result<()> {
        for Wanted { table, columns, held, cause, error, mut stale } in std::mem::take(&mut self.wanted) {
            let mut is_any = false;
            for kind in [ChangeKind::Put, ChangeKind::Deferred, ChangeKind::Delete] {
                let mut pages = Pages::of(table, kind);
                while let Some(page) = self.next_page(&mut pages).await? {
                    let target = &self.tables[table].target;
                    let alike = Alike::new(target, &columns);
                    let mut keys = keys_of(&page, target.key_width())?;
                    while !keys.is_empty() {
                        let seen = tx.rows(target, &keys).await?;
                        keys.drop_front(seen.keys);
                        let rows = seen.rows.rows().filter(|row| held.contains(&alike.form(row.select(&columns))));
                        for key in rows.map(|row| exact::encode_row(row.select(&target.key))) {
                            if let Some(stale) = stale.take_if(|_| kind == ChangeKind::Delete) {
                                return Err(stale);
                            }
                            self.left_out[table].leave_of(kind, key, cause.clone());
                            is_any = true;
                        }
                    }
                }
            }
            if !is_any {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a delete that is referenced ends the run: a plan is carried out exactly as long as nothing was written.
    fn is_bound_to_plan(&self) -> bool {
        self.context.is_exact && self.last_batch == 0
    }

    fn is_to_key(&self, foreign_key: &ForeignKey) -> bool {
        let is_parent = |work: &&TableWork| work.target.table.is_called(&foreign_key.parent);
        self.tables.iter().find(is_parent).is_some_and(|parent| key_order(&parent.target, foreign_key).is_some())
    }

    fn referencing(&self, tables: &[usize]) -> Vec<(TableTask, ForeignKey)> {
        // A table that is emptied, by this transaction or one before, references nothing any more.
        let is_dropped = |name: &str| {
            (0..self.tables.len()).any(|table| {
                let work = &self.tables[table];
                let is_emptied = self.deletes_done[table] || tables.contains(&table);
                matches!(work.action, Action::Empty(_))
                    && is_emptied
                    && !self.stays(table)
                    && work.target.table.is_called(name)
            })
        };
        let mut found = Vec::new();
        for child in self.schema.tables.iter().filter(|child| !is_dropped(&child.name)) {
            for table in tables {
                let references = child.references_to(&self.tables[*table].target.table.name);
                found.extend(references.map(|foreign_key| (TableTask::whole(child.clone()), foreign_key.clone())));
            }
        }
        found
    }

    /// What is said where such rows cannot be left out one by one.
    pub(super) fn dangling(&self, child: &TableTask, foreign_key: &ForeignKey, orphans: &Orphans) -> Error {
        let (rows, parent) = (&child.table.name, &foreign_key.parent);
        let s = if orphans.count == 1 { "" } else { "s" };
        let (from, to) = (foreign_key.columns.join(", "), foreign_key.parent_columns.join(", "));
        let what = format!("{} row{s} of {rows} would reference no row of {parent} ({from} -> {to})", orphans.count);
        let error = Error::new(Code::ForeignKeyBroken, what);
        let error = match self.context.restores {
            Some(_) => error.next(
                format!("delete those rows of {rows}, or let them reference rows of {parent} that stay"),
                "then `syncline undo` with the same run takes back what is left",
            ),
            None => error,
        };
        let named = if child.is_multiset() { 0 } else { limits::SAMPLE_ROWS };
        let named = orphans.keys.rows().take(named).map(|row| named_cells(child, row.iter())).collect::<Vec<_>>();
        if named.is_empty() { error } else { error.because(format!("among them {}", named.join("; "))) }
    }
}

/// Rows of a table that others reference by columns that are not its key.
pub(super) struct Wanted {
    table: usize,
    /// Where the task has these columns.
    columns: Vec<usize>,
    /// What is referenced, in the form of [`Alike`].
    held: HashSet<Vec<u8>>,
    cause: Cause,
    /// What is said when there are none.
    error: Error,
    /// What is said when one of them is to be deleted, although the plan did not say that it would be held.
    stale: Option<Error>,
}

/// Where in the foreign key's columns each column of the parent's key is found; `None` when it references others.
pub(super) fn key_order(parent: &TableTask, foreign_key: &ForeignKey) -> Option<Vec<usize>> {
    if parent.key.len() != foreign_key.parent_columns.len() {
        return None;
    }
    let position = |at: &usize| {
        let name = &parent.table.columns[parent.columns[*at]].name;
        foreign_key.parent_columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    };
    parent.key.iter().map(position).collect()
}

fn key_names(task: &TableTask) -> impl Iterator<Item = &str> {
    task.key.iter().map(|at| task.table.columns[task.columns[*at]].name.as_str())
}

/// The error for a plan that deletes what somebody has come to reference.
fn referenced_since(child: &TableTask, foreign_key: &ForeignKey) -> Error {
    let why = format!("rows of {} reference rows of {} that it deletes", child.table.name, foreign_key.parent);
    Error::new(Code::PlanStale, "the plan is stale")
        .because(format!("{why}, and did not when it was made"))
        .leaving("nothing more was written")
        .next("make the plan anew", "it shows what would be done now")
}
