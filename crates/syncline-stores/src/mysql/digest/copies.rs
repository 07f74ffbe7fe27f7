//! Digests and places of the rows of a table without a key, in their order.
//!
//! InnoDB keeps such rows by a number that it gives each one, shows to nobody and never changes. Read without any other index
//! they come in the order of these numbers, whatever others write, so that how many come before a row is its place for as
//! long as there is the view.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result, without_table};
use syncline_core::store::DigestBatch;

use crate::digests::copies::Waiting;
use crate::mysql::connect::{Connection, cell};
use crate::mysql::snapshot::select::{Selected, in_places};
use crate::stream::Outlet;

const ENGINE: &str = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";

/// Hands over the digests of all rows that take part. `false` when nobody wants more.
pub(super) async fn stream(connection: Arc<Connection>, task: TableTask, outlet: Outlet<DigestBatch>) -> Result<bool> {
    require_places(&connection, &task).await?;
    let flow = outlet.flow();
    let selected = Selected::columns(&task, "", flow.value_bytes)?;
    let (mut waiting, mut place) = (Waiting::new(&task, flow, selected.value_bytes), 0);
    let added = outlet.read(&connection, in_places(&task, &selected)?, &selected.codecs, |cells| {
        place += 1;
        waiting.add(cells, |_| Ok(place))
    });
    Ok(added.await? && waiting.hand_over(&outlet).await?)
}

/// Makes sure that rows without a key have places.
///
/// # Errors
/// `TABLE_NO_KEY` where they have not.
pub(super) async fn require_places(connection: &Connection, task: &TableTask) -> Result<()> {
    let table = &task.table.name;
    let rows = connection.line.exec(ENGINE, (table,)).await.map_err(|error| connection.error(error))?;
    let engine: Option<String> = rows.first().map_or(Ok(None), |row| cell(row, 0))?;
    match engine.as_deref() {
        Some("InnoDB") => Ok(()),
        engine => Err(Error::new(Code::TableNoKey, format!("{table} has no key: nothing tells its rows apart"))
            .because(format!("its rows are kept by {}, which has no lasting order of them", engine.unwrap_or("nobody")))
            .next(without_table(table), "leave the table out")),
    }
}
