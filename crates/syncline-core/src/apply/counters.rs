//! Counters of the row numbers that were given out (SQLite's AUTOINCREMENT): where a run leaves them, and how an undo puts
//! them back. A number that somebody else was given since must not be given out twice, so a counter goes back only from
//! where the run has left it.

use super::holds::Attempt;
use super::{Applier, Pending};
use crate::error::Result;
use crate::state::CounterRecord;
use crate::store::{Transaction, Writer};

/// What the sequence of a table was before the run that is taken back, and where that run has left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The number before; `None` where none had been given out.
    pub before: Option<i64>,
    /// Where the run, or what has taken back a part of it since, has left it.
    pub counter: Counter,
}

/// Where the transactions of a run have left the sequence of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The number; `None` where none was given out.
    pub left: Option<i64>,
    /// Somebody else has given out numbers in between, or nobody knows.
    pub is_shared: bool,
}

impl Pending {
    /// Takes note of a sequence before the transaction has changed it.
    pub(super) fn found_counter(&mut self, table: usize, sequence: Option<i64>) {
        self.counters.entry(table).or_insert(sequence);
    }

    /// Whether all rows that the transaction has put into a table are gone from it again.
    fn leaves_nothing(&self, table: usize) -> bool {
        if let Some(load) = self.loads.iter().find(|load| load.table == table) {
            return load.left_nothing();
        }
        let taken_out: u64 = self.taken_out.iter().filter(|(other, _)| *other == table).map(|(_, rows)| rows).sum();
        let written = self.written.iter().filter(|(other, _)| *other == table);
        let (inserted, updated) =
            written.fold((0, 0), |sums, (_, counts)| (sums.0 + counts.inserted, sums.1 + counts.updated));
        taken_out > 0 && inserted == taken_out && updated == 0
    }
}

impl Applier<'_> {
    /// The last thing that is done in a transaction: where it leaves the sequences is kept. Where none of its rows stays,
    /// no number was given out.
    pub(super) async fn keep_counters(
        &self,
        tx: &mut dyn Transaction,
        pending: &Pending,
    ) -> Result<Vec<(usize, Counter)>> {
        let mut counters = Vec::new();
        for (table, before) in &pending.counters {
            let name = &self.tables[*table].target.table.name;
            if pending.leaves_nothing(*table) {
                tx.restore_sequence(name, *before).await?;
            }
            let left = tx.sequence(name).await?;
            let earlier = self.counters[*table];
            let is_shared = earlier.is_some_and(|earlier| earlier.is_shared || earlier.left != *before);
            if let Some(evidence) = self.context.evidence {
                let record = CounterRecord { table: self.name(*table).to_owned(), left, is_shared };
                evidence.record_counter(pending.number, &record).await?;
            }
            counters.push((*table, Counter { left, is_shared }));
        }
        Ok(counters)
    }

    /// Puts back the sequences of tables whose rows are all back, where they still stand where they were left.
    pub(crate) async fn restore_sequences(&mut self, writer: &mut dyn Writer) -> Result<()> {
        let is_whole = |table: &usize| {
            let outcome = &self.outcomes[*table];
            outcome.error.is_none() && outcome.moved + outcome.held == 0
        };
        let own = |table: usize| {
            let counter = self.counters[table].filter(|counter| !counter.is_shared)?;
            Some((table, self.tables[table].sequence?.before, counter.left))
        };
        let own: Vec<_> = (0..self.tables.len()).filter(is_whole).filter_map(own).collect();
        if own.is_empty() {
            return Ok(());
        }
        while self.put_back(&own, writer).await? != Attempt::Done {}
        Ok(())
    }

    /// One transaction that puts sequences back: each with what it was before, and where it was left.
    async fn put_back(
        &mut self,
        own: &[(usize, Option<i64>, Option<i64>)],
        writer: &mut dyn Writer,
    ) -> Result<Attempt> {
        let mut pending = self.pending();
        let mut tx = writer.begin().await?;
        let worked = async {
            for (table, before, left) in own {
                let name = &self.tables[*table].target.table.name;
                if before != left && tx.sequence(name).await? == *left {
                    pending.found_counter(*table, *left);
                    tx.restore_sequence(name, *before).await?;
                }
            }
            Ok(Attempt::Done)
        };
        let worked = worked.await;
        if worked.is_ok() && pending.counters.is_empty() {
            // There is nothing to commit.
            return worked;
        }
        self.conclude(tx, pending, worked).await
    }
}
