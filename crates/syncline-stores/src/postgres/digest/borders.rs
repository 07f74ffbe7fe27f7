//! Borders of ranges, and sums of the rows before them, computed by the server.
//!
//! The sum of a row is taken over what the server would send of it: `record_send` writes each cell with its length as a binary
//! COPY does, NULL as a length of its own. Rows of which that is the same are read as the same cells, so equal sums are equal rows
//! whatever the types are. The digest is 128 bits of SHA-256, which servers have that are not allowed MD5.
//!
//! All goes by in one pass in key order: sums are those of all rows so far, and of two of them the difference is the sum of
//! what lies between. A border is a row whose digest begins with a low byte, so no side has to be told of the other's.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::Column;
use syncline_core::store::{BorderBatch, Key};
use syncline_core::value::{Equality, Kind, RowBatch, ValueRef};

use super::ranges;
use super::{null_key, order};
use crate::postgres::codec::Codec;
use crate::postgres::names::quoted;
use crate::postgres::snapshot::lookup::key_types;
use crate::postgres::snapshot::select::{self, Selected, filtered};
use crate::postgres::snapshot::stream::each_row;
use crate::postgres::snapshot::view::{Ground, Sight};
use crate::postgres::types::Reading;
use crate::stream::{Load, Outlet};

/// Versions from which on bits can be summed up.
const SUMS_OF_BITS: u32 = 140_000;

/// What a string of 128 bits is on its way: how many they are, then they.
const SUM_BYTES: usize = 4 + 16;

impl Load for BorderBatch {
    fn bytes(&self) -> usize {
        self.keys.bytes() + self.rows.len() * (size_of::<u64>() + size_of::<u128>())
    }
}

/// How the rows of a task are summed up; `None` where they cannot be.
pub(in crate::postgres) async fn method(sight: &Sight, task: &TableTask) -> Result<Option<String>> {
    // Masks are put on here, and columns that are yet to be added are nowhere else.
    let is_plain = task.mapped.masks.is_empty() && task.mapped.fills.is_empty();
    let is_exact = task.forms.are_native() && task.forms.equality == Equality::Exact;
    if task.is_multiset() || !is_plain || !is_exact || sight.facts.version < SUMS_OF_BITS {
        return Ok(None);
    }
    let ground = sight.ground(task).await?;
    if order::comparable(sight, task, &ground).await?.is_none() || !has_index(sight, task, &ground).await? {
        return Ok(None);
    }
    let codecs = task.columns.iter().map(|at| Reading::of(&task.table.columns[*at]).codec);
    let codecs = codecs.zip(&task.columns).map(|(codec, at)| (codec, is_padded(&task.table.columns[*at])));
    Ok(Some(format!("sha256-128 of record_send, key {:?} of {:?}", task.key, codecs.collect::<Vec<_>>())))
}

/// Whether ranges of keys are found through an index. The server itself knows best.
async fn has_index(sight: &Sight, task: &TableTask, ground: &Ground) -> Result<bool> {
    let types = key_types(task);
    let lists: Vec<String> = types.iter().chain(&types).map(|type_name| format!("NULL::{type_name}[]")).collect();
    let query = ranges::for_each(task, ground, "1", &lists)?;
    let plan = sight.session.rows(&format!("EXPLAIN {query}")).await?;
    Ok(!plan.iter().any(|line| line.get(0).is_some_and(|line| line.contains("Seq Scan on "))))
}

/// The key of the row at a place in key order, counted from 1.
pub(in crate::postgres) async fn nth_key(sight: &Sight, task: &TableTask, rows: u64) -> Result<Option<Key>> {
    let ground = sight.ground(task).await?;
    let (terms, selected) = (ranges::terms(task)?.join(", "), keys(task)?);
    let query = format!(
        "SELECT {} FROM {}{} ORDER BY {terms} LIMIT 1 OFFSET {}",
        selected.list(),
        ground.table,
        filtered(task, None)?,
        rows.saturating_sub(1)
    );
    let mut key = None;
    each_row(&sight.session, &query, selected.codecs, |cells| {
        let mut found = Key::new();
        for _ in &task.key {
            found.push(cells.next()?.unwrap_or(ValueRef::Null).to_owned());
        }
        key = Some(found);
        Ok(())
    })
    .await?;
    Ok(key)
}

/// Hands over the borders behind a key. `false` when nobody wants more.
pub(in crate::postgres) async fn stream(
    sight: Sight,
    task: TableTask,
    (after, spacing): (Option<Key>, u32),
    outlet: Outlet<BorderBatch>,
) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let behind = ranges::outside(&task, after.as_ref(), None)?;
    let (query, codecs) = query(&task, &ground, behind.as_deref(), spacing)?;
    let (flow, width) = (outlet.flow(), task.key.len());
    let empty = || BorderBatch { keys: RowBatch::new(width), rows: Vec::new(), sums: Vec::new() };
    let mut batch = empty();
    let is_wanted = outlet
        .copy(&sight.session, &query, codecs, |cells| {
            for column in &task.key {
                let Some(cell) = cells.next()? else { return Err(null_key(&task, *column)) };
                batch.keys.push(cell)?;
            }
            batch.rows.push(count(cells.next()?)?);
            batch.sums.push(sum(cells.next()?)?);
            let is_full = batch.rows.len() >= flow.rows || batch.bytes() >= flow.bytes;
            Ok(is_full.then(|| std::mem::replace(&mut batch, empty())))
        })
        .await?;
    Ok(is_wanted && (batch.rows.is_empty() || outlet.send(batch).await))
}

fn query(task: &TableTask, ground: &Ground, behind: Option<&str>, spacing: u32) -> Result<(String, Vec<Codec>)> {
    let (terms, mut selected) = (ranges::terms(task)?, keys(task)?);
    let cells = selected.items().iter().enumerate().map(|(at, item)| format!("{item} AS c{at}"));
    let sorted = terms.iter().enumerate().map(|(at, term)| format!("{term} AS o{at}"));
    let (cells, sorted) = (cells.collect::<Vec<_>>().join(", "), sorted.collect::<Vec<_>>().join(", "));
    let names = |prefix: &str| (0..terms.len()).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(", ");
    let (keys, order) = (names("c"), names("o"));
    let hashed = format!(
        "SELECT {cells}, {sorted}, substr(sha256(record_send(ROW({}))), 1, 16) AS h FROM {}{} ORDER BY {} OFFSET 0",
        sent(task)?,
        ground.table,
        filtered(task, behind)?,
        terms.join(", ")
    );
    let summed = format!(
        "SELECT {keys}, h, row_number() OVER w AS n, bit_xor(('x' || encode(h, 'hex'))::bit(128)) OVER w AS x \
         FROM ({hashed}) AS hashed WINDOW w AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    );
    selected.codecs.extend([Codec::Int8, Codec::Bytea]);
    let lowest = (256 / spacing.clamp(1, 256)).max(1);
    Ok((format!("SELECT {keys}, n, x FROM ({summed}) AS summed WHERE get_byte(h, 0) < {lowest}"), selected.codecs))
}

/// The cells of the key.
fn keys(task: &TableTask) -> Result<Selected> {
    let mut selected = Selected::default();
    for at in &task.key {
        let (item, codec) = select::cell(&task.table.columns[task.columns[*at]], "")?;
        selected.push(item, codec);
    }
    Ok(selected)
}

/// The columns of a task as they are sent. With a row go the numbers of its types, which are the same everywhere only for
/// the server's own: so domains, enumerations and types of extensions become what they are read as.
fn sent(task: &TableTask) -> Result<String> {
    let mut items = Vec::new();
    for at in &task.columns {
        let column = &task.table.columns[*at];
        let (name, codec) = (quoted(&column.name)?, Reading::of(column).codec);
        items.push(match &codec {
            // As plain text it would lose its spaces.
            Codec::Text if is_padded(column) => format!("{name}::bpchar"),
            codec if codec.is_cast() => codec.printed(&name),
            codec => format!("{name}::{}", codec.type_name()),
        });
    }
    Ok(items.join(", "))
}

fn is_padded(column: &Column) -> bool {
    matches!(column.kind, Kind::Text { padded: true, .. })
}

fn count(cell: Option<ValueRef<'_>>) -> Result<u64> {
    match cell {
        Some(ValueRef::Int(rows)) => u64::try_from(rows).map_err(|_| strange()),
        _ => Err(strange()),
    }
}

fn sum(cell: Option<ValueRef<'_>>) -> Result<u128> {
    match cell {
        Some(ValueRef::Bytes(bytes)) if bytes.len() == SUM_BYTES && bytes[..4] == 128_u32.to_be_bytes() => {
            let (_, bits) = bytes.split_last_chunk::<16>().ok_or_else(strange)?;
            Ok(u128::from_be_bytes(*bits))
        }
        _ => Err(strange()),
    }
}

fn strange() -> Error {
    Error::new(Code::StoreFailed, "the PostgreSQL server gave a sum that cannot be")
}
