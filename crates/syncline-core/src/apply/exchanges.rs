//! Rows that exchange unique values: whoever gives one up leaves the table before anyone takes it over.

use super::holds::Attempt;
use super::order::{Unit, units};
use super::{Action, Applier, Pending, entangled};
use crate::change::ApplyMode;
use crate::error::Result;
use crate::limits;
use crate::state::ChangeKind;
use crate::store::{Transaction, Writer};

impl Applier<'_> {
    /// All that is left to do with some tables in one transaction, after a unique value has been in the way: rows to be
    /// changed or deleted leave their tables first and enter again afterwards. Of the tables named, the puts of `kind` are
    /// left.
    pub(super) async fn exchange(&mut self, tables: &[usize], kind: ChangeKind, writer: &mut dyn Writer) -> Result<()> {
        let kind_of = |table: usize| if tables.contains(&table) { kind } else { ChangeKind::Put };
        let parts: Vec<_> = self.exchanged_with(tables).into_iter().map(|table| (table, kind_of(table))).collect();
        let mut rounds = 0;
        while rounds < limits::HOLD_ROUNDS_MAX {
            rounds = match self.try_exchange(&parts, writer).await? {
                Attempt::Done => {
                    for (table, _) in parts {
                        self.puts_done[table] = true;
                        self.deletes_done[table] = true;
                    }
                    return Ok(());
                }
                Attempt::Anew => 0,
                Attempt::Again | Attempt::Clash => rounds + 1,
            };
        }
        Err(entangled(self.name(tables[0])))
    }

    async fn try_exchange(&mut self, parts: &[(usize, ChangeKind)], writer: &mut dyn Writer) -> Result<Attempt> {
        let tables: Vec<_> = parts.iter().map(|(table, _)| *table).collect();
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let written = async {
            self.check_still_empty(&mut *tx, &tables).await?;
            self.keep_refilled(&mut *tx, &mut pending, &tables).await?;
            self.find_wanted(&mut *tx).await?;
            let before = self.dangling_before(&mut *tx, &tables).await?;
            if self.empty_loaded(&mut *tx, &mut pending, &tables).await? == Attempt::Again {
                return Ok(Attempt::Again);
            }
            // Before parents leave their tables: what then points at nothing does so for the moment only.
            for (table, kind) in parts.iter().copied() {
                self.mark_all_dangling(&mut *tx, &mut pending, table, kind).await?;
            }
            self.leave_out_waiting(&mut *tx, parts).await?;
            self.make_room(&mut *tx, &mut pending, parts).await?;
            let mut attempt = Attempt::Done;
            for (table, kind) in parts.iter().copied() {
                if self.tables[table].action == Action::Differences
                    && self.put_all(&mut *tx, &mut pending, table, kind, ApplyMode::Place).await? == Attempt::Again
                {
                    attempt = Attempt::Again;
                }
            }
            // Rows this transaction has put go first: what is referenced then is referenced by rows that stay.
            if attempt == Attempt::Done {
                attempt = self.hold_all_dangling(&mut *tx, &mut pending, parts).await?;
            }
            if attempt == Attempt::Done {
                attempt = self.leave_out_referenced(&mut *tx, &tables, &before).await?;
            }
            if attempt == Attempt::Done {
                attempt = self.look_again(&mut *tx, &tables).await?;
            }
            self.record_loads(&pending).await?;
            Ok(attempt)
        };
        let written = written.await;
        self.conclude(tx, pending, written).await
    }

    /// Everything that has to leave leaves, and tables that were empty are loaded.
    async fn make_room(
        &mut self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        parts: &[(usize, ChangeKind)],
    ) -> Result<()> {
        for (table, kind) in parts.iter().copied() {
            match self.tables[table].action {
                Action::Empty(_) => {}
                Action::Load { create: false } if self.tables[table].puts == 0 => {}
                Action::Load { create } => self.load(tx, pending, table, create).await?,
                Action::Refill => self.refill(tx, pending, table).await?,
                Action::Differences => {
                    self.record_table(tx, pending, table).await?;
                    self.put_all(tx, pending, table, kind, ApplyMode::Displace).await?;
                    self.delete_all(tx, pending, table, ApplyMode::Displace).await?;
                }
            }
        }
        Ok(())
    }

    /// These tables and those that must be brought in line with them at once. An exchange deletes rows before the
    /// tables that reference them have had their turn; committed alone, it would leave references to nothing until
    /// then, and for good if the run died in between. A table that comes along may in turn reference rows that other
    /// tables have yet to put, so those come along too.
    pub(super) fn exchanged_with(&self, tables: &[usize]) -> Vec<usize> {
        let all: Vec<_> = self.tables.iter().map(|work| &*work.target.table).collect();
        let units = units(&all);
        let mut taken = vec![false; all.len()];
        tables.iter().for_each(|table| taken[*table] = true);
        loop {
            let comes_along = |table: &usize| {
                let is_tied = |other: usize| taken[other] && (self.follows(*table, other) || self.feeds(*table, other));
                taken[*table] || (0..all.len()).any(is_tied)
            };
            let is_new =
                |unit: &&Unit| unit.tables.iter().any(comes_along) && !unit.tables.iter().all(|table| taken[*table]);
            let new: Vec<usize> = units.iter().filter(is_new).flat_map(|unit| &unit.tables).copied().collect();
            if new.is_empty() {
                break;
            }
            new.into_iter().for_each(|table| taken[table] = true);
        }
        units.iter().flat_map(|unit| &unit.tables).copied().filter(|table| taken[*table]).collect()
    }

    /// Whether `parent` has rows yet to put that rows of `child` may reference.
    fn feeds(&self, parent: usize, child: usize) -> bool {
        let name = &self.tables[parent].target.table.name;
        let has_puts = self.tables[parent].puts > 0 || self.tables[parent].action != Action::Differences;
        has_puts && !self.puts_done[parent] && self.tables[child].target.table.references_to(name).next().is_some()
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
