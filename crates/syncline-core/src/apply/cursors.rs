//! The cursors of a run that goes by a log: moved together with the rows, or behind them.
//!
//! Where all that was touched is written in one transaction, they move in it, and readers of the target see the source as it was
//! at one moment after the other. Otherwise they move last: a run that is cut off before is followed by one that looks at the
//! same rows again and finds them equal. An undo takes them away first, so that however it ends, nobody relies on what it has
//! taken back.

use super::holds::Attempt;
use super::{Applier, Pending};
use crate::error::Result;
use crate::store::{Cursor, Transaction, Writer};

/// Which cursors a run moves.
#[derive(Clone, Copy, Debug)]
pub enum Cursors<'a> {
    /// None.
    Kept,
    /// These, before anything is written.
    Before(&'a [Cursor]),
    /// These, once what they stand for is written. The cursor of a table that is not written to its end stays where it is.
    Behind(&'a [Cursor]),
}

impl Applier<'_> {
    /// Moves those that are to move before anything is written.
    pub(crate) async fn take_back_cursors(&mut self, writer: &mut dyn Writer) -> Result<()> {
        match self.context.cursors {
            Cursors::Before(cursors) if !cursors.is_empty() => self.move_alone(cursors, writer).await,
            _ => Ok(()),
        }
    }

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
        let due = self.due(|table| self.outcomes[table].moved > 0);
        if self.has_advanced || due.is_empty() {
            return Ok(());
        }
        self.move_alone(&due, writer).await
    }

    async fn move_alone(&mut self, cursors: &[Cursor], writer: &mut dyn Writer) -> Result<()> {
        loop {
            let pending = self.pending();
            let mut tx = writer.begin().await?;
            let advanced = tx.advance(cursors).await.map(|()| Attempt::Done);
            if self.conclude(tx, pending, advanced).await? == Attempt::Done {
                return Ok(());
            }
        }
    }

    /// The cursors of tables that were written to their end. A row that somebody has changed in the target meanwhile was
    /// left, and is nowhere on record: it is to be looked at again.
    fn due(&self, has_left_rows: impl Fn(usize) -> bool) -> Vec<Cursor> {
        let Cursors::Behind(cursors) = self.context.cursors else { return Vec::new() };
        let is_done = |cursor: &&Cursor| {
            let table = self.tables.iter().position(|work| work.source.table.name == cursor.table);
            table.is_some_and(|table| self.outcomes[table].error.is_none() && !has_left_rows(table))
        };
        cursors.iter().filter(is_done).cloned().collect()
    }
}
