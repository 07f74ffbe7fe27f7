//! Rows that exchange unique values: whoever gives one up leaves the table before anyone takes it over.

use super::order::units;
use super::{Action, Applier, Pending};
use crate::change::ApplyMode;
use crate::error::Result;
use crate::store::{Transaction, Writer};

impl Applier<'_> {
    /// All that is left to do with some tables in one transaction, after a unique value has been in the way: rows to be
    /// changed or deleted leave their tables first and enter again afterwards. `done` puts of the first table are
    /// already in the target.
    pub(super) async fn exchange(&mut self, tables: &[usize], done: u64, writer: &mut dyn Writer) -> Result<()> {
        let first = tables[0];
        let tables = self.exchanged_with(tables);
        let mut pending = self.pending();
        let number = pending.number;
        let mut tx = writer.begin().await?;
        let written = async {
            let orphans_before = self.count_orphans(&mut *tx, &tables).await?;
            let done_of = |table: usize| if table == first { done } else { 0 };
            let mut loads = Vec::new();
            for table in tables.iter().copied() {
                // Before anything else is written, because what is to leave is read through a snapshot first.
                if let Action::Empty(load) = &self.tables[table].action {
                    self.empty(&mut *tx, &mut pending, table, load).await?;
                }
            }
            for table in tables.iter().copied() {
                match self.tables[table].action {
                    Action::Empty(_) => {}
                    Action::Load { create } => loads.push(self.load(&mut *tx, &mut pending, table, create).await?),
                    Action::Differences => self.displace(&mut *tx, &mut pending, table, done_of(table)).await?,
                }
            }
            for table in tables.iter().copied() {
                if self.tables[table].action == Action::Differences {
                    self.put_all(&mut *tx, &mut pending, table, done_of(table), ApplyMode::Place).await?;
                }
            }
            self.check_orphans(&mut *tx, &tables, orphans_before).await?;
            for table in tables.iter().copied() {
                self.check_all_parents(&mut *tx, table, done_of(table)).await?;
            }
            self.record_loads(number, &loads).await
        };
        match written.await {
            Ok(()) => self.commit(tx, pending).await?,
            Err(error) => {
                drop(tx);
                return Err(self.abandon(number, error).await);
            }
        }
        for table in tables {
            self.puts_done[table] = true;
            self.deletes_done[table] = true;
        }
        Ok(())
    }

    /// First half of an exchange: what is to be changed or deleted leaves the table.
    async fn displace(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        table: usize,
        done: u64,
    ) -> Result<()> {
        self.record_table(tx, table).await?;
        self.put_all(tx, pending, table, done, ApplyMode::Displace).await?;
        self.delete_all(tx, pending, table, ApplyMode::Displace).await
    }

    /// These tables and those that must be brought in line with them at once. An exchange deletes rows before the
    /// tables that reference them have had their turn; committed alone, it would leave references to nothing until
    /// then, and for good if the run died in between.
    fn exchanged_with(&self, tables: &[usize]) -> Vec<usize> {
        let all: Vec<_> = self.tables.iter().map(|work| &*work.target.table).collect();
        let units = units(&all);
        let mut taken = vec![false; all.len()];
        tables.iter().for_each(|table| taken[*table] = true);
        // Referenced tables come first, so one pass finds the referencing tables of referencing tables.
        for unit in &units {
            let follows = |table: &usize| (0..all.len()).any(|parent| taken[parent] && self.follows(*table, parent));
            if unit.tables.iter().any(|table| taken[*table] || follows(table)) {
                unit.tables.iter().for_each(|table| taken[*table] = true);
            }
        }
        units.iter().flat_map(|unit| &unit.tables).copied().filter(|table| taken[*table]).collect()
    }

    /// Whether what is left to do with `child` may be what keeps its references to `parent` whole while unique values
    /// of `parent` are exchanged: rows go, or the values that are referenced change.
    fn follows(&self, child: usize, parent: usize) -> bool {
        let (child, parent) = (&self.tables[child], &self.tables[parent]);
        let has_work = child.puts > 0 || child.deletes > 0 || child.action != Action::Differences;
        let key: Vec<_> = parent.target.key.iter().map(|at| parent.target.columns[*at]).collect();
        let table = &parent.target.table;
        let is_of_key = |name: &String| table.column(name).is_some_and(|column| key.contains(&column));
        let loses_rows = parent.deletes > 0 || matches!(parent.action, Action::Empty(_));
        let mut references = child.target.table.references_to(&table.name);
        has_work && references.any(|to| loses_rows || !to.parent_columns.iter().all(is_of_key))
    }
}
