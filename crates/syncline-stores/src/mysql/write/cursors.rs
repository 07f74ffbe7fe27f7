//! The table that tells how far links into this database have come. It is there as long as one of them has been.

use mysql_async::Row;
use syncline_core::error::Result;
use syncline_core::store::{Cursor, LogPosition};

use super::checkpoints::create;
use super::session::Session;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell};
use crate::mysql::schema::exists;

const NAME: &str = "_syncline_cursor";

/// Links have names of ours. A key has room for so much of the name of a table.
const COLUMNS: &str = "link varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, \
    source_table varchar(700) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, \
    position longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, \
    shape longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (link, source_table)";

/// All cursors.
pub(in crate::mysql) async fn read(connection: &Connection) -> Attempt<Vec<Cursor>> {
    if !exists(connection, NAME).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT link, source_table, position, shape FROM {NAME} ORDER BY link, source_table");
    let cursor = |row: &Row| {
        let (link, table, position, shape) = (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?, cell(row, 3)?);
        Ok(Cursor { link, table, position: LogPosition(position), shape })
    };
    Ok(connection.line.query(sql).await?.iter().map(cursor).collect::<Result<_>>()?)
}

/// Moves these cursors in the open transaction. The table is made by another session: a definition would end the transaction.
pub(super) async fn write(session: &Session, catalog: &Connection, cursors: &[Cursor]) -> Attempt<()> {
    if cursors.is_empty() {
        return Ok(());
    }
    create(catalog, NAME, COLUMNS).await?;
    let sql = format!(
        "INSERT INTO {NAME} (link, source_table, position, shape) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE position = ?, shape = ?"
    );
    for Cursor { link, table, position, shape } in cursors {
        session.run_with(&*sql, (link, table, &position.0, shape, &position.0, shape)).await?;
    }
    Ok(())
}

/// Removes all cursors. Returns whether there was a table of them.
pub(super) async fn remove(catalog: &Connection) -> Attempt<bool> {
    let were_there = exists(catalog, NAME).await?;
    catalog.line.run(format!("DROP TABLE IF EXISTS {NAME}")).await?;
    Ok(were_there)
}
