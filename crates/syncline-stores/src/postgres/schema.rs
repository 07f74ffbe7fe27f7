//! What the tables of a database look like, read by a few questions to the catalog, however many tables there are.
//!
//! Nothing but the catalog is read, so that a table which may not be read is described like the others.

mod columns;
mod constraints;
mod counters;
mod indexes;
mod others;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use syncline_core::error::Result;
use syncline_core::schema::{Column, Schema, TableSchema};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use self::columns::Columns;
pub(super) use self::columns::unwrapped;
pub(super) use self::constraints::sort as sort_constraints;
use super::ENGINE;
use super::connect::Connection;
use super::names::{Names, Place};

/// Tables whose rows are their own or their partitions': not the partitions, nor what belongs to one session, to an extension
/// or to Syncline.
const TABLES: &str = "\
SELECT class.oid, space.nspname, class.relname, EXISTS (SELECT 1 FROM pg_inherits AS heir
    WHERE heir.inhparent = class.oid) AND class.relkind = 'r'
FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition AND class.relpersistence <> 't'
    AND space.nspname !~ '^pg_' AND space.nspname <> 'information_schema' AND class.relname !~ '^_syncline_'
    AND NOT EXISTS (SELECT 1 FROM pg_depend AS member WHERE member.classid = 'pg_class'::regclass
        AND member.objid = class.oid AND member.deptype = 'e')";

/// Reads the whole schema. The connection should be in a transaction, so that it belongs to one instant.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn read(connection: &Connection, names: &Names) -> Result<Schema> {
    let answers = Answers::of(connection).await?;
    let listed = answers.tables(names)?;
    let mut columns = columns::read(connection, &listed.oids).await?;
    let mut constraints = constraints::read(connection, &listed).await?;
    let mut indexes = indexes::read(connection, &listed.oids).await?;
    let mut counters = counters::read(connection, &listed.oids).await?;
    let mut tables = Vec::new();
    for table in &listed.tables {
        let Columns { columns, numbers, autoincrement } = columns.remove(&table.oid).unwrap_or_default();
        let constraints = constraints.remove(&table.oid).unwrap_or_default();
        let indexes = indexes.remove(&table.oid).unwrap_or_default();
        let (key, key_index) = indexes::key(&indexes, &columns, &numbers);
        let positions = |numbers_of: &[i16]| numbers_of.iter().filter_map(|n| numbers.get(n).copied()).collect();
        tables.push(Arc::new(TableSchema {
            name: table.called.clone(),
            namespace: table.namespace.clone(),
            engine: ENGINE,
            key,
            primary_key: constraints.primary_key.as_deref().map(positions).unwrap_or_default(),
            deferrable_key: indexes::is_key_deferrable(&indexes),
            uniques: indexes::uniques(&indexes, key_index, &columns, &numbers),
            foreign_keys: constraints.foreign_keys,
            checks: constraints.checks,
            indexes: indexes::separate(&indexes, &columns, &numbers),
            autoincrement,
            counters: counters.remove(&table.oid).unwrap_or_default(),
            has_heirs: table.has_heirs,
            columns,
            ..TableSchema::default()
        }));
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let not_carried = others::read(connection, &listed).await?;
    Ok(Schema { tables, not_carried, types: columns::types(connection).await? })
}

/// The columns of one table, whichever session it belongs to.
pub(super) async fn columns_of(connection: &Connection, oid: u32) -> Result<Vec<Column>> {
    let mut tables = columns::read(connection, &[oid]).await?;
    Ok(tables.remove(&oid).unwrap_or_default().columns)
}

/// A table of the list.
struct Listed {
    oid: u32,
    called: String,
    namespace: Option<String>,
    has_heirs: bool,
}

/// All tables, and what they and others are called.
struct List<'n> {
    tables: Vec<Listed>,
    oids: Vec<u32>,
    names: &'n Names,
    /// What tables outside the default schema are called.
    taken: HashSet<String>,
}

impl List<'_> {
    /// What the table in this place is called, and the schema that its name begins with.
    fn called(&self, place: Place<'_>) -> (String, Option<String>) {
        called(self.names, &self.taken, place)
    }
}

fn called(names: &Names, taken: &HashSet<String>, place: Place<'_>) -> (String, Option<String>) {
    let called = names.called(place);
    if place.schema != names.default_schema() {
        (called, Some(place.schema.to_owned()))
    } else if taken.contains(&called) {
        // Its own name has a point and reads as that of another table.
        (format!("{}.{}", place.schema, place.name), Some(place.schema.to_owned()))
    } else {
        (called, None)
    }
}

/// The rows of the first question.
struct Answers<'c> {
    connection: &'c Connection,
    rows: Vec<Row>,
}

impl<'c> Answers<'c> {
    async fn of(connection: &'c Connection) -> Result<Self> {
        let rows = connection.client.query(TABLES, &[]).await.map_err(|error| connection.error(error))?;
        Ok(Self { connection, rows })
    }

    fn tables<'n>(&self, names: &'n Names) -> Result<List<'n>> {
        let mut places = Vec::new();
        for row in &self.rows {
            let cells = Cells { connection: self.connection, row };
            places.push((cells.get::<u32>(0)?, cells.get::<&str>(1)?, cells.get::<&str>(2)?, cells.get::<bool>(3)?));
        }
        let others = places.iter().filter(|(_, schema, ..)| *schema != names.default_schema());
        let taken: HashSet<String> = others.map(|(_, schema, name, _)| names.called(Place { schema, name })).collect();
        let tables: Vec<Listed> = places
            .into_iter()
            .map(|(oid, schema, name, has_heirs)| {
                let (called, namespace) = called(names, &taken, Place { schema, name });
                Listed { oid, called, namespace, has_heirs }
            })
            .collect();
        Ok(List { oids: tables.iter().map(|table| table.oid).collect(), tables, names, taken })
    }
}

/// One row of an answer.
pub(super) struct Cells<'r> {
    pub(super) connection: &'r Connection,
    pub(super) row: &'r Row,
}

impl<'r> Cells<'r> {
    /// One cell.
    pub(super) fn get<T: FromSql<'r>>(&self, column: usize) -> Result<T> {
        self.row.try_get(column).map_err(|error| self.connection.error(error))
    }
}

/// Puts a question about these tables, and gives each row of the answer to `take`.
async fn ask(
    connection: &Connection,
    question: &str,
    oids: &[u32],
    mut take: impl FnMut(&Cells<'_>) -> Result<()>,
) -> Result<()> {
    let rows = connection.client.query(question, &[&oids]).await.map_err(|error| connection.error(error))?;
    rows.iter().try_for_each(|row| take(&Cells { connection, row }))
}

/// What is known of each table, by its number in the catalog.
type ByTable<T> = HashMap<u32, T>;
