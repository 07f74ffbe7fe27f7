//! Statements that create a table and its indexes from their description, for those that a mapping has changed.
//!
//! Names are written by the dialect. Types, defaults and expressions are text from another database, as they are in a
//! definition taken over whole; the authorizer watches what comes of them.

use std::borrow::Cow;

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, ForeignKey, Generated, Index, TableSchema, Unique};

use crate::sqlite::snapshot::select::quoted;

/// The statement that creates the table: its own where it has one.
pub(in crate::sqlite) fn table_definition(table: &TableSchema) -> Result<Cow<'_, str>> {
    if !table.definition.is_empty() {
        return Ok(Cow::Borrowed(&table.definition));
    }
    let mut parts = table.columns.iter().map(|column| column_definition(table, column)).collect::<Result<Vec<_>>>()?;
    parts.extend(primary_key(table)?);
    // What an index made apart sees to needs no other.
    let is_index = |unique: &&Unique| table.indexes.iter().any(|index| index.name == unique.name);
    for unique in table.uniques.iter().filter(|unique| !is_index(unique)) {
        parts.push(format!("UNIQUE ({})", unique_columns(unique)?));
    }
    parts.extend(key_by_constraint(table)?);
    for key in &table.foreign_keys {
        parts.push(foreign_key(key)?);
    }
    parts.extend(table.checks.iter().map(|check| format!("CHECK ({})", check.expression)));
    let options: Vec<&str> = [(table.without_rowid, "WITHOUT ROWID"), (table.strict, "STRICT")]
        .into_iter()
        .filter_map(|(is_set, option)| is_set.then_some(option))
        .collect();
    let space = if options.is_empty() { "" } else { " " };
    let sql =
        format!("CREATE TABLE {} (\n  {}\n){space}{}", quoted(&table.name)?, parts.join(",\n  "), options.join(", "));
    Ok(Cow::Owned(sql))
}

/// The statement that creates the index: its own where it has one.
pub(super) fn index_definition<'i>(table: &str, index: &'i Index) -> Result<Cow<'i, str>> {
    if !index.definition.is_empty() {
        return Ok(Cow::Borrowed(&index.definition));
    }
    let mut columns = Vec::new();
    for column in &index.columns {
        let Some(name) = &column.name else {
            let what = format!("the index {} is over an expression and has no definition", index.name);
            return Err(Error::new(Code::StoreFailed, what));
        };
        let order = if column.descending { " DESC" } else { "" };
        columns.push(format!("{} COLLATE {}{order}", quoted(name)?, quoted(&column.collation)?));
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    let (name, table) = (quoted(&index.name)?, quoted(table)?);
    Ok(Cow::Owned(format!("CREATE {unique}INDEX {name} ON {table} ({})", columns.join(", "))))
}

/// One column, without the constraints that stand behind the columns.
pub(in crate::sqlite) fn column_definition(table: &TableSchema, column: &Column) -> Result<String> {
    let mut parts = vec![quoted(&column.name)?];
    if !column.declared_type.is_empty() {
        parts.push(column.declared_type.clone());
    }
    if is_row_number(table, &column.name) {
        // On the column itself, because only there it becomes another name for the row number.
        parts.push("PRIMARY KEY".to_owned());
        parts.extend(table.autoincrement.then(|| "AUTOINCREMENT".to_owned()));
    } else if !column.nullable {
        parts.push("NOT NULL".to_owned());
    }
    match (&column.default, column.generated) {
        // A word in double quotes is text there and a name in parentheses.
        (Some(default), Generated::No) if default.starts_with('"') => parts.push(format!("DEFAULT {default}")),
        (Some(default), Generated::No) => parts.push(format!("DEFAULT ({default})")),
        _ => {}
    }
    if !column.collation.eq_ignore_ascii_case("BINARY") {
        parts.push(format!("COLLATE {}", quoted(&column.collation)?));
    }
    if let (Some(expression), kind @ (Generated::Virtual | Generated::Stored)) = (&column.expression, column.generated)
    {
        let kind = if kind == Generated::Stored { "STORED" } else { "VIRTUAL" };
        parts.push(format!("GENERATED ALWAYS AS ({expression}) {kind}"));
    }
    Ok(parts.join(" "))
}

fn is_row_number(table: &TableSchema, column: &str) -> bool {
    table.key.as_ref().is_some_and(|key| key.is_rowid && key.columns.iter().any(|at| table.columns[*at].name == column))
}

fn primary_key(table: &TableSchema) -> Result<Option<String>> {
    let is_row_number = table.key.as_ref().is_some_and(|key| key.is_rowid);
    if table.primary_key.is_empty() || is_row_number {
        return Ok(None);
    }
    Ok(Some(format!("PRIMARY KEY ({})", key_columns(table, &table.primary_key)?)))
}

/// A key that is neither the primary key nor an index made apart is a constraint of its own.
fn key_by_constraint(table: &TableSchema) -> Result<Option<String>> {
    let Some(key) = table.key.as_ref().filter(|key| !key.is_rowid && key.columns != table.primary_key) else {
        return Ok(None);
    };
    let is_of_key = |index: &&Index| {
        let names = key.columns.iter().map(|at| Some(table.columns[*at].name.as_str()));
        index.unique && !index.partial && names.eq(index.columns.iter().map(|column| column.name.as_deref()))
    };
    if table.indexes.iter().any(|index| is_of_key(&index)) {
        return Ok(None);
    }
    Ok(Some(format!("UNIQUE ({})", key_columns(table, &key.columns)?)))
}

/// The columns of a key with the collations of the index behind it.
fn key_columns(table: &TableSchema, columns: &[usize]) -> Result<String> {
    let key = table.key.as_ref().filter(|key| key.columns == columns);
    let mut written = Vec::new();
    for (place, at) in columns.iter().enumerate() {
        let name = quoted(&table.columns[*at].name)?;
        written.push(match key.and_then(|key| key.collations.get(place)) {
            Some(collation) => format!("{name} COLLATE {}", quoted(collation)?),
            None => name,
        });
    }
    Ok(written.join(", "))
}

fn unique_columns(unique: &Unique) -> Result<String> {
    let columns = unique.columns.iter().flatten().map(|name| quoted(name)).collect::<Result<Vec<_>>>()?;
    Ok(columns.join(", "))
}

fn foreign_key(key: &ForeignKey) -> Result<String> {
    Ok(format!("FOREIGN KEY ({}) {}", names(&key.columns)?, references(key)?))
}

/// What is referenced, and what a change there does.
pub(in crate::sqlite) fn references(key: &ForeignKey) -> Result<String> {
    let parent_columns =
        if key.parent_columns.is_empty() { String::new() } else { format!(" ({})", names(&key.parent_columns)?) };
    let parent = quoted(&key.parent)?;
    let (on_delete, on_update) = (action(&key.on_delete)?, action(&key.on_update)?);
    Ok(format!("REFERENCES {parent}{parent_columns} ON DELETE {on_delete} ON UPDATE {on_update}"))
}

fn names(names: &[String]) -> Result<String> {
    Ok(names.iter().map(|name| quoted(name)).collect::<Result<Vec<_>>>()?.join(", "))
}

fn action(action: &str) -> Result<&'static str> {
    let known = ["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(action)).ok_or_else(|| {
        Error::new(Code::StoreFailed, format!("a reference does {action:?} on a change, which SQLite does not know"))
    })
}
