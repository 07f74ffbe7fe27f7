//! Statements that create tables, columns, references, indexes and enumerations from their description.
//!
//! PostgreSQL keeps no statement of a table. Names are written by the dialect; types, defaults and expressions are text of the
//! server that was described.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, Counter, ForeignKey, Generated, Index, NewColumn, TableSchema};
use syncline_core::value::{Kind, ValueRef};

use crate::postgres::names::{Place, listed, quoted};
use crate::sql::{Dialect, conditions};

/// The statement that creates the table, without its references.
pub(super) fn table_definition(table: &TableSchema, place: &str) -> Result<String> {
    let mut parts = columns_of(table)?;
    parts.extend(primary_key(table)?);
    Ok(format!("CREATE TABLE {place} (\n  {}\n)", [parts, constraints(table)?].concat().join(",\n  ")))
}

/// The same without the primary key, and the statement that adds it. `None` where the table has none, or one whose values may be
/// too large for an index: then a row is refused as it comes, and an index that is built at once would refuse them all.
pub(super) fn keyless_definition(table: &TableSchema, place: &str) -> Result<Option<(String, String)>> {
    if !table.primary_key.iter().all(|at| is_small(&table.columns[*at].kind)) {
        return Ok(None);
    }
    let mut not_null = table.clone();
    table.primary_key.iter().for_each(|at| not_null.columns[*at].nullable = false);
    let parts = [columns_of(&not_null)?, constraints(table)?].concat();
    let definition = format!("CREATE TABLE {place} (\n  {}\n)", parts.join(",\n  "));
    Ok(primary_key(table)?.map(|key| (definition, format!("ALTER TABLE {place} ADD {key}"))))
}

/// Whether no value of the kind takes more than a few bytes.
fn is_small(kind: &Kind) -> bool {
    use Kind::{Bool, Date, Instant, Int, Real, Time, Timestamp, Uuid};
    matches!(kind, Bool | Int { .. } | Real { .. } | Date | Time { .. } | Timestamp { .. } | Instant { .. } | Uuid)
}

fn columns_of(table: &TableSchema) -> Result<Vec<String>> {
    table.columns.iter().map(|column| column_definition(column, table.counter(&column.name))).collect()
}

fn primary_key(table: &TableSchema) -> Result<Option<String>> {
    if table.primary_key.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("PRIMARY KEY ({})", named(table, &table.primary_key)?)))
}

fn named(table: &TableSchema, positions: &[usize]) -> Result<String> {
    listed(positions.iter().map(|at| table.columns[*at].name.as_str()))
}

/// All constraints but the primary key and references.
fn constraints(table: &TableSchema) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let is_index = |columns: &[Option<String>], name: &str| {
        table.indexes.iter().any(|index| {
            let of_index = index.columns.iter().map(|column| column.name.as_deref());
            index.unique && (index.name == name || name.is_empty() && of_index.eq(columns.iter().map(Option::as_deref)))
        })
    };
    for unique in &table.uniques {
        if unique.partial || unique.columns.iter().any(Option::is_none) || is_index(&unique.columns, &unique.name) {
            continue;
        }
        let name =
            if unique.name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", quoted(&unique.name)?) };
        parts.push(format!("{name}UNIQUE ({})", listed(unique.columns.iter().flatten().map(String::as_str))?));
    }
    if let Some(key) = table.key.as_ref().filter(|key| key.columns != table.primary_key) {
        let names: Vec<_> = key.columns.iter().map(|at| Some(table.columns[*at].name.clone())).collect();
        if !is_index(&names, "") {
            parts.push(format!("UNIQUE ({})", named(table, &key.columns)?));
        }
    }
    parts.extend(table.checks.iter().map(|check| format!("CHECK ({})", check.expression)));
    Ok(parts)
}

/// The statement that adds a column; what it references stands in `parent`, where that is there.
pub(in crate::postgres) fn add_column(place: &str, step: &NewColumn, parent: Option<&str>) -> Result<String> {
    let mut sql = format!("ALTER TABLE {place} ADD COLUMN {}", column_definition(&step.column, None)?);
    for check in &step.checks {
        sql += &format!(" CHECK ({})", check.expression);
    }
    if let (Some(key), Some(parent)) = (&step.reference, parent) {
        sql += &format!(" {}", references(key, parent)?);
    }
    Ok(sql)
}

/// The statement that adds a reference to a table.
pub(super) fn add_reference(place: &str, key: &ForeignKey, parent: &str) -> Result<String> {
    let columns = listed(key.columns.iter().map(String::as_str))?;
    Ok(format!("ALTER TABLE {place} ADD FOREIGN KEY ({columns}) {}", references(key, parent)?))
}

/// The statement that creates the index: what its own says of how, where it has one.
pub(super) fn index_definition(place: &str, index: &Index) -> Result<String> {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let head = format!("CREATE {unique}INDEX {} ON {place}", quoted(&index.name)?);
    if let Some(tail) = tail(&index.definition) {
        return Ok(format!("{head}{tail}"));
    }
    let mut columns = Vec::new();
    for column in &index.columns {
        let Some(name) = &column.name else {
            let what = format!("the index {} is over an expression and has no definition", index.name);
            return Err(Error::new(Code::StoreFailed, what));
        };
        let order = if column.descending { " DESC" } else { "" };
        columns.push(format!("{}{}{order}", quoted(name)?, collation(&column.collation)?));
    }
    Ok(format!("{head} ({})", columns.join(", ")))
}

/// The statement that creates an enumeration.
pub(super) fn enumeration(schema: &str, name: &str, labels: &[String]) -> Result<String> {
    let literal = |label: &String| Dialect::Postgres.literal(ValueRef::Text(label.as_bytes()));
    let labels: Vec<String> = labels.iter().map(literal).collect();
    Ok(format!("CREATE TYPE {} AS ENUM ({})", Place { schema, name }.quoted()?, labels.join(", ")))
}

/// The schema and the name of a type, from how the server prints it.
pub(super) fn type_place(printed: &str) -> Option<(String, String)> {
    conditions::qualified(printed)
}

fn column_definition(column: &Column, counter: Option<&Counter>) -> Result<String> {
    let mut sql = format!("{} {}", quoted(&column.name)?, column.declared_type);
    sql += &collation(&column.collation)?;
    if !column.nullable {
        sql += " NOT NULL";
    }
    if let (Generated::Stored | Generated::Virtual, Some(expression)) = (column.generated, &column.expression) {
        sql += &format!(" GENERATED ALWAYS AS ({expression}) STORED");
    }
    if let (Some(default), Generated::No) = (&column.default, column.generated) {
        sql += &default_clause(column, default, counter);
    }
    Ok(sql)
}

/// A sequence that is counted by is another database's: a column that cannot be NULL gets one of its own, which counts in the
/// same way.
fn default_clause(column: &Column, default: &str, counter: Option<&Counter>) -> String {
    if !is_counted(column) {
        return format!(" DEFAULT ({default})");
    }
    let Some(counter) = counter.filter(|_| has_own_numbers(column)) else {
        return if has_own_numbers(column) { " GENERATED BY DEFAULT AS IDENTITY".to_owned() } else { String::new() };
    };
    let given = if counter.is_always { "ALWAYS" } else { "BY DEFAULT" };
    format!(" GENERATED {given} AS IDENTITY{}", way_of(counter, &column.kind))
}

/// How an identity column counts, as far as that is not how any would.
fn way_of(counter: &Counter, kind: &Kind) -> String {
    let Counter { increment, lowest, highest, start, cycles, .. } = counter;
    let bits = if let Kind::Int { bits } = kind { u32::from(*bits) } else { i64::BITS };
    let last = i64::MAX >> (i64::BITS - bits);
    let usual = if *increment < 0 { (-last - 1, -1, -1) } else { (1, last, 1) };
    let mut parts = Vec::new();
    if *increment != 1 {
        parts.push(format!("INCREMENT {increment}"));
    }
    if (*lowest, *highest, *start) != usual {
        parts.push(format!("MINVALUE {lowest} MAXVALUE {highest} START {start}"));
    }
    if *cycles {
        parts.push("CYCLE".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(" ")) }
}

/// Whether a column takes its values from a sequence.
pub(in crate::postgres) fn is_counted(column: &Column) -> bool {
    column.default.as_deref().is_some_and(|default| default.starts_with("nextval("))
}

/// Whether such a column gets a sequence of its own where it is made.
pub(in crate::postgres) fn has_own_numbers(column: &Column) -> bool {
    matches!(column.kind, Kind::Int { .. }) && !column.nullable
}

/// As it was described: PostgreSQL's own by its name, another by both its names in quotes.
fn collation(collation: &str) -> Result<String> {
    match collation {
        "" | "default" => Ok(String::new()),
        theirs if theirs.starts_with('"') => {
            let (schema, name) = conditions::qualified(theirs)
                .ok_or_else(|| Error::new(Code::StoreFailed, format!("{theirs} is not the name of a collation")))?;
            Ok(format!(" COLLATE {}", Place { schema: &schema, name: &name }.quoted()?))
        }
        own => Ok(format!(" COLLATE {}", quoted(own)?)),
    }
}

fn references(key: &ForeignKey, parent: &str) -> Result<String> {
    let columns = match &key.parent_columns[..] {
        [] => String::new(),
        columns => format!(" ({})", listed(columns.iter().map(String::as_str))?),
    };
    let (on_delete, on_update) = (action(&key.on_delete)?, action(&key.on_update)?);
    Ok(format!("REFERENCES {parent}{columns} ON DELETE {on_delete} ON UPDATE {on_update}"))
}

fn action(action: &str) -> Result<&'static str> {
    let known = ["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(action)).ok_or_else(|| {
        let what = format!("a reference does {action:?} on a change, which PostgreSQL does not know");
        Error::new(Code::StoreFailed, what)
    })
}

/// What stands behind the names in the statement of an index: ` USING btree (…)`. Names may hold anything between quotes.
fn tail(definition: &str) -> Option<&str> {
    let mut is_quoted = false;
    for (at, c) in definition.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted && definition[at..].starts_with(" USING ") => return Some(&definition[at..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_an_index_is_found_whatever_it_is_called() {
        let definition = "CREATE INDEX \"a USING b\" ON public.\"t USING \"\"x\" USING btree (lower(a)) WHERE (a > 0)";
        assert_eq!(tail(definition), Some(" USING btree (lower(a)) WHERE (a > 0)"));
        assert_eq!(tail(""), None);
    }

    #[test]
    fn a_type_is_where_the_server_says() {
        let both = |schema: &str, name: &str| Some((schema.to_owned(), name.to_owned()));
        assert_eq!(type_place("public.mood"), both("public", "mood"));
        assert_eq!(type_place("\"Odd one\".\"a.b\""), both("Odd one", "a.b"));
        assert_eq!(type_place("mood"), None);
        assert_eq!(type_place("public.mood[]"), None);
    }
}
