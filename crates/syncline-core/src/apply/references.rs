//! Foreign keys: nothing is committed that leaves a row pointing at nothing.
//!
//! The engine's own enforcement is off while Syncline writes, because its actions would change rows nobody planned to
//! change. What it would have refused is looked for here instead, inside the transaction.

use super::{Action, Applier};
use crate::change::{PlannedChange, TableTask, keys_of};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::schema::ForeignKey;
use crate::state::ChangeKind;
use crate::store::{Orphans, Transaction};
use crate::value::{RowBatch, ValueRef};

impl Applier<'_> {
    /// Rows just put must find what they reference.
    pub(super) async fn check_parents(
        &self,
        tx: &mut dyn Transaction,
        table: usize,
        page: Option<&[PlannedChange]>,
    ) -> Result<()> {
        let work = &self.tables[table];
        if self.context.restores || work.target.table.foreign_keys.is_empty() {
            return Ok(());
        }
        let keys = page.map(|page| keys_of(page, work.target.key.len())).transpose()?;
        for foreign_key in &work.target.table.foreign_keys {
            let orphans = tx.orphans(&work.target, foreign_key, keys.as_ref()).await?;
            if orphans.count > 0 {
                return Err(dangling(&work.target, foreign_key, &orphans));
            }
        }
        Ok(())
    }

    /// As [`Applier::check_parents`], for all rows of a table that this transaction has put: those after `done`.
    pub(super) async fn check_all_parents(&self, tx: &mut dyn Transaction, table: usize, done: u64) -> Result<()> {
        match self.tables[table].action {
            Action::Load { .. } => self.check_parents(tx, table, None).await,
            Action::Empty(_) => Ok(()),
            Action::Differences => {
                let mut done = done;
                loop {
                    let page = self.page(table, ChangeKind::Put, done).await?;
                    if page.is_empty() {
                        return Ok(());
                    }
                    self.check_parents(tx, table, Some(&page)).await?;
                    done += page.len() as u64;
                }
            }
        }
    }

    /// Whether any table references this one.
    pub(super) fn is_referenced(&self, table: usize) -> bool {
        !self.referencing(&[table], &[]).is_empty()
    }

    /// Rows that point at nothing in every table that references one of these, except those of `restored`, whose rows
    /// may come back as they were: a count for each reference.
    pub(super) async fn count_orphans(
        &self,
        tx: &mut dyn Transaction,
        tables: &[usize],
        restored: &[usize],
    ) -> Result<Vec<u64>> {
        let mut counts = Vec::new();
        for (child, foreign_key) in self.referencing(tables, restored) {
            counts.push(tx.orphans(&child, &foreign_key, None).await?.count);
        }
        Ok(counts)
    }

    /// Stops when there are more of them than `before`.
    pub(super) async fn check_orphans(
        &self,
        tx: &mut dyn Transaction,
        tables: &[usize],
        restored: &[usize],
        before: Vec<u64>,
    ) -> Result<()> {
        for ((child, foreign_key), before) in self.referencing(tables, restored).into_iter().zip(before) {
            let orphans = tx.orphans(&child, &foreign_key, None).await?;
            if orphans.count > before {
                return Err(dangling(&child, &foreign_key, &orphans));
            }
        }
        Ok(())
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
    match &orphans.sample {
        Some(sample) if !sample.is_empty() => error.because(format!("among them {}", named(child, sample))),
        _ => error,
    }
}

fn named(child: &TableTask, keys: &RowBatch) -> String {
    let columns: Vec<_> = child.column_names().collect();
    let name_row = |row: crate::value::Row<'_>| {
        let cells = child.key.iter().zip(row.iter());
        let cells = cells.map(|(column, value)| format!("{}={}", columns[*column], short(value)));
        cells.collect::<Vec<_>>().join(",")
    };
    keys.rows().take(limits::SAMPLE_ROWS).map(name_row).collect::<Vec<_>>().join("; ")
}

fn short(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).chars().take(40).collect(),
        other => format!("{other:?}").chars().take(40).collect(),
    }
}
