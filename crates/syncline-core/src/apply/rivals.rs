//! Rows that are in the way of others, because they have a unique value that those are to get.
//!
//! Who is in the way is asked of the store. A row that is held because of another awaits it: should that one be held too,
//! both are carried together. Should it be taken out of the transaction, nothing is in the way any more.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;

use super::left_out::{Cause, LeftOut, key_form_of};
use super::pages::Pages;
use super::references::named_key;
use super::{Action, Applier, Pending, TableWork};
use crate::change::{PlannedChange, Reason, Refusal, keys_of};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::state::{Awaited, ChangeKind};
use crate::store::Transaction;
use crate::value::{RowBatch, exact};

/// Keys of rows that are in the way, by table and their forms.
pub(super) type InTheWay = HashMap<usize, HashSet<Vec<u8>>>;

/// Rows by the form of the key of one that is in their way.
type Waiting = HashMap<Vec<u8>, Vec<Wait>>;

/// A row and one that has a unique value it is to get, by their keys in the exact encoding.
struct Wait {
    row: Vec<u8>,
    rival: Vec<u8>,
}

impl Pending {
    /// Remembers which rows have kept others out of the table.
    pub(super) fn remember_rivals(&mut self, table: usize, causes: &[Cause]) {
        for rival in rivals_in(causes) {
            let rivals = self.in_the_way.entry(table).or_default();
            if rivals.len() < limits::RIVALS_MAX {
                rivals.insert(rival);
            }
        }
    }

    /// Whether a row has kept others out of the table: in this transaction, or before some were left out.
    pub(super) fn is_in_the_way(&self, table: usize, left_out: &LeftOut, key: &[u8]) -> bool {
        let form = key_form_of(key);
        left_out.in_the_way.contains(&form) || self.in_the_way.get(&table).is_some_and(|rivals| rivals.contains(&form))
    }
}

impl Applier<'_> {
    /// What is left out stays as it is, and keeps its unique values. So rows that are to get one of those are left out
    /// too, and those that wait for theirs. They are found all at once, because such a chain may be as long as the table:
    /// think of positions that all move up by one.
    pub(super) async fn leave_out_waiting(
        &mut self,
        tx: &mut dyn Transaction,
        parts: &[(usize, ChangeKind)],
    ) -> Result<()> {
        for (table, kind) in parts.iter().copied() {
            let work = &self.tables[table];
            if work.action != Action::Differences || work.target.is_multiset() || self.left_out[table].is_empty() {
                continue;
            }
            let waiting = self.waiting(tx, table, kind).await?;
            self.left_out[table].follow(work, waiting);
        }
        Ok(())
    }

    /// Which rows wait for which, as the table was before the exchange.
    async fn waiting(&mut self, tx: &mut dyn Transaction, table: usize, kind: ChangeKind) -> Result<Waiting> {
        let (mut waiting, mut known, mut pages) = (Waiting::new(), 0, Pages::of(table, kind));
        while known < limits::RIVALS_MAX
            && let Some(page) = self.next_page(&mut pages).await?
        {
            let (page, _) = self.left_out[table].split(&page);
            for wait in self.waits_of(tx, table, &page).await? {
                known += 1;
                waiting.entry(key_form_of(&wait.rival)).or_default().push(wait);
            }
        }
        Ok(waiting)
    }

    async fn waits_of(&mut self, tx: &mut dyn Transaction, table: usize, page: &[PlannedChange]) -> Result<Vec<Wait>> {
        let Self { tables, source, .. } = self;
        let work = &tables[table];
        let keys = keys_of(page, work.source.key_width())?;
        let mut batches = source.by_keys(&work.source, &keys).await?;
        let mut waits = Vec::new();
        while let Some(rows) = batches.next().await.transpose()? {
            if is_huge(&rows) {
                continue;
            }
            let rivals = tx.rivals(&work.target, &rows).await?;
            for (row, rivals) in rows.rows().zip(rivals) {
                let row = exact::encode_row(row.select(&work.source.key));
                waits.extend(rivals.into_iter().map(|rival| Wait { row: row.clone(), rival }));
            }
        }
        Ok(waits)
    }
}

impl LeftOut {
    /// Leaves out what waits for rows that are left out, and so on.
    fn follow(&mut self, work: &TableWork, mut waiting: Waiting) {
        let mut staying: Vec<Vec<u8>> = self.puts().keys().chain(self.deletes.keys()).cloned().collect();
        while let Some(form) = staying.pop() {
            for wait in waiting.remove(&form).into_iter().flatten() {
                let form = key_form_of(&wait.row);
                if self.puts().contains_key(&form) {
                    continue;
                }
                let place = named_key(&work.target, &wait.rival);
                let words = format!("{place} has a unique value that this row is to get, and is held");
                let awaits = vec![awaited(work, wait.rival)];
                self.leave([(wait.row, Cause { reason: Reason::Unique, words, awaits })]);
                staying.push(form);
            }
        }
    }
}

/// The rows that are in the way of others, by [`key_form_of`] their keys.
pub(super) fn rivals_in(causes: &[Cause]) -> impl Iterator<Item = Vec<u8>> {
    let causes = causes.iter().filter(|cause| cause.reason == Reason::Unique);
    causes.flat_map(|cause| &cause.awaits).map(|awaited| key_form_of(&awaited.values))
}

/// For each refused row, those that have a unique value it was to get.
pub(super) async fn rivals_of(
    tx: &mut dyn Transaction,
    work: &TableWork,
    refused: &[Refusal],
) -> Result<Vec<Vec<Awaited>>> {
    let mut awaits = vec![Vec::new(); refused.len()];
    let mut rows = RowBatch::new(work.target.columns.len());
    let mut asked = Vec::new();
    for (at, refusal) in refused.iter().enumerate().filter(|(_, refusal)| refusal.reason == Reason::Unique) {
        let is_asked = |row: &&[u8]| !work.target.is_multiset() && row.len() <= limits::BATCH_BYTES;
        if let Some(row) = refusal.row.as_deref().filter(is_asked) {
            rows.push_row(exact::decode_row(row).map_err(unreadable)?)?;
            asked.push(at);
        }
    }
    if asked.is_empty() {
        return Ok(awaits);
    }
    for (at, rivals) in asked.into_iter().zip(tx.rivals(&work.target, &rows).await?) {
        awaits[at] = rivals.into_iter().map(|rival| awaited(work, rival)).collect();
    }
    Ok(awaits)
}

/// Whether it is one row larger than a batch: nobody is asked who is in its way, because that takes the row several times.
pub(super) fn is_huge(rows: &RowBatch) -> bool {
    rows.len() == 1 && rows.bytes() > limits::BATCH_BYTES
}

/// A row of the table, as one that another waits for.
fn awaited(work: &TableWork, key: Vec<u8>) -> Awaited {
    let task = &work.target;
    let names: Vec<_> = task.column_names().collect();
    let columns = task.key.iter().map(|at| names[*at].to_owned()).collect();
    Awaited { table: task.table.name.clone(), columns, values: key }
}

pub(super) fn unreadable(error: exact::DecodeError) -> Error {
    Error::new(Code::Internal, "a row that was left out cannot be read").caused_by(error)
}
