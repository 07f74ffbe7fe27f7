//! The last number that a table has given out.

use syncline_core::error::Result;

use crate::mysql::connect::{Connection, cell};

/// The number before the one that comes next, as it is now: counters are in no transaction. `None` where none was given out.
pub(in crate::mysql) async fn read(connection: &Connection, table: &str) -> Result<Option<i64>> {
    let next = next(connection, table).await?;
    Ok(next.and_then(|next| i64::try_from(next).ok()).map(|next| next - 1).filter(|last| *last > 0))
}

async fn next(connection: &Connection, table: &str) -> Result<Option<u64>> {
    let sql = "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
    let rows = connection.line.exec(sql, (table,)).await.map_err(|error| connection.error(error))?;
    rows.first().map_or(Ok(None), |row| cell(row, 0))
}
