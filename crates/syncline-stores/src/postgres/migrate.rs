//! Columns added to a table, told before anything is done.
//!
//! What PostgreSQL would make of such a step it is asked itself, in a transaction that is never committed, on temporary tables:
//! one with the columns of the table, and one of a single row that has nothing but the new column, to see what rows that are
//! there will hold. A session that only reads may not make such tables, so it takes one of its own.

use futures_util::TryStreamExt;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{AddedColumn, Check, Generated, NewColumn, TableSchema, Widened};
use syncline_core::value::{RowBatch, Value};
use tokio_postgres::types::{FromSql, ToSql};

use super::codec::Decoder;
use super::connect::Connection;
use super::connect::failure::Doing;
use super::names::{Names, quoted};
use super::schema;
use super::types::Reading;
use super::write::define::{self, synthesis};

const MODEL: &str = "pg_temp._syncline_model";
const ROW: &str = "pg_temp._syncline_row";

/// Whether every row gets the same from a default: it calls nothing that depends on more than its arguments.
const IS_CONSTANT: &str = "SELECT adbin::text !~ '\\{(SQLVALUEFUNCTION|NEXTVALUEEXPR|COERCEVIAIO) ' AND NOT EXISTS ( \
        SELECT 1 FROM regexp_matches(adbin::text, ':(?:op)?funcid (\\d+)', 'g') AS called(ids) \
            JOIN pg_proc ON pg_proc.oid = ids[1]::oid WHERE provolatile <> 'i') \
    FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum \
    WHERE adrelid = $1::text::regclass AND attname = $2";

/// What the table becomes. The session is one of its own, without a transaction.
///
/// # Errors
/// When the server cannot be asked.
pub async fn widened(
    connection: &Connection,
    names: &Names,
    table: &TableSchema,
    columns: &[NewColumn],
) -> Result<Widened> {
    let model = Model { connection, names, table };
    model.run("BEGIN").await?;
    let widened = model.widened(columns).await;
    // Whatever came of it; a session that has failed has nothing to take back.
    let ended = model.run("ROLLBACK").await;
    let widened = widened?;
    ended.map(|()| widened)
}

struct Model<'c> {
    connection: &'c Connection,
    names: &'c Names,
    table: &'c TableSchema,
}

impl Model<'_> {
    async fn widened(&self, columns: &[NewColumn]) -> Result<Widened> {
        let like = self.names.table(self.table)?;
        self.run(&format!("CREATE TEMP TABLE _syncline_model (LIKE {like}); CREATE TEMP TABLE _syncline_row ()"))
            .await?;
        self.run(&format!("INSERT INTO {ROW} DEFAULT VALUES")).await?;
        let (mut added, mut refused) = (Vec::new(), Vec::new());
        for step in columns {
            self.run("SAVEPOINT step").await?;
            match self.added(step).await {
                Ok(column) => added.push(column),
                Err(error) if self.connection.client.is_closed() => return Err(error),
                Err(error) => {
                    self.run("ROLLBACK TO SAVEPOINT step").await?;
                    refused.push((step.column.name.clone(), error.why().unwrap_or(error.what()).to_owned()));
                }
            }
        }
        let table = self.described(&added).await?;
        Ok(Widened { table: table.into(), added, refused })
    }

    async fn added(&self, step: &NewColumn) -> Result<AddedColumn> {
        if self.table.column(&step.column.name).is_some() {
            return Err(refusal("there is one of that name"));
        }
        if step.column.default.as_deref().is_some_and(|default| default.starts_with("nextval(")) {
            return Err(refusal("it counts: each row that is there would hold another number"));
        }
        let mut step = step.clone();
        let parent = match &step.reference {
            Some(key) => define::written(self.connection, self.names, &key.parent).await?,
            None => None,
        };
        // PostgreSQL has no reference to what is not there.
        step.reference = step.reference.filter(|_| parent.is_some());
        let fill = self.fill(&step).await?;
        // A temporary table cannot reference one that stays.
        self.run_alone(&synthesis::add_column(MODEL, &NewColumn { reference: None, ..step.clone() }, None)?).await?;
        let statement = synthesis::add_column(&self.names.table(self.table)?, &step, parent.as_deref())?;
        Ok(AddedColumn { step, statement, fill })
    }

    /// What rows that are there hold in the column afterwards.
    async fn fill(&self, step: &NewColumn) -> Result<Value> {
        if step.column.generated != Generated::No {
            return Ok(Value::Null);
        }
        let alone = NewColumn { checks: Vec::new(), reference: None, ..step.clone() };
        self.run_alone(&synthesis::add_column(ROW, &alone, None)?).await?;
        let counted = "SELECT count(*) FROM pg_attribute \
            WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped";
        if self.ask::<i64>(counted, &[&ROW]).await? != 1 {
            return Err(refusal("its definition does something else than add it"));
        }
        let name = &step.column.name;
        if step.column.default.is_some() && !self.ask::<bool>(IS_CONSTANT, &[&ROW, name]).await? {
            return Err(refusal("its default is not the same for every row and at every time"));
        }
        let reading = Reading::of(&step.column);
        let column = quoted(name)?;
        let copy = format!("COPY (SELECT {} FROM {ROW}) TO STDOUT (FORMAT binary)", reading.selected(&column));
        let mut chunks = Box::pin(self.connection.client.copy_out(&copy).await.map_err(|error| self.error(error))?);
        let (mut decoder, mut batch) = (Decoder::new(vec![reading.codec]), RowBatch::new(1));
        while let Some(chunk) = chunks.try_next().await.map_err(|error| self.error(error))? {
            decoder.read_into(&chunk, &mut batch)?;
        }
        self.run_alone(&format!("ALTER TABLE {ROW} DROP COLUMN {column}")).await?;
        let cell = batch.rows().next().and_then(|row| row.iter().next().map(|cell| cell.to_owned()));
        cell.ok_or_else(|| Error::new(Code::Internal, "a table of one row has none"))
    }

    /// The table as it will be described: what is added in the server's words.
    async fn described(&self, added: &[AddedColumn]) -> Result<TableSchema> {
        let oid: u32 = self.ask("SELECT $1::text::regclass::oid", &[&MODEL]).await?;
        let model = schema::columns_of(self.connection, oid).await?;
        let mut table = self.table.clone();
        let is_added = |name: &str| added.iter().any(|column| column.step.column.name == name);
        table.columns.extend(model.into_iter().filter(|column| is_added(&column.name)));
        let query = "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = $1 AND contype = 'c'";
        for row in self.connection.client.query(query, &[&oid]).await.map_err(|error| self.error(error))? {
            let expression: &str = row.try_get(0).map_err(|error| self.error(error))?;
            table.checks.push(Check { expression: schema::unwrapped(expression).to_owned() });
        }
        table.foreign_keys.extend(added.iter().filter_map(|column| column.step.reference.clone()));
        schema::sort_constraints(&mut table.checks, &mut table.foreign_keys);
        Ok(table)
    }

    async fn ask<T: for<'a> FromSql<'a>>(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<T> {
        let row = self.connection.client.query_one(query, parameters).await.map_err(|error| self.error(error))?;
        row.try_get(0).map_err(|error| self.error(error))
    }

    async fn run(&self, statements: &str) -> Result<()> {
        self.connection.client.batch_execute(statements).await.map_err(|error| self.error(error))
    }

    /// Prepared, because only then the server takes it for one statement.
    async fn run_alone(&self, statement: &str) -> Result<()> {
        self.connection.client.execute(statement, &[]).await.map(|_| ()).map_err(|error| self.error(error))
    }

    fn error(&self, error: tokio_postgres::Error) -> Error {
        self.connection.error_while(error, Doing::Writing)
    }
}

fn refusal(why: &str) -> Error {
    Error::new(Code::SchemaNotAdded, why)
}
