//! The cursors of a run that goes by a log: moved together with the rows, or behind them.
//!
//! Where all that was touched is written in one transaction, they move in it, and readers of the target see the source as it was
//! at one moment after the other. Otherwise they move last: a run that is cut off before is followed by one that looks at the
//! same rows again and finds them equal.

use super::holds::Attempt;
use super::{Applier, Pending};
use crate::error::Result;
use crate::store::{Cursor, Transaction, Writer};

impl Applier<'_> {
    /// Moves the cursors in the transaction that writes all tables of the run.
    pub(super) async fn advance_within(&self, tx: &mut dyn Transaction, pending: &mut Pending) -> Result<()> {
        if self.has_advanced {
            return Ok(());
        }
        let moved = |table: usize| pending.written.iter().any(|(at, counts)| *at == table && counts.moved > 0);
        tx.advance(&self.due(moved)).await?;
        pending.advances = true;
        Ok(())
    }

    /// Moves the cursors that have not moved with their rows, in a transaction of their own.
    pub(crate) async fn advance(&mut self, writer: &mut dyn Writer) -> Result<()> {
        while !self.has_advanced {
            let due = self.due(|table| self.outcomes[table].moved > 0);
            if due.is_empty() {
                break;
            }
            let mut pending = self.pending();
            pending.advances = true;
            let mut tx = writer.begin().await?;
            let advanced = tx.advance(&due).await.map(|()| Attempt::Done);
            self.conclude(tx, pending, advanced).await?;
        }
        Ok(())
    }

    /// The cursors of tables that were written to their end. A row that somebody has changed in the target meanwhile was
    /// left, and is nowhere on record: it is to be looked at again.
    fn due(&self, has_left_rows: impl Fn(usize) -> bool) -> Vec<Cursor> {
        let is_done = |cursor: &&Cursor| {
            let table = self.tables.iter().position(|work| work.source.table.name == cursor.table);
            table.is_some_and(|table| self.outcomes[table].error.is_none() && !has_left_rows(table))
        };
        self.context.cursors.iter().filter(is_done).cloned().collect()
    }
}
