//! Keys and digests of a table in key order.

pub(super) mod borders;
pub(super) mod copies;
mod order;
mod ranges;
mod sorted;

use syncline_core::change::{RowDigest, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{DigestBatch, Flow, KeyRange};
use syncline_core::value::key_order::compare_key_rows;
use syncline_core::value::{RowBatch, ValueRef, exact};

use super::codec::Cells;
use super::names::quoted;
use super::snapshot::cells::Lens;
use super::snapshot::lookup;
use super::snapshot::select::{self, Selected, filtered};
use super::snapshot::stream::{Load, Outlet};
use super::snapshot::view::Sight;

impl Load for DigestBatch {
    fn bytes(&self) -> usize {
        self.keys.bytes()
    }
}

/// Hands over the digests of all rows that take part, or of those in some ranges. `false` when nobody wants more.
///
/// # Errors
/// `KEY_NULL` when a key cell is NULL. NULLs come first, so this is known before anything is compared. `TABLE_NO_KEY`
/// when rows have neither key nor place.
pub(super) async fn stream(
    sight: Sight,
    task: TableTask,
    ranges: Option<Vec<KeyRange>>,
    outlet: Outlet<DigestBatch>,
) -> Result<bool> {
    if task.is_multiset() {
        return copies::stream(sight, task, outlet).await;
    }
    let ground = sight.ground(&task).await?;
    let is_ranged = ranges.is_some();
    let is_delivered = is_ranged || order::is_delivered(&task);
    let mut selected = Selected::columns(&task, "", outlet.flow().value_bytes)?;
    // Keys nearly always stand in the order of their columns, and are then kept in passing. Else they come once more.
    let in_passing = task.key.is_sorted();
    if !in_passing {
        for column in &task.key {
            let (item, codec) = select::cell(&task.table.columns[task.columns[*column]], "")?;
            selected.push(item, codec);
        }
    }
    let list = selected.list();
    let queries = match ranges {
        None => {
            let order = match is_delivered {
                true => format!(" ORDER BY {}", order::terms(&sight, &task, &ground).await?),
                false => String::new(),
            };
            vec![format!("SELECT {list} FROM {}{}{order}", ground.table, filtered(&task, None)?)]
        }
        Some(ranges) => {
            sight.session.rows(ranges::BY_INDEX).await?;
            ranges::queries(&task, &ground, &list, &ranges)?
        }
    };
    let mut rows = Rows {
        task: &task,
        lens: Lens::of(&task, selected.value_bytes),
        flow: outlet.flow(),
        in_passing,
        is_delivered,
        batch: empty(task.key.len()),
        scratch: Vec::new(),
    };
    for query in queries {
        let codecs = selected.codecs.clone();
        if !is_delivered {
            return sorted::stream(&sight, &outlet, (&query, codecs), rows).await;
        }
        if !outlet.copy(&sight.session, &query, codecs, |cells| rows.add(cells)).await? {
            return Ok(false);
        }
    }
    if is_ranged {
        sight.session.rows(ranges::AS_EVER).await?;
    }
    let last = rows.batch;
    Ok(last.digests.is_empty() || outlet.send(last).await)
}

/// Looks for NULL in the key, where the table's definition does not rule it out.
///
/// # Errors
/// `KEY_NULL`, and `TABLE_NO_KEY` when rows have neither key nor place.
pub(super) async fn check_key(sight: &Sight, task: &TableTask) -> Result<()> {
    let ground = sight.ground(task).await?;
    if task.is_multiset() {
        return select::place(task, &ground).map(drop);
    }
    for column in &task.key {
        let described = &task.table.columns[task.columns[*column]];
        if !described.nullable {
            continue;
        }
        let is_null = format!("{} IS NULL", quoted(&described.name)?);
        let filtered = filtered(task, Some(&is_null))?;
        let row = sight.session.row(&format!("SELECT EXISTS (SELECT 1 FROM {}{filtered})", ground.table)).await?;
        if row.get(0) == Some("t") {
            return Err(null_key(task, *column));
        }
    }
    Ok(())
}

/// Rows on their way into batches.
struct Rows<'t> {
    task: &'t TableTask,
    lens: Lens,
    flow: Flow,
    in_passing: bool,
    is_delivered: bool,
    batch: DigestBatch,
    scratch: Vec<u8>,
}

impl Rows<'_> {
    /// One more row; a batch when it is full.
    fn add(&mut self, cells: &mut Cells<'_>) -> Result<Option<DigestBatch>> {
        let Self { task, lens, batch, scratch, .. } = self;
        let mut next = 0;
        let see = |column: usize, cell: ValueRef<'_>| {
            if self.in_passing && task.key.get(next) == Some(&column) {
                next += 1;
                return add_key(&mut batch.keys, task, column, cell);
            }
            Ok(())
        };
        lens.encode_row(cells, scratch, see)?;
        if !self.in_passing {
            for column in &task.key {
                let cell = cells.next()?.unwrap_or(ValueRef::Null);
                add_key(&mut batch.keys, task, *column, lens.bare(*column, cell))?;
            }
        }
        batch.digests.push(RowDigest(exact::digest_bytes(scratch)));
        batch.bytes += scratch.len() as u64;
        batch.read += 1;
        shrink(scratch);
        let rows = batch.digests.len();
        if self.is_delivered && rows > 1 && compare_key_rows(batch.keys.row(rows - 2), batch.keys.row(rows - 1)).is_gt()
        {
            // Two sides would be merged that are not in one order, and every row behind this one would differ.
            return Err(lookup::out_of_order());
        }
        let is_full = rows >= self.flow.rows || batch.keys.bytes() >= self.flow.bytes;
        Ok(is_full.then(|| std::mem::replace(batch, empty(task.key.len()))))
    }
}

fn empty(width: usize) -> DigestBatch {
    DigestBatch { keys: RowBatch::new(width), digests: Vec::new(), bytes: 0, read: 0 }
}

/// One huge row must not keep its room for the rest of the table.
#[inline]
pub(super) fn shrink(scratch: &mut Vec<u8>) {
    if scratch.capacity() > syncline_core::limits::BATCH_BYTES {
        *scratch = Vec::new();
    }
}

#[inline]
fn add_key(keys: &mut RowBatch, task: &TableTask, column: usize, cell: ValueRef<'_>) -> Result<()> {
    if cell.is_null() {
        return Err(null_key(task, column));
    }
    keys.push(cell)
}

fn null_key(task: &TableTask, column: usize) -> Error {
    let name = &task.table.columns[task.columns[column]].name;
    let what = format!("a row of {} has NULL in its key column {name}", task.table.name);
    Error::new(Code::KeyNull, what)
}
