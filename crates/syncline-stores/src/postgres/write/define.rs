//! Carrying out schema steps.
//!
//! A description is text from another database, and whoever made that may have put anything there. So each statement is sent
//! as one, expressions stand in parentheses, and a table is looked at afterwards: it has the columns it is said to have.
//!
//! Primary keys are added once the rows are there, and references last in a transaction: tables may reference each other
//! (ADR 024).

mod removal;
pub(in crate::postgres) mod synthesis;

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, ForeignKey, NewColumn, SchemaStep, TableSchema};
use syncline_core::value::Kind;

use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Doing;
use crate::postgres::names::{Names, Place, quoted};
use crate::postgres::types;

/// What tables that were created still lack.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// References that wait for the table they point to, in the order they were asked for.
    references: Vec<(String, ForeignKey)>,
    /// Primary keys that wait for the rows.
    pub(in crate::postgres) keys: Vec<WaitingKey>,
}

/// A primary key that a table gets once its rows are there: building an index at once takes half the time.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct WaitingKey {
    /// What the table is called.
    pub(in crate::postgres) table: String,
    /// How it is written.
    pub(in crate::postgres) place: String,
    /// The columns of the key, as they are written.
    pub(in crate::postgres) columns: Vec<String>,
    /// The statement that adds it.
    pub(in crate::postgres) statement: String,
}

/// Carries out steps in the open transaction. `waiting` takes the primary keys and the references of the tables that
/// are made, the latter for [`add_references`].
///
/// # Errors
/// In the server's words when it refuses; `SCHEMA_NOT_ADDED` for a column that cannot be added, or whose definition does
/// something else; `UNDO_STALE` where others use a table that is to be dropped.
pub async fn carry_out(
    connection: &Connection,
    names: &Names,
    waiting: &mut Waiting,
    steps: &[SchemaStep],
) -> Result<()> {
    let definer = Definer { connection, names };
    for step in steps {
        match step {
            SchemaStep::CreateTable(table) => definer.create_table(table, waiting).await?,
            SchemaStep::CreateIndex { table, index } => {
                let place = definer.place(table).await?;
                definer.run(&synthesis::index_definition(&place.quoted()?, index)?).await?;
            }
            SchemaStep::AddColumn(column) => definer.add_column(column).await?,
            SchemaStep::DropReferencesAmong(tables) => removal::drop_references_among(&definer, tables).await?,
            SchemaStep::DropTable(table) => removal::drop_table(&definer, table).await?,
        }
    }
    Ok(())
}

/// Adds the primary keys that still wait, and the references that wait for a table which is there by now; other references go
/// on waiting. Those of a table that is gone are forgotten.
///
/// # Errors
/// In the server's words when it refuses one.
pub async fn add_references(connection: &Connection, names: &Names, waiting: &mut Waiting) -> Result<()> {
    Definer { connection, names }.add_references(waiting).await
}

/// The statements that create a table and its indexes, in a database with these names.
///
/// # Errors
/// When the description cannot be written.
pub fn statements_of(table: &TableSchema, names: &Names) -> Result<Vec<String>> {
    let place = names.table(table)?;
    let mut statements = vec![synthesis::table_definition(table, &place)?];
    for key in &table.foreign_keys {
        let parent = names.place(&TableSchema { name: key.parent.clone(), ..TableSchema::default() }).quoted()?;
        statements.push(synthesis::add_reference(&place, key, &parent)?);
    }
    for index in &table.indexes {
        statements.push(synthesis::index_definition(&place, index)?);
    }
    Ok(statements)
}

/// How the table with this name is written, where there is one.
///
/// # Errors
/// When it cannot be looked up.
pub(in crate::postgres) async fn written(
    connection: &Connection,
    names: &Names,
    table: &str,
) -> Result<Option<String>> {
    Definer { connection, names }.find(table).await?.map(|place| place.quoted()).transpose()
}

/// A place that was looked up.
pub(super) struct Found {
    schema: String,
    name: String,
}

impl Found {
    fn quoted(&self) -> Result<String> {
        Place { schema: &self.schema, name: &self.name }.quoted()
    }
}

struct Definer<'c> {
    connection: &'c Connection,
    names: &'c Names,
}

impl Definer<'_> {
    async fn create_table(&self, table: &TableSchema, waiting: &mut Waiting) -> Result<()> {
        let place = self.names.place(table);
        let written = place.quoted()?;
        self.create_schema(place.schema).await?;
        let mut table = table.clone();
        // Enumerations first: others may be arrays of them.
        let is_enumeration = |column: &&mut Column| matches!(column.kind, Kind::Enum { .. });
        let (enumerations, others): (Vec<_>, Vec<_>) = table.columns.iter_mut().partition(is_enumeration);
        for column in enumerations.into_iter().chain(others) {
            self.settle_type(&table.name, column).await?;
        }
        let (definition, key) = match synthesis::keyless_definition(&table, &written)? {
            Some((definition, key)) => (definition, Some(key)),
            None => (synthesis::table_definition(&table, &written)?, None),
        };
        self.run(&definition).await?;
        if self.column_count(&written).await? != table.columns.len() as i64 {
            let what = format!("the definition of the table {} does something else than create it", table.name);
            return Err(Error::new(Code::StoreFailed, what));
        }
        waiting.references.extend(table.foreign_keys.iter().map(|key| (written.clone(), key.clone())));
        if let Some(statement) = key {
            let columns = table.primary_key.iter().map(|at| quoted(&table.columns[*at].name));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            waiting.keys.push(WaitingKey { table: table.name, place: written, columns, statement });
        }
        Ok(())
    }

    async fn add_references(&self, waiting: &mut Waiting) -> Result<()> {
        for key in std::mem::take(&mut waiting.keys) {
            self.run(&key.statement).await?;
        }
        let mut left = Vec::new();
        for (child, key) in std::mem::take(&mut waiting.references) {
            if !self.ask::<bool>("SELECT to_regclass($1) IS NOT NULL", &[&child]).await? {
                continue;
            }
            match self.find(&key.parent).await? {
                Some(parent) => self.run(&synthesis::add_reference(&child, &key, &parent.quoted()?)?).await?,
                None => left.push((child, key)),
            }
        }
        waiting.references = left;
        Ok(())
    }

    async fn create_schema(&self, schema: &str) -> Result<()> {
        // Asked first, because IF NOT EXISTS needs the right to create one all the same.
        let query = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
        if !self.ask::<bool>(query, &[&schema]).await? {
            self.run(&format!("CREATE SCHEMA {}", quoted(schema)?)).await?;
        }
        Ok(())
    }

    /// A type that this database has not is made, if it is an enumeration; a domain becomes what lies beneath. What else a
    /// table was settled with may have gone since, or be newer than this server.
    async fn settle_type(&self, table: &str, column: &mut Column) -> Result<()> {
        let Column { name, declared_type, kind, .. } = column;
        // The kinds that all servers have are printed without a schema.
        let may_lack = declared_type.contains('.') || matches!(kind, Kind::Other { .. });
        if !may_lack || self.ask::<bool>("SELECT to_regtype($1) IS NOT NULL", &[&declared_type.as_str()]).await? {
            return Ok(());
        }
        match (&*kind, synthesis::type_place(declared_type)) {
            (Kind::Enum { labels }, Some((schema, name))) => {
                self.create_schema(&schema).await?;
                self.run(&synthesis::enumeration(&schema, &name, labels)?).await?;
            }
            (Kind::Other { .. }, _) => return Err(no_type(&format!("{table}.{name}"), declared_type)),
            _ => *declared_type = types::declared(kind),
        }
        Ok(())
    }

    async fn add_column(&self, step: &NewColumn) -> Result<()> {
        let name = format!("{}.{}", step.table, step.column.name);
        let not_added = |why: String| {
            Error::new(Code::SchemaNotAdded, format!("{name} could not be added to the target")).because(why)
        };
        let place = self.place(&step.table).await?.quoted()?;
        let before = self.column_count(&place).await?;
        let parent = match &step.reference {
            Some(key) => self.find(&key.parent).await?.map(|parent| parent.quoted()).transpose()?,
            None => None,
        };
        let statement = synthesis::add_column(&place, step, parent.as_deref())?;
        self.run(&statement).await.map_err(|error| not_added(error.why().unwrap_or(error.what()).to_owned()))?;
        if self.column_count(&place).await? != before + 1 {
            return Err(not_added("its definition does something else than add it".to_owned()));
        }
        Ok(())
    }

    async fn column_count(&self, place: &str) -> Result<i64> {
        let query = "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 \
            AND NOT attisdropped";
        self.ask(query, &[&place]).await
    }

    /// Where the table with this name is.
    async fn place(&self, table: &str) -> Result<Found> {
        let gone = || Error::new(Code::StoreFailed, format!("there is no table {table} any more"));
        self.find(table).await?.ok_or_else(gone)
    }

    /// A name with a schema goes before one with a point in it, as when tables are listed.
    async fn find(&self, table: &str) -> Result<Option<Found>> {
        let query = "SELECT nspname::text, relname::text FROM pg_class \
            JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind IN ('r', 'p') \
            AND (nspname || '.' || relname = $2 OR nspname = $1 AND relname = $2) ORDER BY relname = $2 LIMIT 1";
        let default_schema = self.names.default_schema();
        let row = self.connection.client.query_opt(query, &[&default_schema, &table]).await;
        let Some(row) = row.map_err(|error| self.error(error))? else { return Ok(None) };
        let cell = |at: usize| row.try_get(at).map_err(|error| self.error(error));
        Ok(Some(Found { schema: cell(0)?, name: cell(1)? }))
    }

    async fn ask<T>(&self, query: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> Result<T>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let row = self.connection.client.query_one(query, parameters).await.map_err(|error| self.error(error))?;
        row.try_get(0).map_err(|error| self.error(error))
    }

    /// Prepared, because only then the server takes it for one statement.
    async fn run(&self, statement: &str) -> Result<()> {
        self.connection.client.execute(statement, &[]).await.map(|_| ()).map_err(|error| self.error(error))
    }

    fn error(&self, error: tokio_postgres::Error) -> Error {
        self.connection.error_while(error, Doing::Writing)
    }
}

fn no_type(column: &str, declared: &str) -> Error {
    Error::new(Code::TableNotCreated, format!("the target has no type {declared}, as which {column} is declared"))
        .leaving("the table is not there")
        .next("make the type in the target", "or the extension it belongs to, with CREATE EXTENSION; then run again")
}
