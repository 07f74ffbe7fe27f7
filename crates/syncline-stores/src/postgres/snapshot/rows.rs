//! Rows read in one pass, and rows looked up by key.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::value::RowBatch;

use super::lookup::{self, Asked};
use super::select::{Selected, filtered};
use super::view::Sight;
use crate::fetched::{Found, is_full, push_masked};
use crate::lens::Lens;
use crate::postgres::codec::Codec;
use crate::stream::Outlet;

/// All rows that take part, as they are stored. `false` when nobody wants more.
pub(super) async fn scan(sight: Sight, task: TableTask, outlet: Outlet<RowBatch>) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let flow = outlet.flow();
    let selected = Selected::columns(&task, "", flow.value_bytes)?;
    let sql = format!("SELECT {} FROM {}{}", selected.list(), ground.table, filtered(&task, None)?);
    let width = task.columns.len();
    let (mut lens, mut batch) = (Lens::of(&task, selected.value_bytes), RowBatch::new(width));
    let is_wanted = outlet
        .copy(&sight.session, &sql, selected.codecs, |cells| {
            lens.push_row(cells, &mut batch)?;
            Ok(is_full(&batch, flow).then(|| std::mem::replace(&mut batch, RowBatch::new(width))))
        })
        .await?;
    Ok(is_wanted && (batch.is_empty() || outlet.send(batch).await))
}

/// The rows with these keys that take part, in the order of the keys. `false` when nobody wants more.
pub(super) async fn fetch(sight: Sight, task: TableTask, keys: RowBatch, outlet: Outlet<RowBatch>) -> Result<bool> {
    if keys.is_empty() {
        return Ok(true);
    }
    let ground = sight.ground(&task).await?;
    let flow = outlet.flow();
    let masks = (!task.mapped.masks.is_empty()).then(|| task.mapped.masks.clone());
    let mut found = Found::new(&task, &keys);
    let width = task.columns.len();
    let mut batch = RowBatch::new(width);
    for asked in Asked::of(&task, &keys)? {
        let asked = asked.read_by(&sight.session, &task).await?;
        let mut selected = Selected::columns(&task, "t.", flow.value_bytes)?;
        let sql = lookup::rows(&task, &ground, &asked, &selected)?;
        selected.push_front("n", Codec::Int8);
        let mut lens = Lens::unmasked(&task, selected.value_bytes);
        let is_wanted = outlet
            .copy(&sight.session, &sql, selected.codecs, |cells| {
                let number = cells.next()?.and_then(|cell| asked.key_of(cell));
                let mut row = RowBatch::new(width);
                lens.push_row(cells, &mut row)?;
                if !found.is_it(number, &row)? {
                    return Ok(None);
                }
                if masks.is_none() && row.bytes() > limits::BATCH_BYTES && batch.is_empty() {
                    // A huge one is not copied.
                    return Ok(Some(row));
                }
                push_masked(&task, &row, &mut batch)?;
                Ok(is_full(&batch, flow).then(|| std::mem::replace(&mut batch, RowBatch::new(width))))
            })
            .await?;
        if !is_wanted {
            return Ok(false);
        }
    }
    Ok(batch.is_empty() || outlet.send(batch).await)
}
