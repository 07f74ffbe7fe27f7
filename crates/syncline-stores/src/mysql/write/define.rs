//! Carrying out schema steps.
//!
//! A definition ends a transaction, so each is carried out by another session. A table is made at once, under a name of
//! ours, and gets its own behind the commit; one that goes does so behind the commit; a column is added at once.
//!
//! A description is text from another database, and whoever made that may have put anything there. So each statement is sent
//! as one, and a table is looked at afterwards: it has the columns it is said to have, and no rows.

mod removal;
pub mod synthesis;

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Index, NewColumn, SchemaStep, TableSchema};

use super::open::Open;
use super::pending::{HIDDEN, Step};
use super::target::ENGINE;
use crate::mysql::connect::failure::{Doing, Failure};
use crate::mysql::connect::{Connection, Version, cell, quoted};
use crate::mysql::schema::exists;

/// Carries out steps for the open transaction. `undo` is told the statement that takes each back.
///
/// # Errors
/// In the server's words when it refuses; `SCHEMA_NOT_ADDED` for a column that cannot be added, or whose definition does
/// something else; `UNDO_STALE` where others use a table that is to be dropped.
pub(super) async fn carry_out(
    open: &mut Open<'_>,
    steps: &[SchemaStep],
    undo: impl Fn(String) + Send + Sync,
) -> Result<()> {
    for step in steps {
        match step {
            SchemaStep::CreateTable(table) => create_table(open, table, &undo).await?,
            SchemaStep::CreateIndex { table, index } => require_index(open, table, index).await?,
            SchemaStep::AddColumn(column) => add_column(open, column, &undo).await?,
            SchemaStep::DropReferencesAmong(tables) => open.leaving.extend(tables.iter().cloned()),
            SchemaStep::DropTable(table) => removal::drop_table(open, table).await?,
        }
    }
    Ok(())
}

/// The statement that creates a table, its indexes and its constraints, as one: there are no transactions over more.
///
/// # Errors
/// When the description cannot be written.
pub fn statements_of(table: &TableSchema) -> Result<Vec<String>> {
    Ok(vec![synthesis::table_definition(table, &table.name, &Version::parse(&table.server))?])
}

async fn create_table(open: &mut Open<'_>, table: &TableSchema, undo: impl Fn(String)) -> Result<()> {
    let definer = Definer { catalog: open.catalog };
    if open.hidden.iter().any(|(name, _)| *name == table.name) || definer.exists(&table.name).await? {
        let what = format!("{} cannot be created: there is a table or view of that name", table.name);
        return Err(Error::new(Code::StoreFailed, what));
    }
    let hidden = definer.free_name().await?;
    let definition = synthesis::table_definition(table, &hidden, &open.catalog.version)?;
    // Said before it is made: should the answer be lost, or all of us be gone, it goes all the same.
    super::pending::announce(open.catalog, &hidden).await.map_err(|failure| definer.error(failure))?;
    undo(format!("DROP TABLE IF EXISTS {}", quoted(&hidden)?));
    definer.run(&definition).await.map_err(|error| not_made(&table.name, error))?;
    if !definer.is_as_described(&hidden, table.columns.len()).await? {
        let what = format!("the definition of the table {} does something else than create it", table.name);
        return Err(Error::new(Code::StoreFailed, what));
    }
    open.steps.push(Step::Show { name: table.name.clone(), hidden: hidden.clone() });
    open.hidden.push((table.name.clone(), hidden));
    Ok(())
}

/// What the server has against a definition does not name the table.
fn not_made(table: &str, error: Error) -> Error {
    match (error.code(), error.why()) {
        (Code::StoreFailed, Some(why)) => {
            Error::new(Code::StoreFailed, format!("the table {table} cannot be made in the target"))
                .because(why)
                .leaving("nothing of it is there")
                .next("make the table in the target by hand", "rows are carried into a table that is there")
        }
        _ => error,
    }
}

/// An index is made with its table: afterwards it could not be, as long as the transaction has rows in it.
async fn require_index(open: &Open<'_>, table: &str, index: &Index) -> Result<()> {
    let sql = "SELECT INDEX_NAME FROM information_schema.STATISTICS \
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME = ? LIMIT 1";
    let definer = Definer { catalog: open.catalog };
    let found = open.catalog.line.exec(sql, (open.place(table), &index.name)).await;
    if found.map_err(|error| definer.error(error))?.is_empty() {
        let what = format!("{table} was made without its index {}", index.name);
        return Err(Error::new(Code::StoreFailed, what));
    }
    Ok(())
}

async fn add_column(open: &Open<'_>, step: &NewColumn, undo: impl Fn(String)) -> Result<()> {
    let name = format!("{}.{}", step.table, step.column.name);
    let not_added =
        |why: String| Error::new(Code::SchemaNotAdded, format!("{name} could not be added to the target")).because(why);
    let definer = Definer { catalog: open.catalog };
    let before = definer.column_count(&step.table).await?;
    let statement = synthesis::add_column(&step.table, step, &open.catalog.version)?;
    let added = definer.run(&statement).await;
    let taken_back = |columns: u64| {
        let drop = quoted(&step.table)
            .and_then(|table| Ok(format!("ALTER TABLE {table} DROP COLUMN {}", quoted(&step.column.name)?)));
        drop.ok().filter(|_| columns == before + 1)
    };
    let after = definer.column_count(&step.table).await?;
    taken_back(after).into_iter().for_each(&undo);
    added.map_err(|error| not_added(error.why().unwrap_or(error.what()).to_owned()))?;
    if after != before + 1 {
        return Err(not_added("its definition does something else than add it".to_owned()));
    }
    Ok(())
}

struct Definer<'c> {
    catalog: &'c Connection,
}

impl Definer<'_> {
    /// A name that no table has.
    async fn free_name(&self) -> Result<String> {
        let taken = super::pending::hidden(self.catalog).await.map_err(|failure| self.error(failure))?;
        let mut names = (1_u64..).map(|number| format!("{HIDDEN}{number}"));
        names.find(|name| !taken.contains(name)).ok_or_else(|| Error::new(Code::Internal, "no number is left"))
    }

    async fn exists(&self, table: &str) -> Result<bool> {
        exists(self.catalog, table).await.map_err(|failure| self.error(failure))
    }

    /// Whether a table has so many columns, no rows, and the one engine with transactions.
    async fn is_as_described(&self, table: &str, columns: usize) -> Result<bool> {
        let sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
        let rows = self.catalog.line.exec(sql, (table,)).await.map_err(|error| self.error(error))?;
        let engine: Option<String> = rows.first().map_or(Ok(None), |row| cell(row, 0))?;
        let sql = format!("SELECT 1 FROM {} LIMIT 1", quoted(table)?);
        let is_kept_well = engine.is_some_and(|engine| engine.eq_ignore_ascii_case(ENGINE));
        Ok(is_kept_well
            && self.column_count(table).await? == columns as u64
            && self.catalog.line.query(sql).await.map_err(|error| self.error(error))?.is_empty())
    }

    async fn column_count(&self, table: &str) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
        let rows = self.catalog.line.exec(sql, (table,)).await.map_err(|error| self.error(error))?;
        rows.first().map_or(Ok(0), |row| cell(row, 0))
    }

    /// Prepared, because only then the server takes it for one statement.
    async fn run(&self, statement: &str) -> Result<()> {
        let done = self.catalog.line.run_with(statement, mysql_async::Params::Empty).await;
        done.map(drop).map_err(|error| self.error(error))
    }

    fn error(&self, failure: impl Into<Failure>) -> Error {
        self.catalog.error_while(failure, Doing::Writing)
    }
}
