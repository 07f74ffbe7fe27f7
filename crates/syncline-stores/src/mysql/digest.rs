//! Keys and digests of a table in key order, and of rows without a key.

mod copies;
mod order;

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::DigestBatch;

use super::codec::Codec;
use super::connect::{Connection, quoted};
use super::snapshot::select::{self, Selected, filtered};
use crate::digests::sorted::{Waiting, hand_over};
use crate::digests::{Rows, comes_in_passing, null_key};
use crate::stream::Outlet;

pub(super) use self::order::{by_bytes, is_odd_day};

/// Hands over the digests of all rows that take part. `false` when nobody wants more.
///
/// # Errors
/// `KEY_NULL` when a key cell is NULL. NULLs come first, so this is known before anything is compared. `TABLE_NO_KEY`
/// when rows have neither key nor place.
pub(super) async fn stream(connection: Arc<Connection>, task: TableTask, outlet: Outlet<DigestBatch>) -> Result<bool> {
    if task.is_multiset() {
        return copies::stream(connection, task, outlet).await;
    }
    let is_delivered = order::is_delivered(&connection, &task).await?;
    let mut selected = Selected::columns(&task, "", outlet.flow().value_bytes)?;
    if !comes_in_passing(&task) {
        for column in &task.key {
            let (item, codec) = select::cell(&task.table.columns[task.columns[*column]], "")?;
            selected.push(item, codec);
        }
    }
    let order = if is_delivered { format!(" ORDER BY {}", order::terms(&task)?) } else { String::new() };
    let (list, table, filtered) = (selected.list(), quoted(&task.table.name)?, filtered(&task, None)?);
    let sql = format!("SELECT {list} FROM {table}{filtered}{order}");
    let rows = Rows::new(&task, outlet.flow(), selected.value_bytes, is_delivered);
    if !is_delivered {
        return sorted(&connection, &outlet, (sql, selected.codecs), rows).await;
    }
    let mut rows = rows;
    if !outlet.read(&connection, sql, &selected.codecs, |cells| rows.add(cells)).await? {
        return Ok(false);
    }
    let last = rows.last();
    Ok(last.digests.is_empty() || outlet.send(last).await)
}

/// Looks for NULL in the key, where the table's definition does not rule it out.
///
/// # Errors
/// `KEY_NULL`, and `TABLE_NO_KEY` when rows have neither key nor place.
pub(super) async fn check_key(connection: &Connection, task: &TableTask) -> Result<()> {
    if task.is_multiset() {
        return copies::require_places(connection, task).await;
    }
    for column in &task.key {
        let described = &task.table.columns[task.columns[*column]];
        if !described.nullable {
            continue;
        }
        let is_null = format!("{} IS NULL", quoted(&described.name)?);
        let (table, filtered) = (quoted(&task.table.name)?, filtered(task, Some(&is_null))?);
        let sql = format!("SELECT 1 FROM {table}{filtered} LIMIT 1");
        if !connection.line.query(sql).await.map_err(|error| connection.error(error))?.is_empty() {
            return Err(null_key(task, *column));
        }
    }
    Ok(())
}

/// Hands over the digests of the rows of a query in a key order that the server cannot deliver. `false` when nobody wants more.
async fn sorted(
    connection: &Connection,
    outlet: &Outlet<DigestBatch>,
    (sql, codecs): (String, Vec<Codec>),
    mut rows: Rows<'_>,
) -> Result<bool> {
    let mut waiting = Waiting::create(rows.width())?;
    let is_wanted = outlet
        .read(connection, sql, &codecs, |cells| rows.add(cells)?.map(|full| waiting.add(&full)).transpose())
        .await?;
    let counted = waiting.add(&rows.last())?;
    Ok(is_wanted && outlet.send(counted).await && hand_over(waiting, outlet).await?)
}
