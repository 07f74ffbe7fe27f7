//! Rows that go from one server to another as they are: nobody decodes them further than their sum needs.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::store::{RawBatch, RawFormat};
use syncline_core::value::{Equality, TableSum, exact};

use super::select::{Selected, filtered};
use super::view::Sight;
use crate::digests::shrink;
use crate::lens::Lens;
use crate::postgres::types::Reading;
use crate::stream::{Load, Outlet};

impl Load for RawBatch {
    fn bytes(&self) -> usize {
        self.rows.len()
    }
}

/// The format of a task's rows: the types of its columns with their limits, in their order. `None` where cells are not seen
/// as they are stored, or travel as text that the server has to read.
pub(in crate::postgres) fn format(task: &TableTask) -> Option<RawFormat> {
    let is_as_stored = task.forms.are_native() && task.forms.equality == Equality::Exact;
    if !is_as_stored || !task.mapped.masks.is_empty() || !task.mapped.fills.is_empty() || task.columns.is_empty() {
        return None;
    }
    let mut format = "PostgreSQL COPY BINARY".to_owned();
    for column in &task.columns {
        let column = &task.table.columns[*column];
        let codec = Reading::of(column).codec;
        if codec.is_cast() {
            return None;
        }
        format += &format!(", {codec:?} {:?}", column.kind);
    }
    Some(RawFormat(format))
}

/// All rows that take part. `false` when nobody wants more.
pub(super) async fn scan(sight: Sight, task: TableTask, outlet: Outlet<RawBatch>) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let selected = Selected::columns(&task, "", None)?;
    let sql = format!("SELECT {} FROM {}{}", selected.list(), ground.table, filtered(&task, None)?);
    let (mut lens, mut encoded, mut batch) = (Lens::of(&task, None), Vec::new(), empty());
    let is_wanted = outlet
        .copy(&sight.session, &sql, selected.codecs, |cells| {
            batch.rows.extend_from_slice(cells.raw());
            lens.encode_row(cells, &mut encoded, |_, _| Ok(()))?;
            let digest = exact::digest_bytes(&encoded);
            batch.sum.add_digest(digest);
            batch.digests.push(digest);
            shrink(&mut encoded);
            let is_full = batch.rows.len() >= limits::COPY_CHUNK_BYTES;
            Ok(is_full.then(|| std::mem::replace(&mut batch, empty())))
        })
        .await?;
    Ok(is_wanted && (batch.rows.is_empty() || outlet.send(batch).await))
}

/// With room for the last row, which may pass the bound.
fn empty() -> RawBatch {
    let rows = Vec::with_capacity(limits::COPY_CHUNK_BYTES * 5 / 4);
    RawBatch { rows, sum: TableSum::default(), digests: Vec::new() }
}
