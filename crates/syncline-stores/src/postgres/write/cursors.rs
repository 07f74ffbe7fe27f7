//! The table that tells how far links into this database have come. It is there as long as one of them has been.

use syncline_core::store::{Cursor, LogPosition};

use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, Place};

const NAME: &str = "_syncline_cursor";

/// All cursors.
pub(in crate::postgres) async fn read(connection: &Connection, names: &Names) -> Attempt<Vec<Cursor>> {
    if !exist(connection, names).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT link, source_table, position, shape FROM {} ORDER BY link, source_table", table(names)?);
    let rows = connection.client.query(&sql, &[]).await?;
    let cursor = |row: &tokio_postgres::Row| {
        let (link, table, shape) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?);
        Ok(Cursor { link, table, position: LogPosition(row.try_get(2)?), shape })
    };
    rows.iter().map(cursor).collect()
}

/// Whether there is a table of cursors.
pub(super) async fn exist(connection: &Connection, names: &Names) -> Attempt<bool> {
    if names.default_schema().is_empty() {
        return Ok(false);
    }
    let row = connection.client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table(names)?]).await?;
    Ok(row.try_get(0)?)
}

/// Moves these cursors in the open transaction.
pub(super) async fn write(connection: &Connection, names: &Names, cursors: &[Cursor]) -> Attempt<()> {
    if cursors.is_empty() {
        return Ok(());
    }
    let written = table(names)?;
    if !exist(connection, names).await? {
        let columns = "link text, source_table text, position text NOT NULL, shape text NOT NULL, PRIMARY KEY (link, source_table)";
        connection.client.batch_execute(&format!("CREATE TABLE {written} ({columns})")).await?;
    }
    let sql = format!(
        "INSERT INTO {written} AS c (link, source_table, position, shape) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (link, source_table) DO UPDATE SET position = excluded.position, shape = excluded.shape"
    );
    for Cursor { link, table, position, shape } in cursors {
        connection.client.execute(&sql, &[link, table, &position.0, shape]).await?;
    }
    Ok(())
}

/// Removes all cursors in the open transaction.
pub(super) async fn remove(connection: &Connection, names: &Names) -> Attempt<()> {
    Ok(connection.client.batch_execute(&format!("DROP TABLE {}", table(names)?)).await?)
}

fn table(names: &Names) -> Attempt<String> {
    Ok(Place { schema: names.default_schema(), name: NAME }.quoted()?)
}
