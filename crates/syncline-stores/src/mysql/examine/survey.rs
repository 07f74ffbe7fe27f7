//! What the login may do with each table, asked of the server itself: it checks the rights of a statement that it only explains.

use std::collections::HashMap;
use std::sync::Arc;

use syncline_core::error::Result;
use syncline_core::schema::{Generated, Schema, TableSchema};
use syncline_core::store::Side;

use crate::mysql::connect::{Connection, cell, quoted};

const ENGINES: &str = "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";

/// The engine that has transactions.
const INNODB: &str = "InnoDB";

/// Numbers of errors that say that a right is missing: on a table, on a column of it, on the whole.
const DENIED: [u16; 3] = [1142, 1143, 1044];

/// One table and what the login may do with it.
pub(super) struct Surveyed {
    pub(super) table: Arc<TableSchema>,
    /// As it is written.
    pub(super) written: String,
    pub(super) may_select: bool,
    /// Rights to write that are missing; none where it was not asked for them.
    pub(super) missing: Vec<&'static str>,
    /// What keeps its rows, where that has no transactions.
    pub(super) engine: Option<String>,
    /// Triggers that fire when it is written.
    pub(super) triggers: Vec<String>,
    /// Columns of the key whose collation takes different texts for the same, with that collation.
    pub(super) blurred: Vec<(String, String)>,
}

/// All tables of a view.
pub(super) struct Survey {
    pub(super) tables: Vec<Surveyed>,
}

impl Survey {
    /// Looks all tables up.
    pub(super) async fn of(connection: &Connection, schema: &Schema, side: Option<Side>) -> Result<Self> {
        let mut engines = HashMap::new();
        for row in connection.line.query(ENGINES).await.map_err(|error| connection.error(error))? {
            let engine = cell::<Option<String>>(&row, 1)?.filter(|engine| engine != INNODB);
            engines.insert(cell::<String>(&row, 0)?, engine);
        }
        let mut tables = Vec::new();
        for table in &schema.tables {
            let triggers = schema
                .not_carried
                .iter()
                .filter(|other| other.kind == "trigger" && other.table.as_deref() == Some(table.name.as_str()));
            let missing = if side == Some(Side::Source) { Vec::new() } else { missing(connection, table).await? };
            tables.push(Surveyed {
                written: quoted(&table.name)?,
                may_select: is_let(connection, reading(table)?).await?,
                missing,
                engine: engines.get(&table.name).cloned().flatten(),
                triggers: triggers.map(|trigger| trigger.name.clone()).collect(),
                blurred: blurred(table),
                table: Arc::clone(table),
            });
        }
        Ok(Self { tables })
    }
}

/// Rights that a run needs to write the table and the login has not.
async fn missing(connection: &Connection, table: &TableSchema) -> Result<Vec<&'static str>> {
    let name = quoted(&table.name)?;
    let stored = table.columns.iter().filter(|column| column.generated == Generated::No);
    let columns = stored.map(|column| quoted(&column.name)).collect::<Result<Vec<_>>>()?;
    let same: Vec<_> = columns.iter().map(|column| format!("{column} = {column}")).collect();
    let (columns, same) = (columns.join(", "), same.join(", "));
    let mut missing = Vec::new();
    for (right, statement) in [
        ("INSERT", format!("EXPLAIN INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} LIMIT 0")),
        ("UPDATE", format!("EXPLAIN UPDATE {name} SET {same} WHERE FALSE")),
        ("DELETE", format!("EXPLAIN DELETE FROM {name} WHERE FALSE")),
    ] {
        if !is_let(connection, statement).await? {
            missing.push(right);
        }
    }
    Ok(missing)
}

fn reading(table: &TableSchema) -> Result<String> {
    let columns = table.columns.iter().map(|column| quoted(&column.name)).collect::<Result<Vec<_>>>()?;
    Ok(format!("EXPLAIN SELECT {} FROM {} LIMIT 0", columns.join(", "), quoted(&table.name)?))
}

/// Whether the server lets the login do this. What else it may have against it shows elsewhere.
async fn is_let(connection: &Connection, statement: String) -> Result<bool> {
    match connection.line.query(statement).await {
        Ok(_) => Ok(true),
        Err(mysql_async::Error::Server(said)) => Ok(!DENIED.contains(&said.code)),
        Err(error) => Err(connection.error(error)),
    }
}

fn blurred(table: &TableSchema) -> Vec<(String, String)> {
    let key = table.key.iter().flat_map(|key| &key.columns).map(|at| &table.columns[*at]);
    // Those by bytes are called so.
    let is_blurred = |collation: &str| !collation.is_empty() && !collation.ends_with("_bin");
    key.filter(|column| is_blurred(&column.collation))
        .map(|column| (column.name.clone(), column.collation.clone()))
        .collect()
}
