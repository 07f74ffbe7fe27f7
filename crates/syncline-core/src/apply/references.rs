//! Foreign keys: nothing is committed that leaves a row pointing at nothing.
//!
//! The engine's own enforcement is off while Syncline writes, because its actions would change rows nobody planned to
//! change. What it would have refused is looked for here instead, inside the transaction.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use super::holds::Attempt;
use super::left_out::{Cause, Excused, key_form, key_form_of};
use super::{Action, Applier, Pending, TableWork};
use crate::change::{Operation, PlannedChange, Reason, TableTask, keys_of};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::schema::ForeignKey;
use crate::state::{Awaited, ChangeKind};
use crate::store::{Orphans, Transaction};
use crate::value::{ValueRef, exact};

impl Applier<'_> {
    /// Rows that a transaction has put and that point at nothing do not stay in it: inserted ones are taken out again,
    /// for changed ones the transaction has to be begun anew without them.
    pub(super) async fn hold_dangling(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        put: Put<'_>,
    ) -> Result<Dangling> {
        let work = &self.tables[table];
        if self.context.restores || work.target.table.foreign_keys.is_empty() {
            return Ok(Dangling::default());
        }
        let page = match put {
            Put::Page(page) => Some(self.left_out[table].split(page).0),
            Put::Loaded => None,
        };
        let keys = match &page {
            Some(_) if work.target.is_multiset() => Some(pending.places_of(table)?),
            Some(page) => Some(keys_of(page, work.target.key_width())?),
            None => None,
        };
        let mut causes = BTreeMap::new();
        for foreign_key in &work.target.table.foreign_keys {
            let limit = limits::HELD_BY_REFERENCES_MAX;
            let orphans = tx.orphans(&work.target, foreign_key, keys.as_ref(), limit).await?;
            if orphans.count == 0 {
                continue;
            }
            let is_hopeless = orphans.count > limit as u64 || !self.has_table(&foreign_key.parent);
            if self.context.ledger.is_none() || is_hopeless {
                return Err(dangling(&work.target, foreign_key, &orphans));
            }
            collect_causes(&mut causes, foreign_key, &orphans);
        }
        if work.target.is_multiset() {
            let found = !causes.is_empty();
            self.take_out_copies(tx, pending, table, causes.into_values().collect()).await?;
            return Ok(Dangling { found, again: false });
        }
        let (inserted, mut changed) = sort_out(causes, page.as_deref());
        // Without a row that has kept others out, those may come in.
        let left_out = &self.left_out[table];
        let (in_the_way, inserted): (Vec<_>, Vec<_>) =
            inserted.into_iter().partition(|(change, _)| pending.is_in_the_way(table, left_out, &change.key));
        changed.extend(in_the_way);
        let found = Dangling { found: !inserted.is_empty(), again: !changed.is_empty() };
        self.left_out[table].leave(changed.into_iter().map(|(change, cause)| (change.key, cause)));
        if found.found {
            self.hold_rows(tx, pending, table, inserted, true).await?;
        }
        Ok(found)
    }

    /// As [`Applier::hold_dangling`], for all that a transaction has put into some tables. What is taken out may leave
    /// others pointing at nothing, so it is looked at until nothing more is found.
    pub(super) async fn hold_all_dangling(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        parts: &[(usize, ChangeKind)],
    ) -> Result<Attempt> {
        loop {
            let mut all = Dangling::default();
            for (table, kind) in parts.iter().copied() {
                self.context.cancel.check()?;
                match self.tables[table].action {
                    Action::Load { .. } | Action::Refill => {
                        all.add(self.hold_dangling(tx, pending, table, Put::Loaded).await?);
                    }
                    Action::Empty(_) => {}
                    Action::Differences => {
                        let mut done = 0;
                        loop {
                            let page = self.page(table, kind, done).await?;
                            if page.is_empty() {
                                break;
                            }
                            all.add(self.hold_dangling(tx, pending, table, Put::Page(&page)).await?);
                            done += page.len() as u64;
                            if self.tables[table].target.is_multiset() {
                                // All that was put into it has been looked at with the first page.
                                break;
                            }
                        }
                    }
                }
            }
            if all.again || !all.found {
                return Ok(all.attempt());
            }
        }
    }

    /// Whether the target has such a table, or will have it by now.
    fn has_table(&self, name: &str) -> bool {
        let is_made = |(table, work): (usize, &TableWork)| {
            work.target.table.name.eq_ignore_ascii_case(name) && self.outcomes[table].error.is_none()
        };
        self.schema.table(name).is_some() || self.tables.iter().enumerate().any(is_made)
    }

    /// Whether any table references this one.
    pub(super) fn is_referenced(&self, table: usize) -> bool {
        !self.referencing(&[table], &[]).is_empty()
    }

    /// Rows that point at nothing in every table that references one of these, except those of `restored`, whose rows
    /// may come back as they were: a count for each reference.
    pub(super) async fn count_orphans(
        &mut self,
        tx: &mut dyn Transaction,
        tables: &[usize],
        restored: &[usize],
    ) -> Result<Vec<u64>> {
        let mut counts = Vec::new();
        for (child, foreign_key) in self.referencing(tables, restored) {
            counts.push(tx.orphans(&child, &foreign_key, None, 0).await?.count);
        }
        Ok(counts)
    }

    /// Where there are more of them than `before`, what was deleted is referenced by rows that stay. Those deletes are
    /// left out, and the transaction has to be begun anew.
    pub(super) async fn leave_out_referenced(
        &mut self,
        tx: &mut dyn Transaction,
        tables: &[usize],
        restored: &[usize],
        before: &[u64],
    ) -> Result<Attempt> {
        let mut attempt = Attempt::Done;
        for ((child, foreign_key), before) in self.referencing(tables, restored).into_iter().zip(before) {
            let orphans = tx.orphans(&child, &foreign_key, None, limits::HELD_BY_REFERENCES_MAX).await?;
            if orphans.count <= *before {
                continue;
            }
            if self.context.is_exact && self.last_batch == 0 {
                return Err(referenced_since(&child, &foreign_key));
            }
            let is_left_out = self.context.ledger.is_some()
                && orphans.count <= limits::HELD_BY_REFERENCES_MAX as u64
                && self.keep_referenced(tables, &child, &foreign_key, &orphans).await?;
            if !is_left_out {
                return Err(dangling(&child, &foreign_key, &orphans));
            }
            attempt = Attempt::Again;
        }
        Ok(attempt)
    }

    /// Leaves out the deletes of rows that `orphans` point at; false when none of them is among the deletes.
    async fn keep_referenced(
        &mut self,
        tables: &[usize],
        child: &TableTask,
        foreign_key: &ForeignKey,
        orphans: &Orphans,
    ) -> Result<bool> {
        let is_parent = |table: &usize| self.tables[*table].target.table.name.eq_ignore_ascii_case(&foreign_key.parent);
        let Some(table) = tables.iter().copied().find(is_parent) else { return Ok(false) };
        let Some(order) = key_order(&self.tables[table].target, foreign_key) else { return Ok(false) };
        let wanted: HashSet<_> = orphans.points_at.rows().map(|row| key_form(row.select(&order))).collect();
        let words = format!("rows of {} still reference it ({})", child.table.name, foreign_key.columns.join(", "));
        let (mut done, mut is_any) = (0, false);
        loop {
            let page = self.page(table, ChangeKind::Delete, done).await?;
            if page.is_empty() {
                return Ok(is_any);
            }
            done += page.len() as u64;
            let forms = page.iter().map(|change| key_form_of(&change.key)).filter(|form| wanted.contains(form));
            for form in forms {
                // Another reference to the same row may have found it a moment before.
                let cause = Cause { reason: Reason::ForeignKey, words: words.clone(), awaits: Vec::new() };
                self.left_out[table].deletes.entry(form).or_insert(cause);
                is_any = true;
            }
        }
    }

    fn referencing(&self, tables: &[usize], except: &[usize]) -> Vec<(TableTask, ForeignKey)> {
        // A table that is emptied, by this transaction or one before, references nothing any more.
        let is_dropped = |name: &str| {
            (0..self.tables.len()).any(|table| {
                let work = &self.tables[table];
                let is_emptied = self.deletes_done[table] || tables.contains(&table);
                matches!(work.action, Action::Empty(_))
                    && is_emptied
                    && work.target.table.name.eq_ignore_ascii_case(name)
            })
        };
        let is_excepted =
            |name: &str| except.iter().any(|table| self.tables[*table].target.table.name.eq_ignore_ascii_case(name));
        let mut found = Vec::new();
        for child in &self.schema.tables {
            if is_dropped(&child.name) || is_excepted(&child.name) {
                continue;
            }
            for table in tables {
                let references = child.references_to(&self.tables[*table].target.table.name);
                found.extend(references.map(|foreign_key| (TableTask::whole(child.clone()), foreign_key.clone())));
            }
        }
        found
    }
}

/// What of a table a transaction has put.
#[derive(Clone, Copy)]
pub(super) enum Put<'p> {
    /// These changes.
    Page(&'p [PlannedChange]),
    /// All its rows.
    Loaded,
}

/// What was found among the rows put.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dangling {
    /// Rows were taken out.
    found: bool,
    /// Rows have to be left out from the start.
    again: bool,
}

impl Dangling {
    fn add(&mut self, other: Dangling) {
        self.found |= other.found;
        self.again |= other.again;
    }

    /// What that means for the transaction.
    pub(super) fn attempt(self) -> Attempt {
        if self.again { Attempt::Again } else { Attempt::Done }
    }
}

/// Why each orphan is held, by the form of its key. One that misses several rows awaits them all.
fn collect_causes(causes: &mut BTreeMap<Vec<u8>, (Vec<u8>, Cause)>, foreign_key: &ForeignKey, orphans: &Orphans) {
    for (key, points_at) in orphans.keys.rows().zip(orphans.points_at.rows()) {
        let awaited = Awaited {
            table: foreign_key.parent.clone(),
            columns: foreign_key.parent_columns.clone(),
            values: exact::encode_row(points_at.iter()),
        };
        let cells = foreign_key.columns.iter().zip(points_at.iter());
        let cells: Vec<_> = cells.map(|(column, value)| format!("{column}={}", short(value))).collect();
        let words = format!("{} references no row of {}", cells.join(", "), foreign_key.parent);
        match causes.entry(key_form(key.iter())) {
            Entry::Occupied(mut held) => held.get_mut().1.awaits.push(awaited),
            Entry::Vacant(empty) => {
                let cause = Cause { reason: Reason::ForeignKey, words, awaits: vec![awaited] };
                empty.insert((exact::encode_row(key.iter()), cause));
            }
        }
    }
}

/// Rows that were inserted and rows that were changed. A load has only inserted.
fn sort_out(
    causes: BTreeMap<Vec<u8>, (Vec<u8>, Cause)>,
    page: Option<&[PlannedChange]>,
) -> (Vec<Excused>, Vec<Excused>) {
    let Some(page) = page else {
        let loaded = |(key, cause)| {
            (PlannedChange { operation: Operation::Insert, key, seen: None, becomes: None, copies: None }, cause)
        };
        return (causes.into_values().map(loaded).collect(), Vec::new());
    };
    let mut causes = causes;
    let named = page.iter().filter_map(|change| {
        let (_, cause) = causes.remove(&key_form_of(&change.key))?;
        Some((change.clone(), cause))
    });
    named.partition(|(change, _)| change.operation == Operation::Insert)
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

fn dangling(child: &TableTask, foreign_key: &ForeignKey, orphans: &Orphans) -> Error {
    let what = format!(
        "{} row{} of {} would reference no row of {} ({} -> {})",
        orphans.count,
        if orphans.count == 1 { "" } else { "s" },
        child.table.name,
        foreign_key.parent,
        foreign_key.columns.join(", "),
        foreign_key.parent_columns.join(", "),
    );
    let error = Error::new(Code::ForeignKeyBroken, what);
    let named = orphans
        .keys
        .rows()
        .take(if child.is_multiset() { 0 } else { limits::SAMPLE_ROWS })
        .map(|row| named_cells(child, row.iter()));
    match named.collect::<Vec<_>>() {
        none if none.is_empty() => error,
        some => error.because(format!("among them {}", some.join("; "))),
    }
}

/// The error for a plan that deletes what somebody has come to reference.
fn referenced_since(child: &TableTask, foreign_key: &ForeignKey) -> Error {
    let why = format!("rows of {} reference rows of {} that it deletes", child.table.name, foreign_key.parent);
    Error::new(Code::PlanStale, "the plan is stale")
        .because(format!("{why}, and did not when it was made"))
        .leaving("nothing more was written")
        .next("make the plan anew", "it shows what would be done now")
}

/// A row by its key, in the words of a place.
pub(super) fn named_key(task: &TableTask, key: &[u8]) -> String {
    if task.is_multiset() {
        return format!("a row of {}", task.table.name);
    }
    let cells = named_cells(task, exact::decode_row(key).unwrap_or_default());
    format!("row {cells} of {}", task.table.name)
}

fn named_cells<'v>(task: &TableTask, key: impl IntoIterator<Item = ValueRef<'v>>) -> String {
    let columns: Vec<_> = task.column_names().collect();
    let cells = task.key.iter().zip(key);
    let cells: Vec<_> = cells.map(|(column, value)| format!("{}={}", columns[*column], short(value))).collect();
    cells.join(",")
}

fn short(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).chars().take(40).collect(),
        other => format!("{other:?}").chars().take(40).collect(),
    }
}
