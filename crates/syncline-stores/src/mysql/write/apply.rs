//! Conditional changes, a batch at a time: the rows go to a stage, what stands in their places is locked, read and held
//! against the expectations here, and what may be written is then written by one statement. What that statement is refused
//! for is found by halves.

pub(super) mod copies;
mod delete;
mod exchange;
mod moved;
mod put;
mod stored;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Image, Refusal, TableTask};
use syncline_core::limits;
use syncline_core::store::Sighting;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Kind, Row, RowBatch, ValueRef, exact};

use super::open::Open;
use super::picked::Picked;
use super::session::bug;
use super::stage::{NUMBER, Stage, number};
use super::target::{Target, key_columns};
use crate::fitted::{Seen, Shown};
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::refused::{Objection, Refused, split};
use crate::standing::Found;

/// Nobody changes the rows that were found, nor adds one where none was.
const LOCK: &str = "FOR UPDATE";

/// Nobody changes the rows that were found, and others may look at them in the same way.
pub(super) const SHARE: &str = "LOCK IN SHARE MODE";

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
    let target = open.target(&task.table).await?;
    let takes_away = matches!(batch, ChangeBatch::Delete(_)) || mode == ApplyMode::Displace;
    if !takes_away || !target.referenced.is_checked_by_server() {
        return carry_out(open, task, target, batch, mode).await;
    }
    open.session.check_references().await?;
    let done = carry_out(open, task, target, batch, mode).await;
    let settled = open.session.leave_references_unchecked().await;
    let applied = done?;
    settled.map(|()| applied)
}

async fn carry_out(
    open: &mut Open<'_>,
    task: &TableTask,
    target: Arc<Target>,
    batch: ChangeBatch,
    mode: ApplyMode,
) -> Attempt<Applied> {
    let columns = match &batch {
        ChangeBatch::Put(_) => task.columns.clone(),
        ChangeBatch::Delete(_) => key_columns(task),
    };
    let stage = open.stage(&target, &columns);
    let asked = match &batch {
        ChangeBatch::Put(batch) => Asked::Rows(&batch.rows),
        ChangeBatch::Delete(batch) => Asked::Keys(&batch.keys),
    };
    let mut apply = Apply { open, task, target, stage, asked, applied: Applied::default() };
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
    let stage = open.stage(&target, &key_columns(task));
    let mut apply = Apply { open, task, target, stage, asked: Asked::Keys(keys), applied: Applied::default() };
    // A key that does not fit is that of no row.
    apply.stage.fill(apply.open.session, (task, &apply.target), keys).await?;
    let (found, end) = apply.find(keys.len(), SHARE).await?;
    let mut rows = RowBatch::new(task.columns.len());
    let mut seen = Seen::new(task);
    for row in (0..end as u32).filter_map(|number| found.row(number)) {
        rows.push_row(seen.row(row)?.iter())?;
    }
    Ok(Sighting { rows, keys: end })
}

/// Which of the staged rows of a task have their own row in the table: those are locked.
pub(super) async fn staged_rows(
    open: &mut Open<'_>,
    task: &TableTask,
    (target, stage): (&Target, &Stage),
    rows: &RowBatch,
) -> Attempt<BTreeSet<u32>> {
    let (key, mut shown, mut there) = (key_columns(task), Shown::new(task), BTreeSet::new());
    let same = stage.same_key(target, &key);
    let (cells, relation) = (target.listed("t.", &key), stage.relation());
    let query =
        format!("SELECT {cells}, s.{NUMBER} FROM {relation} STRAIGHT_JOIN {} AS t ON {same} {SHARE}", target.table);
    let mut codecs = target.codecs(&key);
    codecs.push(Codec::Int);
    for row in open.session.rows(query, &codecs).await?.rows() {
        let number = number(row.get(key.len()))?;
        let mut found = RowBatch::new(key.len());
        for (at, column) in task.key.iter().enumerate() {
            found.push(shown.of(*column, row.get(at)))?;
        }
        if compare_keys(found.row(0).iter(), rows.row(number as usize).select(&task.key)).is_eq() {
            there.insert(number);
        }
    }
    Ok(there)
}

/// What was staged, as it came.
#[derive(Clone, Copy)]
enum Asked<'b> {
    /// Rows of the task.
    Rows(&'b RowBatch),
    /// Keys.
    Keys(&'b RowBatch),
}

struct Apply<'o, 'w> {
    open: &'o mut Open<'w>,
    task: &'o TableTask,
    target: Arc<Target>,
    stage: Stage,
    asked: Asked<'o>,
    applied: Applied,
}

impl Apply<'_, '_> {
    /// The rows that stand in the places of the first `count` that are staged, locked as told, and how far they were read:
    /// no more at once than fit a batch.
    async fn find(&mut self, count: usize, lock: &str) -> Attempt<(Found, usize)> {
        let end = self.measured(count, lock).await?;
        let numbers: Vec<u32> = (0..end as u32).collect();
        Ok((self.read(&numbers, lock).await?, end))
    }

    /// Locks what there is, and tells how many rows can be gone through at once. Who waits in a circle is told so by the
    /// server.
    async fn measured(&self, count: usize, lock: &str) -> Attempt<usize> {
        self.sized("", lock).await.map(|end| end.map_or(count, |number| number as usize))
    }

    /// How many of these, in whose places rows were locked before, can be read at once.
    async fn page(&self, numbers: &[u32]) -> Attempt<usize> {
        let end = self.sized(&format!("WHERE {}", Picked(numbers)), SHARE).await?;
        Ok(end.map_or(numbers.len(), |end| numbers.partition_point(|number| *number < end)))
    }

    /// The number of the first row that does not fit a batch any more.
    async fn sized(&self, filtered: &str, lock: &str) -> Attempt<Option<u32>> {
        let columns = self.columns_kept();
        let sizes = columns.iter().filter(|column| may_be_large(&self.task.table.columns[**column].kind));
        let sizes = sizes.map(|column| format!("COALESCE(OCTET_LENGTH(t.{}), 0)", self.target.column(*column).name));
        let size = std::iter::once("0".to_owned()).chain(sizes).collect::<Vec<_>>().join(" + ");
        let sql = format!("SELECT s.{NUMBER}, {size} {} {filtered} ORDER BY s.{NUMBER} {lock}", self.from());
        let (mut room, mut is_any) = (limits::BATCH_BYTES as i64, false);
        for row in self.open.session.numbers(sql).await? {
            let [number, size] = row[..] else { return Err(bug("two numbers were asked for")) };
            room -= size + 16 * columns.len() as i64;
            if room < 0 && is_any {
                return Ok(Some(number as u32));
            }
            is_any = true;
        }
        Ok(None)
    }

    /// The rows that stand in the places of these, as they are by now. The server also shows what it only takes for equal.
    async fn read(&self, numbers: &[u32], lock: &str) -> Attempt<Found> {
        if numbers.is_empty() {
            return Ok(Found::nothing());
        }
        let columns = self.columns_kept();
        let query = format!(
            "SELECT {}, s.{NUMBER} {} WHERE {} ORDER BY s.{NUMBER} {lock}",
            self.target.listed("t.", &columns),
            self.from(),
            Picked(numbers)
        );
        let mut codecs = self.target.codecs(&columns);
        codecs.push(Codec::Int);
        let rows = self.open.session.rows(query, &codecs).await?;
        let (mut at, mut seen) = (HashMap::new(), Seen::new(self.task));
        for (position, row) in rows.rows().enumerate() {
            let number = number(row.get(columns.len()))?;
            if self.is_key_of(number, seen.row(row)?) && at.insert(number, position).is_some() {
                return Err(bug("a key is that of two rows"));
            }
        }
        Ok(Found { rows, at })
    }

    /// Whether a row of the task has the very key that was staged with this number.
    fn is_key_of(&self, number: u32, row: Row<'_>) -> bool {
        self.has_key(number, row.select(&self.task.key))
    }

    fn has_key<'v>(&self, number: u32, found: impl Iterator<Item = ValueRef<'v>>) -> bool {
        match self.asked {
            Asked::Rows(rows) => compare_keys(found, rows.row(number as usize).select(&self.task.key)).is_eq(),
            Asked::Keys(keys) => compare_keys(found, keys.row(number as usize).iter()).is_eq(),
        }
    }

    /// The columns of the task and those that are kept.
    fn columns_kept(&self) -> Vec<usize> {
        self.task.columns.iter().chain(&self.task.mapped.kept).copied().collect()
    }

    /// Staged rows `s` with the rows `t` that have their keys, as what stands behind a list. The staged ones are gone through,
    /// and for each the table is looked into: the server may not turn that around, and lock the whole table.
    fn from(&self) -> String {
        format!("FROM {}", self.joined())
    }

    fn joined(&self) -> String {
        let same = self.stage.same_key(&self.target, &key_columns(self.task));
        format!("{} STRAIGHT_JOIN {} AS t ON {same}", self.stage.relation(), self.target.table)
    }

    /// Writes by statements for some of the staged rows, and finds those that are refused.
    async fn write(&self, numbers: &[u32], sql: impl Fn(&Picked<'_>) -> Vec<String> + Send) -> Attempt<Vec<Refused>> {
        let (mut left, mut refused) = (vec![numbers], Vec::new());
        while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
            let written = self.open.session.write(&self.target.name, &sql(&Picked(half))).await?;
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
    async fn insert(&self, numbers: &[u32]) -> Attempt<Vec<Refused>> {
        let (names, cells) = (self.target.listed("", &self.task.columns), self.target.listed("s.", &self.task.columns));
        self.write(numbers, |picked| {
            let (table, relation) = (&self.target.table, self.stage.relation());
            vec![format!(
                "INSERT INTO {table} ({names}) SELECT {cells} FROM {relation} WHERE {picked} ORDER BY s.{NUMBER}"
            )]
        })
        .await
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

/// Whether values of this kind may be so large that it has to be asked.
fn may_be_large(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Text { .. }
            | Kind::Bytes
            | Kind::Json { .. }
            | Kind::Other { .. }
            | Kind::Flexible(_)
            | Kind::Decimal { .. }
    )
}
