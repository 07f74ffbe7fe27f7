//! Rows that are left out of a transaction before anything is tried with them.

use std::collections::{HashMap, HashSet};

use super::TableWork;
use crate::change::{Applied, Operation, PlannedChange, Reason, Refusal};
use crate::error::Result;
use crate::state::{Awaited, ChangeKind, HeldRow};
use crate::value::{RowBatch, ValueRef, canonical, exact};

/// Why a row is left out before anything is tried with it.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    pub(super) words: String,
    pub(super) awaits: Vec<Awaited>,
}

/// Rows of one table that are left out of the transactions of one unit, by [`key_form`].
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    puts: HashMap<Vec<u8>, Keyed>,
    pub(super) deletes: HashMap<Vec<u8>, Cause>,
    /// Rows that have kept others of these out of the table.
    pub(super) in_the_way: HashSet<Vec<u8>>,
    /// How often some were let in again, because nothing kept them out any more.
    pub(super) looks: usize,
}

/// Why a row is left out, behind its key in the exact encoding.
pub(super) type Keyed = (Vec<u8>, Cause);

/// A planned change and why it is left out.
pub(super) type Excused = (PlannedChange, Cause);

impl LeftOut {
    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// Leaves out rows that were to be put; the first cause counts.
    pub(super) fn leave(&mut self, rows: impl IntoIterator<Item = Keyed>) {
        for (key, cause) in rows {
            self.puts.entry(key_form_of(&key)).or_insert((key, cause));
        }
    }

    /// Leaves out a change of this kind to the row with this key, in the exact encoding.
    pub(super) fn leave_of(&mut self, kind: ChangeKind, key: Vec<u8>, cause: Cause) {
        match kind {
            ChangeKind::Delete => _ = self.deletes.entry(key_form_of(&key)).or_insert(cause),
            ChangeKind::Put | ChangeKind::Deferred => self.leave([(key, cause)]),
        }
    }

    /// Lets a row in again.
    pub(super) fn readmit(&mut self, form: &[u8]) {
        self.puts.remove(form);
    }

    /// The rows that were to be put, by [`key_form`].
    pub(super) fn puts(&self) -> &HashMap<Vec<u8>, Keyed> {
        &self.puts
    }

    fn cause_of(&self, change: &PlannedChange) -> Option<&Cause> {
        let form = key_form_of(&change.key);
        match change.operation {
            Operation::Delete => self.deletes.get(&form),
            Operation::Insert | Operation::Update => self.puts.get(&form).map(|(_, cause)| cause),
        }
    }

    /// Splits a page into what is tried and what is left out.
    pub(super) fn split(&self, page: &[PlannedChange]) -> (Vec<PlannedChange>, Vec<Excused>) {
        if self.is_empty() {
            return (page.to_vec(), Vec::new());
        }
        let (mut tried, mut excused) = (Vec::new(), Vec::new());
        for change in page {
            match self.cause_of(change) {
                Some(cause) => excused.push((change.clone(), cause.clone())),
                None => tried.push(change.clone()),
            }
        }
        (tried, excused)
    }

    /// Splits rows that are to be inserted likewise. Those left out come as they are entered into the ledger.
    pub(super) fn split_rows(&self, work: &TableWork, rows: RowBatch) -> Result<(RowBatch, Vec<HeldRow>)> {
        if self.puts.is_empty() {
            return Ok((rows, Vec::new()));
        }
        let (mut tried, mut held) = (RowBatch::new(rows.width()), Vec::new());
        for row in rows.rows() {
            match self.puts.get(&key_form(row.select(&work.source.key))) {
                Some((key, cause)) => {
                    held.push(cause.entry(Operation::Insert, key.clone(), Some(exact::encode_row(row.iter())), None));
                }
                None => tried.push_row(row.iter())?,
            }
        }
        Ok((tried, held))
    }
}

impl Cause {
    /// The row's entry in the ledger.
    pub(super) fn entry(
        &self,
        operation: Operation,
        key: Vec<u8>,
        source: Option<Vec<u8>>,
        target: Option<Vec<u8>>,
    ) -> HeldRow {
        let Cause { reason, words, awaits } = self.clone();
        HeldRow { operation, key, reason, words, source, target, awaits }
    }
}

/// Takes rows off the list of refused ones that have left the table for an exchange: they should never have left it.
pub(super) fn take_displaced(page: &[PlannedChange], applied: &mut Applied) -> Vec<Refusal> {
    if applied.refused.is_empty() {
        return Vec::new();
    }
    let updates = page.iter().filter(|change| change.operation == Operation::Update);
    let updates: HashSet<_> = updates.map(|change| key_form_of(&change.key)).collect();
    let is_displaced = |refusal: &Refusal| updates.contains(&key_form_of(&refusal.key));
    let (displaced, others) = std::mem::take(&mut applied.refused).into_iter().partition(is_displaced);
    applied.refused = others;
    displaced
}

/// A key in a form in which 1 and 1.0 are the same row.
pub(super) fn key_form<'v>(cells: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut form = Vec::new();
    cells.into_iter().for_each(|cell| canonical::encode(cell, &mut form));
    form
}

/// As [`key_form`], of a key in the exact encoding.
pub(super) fn key_form_of(key: &[u8]) -> Vec<u8> {
    key_form(exact::decode_row(key).unwrap_or_default())
}
