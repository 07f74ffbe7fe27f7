//! What binds a plan: digests of changes, of ranges of them, and of what tables look like.

use std::fmt::Write;

use syncline_core::change::{Operation, PlannedChange, RowDigest, TableTask, copies};
use xxhash_rust::xxh3::xxh3_128;

use crate::decide::Decided;

/// Covers what is done to which row, what the target's row was, and what it becomes. Of copies of a row it makes no
/// difference which one is meant, so all of them have one digest.
pub(super) fn of_change(change: &PlannedChange, is_multiset: bool) -> u128 {
    let mut bytes = Vec::with_capacity(40 + change.key.len());
    bytes.push(match change.operation {
        Operation::Insert => 0,
        Operation::Update => 1,
        Operation::Delete => 2,
    });
    for digest in [change.seen, change.becomes] {
        bytes.push(u8::from(digest.is_some()));
        bytes.extend(digest.unwrap_or(RowDigest(0)).0.to_le_bytes());
    }
    bytes.extend(row_of(change, is_multiset));
    xxh3_128(&bytes)
}

/// What the row of a change is called, in the exact encoding: its key, or what all its copies have in common.
pub(super) fn row_of(change: &PlannedChange, is_multiset: bool) -> Vec<u8> {
    if is_multiset { copies::name_of(&change.key) } else { change.key.clone() }
}

/// The number of changes and the sum of their digests, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RangeSum {
    pub(super) changes: u64,
    sum: u128,
}

impl RangeSum {
    /// Adds a change.
    pub(super) fn add(&mut self, digest: u128) {
        self.changes += 1;
        self.sum = self.sum.wrapping_add(digest);
    }

    /// The digest of all that were added.
    pub(super) fn digest(self) -> String {
        super::hex(self.sum)
    }
}

/// Covers the columns carried, those that are added, and all that decides what the target makes of them.
pub(super) fn of_tables(decided: &Decided) -> String {
    let mut text = String::new();
    for task in [&decided.work.source, &decided.work.target] {
        describe(task, &mut text);
    }
    super::hex(xxh3_128(text.as_bytes()))
}

fn describe(task: &TableTask, text: &mut String) {
    let table = &task.table;
    let columns: Vec<_> = task.columns.iter().map(|column| &table.columns[*column]).collect();
    writeln!(text, "{:?} {:?} {columns:?} {:?}", table.name, table.definition, task.key)
        .expect("BUG: writing to a string failed");
    writeln!(text, "{:?} {:?} {:?}", table.uniques, table.foreign_keys, table.checks)
        .expect("BUG: writing to a string failed");
}
