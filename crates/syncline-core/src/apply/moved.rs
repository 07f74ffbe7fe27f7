//! Work that may take away what rows reference by columns that are not the key.

use std::collections::HashMap;

use futures_util::StreamExt;

use super::left_out::{key_form, key_form_of};
use super::pages::Pages;
use super::referenced::key_order;
use super::{Action, Applier, TableWork};
use crate::change::{Operation, PlannedChange, RowDigest, keys_of};
use crate::error::Result;
use crate::schema::{Column, Generated};
use crate::state::ChangeKind;
use crate::value::ValueRef;

impl Applier<'_> {
    /// Whether the work is an undo that may take away what others reference by columns that are not the key. That can be
    /// looked at only when parents and children have been written.
    pub(crate) fn restores_moved_references(&self) -> bool {
        self.context.restores.is_some() && (0..self.tables.len()).any(|table| self.may_move_references(table))
    }

    /// Whether rows of these tables change in columns that others reference and that are not the key. New rows take
    /// nothing away from anybody, so they do not count.
    pub(super) async fn moves_references(&mut self, tables: &[usize]) -> Result<bool> {
        for table in tables.iter().copied() {
            // In a table without a key nothing changes: rows go and others come.
            if !self.may_move_references(table) || self.tables[table].target.is_multiset() {
                continue;
            }
            let mut pages = Pages::of(table, ChangeKind::Put);
            while let Some(mut page) = self.next_page(&mut pages).await? {
                page.retain(|change| change.operation == Operation::Update);
                if !page.is_empty() && self.moves_in(table, &page).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether these changes do, or may: a row that is not as it was when the change was decided may be so again later.
    async fn moves_in(&mut self, table: usize, page: &[PlannedChange]) -> Result<bool> {
        let Some(columns) = self.columns_referenced(table) else { return Ok(true) };
        let Self { tables, source, target, .. } = self;
        let work = &tables[table];
        let mut known = HashMap::with_capacity(page.len());
        let (mut view, mut scratch) = (target.snapshot().await?, Vec::new());
        let mut batches = view.fetch(&work.target, &keys_of(page, work.target.key_width())?).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            for row in rows.rows() {
                let digest = work.target.digest(row.iter(), &mut scratch);
                known.insert(key_form(row.select(&work.target.key)), (digest, cells_form(work, row.select(&columns))));
            }
        }
        for change in page {
            let is_as_seen =
                known.get(&key_form_of(&change.key)).is_some_and(|(digest, _)| change.seen == Some(*digest));
            if !is_as_seen {
                return Ok(true);
            }
        }
        let mut batches = source.by_keys(&work.source, &keys_of(page, work.source.key_width())?).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            for row in rows.rows() {
                let known = known.get(&key_form(row.select(&work.source.key)));
                if known.is_none_or(|(_, cells)| *cells != cells_form(work, row.select(&columns))) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Columns that others reference and that do not make up the key, by their places in the task. Those that are not
    /// carried stay as they are; `None` when one is computed, from whatever changes.
    fn columns_referenced(&self, table: usize) -> Option<Vec<usize>> {
        let target = &self.tables[table].target;
        let children = self.schema.tables.iter();
        let references = children.flat_map(|child| child.references_to(&target.table.name));
        let names: Vec<_> = references
            .filter(|foreign_key| key_order(target, foreign_key).is_none())
            .flat_map(|foreign_key| &foreign_key.parent_columns)
            .collect();
        let is_named = |column: &str| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        let is_computed = |column: &Column| column.generated != Generated::No && is_named(&column.name);
        if target.table.columns.iter().any(is_computed) {
            return None;
        }
        Some(target.column_names().enumerate().filter(|(_, column)| is_named(column)).map(|(at, _)| at).collect())
    }

    fn may_move_references(&self, table: usize) -> bool {
        let work = &self.tables[table];
        let mut references = self.schema.tables.iter().flat_map(|child| child.references_to(&work.target.table.name));
        work.action == Action::Differences
            && work.puts > 0
            && references.any(|foreign_key| key_order(&work.target, foreign_key).is_none())
    }
}

/// A digest of what is referenced: the values themselves may be large.
fn cells_form<'v>(work: &TableWork, cells: impl IntoIterator<Item = ValueRef<'v>>) -> RowDigest {
    work.target.digest(cells, &mut Vec::new())
}
