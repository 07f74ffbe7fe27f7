//! Columns added to a table, told before anything is done.
//!
//! What the server would make of such a step it is asked itself, on temporary tables of a session of its own: one with the
//! columns and conditions of the table, and one of a single row that has the new column, to see what rows that are there will
//! hold. Temporary tables need no transaction, and go with their session.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{AddedColumn, Check, Generated, NewColumn, TableSchema, Widened};
use syncline_core::value::Value;

use super::connect::failure::Doing;
use super::connect::{Connection, Product, cell, quoted};
use super::definition::{self, Definition};
use super::write::define::synthesis;
use super::{codec, schema, types};
use crate::sql::Dialect;
use crate::sql::conditions;

const MODEL: &str = "_syncline_model";
const ROW: &str = "_syncline_row";

/// What the table becomes. The session is one of its own.
///
/// # Errors
/// When the server cannot be asked.
pub async fn widened(connection: &Connection, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened> {
    let model = Model { connection, table };
    model.run(format!("CREATE TEMPORARY TABLE {} LIKE {}", quoted(MODEL)?, quoted(&table.name)?)).await?;
    let (mut added, mut refused) = (Vec::new(), Vec::new());
    for step in columns {
        match model.added(step).await {
            Ok(column) => added.push(column),
            Err(error) if error.code() == Code::ConnectionLost => return Err(error),
            Err(error) => refused.push((step.column.name.clone(), error.why().unwrap_or(error.what()).to_owned())),
        }
    }
    let table = model.described(&added).await?;
    Ok(Widened { table: table.into(), added, refused })
}

struct Model<'c> {
    connection: &'c Connection,
    table: &'c TableSchema,
}

impl Model<'_> {
    async fn added(&self, step: &NewColumn) -> Result<AddedColumn> {
        let version = &self.connection.version;
        if self.table.column(&step.column.name).is_some() {
            return Err(refusal("there is one of that name"));
        }
        let is_written = step.column.generated == Generated::No;
        // The server would put zeros and empty texts there.
        if is_written && !step.column.nullable && step.column.default.is_none() {
            return Err(refusal(
                "it must not be NULL and has no default, and rows that are there would have no value in it",
            ));
        }
        let default = step.column.default.as_deref().filter(|_| is_written);
        if default.is_some_and(|default| !is_constant(default)) {
            return Err(refusal("its default is not the same for every row and at every time"));
        }
        let mut step = step.clone();
        if step.reference.as_ref().is_some_and(|key| key.parent_columns.is_empty()) {
            step.reference = None;
        }
        let statement = synthesis::add_column(&self.table.name, &step, version)?;
        let fill = self.fill(&step).await?;
        // A temporary table has no references.
        self.run_alone(synthesis::add_column(MODEL, &NewColumn { reference: None, ..step.clone() }, version)?).await?;
        Ok(AddedColumn { step, statement, fill })
    }

    /// What rows that are there hold in the column afterwards.
    async fn fill(&self, step: &NewColumn) -> Result<Value> {
        if step.column.generated != Generated::No {
            return Ok(Value::Null);
        }
        let (row, column) = (quoted(ROW)?, quoted(&step.column.name)?);
        // What it is called must not be what the column is called.
        let other = if step.column.name.eq_ignore_ascii_case("n") { "m" } else { "n" };
        self.run(format!("CREATE TEMPORARY TABLE {row} ({other} int)")).await?;
        self.run(format!("INSERT INTO {row} VALUES (1)")).await?;
        let alone = NewColumn { checks: Vec::new(), reference: None, ..step.clone() };
        let filled = async {
            self.run_alone(synthesis::add_column(ROW, &alone, &self.connection.version)?).await?;
            // Prepared, so that cells come as they do of any table.
            let asked = self.connection.line.exec(format!("SELECT {column} FROM {row}"), ()).await;
            let rows = asked.map_err(|error| self.error(error))?;
            let found: Option<mysql_async::Value> = rows.first().and_then(|row| row.as_ref(0).cloned());
            let found = found.ok_or_else(|| Error::new(Code::Internal, "a table of one row has none"))?;
            let read = types::codec(&step.column);
            codec::cell(&read, &found, &mut String::new()).map(|value| value.to_owned())
        }
        .await;
        self.run(format!("DROP TEMPORARY TABLE {row}")).await?;
        filled
    }

    /// The table as it will be described: what is added in the server's words.
    async fn described(&self, added: &[AddedColumn]) -> Result<TableSchema> {
        let asked = self.connection.line.query(format!("SHOW CREATE TABLE {}", quoted(MODEL)?)).await;
        let rows = asked.map_err(|error| self.error(error))?;
        let printed: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 1))?;
        let printed = printed.replacen("CREATE TEMPORARY TABLE", "CREATE TABLE", 1);
        let model = Definition::parse(&printed);
        let mut table = self.table.clone();
        for step in added.iter().map(|added| &added.step) {
            let mut column = step.column.clone();
            let described = model.as_ref().and_then(|model| model.column(&column.name));
            if let (Some(described), Product::MariaDb) = (described, self.connection.version.product) {
                column.declared_type = described.declared_type;
                column.default = described.default.filter(|default| default != "NULL");
            }
            table.columns.push(column);
            table.checks.extend(step.checks.iter().map(|check| Check { expression: check.expression.clone() }));
            table.foreign_keys.extend(step.reference.clone());
        }
        table.definition = model
            .and_then(|model| definition::widened(&self.table.definition, &model))
            .unwrap_or_else(|| self.table.definition.clone());
        schema::sort_constraints(&mut table.checks, &mut table.foreign_keys);
        Ok(table)
    }

    async fn run(&self, statement: String) -> Result<()> {
        self.connection.line.run(statement).await.map(|_| ()).map_err(|error| self.error(error))
    }

    /// Prepared, because only then the server takes it for one statement.
    async fn run_alone(&self, statement: String) -> Result<()> {
        self.connection.line.exec(statement, ()).await.map(|_| ()).map_err(|error| self.error(error))
    }

    fn error(&self, error: mysql_async::Error) -> Error {
        self.connection.error_while(error, Doing::Writing)
    }
}

/// Whether every row gets the same from a default.
fn is_constant(default: &str) -> bool {
    let bits = default.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\''));
    bits.is_some_and(|bits| bits.bytes().all(|byte| matches!(byte, b'0' | b'1')))
        || conditions::constant(default, Dialect::Mysql).is_some()
}

fn refusal(why: &str) -> Error {
    Error::new(Code::SchemaNotAdded, why)
}
