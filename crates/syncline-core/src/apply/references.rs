//! Foreign keys: nothing is committed that leaves a row pointing at nothing.
//!
//! The engine's own enforcement is off while Syncline writes, because its actions would change rows nobody planned to
//! change. What it would have refused is looked for here instead, inside the transaction.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::holds::Attempt;
use super::left_out::{Cause, Excused, key_form, key_form_of};
use super::pages::Pages;
use super::{Action, Applier, Pending, TableWork};
use crate::change::{Operation, PlannedChange, Reason, TableTask, keys_of};
use crate::error::Result;
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
        if work.target.table.foreign_keys.is_empty() {
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
            let orphans = match self.context.restores {
                Some(before) => orphans.without(|mark| before.holds(mark) || pending.dangled.contains(&mark))?,
                None => orphans,
            };
            if orphans.count == 0 {
                continue;
            }
            let is_missing = self.context.restores.is_none() && !self.has_table(&foreign_key.parent);
            if self.context.ledger.is_none() || orphans.count > limit as u64 || is_missing {
                return Err(self.dangling(&work.target, foreign_key, &orphans));
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
                        let mut pages = Pages::of(table, kind);
                        while let Some(page) = self.next_page(&mut pages).await? {
                            all.add(self.hold_dangling(tx, pending, table, Put::Page(&page)).await?);
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
            work.target.table.is_called(name) && self.outcomes[table].error.is_none()
        };
        self.schema.tables.iter().any(|table| table.is_called(name)) || self.tables.iter().enumerate().any(is_made)
    }

    /// Marks rows of a page that point at nothing before they are written: an undo that leaves their references as they
    /// are adds nothing to that.
    pub(super) async fn mark_dangling(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        page: &[PlannedChange],
    ) -> Result<()> {
        let work = &self.tables[table];
        if self.context.restores.is_none() || work.target.table.foreign_keys.is_empty() {
            return Ok(());
        }
        // Inserts too: an undo before this one may have carried them out.
        let keys = keys_of(page, work.target.key_width())?;
        for foreign_key in &work.target.table.foreign_keys {
            let found = tx.orphans(&work.target, foreign_key, Some(&keys), page.len()).await?;
            pending.dangled.extend(found.marks());
        }
        Ok(())
    }

    /// As [`Applier::mark_dangling`], for all puts of a kind to a table.
    pub(super) async fn mark_all_dangling(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        kind: ChangeKind,
    ) -> Result<()> {
        let mut pages = Pages::of(table, kind);
        while self.context.restores.is_some()
            && let Some(page) = self.next_page(&mut pages).await?
        {
            self.mark_dangling(tx, pending, table, &page).await?;
        }
        Ok(())
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

/// A row by its key, in the words of a place.
pub fn named_key(task: &TableTask, key: &[u8]) -> String {
    if task.is_multiset() {
        return format!("a row of {}", task.table.name);
    }
    let cells = named_cells(task, exact::decode_row(key).unwrap_or_default());
    format!("row {cells} of {}", task.table.name)
}

pub(super) fn named_cells<'v>(task: &TableTask, key: impl IntoIterator<Item = ValueRef<'v>>) -> String {
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
