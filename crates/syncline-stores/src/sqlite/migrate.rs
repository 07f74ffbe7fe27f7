//! Columns added to a table.
//!
//! What SQLite would make of such a step it is asked itself, in a database in memory that holds a table of the same
//! definition: whether it takes the column, how the table is defined afterwards, and what rows that are there then hold.

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{AddedColumn, Generated, NewColumn, TableSchema, Widened};
use syncline_core::value::Value;

use super::connect::failure::Attempt;
use super::schema;
use super::snapshot::select;
use super::types;
use super::write::define::{create_table, synthesis};

/// What the table becomes.
///
/// # Errors
/// When SQLite does not take the table's own definition.
pub(super) fn widened(table: &TableSchema, columns: Vec<NewColumn>) -> Attempt<Widened> {
    let mut model = Connection::open_in_memory()?;
    create_table(&mut model, &synthesis::table_definition(table)?, &table.name)?;
    let (mut added, mut refused) = (Vec::new(), Vec::new());
    for step in columns {
        let found = statement(&step, table).map_err(|error| error.what().to_owned()).and_then(|statement| {
            let fill = fill(&step, table.strict)?;
            add(&mut model, &step).map_err(words)?;
            Ok(AddedColumn { step: step.clone(), statement, fill })
        });
        match found {
            Ok(column) => added.push(column),
            Err(words) => refused.push((step.column.name, words)),
        }
    }
    let found = schema::read(&model)?;
    let found = found.table(&table.name).ok_or_else(|| gone(&table.name))?;
    let references = added.iter().filter_map(|column| column.step.reference.clone());
    // Constraints that are indexes made apart are not in the model, and cannot change.
    let table = TableSchema {
        columns: found.columns.clone(),
        checks: found.checks.clone(),
        definition: found.definition.clone(),
        foreign_keys: table.foreign_keys.iter().cloned().chain(references).collect(),
        ..table.clone()
    };
    Ok(Widened { table: table.into(), added, refused })
}

/// Adds the column in the open transaction, and does nothing else.
///
/// # Errors
/// `SCHEMA_NOT_ADDED` when the definition does anything but add it, and in SQLite's words when it refuses.
pub(super) fn add(conn: &mut Connection, step: &NewColumn) -> Attempt<()> {
    let before = column_names(conn, &step.table)?;
    let sql = sql_of(step)?;
    let table = step.table.clone();
    conn.authorizer(Some(move |context: AuthContext<'_>| {
        if is_part_of_adding(&context, &table) { Authorization::Allow } else { Authorization::Deny }
    }))?;
    // Prepared as one statement: text after it is an error.
    let done = conn.prepare(&sql).and_then(|mut statement| statement.raw_execute());
    conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    let not_added = |why: String| {
        Error::new(
            Code::SchemaNotAdded,
            format!("{}.{} could not be added to the target", step.table, step.column.name),
        )
        .because(why)
    };
    done.map_err(|error| not_added(error.to_string()).caused_by(error))?;
    let mut expected = before;
    expected.push(step.column.name.clone());
    if column_names(conn, &step.table)? != expected {
        return Err(not_added("its definition does something else than add it".to_owned()).into());
    }
    Ok(())
}

/// The statement, if SQLite could carry it out whatever rows there are.
fn statement(step: &NewColumn, table: &TableSchema) -> Result<String> {
    let refuse = |why: &str| Err(Error::new(Code::SchemaNotAdded, why));
    let has_default = step.column.default.as_ref().is_some_and(|default| !default.eq_ignore_ascii_case("NULL"));
    match step.column.generated {
        Generated::Stored => refuse("SQLite adds no column that is computed when a row is written (STORED)"),
        Generated::Virtual if step.column.expression.is_none() => refuse("what it is computed by is not known"),
        Generated::No if !step.column.nullable && !has_default => {
            refuse("it must not be NULL and has no default, and rows that are there would have no value in it")
        }
        _ if table.column(&step.column.name).is_some() => refuse("there is one of that name"),
        _ => sql_of(step),
    }
}

fn sql_of(step: &NewColumn) -> Result<String> {
    let mut column = step.column.clone();
    // Behind parentheses a default counts as an expression, which SQLite does not add to a table with rows.
    let default = column.default.take().filter(|_| column.generated == Generated::No);
    let mut sql = format!(
        "ALTER TABLE {} ADD COLUMN {}",
        select::table(&step.table)?,
        synthesis::column_definition(&TableSchema::default(), &column)?
    );
    if let Some(default) = default {
        sql += &format!(" DEFAULT {default}");
    }
    for check in &step.checks {
        sql += &format!(" CHECK ({})", check.expression);
    }
    if let Some(reference) = &step.reference {
        sql += &format!(" {}", synthesis::references(reference)?);
    }
    Ok(sql)
}

/// What rows that are there hold in the column afterwards: what a row of another table holds, which has nothing but it.
fn fill(step: &NewColumn, is_strict: bool) -> std::result::Result<Value, String> {
    if step.column.generated != Generated::No {
        return Ok(Value::Null);
    }
    let found = (|| {
        let mut model = Connection::open_in_memory()?;
        let options = if is_strict { " STRICT" } else { "" };
        model.execute_batch(&format!("CREATE TABLE model (\"\" INTEGER){options}; INSERT INTO model VALUES (1)"))?;
        let alone = NewColumn { table: "model".to_owned(), checks: Vec::new(), reference: None, ..step.clone() };
        add(&mut model, &alone)?;
        let sql = format!("SELECT {} FROM model", select::quoted(&step.column.name)?);
        Ok(model.query_row(&sql, [], |row| Ok(types::value(row.get_ref(0)?).to_owned()))?)
    })();
    found.map_err(words)
}

/// SQLite's words for what it refuses.
fn words(failure: super::connect::failure::Failure) -> String {
    let error = failure.into_error(std::path::Path::new(""), super::connect::failure::Doing::Reading);
    error.why().unwrap_or_else(|| error.what()).to_owned()
}

fn column_names(conn: &Connection, table: &str) -> Attempt<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT name FROM pragma_table_xinfo(?1, 'main') ORDER BY cid")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn gone(table: &str) -> Error {
    Error::new(Code::Internal, format!("{table} is not in the database that was made for it"))
}

/// What SQLite itself does for `ALTER TABLE … ADD COLUMN`: it writes the definition anew, and reads the rows to hold them
/// against what the column demands.
fn is_part_of_adding(context: &AuthContext<'_>, table: &str) -> bool {
    if context.accessor.is_some() || context.database_name.is_some_and(|name| name != "main" && name != "temp") {
        return false;
    }
    let is_bookkeeping = |name: &str| ["sqlite_master", "sqlite_schema", "sqlite_temp_master"].contains(&name);
    let is_table = |name: &str| name.eq_ignore_ascii_case(table);
    match context.action {
        AuthAction::AlterTable { table_name, .. } => is_table(table_name),
        AuthAction::Update { table_name, .. } => is_bookkeeping(table_name),
        AuthAction::Read { table_name, .. } => {
            is_bookkeeping(table_name) || is_table(table_name) || table_name.eq_ignore_ascii_case("pragma_quick_check")
        }
        AuthAction::Pragma { pragma_name, .. } => pragma_name.eq_ignore_ascii_case("quick_check"),
        AuthAction::Select | AuthAction::Function { .. } => true,
        _ => false,
    }
}
