//! Work that may take away what rows reference by columns that are not the key.

use super::referenced::key_order;
use super::{Action, Applier};
use crate::change::Operation;
use crate::error::Result;
use crate::state::ChangeKind;

impl Applier<'_> {
    /// Whether the work is an undo that may take away what others reference by columns that are not the key. That can be
    /// looked at only when parents and children have been written.
    pub(crate) fn restores_moved_references(&self) -> bool {
        self.context.restores.is_some() && (0..self.tables.len()).any(|table| self.may_move_references(table))
    }

    /// Whether rows of these tables are changed that others may reference by columns that are not the key. New rows take
    /// nothing away from anybody, so they do not count.
    pub(super) async fn moves_references(&self, tables: &[usize]) -> Result<bool> {
        for table in tables.iter().copied() {
            // In a table without a key nothing changes: rows go and others come.
            if !self.may_move_references(table) || self.tables[table].target.is_multiset() {
                continue;
            }
            let mut done = 0;
            loop {
                self.context.cancel.check()?;
                let page = self.page(table, ChangeKind::Put, done).await?;
                if page.is_empty() {
                    break;
                }
                if page.iter().any(|change| change.operation == Operation::Update) {
                    return Ok(true);
                }
                done += page.len() as u64;
            }
        }
        Ok(false)
    }

    fn may_move_references(&self, table: usize) -> bool {
        let work = &self.tables[table];
        let mut references = self.schema.tables.iter().flat_map(|child| child.references_to(&work.target.table.name));
        work.action == Action::Differences
            && work.puts > 0
            && references.any(|foreign_key| key_order(&work.target, foreign_key).is_none())
    }
}
