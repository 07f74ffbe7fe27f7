//! The sum of a table's rows.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::Share;
use syncline_core::value::{SumPart, exact};

use super::select::{Selected, filtered};
use crate::digests::shrink;
use crate::lens::Lens;
use crate::mysql::connect::{Connection, quoted};
use crate::stream::Outlet;

/// Hands over the sums of rows that follow each other. `false` when nobody wants more. The first share is the whole table,
/// because a view has one session only.
pub(super) async fn stream(
    connection: Arc<Connection>,
    task: TableTask,
    share: Share,
    outlet: Outlet<SumPart>,
) -> Result<bool> {
    if share.index > 0 {
        return Ok(true);
    }
    let rows = outlet.flow().rows;
    let selected = Selected::columns(&task, "", outlet.flow().value_bytes)?;
    let sql = format!("SELECT {} FROM {}{}", selected.list(), quoted(&task.table.name)?, filtered(&task, None)?);
    let (mut lens, mut part, mut encoded) = (Lens::of(&task, selected.value_bytes), SumPart::default(), Vec::new());
    let is_wanted = outlet
        .read(&connection, sql, &selected.codecs, |cells| {
            lens.encode_row(cells, &mut encoded, |_, _| Ok(()))?;
            part.add_digest(exact::digest_bytes(&encoded));
            shrink(&mut encoded);
            Ok((part.digests.len() >= rows).then(|| std::mem::take(&mut part)))
        })
        .await?;
    Ok(is_wanted && (part.digests.is_empty() || outlet.send(part).await))
}
