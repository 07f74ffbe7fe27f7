//! What a run that follows has come to so far.

use std::collections::BTreeMap;

use syncline_core::error::Result;
use syncline_core::event::{Followed, FollowedTable};
use syncline_core::store::Consumer;

use crate::decide::{Decision, Link};
use crate::run::Worked;
use crate::summary::{Summary, TableSummary};

/// The windows of a run taken together.
#[derive(Default)]
pub(super) struct Totals {
    tables: BTreeMap<String, TableSummary>,
    /// The last transaction that is durable in the target.
    pub(super) last_batch: u64,
    /// The last number that was given to one.
    pub(super) last_number: u64,
    /// What the source is yet to be told.
    told: Option<Consumer>,
    has_said: bool,
}

impl Totals {
    /// What a run has carried, in the words of one that follows.
    pub(super) fn of(summary: &Summary, now_ms: i64) -> Followed {
        Followed { tables: summary.tables.iter().filter_map(followed).collect(), at_ms: now_ms, lag_ms: None }
    }

    /// The source is told once where the target stands: whoever came before may have been cut off before it could say so.
    pub(super) fn stands(&mut self, link: &Link) {
        if !std::mem::replace(&mut self.has_said, true) {
            self.is_told(link.consumer(&link.stands()));
        }
    }

    /// Adds a window that ended at this moment, and says what was carried in it and whether it failed.
    pub(super) fn add(&mut self, decision: &Decision, worked: Worked, now_ms: i64) -> (Followed, Result<()>) {
        let tables: Vec<FollowedTable> = worked.tables.iter().filter_map(followed).collect();
        if let Some(link) = &decision.link {
            self.is_told(link.consumer(&worked.moved(link)));
        }
        let oldest = decision.tables.iter().filter_map(|decided| decided.incremental?.oldest_ms).min();
        for table in worked.tables {
            match self.tables.get_mut(&table.table) {
                Some(sum) => add(sum, table),
                None => drop(self.tables.insert(table.table.clone(), table)),
            }
        }
        let lag_ms = oldest.map(|oldest| u64::try_from(now_ms - oldest).unwrap_or(0));
        (Followed { tables, at_ms: now_ms, lag_ms }, worked.end)
    }

    /// What the source is to be told now, once.
    pub(super) fn consumer(&mut self) -> Option<Consumer> {
        self.told.take()
    }

    /// As what the run is recorded.
    pub(super) fn worked(self) -> Worked {
        let tables = self.tables.into_values().collect();
        Worked { tables, ..Worked::whole(Ok(()), self.last_batch > 0) }
    }

    fn is_told(&mut self, consumer: Option<Consumer>) {
        match (&mut self.told, consumer) {
            (Some(told), Some(consumer)) => told.positions.extend(consumer.positions),
            (told, consumer) => *told = told.take().or(consumer),
        }
    }
}

fn followed(table: &TableSummary) -> Option<FollowedTable> {
    let TableSummary { inserted, updated, deleted, held, .. } = *table;
    let table = FollowedTable { table: table.table.clone(), inserted, updated, deleted, held };
    (inserted + updated + deleted + held > 0).then_some(table)
}

/// Rows that are held are tried again by each window, so the last one knows how many there are.
fn add(sum: &mut TableSummary, table: TableSummary) {
    *sum = TableSummary {
        inserted: sum.inserted + table.inserted,
        updated: sum.updated + table.updated,
        deleted: sum.deleted + table.deleted,
        conflicts: sum.conflicts + table.conflicts,
        ..table
    };
}
