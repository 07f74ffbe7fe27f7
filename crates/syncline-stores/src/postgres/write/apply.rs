//! Conditional changes, a batch at a time: the rows go to a stage, what stands in their places is locked, read and held
//! against the expectations here, and what may be written is then written by one statement. What that statement is refused
//! for is found by halves.

mod delete;
mod exchange;
mod given;
mod moved;
mod put;
mod stored;

use std::collections::HashMap;
use std::sync::Arc;

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Image, Refusal, TableTask};
use syncline_core::limits;
use syncline_core::store::Sighting;
use syncline_core::value::{Row, RowBatch, exact};

use super::copies;
use super::open::Open;
use super::picked::Picked;
use super::session::bug;
use super::stage::Stage;
use super::target::{Target, joined, key_columns};
use crate::fitted::Seen;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::refused::{Objection, Refused, split};
use crate::standing::Found;

/// Writes the changes whose expectation holds, until what is to be returned passes a batch.
pub(super) async fn apply(
    open: &mut Open<'_>,
    task: &TableTask,
    batch: ChangeBatch,
    mode: ApplyMode,
) -> Attempt<Applied> {
    let changes = match &batch {
        ChangeBatch::Put(batch) => batch.rows.len(),
        ChangeBatch::Delete(batch) => batch.keys.len(),
    };
    if changes == 0 {
        return Ok(Applied::default());
    }
    if task.is_multiset() {
        return copies::apply(open, task, batch, mode).await;
    }
    let columns = match &batch {
        ChangeBatch::Put(_) => task.columns.clone(),
        ChangeBatch::Delete(_) => key_columns(task),
    };
    let target = open.target(&task.table).await?;
    let stage = open.stage(&target, &columns).await?;
    let mut apply = Apply { open, task, target, stage, applied: Applied::default() };
    let done = match (&batch, mode) {
        (ChangeBatch::Delete(_), ApplyMode::Place) => return Err(bug("a delete has no second half")),
        (ChangeBatch::Delete(batch), _) => apply.delete(batch).await?,
        (ChangeBatch::Put(batch), _) if batch.expectations.len() != batch.rows.len() => {
            return Err(bug("as many expectations as rows are needed"));
        }
        (ChangeBatch::Put(batch), ApplyMode::InPlace) => apply.put(batch).await?,
        (ChangeBatch::Put(batch), ApplyMode::Displace) => apply.displace(batch).await?,
        (ChangeBatch::Put(batch), ApplyMode::Place) => apply.place(batch).await?,
    };
    let applied = apply.applied;
    Ok(Applied { rest: batch.after(done), ..applied })
}

/// The rows with these keys as they are now, whatever the filter of the task.
pub(super) async fn rows(open: &mut Open<'_>, task: &TableTask, keys: &RowBatch) -> Attempt<Sighting> {
    if keys.is_empty() {
        return Ok(Sighting { rows: RowBatch::new(task.columns.len()), keys: 0 });
    }
    if task.is_multiset() {
        return copies::rows(open, task, keys).await;
    }
    let target = open.target(&task.table).await?;
    let stage = open.stage(&target, &key_columns(task)).await?;
    let mut apply = Apply { open, task, target, stage, applied: Applied::default() };
    // A key that does not fit is that of no row.
    let (_, _) = apply.stage.fill(apply.open.session, (task, &apply.target), keys).await?;
    let (found, end) = apply.find(keys.len(), "").await?;
    let mut rows = RowBatch::new(task.columns.len());
    let mut seen = Seen::new(task);
    for row in found.rows.rows() {
        rows.push_row(seen.row(row)?.iter())?;
    }
    Ok(Sighting { rows, keys: end })
}

struct Apply<'o, 'w> {
    open: &'o mut Open<'w>,
    task: &'o TableTask,
    target: Arc<Target>,
    stage: Stage,
    applied: Applied,
}

impl Apply<'_, '_> {
    /// The rows that stand in the places of the first `count` that are staged, locked as told, and how far they were read:
    /// no more at once than fit a batch.
    async fn find(&mut self, count: usize, lock: &str) -> Attempt<(Found, usize)> {
        let end = self.measured(count, lock).await?;
        let numbers: Vec<u32> = (0..end as u32).collect();
        let found = self.read(&numbers).await?;
        // Sizes are told without looking into compressed values, so there may have been less room than thought.
        let is_cut = found.rows.bytes() > limits::BATCH_BYTES;
        let last = found.at.keys().max().copied();
        let end = if is_cut { last.map_or(end, |last| last as usize + 1) } else { end };
        Ok((found, end))
    }

    /// Locks what there is, and tells how many rows can be gone through at once.
    async fn measured(&mut self, count: usize, lock: &str) -> Attempt<usize> {
        let (relation, same) = (self.stage.relation(&self.target), self.same_key()?);
        let columns = self.columns_kept();
        let size = self.target.columns(&columns).filter_map(|column| {
            let name = format!("t.{}", column.name);
            match (&column.codec, column.type_name.as_str()) {
                (Codec::Bytea, _) | (_, "pg_catalog.text" | "pg_catalog.varchar" | "pg_catalog.bpchar") => {
                    Some(format!("coalesce(octet_length({name}), 0)"))
                }
                (Codec::Json | Codec::Jsonb | Codec::OtherText(_), _) => Some(format!(
                    "CASE WHEN pg_column_size({name}) < {} THEN pg_column_size({name}) \
                     ELSE coalesce(octet_length({name}::text), 0) END",
                    limits::MEASURED_BYTES
                )),
                (Codec::Numeric | Codec::Text, _) => Some(format!("coalesce(pg_column_size({name}), 0)")),
                _ => None,
            }
        });
        let size = std::iter::once("0::int8".to_owned()).chain(size).collect::<Vec<_>>().join(" + ");
        let of = if lock.is_empty() { "" } else { " OF t" };
        let sql = format!(
            "SELECT s.n, {size} FROM {relation} JOIN {} AS t ON {same} ORDER BY s.n {lock}{of}",
            self.target.rows
        );
        let (mut room, mut is_any) = (limits::BATCH_BYTES as i64, false);
        let measured = if lock.is_empty() { self.open.session.numbers(&sql).await? } else { self.locked(&sql).await? };
        for row in measured {
            let [number, size] = row[..] else { return Err(bug("two numbers were asked for")) };
            room -= size + 16 * columns.len() as i64;
            if room < 0 && is_any {
                return Ok(number as usize);
            }
            is_any = true;
        }
        Ok(count)
    }

    /// The numbers of a query that locks rows. Who waits lets go of those it has locked, so that nobody waits in a circle,
    /// unless the transaction has rows from before, which it cannot let go of: then the server looks for the circle.
    async fn locked(&mut self, sql: &str) -> Attempt<Vec<Vec<i64>>> {
        let (wait, attempt) = (limits::LOCK_WAIT.as_millis(), limits::ROW_LOCK_ATTEMPT.as_millis());
        let holds_rows = std::mem::replace(&mut self.open.holds_rows, true);
        let (mut left, attempt) = if holds_rows { (1, wait) } else { (wait / attempt, attempt) };
        let sql = format!(
            "SAVEPOINT _syncline_rows; SET LOCAL lock_timeout = {attempt}; {sql}; \
             SET LOCAL lock_timeout = {wait}; RELEASE SAVEPOINT _syncline_rows"
        );
        loop {
            left -= 1;
            match self.open.session.numbers(&sql).await {
                Err(failure) if failure.is_retryable() && left > 0 => {}
                done => return done,
            }
            self.open.session.run("ROLLBACK TO SAVEPOINT _syncline_rows; RELEASE SAVEPOINT _syncline_rows").await?;
        }
    }

    /// The rows that stand in the places of these, as they are by now.
    async fn read(&self, numbers: &[u32]) -> Attempt<Found> {
        let columns = self.columns_kept();
        let (relation, same) = (self.stage.relation(&self.target), self.same_key()?);
        let query = format!(
            "SELECT {}, s.n FROM {relation} JOIN {} AS t ON {same} WHERE {} ORDER BY s.n",
            self.target.selected(&columns),
            self.target.rows,
            Picked(numbers)
        );
        let mut codecs = self.target.codecs(&columns);
        codecs.push(Codec::Int4);
        let rows = self.open.session.rows(&query, &codecs, limits::BATCH_BYTES).await?;
        let number = |row: Row<'_>| match row.get(columns.len()) {
            syncline_core::value::ValueRef::Int(number) => number as u32,
            _ => u32::MAX,
        };
        let at: HashMap<_, _> = rows.rows().map(number).enumerate().map(|(at, number)| (number, at)).collect();
        if at.len() != rows.len() {
            return Err(bug("a key is that of two rows"));
        }
        Ok(Found { rows, at })
    }

    /// The columns of the task and those that are kept.
    fn columns_kept(&self) -> Vec<usize> {
        self.task.columns.iter().chain(&self.task.mapped.kept).copied().collect()
    }

    fn same_key(&self) -> Attempt<String> {
        self.stage.same_key(&self.target, &key_columns(self.task))
    }

    /// Writes by a statement for some of the staged rows, and finds those that are refused.
    async fn write(&self, numbers: &[u32], sql: impl Fn(&Picked<'_>) -> String + Send) -> Attempt<Vec<Refused>> {
        let (mut left, mut refused) = (vec![numbers], Vec::new());
        while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
            let sql = sql(&Picked(half));
            let written = self.open.session.write(&self.target.name, &sql).await?;
            if written.as_ref().is_ok_and(|rows| *rows != half.len() as u64) {
                let what =
                    format!("{} rows of {} were to be written, and {written:?} were", half.len(), self.target.name);
                return Err(bug(&what));
            }
            split(&mut left, half, written, &mut refused);
        }
        refused.sort_by_key(|(number, _)| *number);
        Ok(refused)
    }

    /// Writes rows that are not there.
    async fn insert(&mut self, numbers: &[u32]) -> Attempt<Vec<Refused>> {
        let (names, relation) = (self.target.listed(&self.task.columns), self.stage.relation(&self.target));
        let cells = joined((0..self.task.columns.len()).map(|at| format!("s.c{at}")));
        let refused = self.write(numbers, |picked| {
            let table = &self.target.table;
            // OVERRIDING, because the keys that an engine gives out are carried like any others.
            format!(
                "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE \
                 SELECT {cells} FROM {relation} WHERE {picked} ORDER BY s.n"
            )
        });
        let refused = refused.await?;
        self.open.filled.insert(self.target.name.clone());
        Ok(refused)
    }

    fn refuse(&mut self, row: Row<'_>, (reason, words): Objection, found: Option<Vec<u8>>) {
        let refusal = Refusal { key: self.key_of(row), reason, words, row: Some(exact::encode_row(row.iter())), found };
        self.applied.refused.push(refusal);
    }

    fn key_of(&self, row: Row<'_>) -> Vec<u8> {
        exact::encode_row(row.select(&self.task.key))
    }

    /// The cells of the row that was found, in the forms of the task.
    fn seen(&self, found: Row<'_>) -> Attempt<Vec<u8>> {
        Ok(exact::encode_row(Seen::new(self.task).row(found)?.iter()))
    }

    /// The row that was found as it is stored, kept cells included.
    fn before(&self, found: Row<'_>) -> Option<Vec<u8>> {
        Some(exact::encode_row(found.iter().take(found.width() - 1)))
    }

    fn keep(&mut self, image: Image) {
        self.applied.images.push(image);
    }
}
