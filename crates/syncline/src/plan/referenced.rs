//! Rows that a plan deletes although rows that it does not name still reference them. Such deletes are held, so a plan says
//! which they are; another one shows that somebody has written a reference since.
//!
//! References are compared as values are between engines. One that only the target's own rules take for equal shows when
//! the delete is tried.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::apply::Action;
use syncline_core::cancel::Cancel;
use syncline_core::change::{Mapped, TableTask, keys_of};
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::schema::{ForeignKey, TableSchema};
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::Snapshot;
use syncline_core::value::{Forms, RowBatch, ValueRef, canonical, exact};
use xxhash_rust::xxh3::xxh3_128;

use super::{Holds, PlanTable, change_digest};
use crate::decide::{Decided, Decision};

/// A delete that is still referenced.
pub(super) struct Referenced {
    /// What the plan calls the table.
    pub(super) table: String,
    /// The digest of the change.
    pub(super) digest: u128,
    /// The table of a row that references it.
    pub(super) by: String,
}

/// What it is looked for in.
pub(super) struct Looking<'a> {
    pub(super) decision: &'a Decision,
    pub(super) plan: &'a [PlanTable],
    /// The changes.
    pub(super) spool: &'a dyn Spool,
    pub(super) target: &'a mut dyn Snapshot,
    pub(super) cancel: &'a Cancel,
}

impl Looking<'_> {
    /// All deletes that are still referenced, each once.
    ///
    /// # Errors
    /// When the target cannot be read.
    pub(super) async fn find(mut self) -> Result<Vec<Referenced>> {
        let mut found = Vec::new();
        for parent in &self.decision.tables {
            if parent.work.deletes == 0 || parent.work.action != Action::Differences {
                continue;
            }
            for child in &self.decision.target_schema.tables {
                for foreign_key in child.references_to(&parent.work.target.table.name) {
                    self.look_along(parent, child, foreign_key, &mut found).await?;
                }
            }
        }
        let mut seen = HashSet::new();
        found.retain(|referenced| seen.insert((referenced.table.clone(), referenced.digest)));
        Ok(found)
    }

    async fn look_along(
        &mut self,
        parent: &Decided,
        child: &Arc<TableSchema>,
        foreign_key: &ForeignKey,
        found: &mut Vec<Referenced>,
    ) -> Result<()> {
        let is_child = |decided: &&Decided| decided.work.target.table.name == child.name;
        let decided = self.decision.tables.iter().find(is_child);
        let holds = decided.and_then(|decided| self.plan.iter().find(|table| table.table == decided.work.name));
        if holds.is_some_and(|table| table.holds != Holds::Rows) {
            // Nothing can be beside the ranges of a plan, and a table that is loaded has no rows.
            return Ok(());
        }
        let Some(columns) = positions(child, &foreign_key.columns) else { return Ok(()) };
        let named = match decided {
            Some(decided) => self.named(decided).await?,
            None => HashSet::new(),
        };
        let key = decided.map(|decided| key_names(&decided.work.target)).unwrap_or_default();
        let task = narrow(
            child,
            &positions(child, &key).unwrap_or_default(),
            &columns,
            decided.map(|decided| &decided.work.target),
        );
        let mut done = 0;
        loop {
            let deletes = self.deletes(parent, foreign_key, &mut done).await?;
            if deletes.is_empty() {
                return Ok(());
            }
            let mut batches = self.target.scan(&task).await?;
            while let Some(rows) = batches.next().await.transpose()? {
                self.cancel.check()?;
                for row in rows.rows() {
                    let cells = row.iter().take(columns.len());
                    let Some(digest) = form_of(cells).and_then(|form| deletes.get(&form)) else { continue };
                    let is_named = !named.is_empty() && named.contains(&key_form(row.select(&task.key)));
                    if !is_named {
                        let (table, by) = (parent.work.name.clone(), child.name.clone());
                        found.push(Referenced { table, digest: *digest, by });
                    }
                }
            }
        }
    }

    /// The keys of all rows of a table that the plan names. Copies of a row cannot be told apart, so there they are none.
    async fn named(&self, decided: &Decided) -> Result<HashSet<u128>> {
        let mut named = HashSet::new();
        if decided.work.target.is_multiset() {
            return Ok(named);
        }
        for kind in [ChangeKind::Put, ChangeKind::Delete] {
            let mut done = 0;
            loop {
                let page = self.spool.page(&decided.work.name, kind, done, limits::SPOOL_PAGE).await?;
                if page.is_empty() {
                    break;
                }
                done += page.len() as u64;
                named.extend(page.iter().map(|change| key_form(exact::decode_row(&change.key).unwrap_or_default())));
            }
        }
        Ok(named)
    }

    /// The next deletes of a table, as many as are held in memory at once, by the values that references to them hold.
    async fn deletes(
        &mut self,
        parent: &Decided,
        foreign_key: &ForeignKey,
        done: &mut u64,
    ) -> Result<HashMap<u128, u128>> {
        let mut deletes = HashMap::new();
        let table = &parent.work.target.table;
        let Some(columns) = positions(table, &foreign_key.parent_columns).filter(|columns| !columns.is_empty()) else {
            return Ok(deletes);
        };
        let key = positions(table, &key_names(&parent.work.target)).unwrap_or_default();
        let task = narrow(table, &key, &columns, Some(&parent.work.target));
        let is_multiset = task.is_multiset();
        while deletes.len() < limits::REFERENCED_IN_MEMORY {
            let page = self.spool.page(&parent.work.name, ChangeKind::Delete, *done, limits::SPOOL_PAGE).await?;
            if page.is_empty() {
                break;
            }
            *done += page.len() as u64;
            let keys: RowBatch = keys_of(&page, task.key_width())?;
            // The view is the one in which the deletes were decided, so each of the rows is there.
            let mut changes = page.iter();
            let mut batches = self.target.fetch(&task, &keys).await?;
            while let Some(rows) = batches.next().await.transpose()? {
                for (row, change) in rows.rows().zip(&mut changes) {
                    let digest = change_digest::of_change(change, is_multiset);
                    deletes.extend(form_of(row.iter().take(columns.len())).map(|form| (form, digest)));
                }
            }
        }
        Ok(deletes)
    }
}

fn key_names(task: &TableTask) -> Vec<String> {
    task.key.iter().map(|at| task.table.columns[task.columns[*at]].name.clone()).collect()
}

/// Where these columns are; `None` when one of them is not there.
fn positions(table: &TableSchema, names: &[String]) -> Option<Vec<usize>> {
    names.iter().map(|name| table.column(name)).collect()
}

/// These columns of a table, and its key behind them where it is not among them.
fn narrow(table: &Arc<TableSchema>, key: &[usize], columns: &[usize], seen: Option<&TableTask>) -> TableTask {
    let mut columns = columns.to_vec();
    columns.extend(key.iter().filter(|column| !columns.contains(column)).copied().collect::<Vec<_>>());
    // Keys are told as the plan tells them; all else as it is stored, since only this side is looked at.
    let kind = |column: &usize| {
        let at = seen?.columns.iter().position(|other| other == column)?;
        seen?.forms.kind(at).cloned().filter(|_| key.contains(column))
    };
    let forms = Forms { kinds: columns.iter().map(kind).collect(), ..Forms::default() };
    let place = |column: &usize| columns.iter().position(|other| other == column);
    let key = key.iter().filter_map(place).collect();
    TableTask { table: Arc::clone(table), columns, key, mapped: Mapped::default(), forms }
}

/// A digest of a key in which 1 and 1.0 are the same.
fn key_form<'v>(cells: impl IntoIterator<Item = ValueRef<'v>>) -> u128 {
    let mut form = Vec::new();
    cells.into_iter().for_each(|cell| canonical::encode(cell, &mut form));
    xxh3_128(&form)
}

/// As [`key_form`], of what a reference holds; `None` where a cell is NULL, which references nothing.
fn form_of<'v>(cells: impl IntoIterator<Item = ValueRef<'v>>) -> Option<u128> {
    let mut form = Vec::new();
    for cell in cells {
        if matches!(cell, ValueRef::Null) {
            return None;
        }
        canonical::encode(cell, &mut form);
    }
    Some(xxh3_128(&form))
}
