//! Which table of the target is meant by a name of the source, where the case of letters may make another name or none.

use std::sync::Arc;

use syncline_core::error::{Code, Error, Result, shell_word, without_table};
use syncline_core::mapping::{Called, Resolved};
use syncline_core::schema::report::{as_typed, free_name};
use syncline_core::schema::{Column, Schema, TableSchema, heeds_case, heeds_case_of_columns};
use syncline_stores::sql::Dialect;

/// The table of the target that takes the rows of this one; `None` where it is missing. One takes the rows of one table
/// only: of the one that is spelled like it.
///
/// # Errors
/// `TABLE_NAME_SHARED`.
pub(crate) fn counterpart<'t>(
    table: &TableSchema,
    schema: &'t Schema,
    resolved: &Resolved,
) -> Result<Option<&'t Arc<TableSchema>>> {
    let name = resolved.target_name(&table.name);
    let Some(found) = schema.table(name) else { return Ok(None) };
    if found.name == name {
        return Ok(Some(found));
    }
    let is_its_own = |other: &&Called| other.target == found.name;
    match resolved.called_alike(&table.name).find(is_its_own) {
        // It is somebody else's, and the two can stand side by side.
        Some(_) if heeds_case(found.engine) => Ok(None),
        Some(other) => Err(shared(table, other, resolved)
            .because(format!("the target has one table for both, and {} is spelled like it", other.source))),
        None => match resolved.called_alike(&table.name).next() {
            Some(other) => Err(shared(table, other, resolved)
                .because(format!("the target has {} for both, and neither is spelled like it", found.name))),
            None => Ok(Some(found)),
        },
    }
}

/// Whether a table of the target is that of one of these tables of the source.
pub(crate) fn is_taken(table: &TableSchema, by: &[&Arc<TableSchema>], schema: &Schema, resolved: &Resolved) -> bool {
    let is_its = |source: &&Arc<TableSchema>| match counterpart(source, schema, resolved) {
        Ok(found) => found.is_some_and(|found| found.name == table.name),
        Err(_) => true,
    };
    let is_alike = |source: &&&Arc<TableSchema>| resolved.target_name(&source.name).eq_ignore_ascii_case(&table.name);
    by.iter().filter(is_alike).any(is_its)
}

/// Looks whether a table that is missing can be made beside the others that are carried.
///
/// # Errors
/// `TABLE_NAME_SHARED`, for its name or that of a column, and `TABLE_NOT_CREATED` for a table without columns and for names that
/// are too long there.
pub(crate) fn check_new(table: &TableSchema, made: &TableSchema, resolved: &Resolved) -> Result<()> {
    check_lengths(table, made, resolved)?;
    let other = resolved.called_alike(&table.name).find(|other| other.takes_part);
    if let Some(other) = other.filter(|_| !heeds_case(made.engine)) {
        return Err(shared(table, other, resolved));
    }
    if heeds_case_of_columns(made.engine) {
        return Ok(());
    }
    if made.columns.is_empty() {
        return Err(Error::new(Code::TableNotCreated, format!("{} has no column", table.name))
            .because("the target can hold no table without one")
            .leaving("the table is not there")
            .next(without_table(&table.name), "leave the table out"));
    }
    let names: Vec<&str> = made.columns.iter().map(|column| column.name.as_str()).collect();
    for (at, name) in names.iter().enumerate() {
        let Some(other) = names[..at].iter().find(|other| other.eq_ignore_ascii_case(name)) else { continue };
        let renamed = free_name(name, |free| names.iter().any(|other| other.eq_ignore_ascii_case(free)));
        let rule = format!("{}={}", typed_column(table, name, resolved), as_typed(&renamed));
        let what = format!("{name} and {other} of {} would share one column of the target", table.name);
        return Err(refused(what, &rule));
    }
    Ok(())
}

/// Looks whether the target takes names as long as those of the table and of its columns.
fn check_lengths(table: &TableSchema, made: &TableSchema, resolved: &Resolved) -> Result<()> {
    let dialect = Dialect::of(made.engine);
    let inside = |schema: &String| made.name.strip_prefix(schema)?.strip_prefix('.');
    let name = made.namespace.as_ref().and_then(inside).unwrap_or(&made.name);
    if let Some(why) = dialect.too_long(name) {
        let renamed = shortened(name, dialect, |free| resolved.is_called(free));
        let rule = format!("{}={}", as_typed(&table.name), as_typed(&renamed));
        return Err(too_long(format!("the name of the table {name} {why}"), &rule)
            .next(without_table(&table.name), "leave the table out"));
    }
    for Column { name, .. } in &made.columns {
        let Some(why) = dialect.too_long(name) else { continue };
        let renamed = shortened(name, dialect, |free| made.column(free).is_some());
        let rule = format!("{}={}", typed_column(table, name, resolved), as_typed(&renamed));
        let left_out = format!("{}: !{}", as_typed(&table.name), as_typed(column_of(table, name, resolved)));
        return Err(too_long(format!("the name of the column {name} of {} {why}", table.name), &rule)
            .next(format!("--columns {}", shell_word(&left_out)), "leave the column out"));
    }
    Ok(())
}

fn too_long(what: String, rule: &str) -> Error {
    Error::new(Code::TableNotCreated, what)
        .because("cut off, it could be the name of something else")
        .leaving("the table is not there")
        .next(flag(rule), "give it a shorter name there")
}

/// The beginning of a name as far as the engine takes it, with a number behind it where that is taken.
fn shortened(name: &str, dialect: Dialect, is_taken: impl Fn(&str) -> bool) -> String {
    // Room for a number of as many digits as anybody will need.
    let ends_in_time = |end: &usize| dialect.too_long(&format!("{}_9999", &name[..*end])).is_none();
    let ends: Vec<usize> = name.char_indices().map(|(at, _)| at).collect();
    let end = ends.into_iter().rev().find(ends_in_time).unwrap_or_default();
    let short = &name[..end];
    if is_taken(short) { free_name(short, is_taken) } else { short.to_owned() }
}

/// What the source calls a column that has this name in the target.
fn column_of<'t>(table: &'t TableSchema, name: &'t str, resolved: &Resolved) -> &'t str {
    let place = resolved.view(table).columns.iter().position(|column| column.as_deref() == Some(name));
    place.map_or(name, |place| &table.columns[place].name)
}

/// The same behind its table, as it is typed in a rule.
fn typed_column(table: &TableSchema, name: &str, resolved: &Resolved) -> String {
    format!("{}.{}", as_typed(&table.name), as_typed(column_of(table, name, resolved)))
}

fn shared(table: &TableSchema, other: &Called, resolved: &Resolved) -> Error {
    let renamed = free_name(resolved.target_name(&table.name), |free| resolved.is_called(free));
    let what = format!("{} and {} of the source would share one table of the target", table.name, other.source);
    refused(what, &format!("{}={}", as_typed(&table.name), as_typed(&renamed)))
}

fn refused(what: String, rule: &str) -> Error {
    Error::new(Code::TableNameShared, what)
        .leaving("the table is untouched")
        .next(flag(rule), "give it a name of its own there")
}

/// The flag as a shell takes it.
pub(crate) fn flag(rule: &str) -> String {
    format!("--rename '{}'", rule.replace('\'', r"'\''"))
}
