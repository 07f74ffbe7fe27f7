//! Carrying out schema steps.
//!
//! A definition is text from another database, and whoever made that database may have put anything there. So SQLite's
//! authorizer watches every action while it is compiled, and only the creation of the one table or index passes.

mod removal;
pub(in crate::sqlite) mod synthesis;

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{SchemaStep, TableSchema};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::migrate;

/// Carries out one step in the open transaction.
///
/// # Errors
/// `STORE_FAILED` when the definition does anything but create what it is said to, and when SQLite refuses it.
/// `UNDO_STALE` where others use a table that is to be dropped.
pub(super) fn carry_out(conn: &mut Connection, step: &SchemaStep) -> Attempt<()> {
    match step {
        SchemaStep::CreateTable(table) => create_table(conn, &synthesis::table_definition(table)?, &table.name),
        SchemaStep::CreateIndex { table, index } => {
            let allowed = Allowed { table: table.clone(), index: Some(index.name.clone()) };
            create(conn, &synthesis::index_definition(table, index)?, allowed, "index", &index.name)
        }
        SchemaStep::AddColumn(column) => migrate::add(conn, column),
        // A table goes whatever it references, and whatever references it.
        SchemaStep::DropReferencesAmong(_) => Ok(()),
        SchemaStep::DropTable(table) => removal::drop_table(conn, table),
    }
}

/// Creates the table of this name by its definition, which may do nothing else.
pub(in crate::sqlite) fn create_table(conn: &mut Connection, definition: &str, name: &str) -> Attempt<()> {
    create(conn, definition, Allowed { table: name.to_owned(), index: None }, "table", name)
}

/// The statements that create a table and its indexes.
pub(in crate::sqlite) fn statements_of(table: &TableSchema) -> Result<Vec<String>> {
    let mut statements = vec![synthesis::table_definition(table)?.into_owned()];
    for index in &table.indexes {
        statements.push(synthesis::index_definition(&table.name, index)?.into_owned());
    }
    Ok(statements)
}

fn create(conn: &mut Connection, definition: &str, allowed: Allowed, kind: &str, name: &str) -> Attempt<()> {
    // Asked first, because IF NOT EXISTS would pass for a creation, and undo drops what a run has created.
    if exists(conn, kind, name)? {
        let what = format!("the {kind} {name} cannot be created, because there is one already");
        return Err(Error::new(Code::StoreFailed, what).into());
    }
    conn.authorizer(Some(
        move |context: AuthContext<'_>| {
            if allowed.lets_through(&context) { Authorization::Allow } else { Authorization::Deny }
        },
    ))?;
    // Prepared as one statement: text after it is an error.
    let created = conn.prepare(definition).and_then(|mut statement| statement.raw_execute());
    conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    let refused = match created {
        Ok(_) => None,
        Err(rusqlite::Error::MultipleStatement) => Some("it holds more than one statement".to_owned()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => {
            Some(error.to_string())
        }
        Err(error) => return Err(error.into()),
    };
    let refused = match refused {
        None if exists(conn, kind, name)? => return Ok(()),
        None => "it creates nothing".to_owned(),
        Some(why) => why,
    };
    let what = format!("the definition of the {kind} {name} does something else than create it");
    Err(Error::new(Code::StoreFailed, what).because(refused).into())
}

fn exists(conn: &Connection, kind: &str, name: &str) -> Attempt<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE)";
    Ok(conn.query_row(sql, [kind, name], |row| row.get(0))?)
}

/// What a definition may do.
struct Allowed {
    table: String,
    /// The index to be created; without one, the table itself is.
    index: Option<String>,
}

impl Allowed {
    fn lets_through(&self, context: &AuthContext<'_>) -> bool {
        if context.accessor.is_some() || context.database_name.is_some_and(|name| name != "main") {
            return false;
        }
        let bookkeeping = |table: &str| ["sqlite_master", "sqlite_schema"].contains(&table);
        match context.action {
            // The first AUTOINCREMENT table of a database brings SQLite's own table of counters with it.
            AuthAction::CreateTable { table_name } => {
                self.index.is_none() && (table_name == self.table || table_name == "sqlite_sequence")
            }
            AuthAction::CreateIndex { index_name, table_name } => {
                // A table's own constraints have indexes that SQLite names.
                let expected = match &self.index {
                    Some(index) => index_name == index,
                    None => index_name.starts_with("sqlite_autoindex_"),
                };
                expected && table_name.eq_ignore_ascii_case(&self.table)
            }
            AuthAction::Insert { table_name } | AuthAction::Update { table_name, .. } => bookkeeping(table_name),
            AuthAction::Read { table_name, .. } => {
                bookkeeping(table_name) || table_name.eq_ignore_ascii_case(&self.table)
            }
            AuthAction::Reindex { .. } => true,
            // Conditions and expressions of the table; the functions of a foreign schema cannot reach outside.
            AuthAction::Function { .. } => true,
            _ => false,
        }
    }
}
