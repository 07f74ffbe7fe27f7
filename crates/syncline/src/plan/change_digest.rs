//! What binds a plan: digests of changes, of ranges of them, and of what tables look like.

use std::fmt::Write;

use syncline_core::change::{Operation, PlannedChange, RowDigest, TableTask};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::decide::Decided;

/// Covers what is done to which row, what the target's row was, and what it becomes.
pub(super) fn of_change(change: &PlannedChange) -> u128 {
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
    bytes.extend(&change.key);
    xxh3_128(&bytes)
}

/// The digest of changes in their order.
#[derive(Default)]
pub(super) struct RangeDigest(Xxh3);

impl RangeDigest {
    /// Adds the next change.
    pub(super) fn add(&mut self, change: &PlannedChange) {
        self.0.update(&of_change(change).to_le_bytes());
    }

    /// The digest of all that were added.
    pub(super) fn finish(&self) -> u128 {
        self.0.digest128()
    }
}

/// Covers the columns carried, those that are added, and all that decides what the target makes of them.
pub(super) fn of_tables(decided: &Decided) -> String {
    let mut text = String::new();
    for task in [&decided.work.source, &decided.work.target] {
        describe(task, &mut text);
    }
    for added in &decided.added {
        writeln!(text, "{:?}", added.statement).expect("BUG: writing to a string failed");
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
