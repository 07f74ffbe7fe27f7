//! Keys and digests of a table in key order.

pub(super) mod borders;
pub(super) mod copies;
mod order;
mod ranges;

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::{DigestBatch, KeyRange};

use super::codec::Codec;
use super::names::quoted;
use super::snapshot::select::{self, Selected, filtered};
use super::snapshot::view::Sight;
use crate::digests::sorted::{Waiting, hand_over};
use crate::digests::{Rows, comes_in_passing, null_key};
use crate::stream::Outlet;

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
    if !comes_in_passing(&task) {
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
    let mut rows = Rows::new(&task, outlet.flow(), selected.value_bytes, is_delivered);
    for query in queries {
        let codecs = selected.codecs.clone();
        if !is_delivered {
            return sorted(&sight, &outlet, (&query, codecs), rows).await;
        }
        if !outlet.copy(&sight.session, &query, codecs, |cells| rows.add(cells)).await? {
            return Ok(false);
        }
    }
    if is_ranged {
        sight.session.rows(ranges::AS_EVER).await?;
    }
    let last = rows.last();
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

/// Hands over the digests of the rows of a query in a key order that the server cannot deliver. `false` when nobody wants more.
async fn sorted(
    sight: &Sight,
    outlet: &Outlet<DigestBatch>,
    (sql, codecs): (&str, Vec<Codec>),
    mut rows: Rows<'_>,
) -> Result<bool> {
    let mut waiting = Waiting::create(rows.width())?;
    let is_wanted = outlet
        .copy(&sight.session, sql, codecs, |cells| rows.add(cells)?.map(|full| waiting.add(&full)).transpose())
        .await?;
    let counted = waiting.add(&rows.last())?;
    Ok(is_wanted && outlet.send(counted).await && hand_over(waiting, outlet).await?)
}
