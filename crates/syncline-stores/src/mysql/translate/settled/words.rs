//! A table of another product, or of a newer server, in words that this one knows.

use syncline_core::schema::{Check, Column, Generated, Index, TableSchema};
use syncline_core::value::Kind;

use super::collations;
use crate::mysql::connect::{Product, Version};
use crate::mysql::definition;
use crate::mysql::translate::defaults;
use crate::mysql::types::{self, CHAR_BYTES, Declared};
use crate::sql::Dialect;
use crate::sql::conditions::{self, Sort};

/// What text is declared with that stands for a type of a few characters.
const SHORT_BYTES: u32 = 255 * CHAR_BYTES;

/// The same table for this server.
pub(super) fn of_this_server(table: &TableSchema, version: &Version, left_out: &mut Vec<String>) -> TableSchema {
    let columns: Vec<Column> = table.columns.iter().map(|column| known(column, version, left_out)).collect();
    let mut indexes = Vec::new();
    for index in &table.indexes {
        if can_be_made(index, &columns, version) {
            indexes.push(index.clone());
        } else {
            left_out.push(format!("index {}", index.name));
        }
    }
    let is_left = |name: &str| indexes.iter().any(|index| index.name == name);
    TableSchema {
        server: version.text.clone(),
        checks: checks(table, &columns, left_out),
        uniques: table.uniques.iter().filter(|unique| is_left(&unique.name)).cloned().collect(),
        definition: String::new(),
        key: table.key.clone().map(|mut key| {
            key.collations = key.columns.iter().map(|at| columns[*at].collation.clone()).collect();
            key
        }),
        indexes,
        columns,
        ..table.clone()
    }
}

fn known(column: &Column, version: &Version, left_out: &mut Vec<String>) -> Column {
    let Declared { declared_type, kind, collation } = declared(column, version);
    if kind != column.kind && !matches!(kind, Kind::Json { .. }) {
        left_out.push(format!("the type {} of {}, {declared_type} here", column.declared_type, column.name));
    }
    if !column.collation.is_empty() && !collation.is_empty() && collation != column.collation {
        left_out.push(format!("the collation {} of {}, {collation} here", column.collation, column.name));
    }
    if column.generated != Generated::No {
        left_out.push(format!("the computation of {}", column.name));
    }
    let default = column.default.as_ref().filter(|_| column.generated == Generated::No).and_then(|default| {
        let found = default_of(default, (&declared_type, &kind), version);
        if found.is_none() {
            left_out.push(format!("the default of {}", column.name));
        }
        found.flatten()
    });
    let (generated, expression) = (Generated::No, None);
    Column { declared_type, kind, collation, default, generated, expression, ..column.clone() }
}

fn declared(column: &Column, version: &Version) -> Declared {
    let written = |declared_type: String| Declared {
        declared_type,
        kind: column.kind.clone(),
        collation: collations::settled(&column.collation, version),
    };
    let name = column.declared_type.split(['(', ' ']).next().unwrap_or_default();
    match &column.kind {
        Kind::Json { .. } => types::declared(&column.kind, version, None),
        Kind::Uuid if !types::has_uuid(version) => types::declared(&Kind::Uuid, version, None),
        Kind::Int { .. } | Kind::Decimal { .. } if name.ends_with("int") => {
            written(whole_number(&column.declared_type, name, version))
        }
        Kind::Int { .. } if name == "year" => written(match version.product {
            Product::MariaDb => "year(4)".to_owned(),
            Product::MySql => "year".to_owned(),
        }),
        Kind::Other { .. } if name == "geomcollection" => written("geometrycollection".to_owned()),
        // Only one of them has these, and both may get more.
        Kind::Other { .. } if !is_of_both(name) => {
            let text = Kind::Text { max_chars: None, padded: false };
            types::declared(&text, version, Some(SHORT_BYTES))
        }
        _ => written(column.declared_type.clone()),
    }
}

/// Types without a kind of their own that both products have.
fn is_of_both(name: &str) -> bool {
    ["bit", "set", "geometry", "point", "linestring", "polygon", "geometrycollection"]
        .contains(&name.trim_start_matches("multi"))
}

/// MariaDB prints how wide a number would be shown, and MySQL only where that is 1, by which some know truth values.
fn whole_number(declared: &str, name: &str, version: &Version) -> String {
    let is_unsigned = declared.contains(" unsigned");
    let behind = declared.find(' ').map_or("", |at| &declared[at..]);
    let is_truth = declared.starts_with("tinyint(1)");
    let width = match (name, is_unsigned) {
        _ if is_truth => 1,
        ("tinyint", true) => 3,
        ("tinyint", false) => 4,
        ("smallint", true) => 5,
        ("smallint", false) => 6,
        ("mediumint", true) => 8,
        ("mediumint", false) => 9,
        ("int", true) => 10,
        ("int", false) => 11,
        _ => 20,
    };
    match version.product {
        Product::MySql if !is_truth => format!("{name}{behind}"),
        _ => format!("{name}({width}){behind}"),
    }
}

fn default_of(default: &str, (declared, kind): (&str, &Kind), version: &Version) -> Option<Option<String>> {
    // Bits are printed alike.
    if matches!(kind, Kind::Other { .. }) && default.starts_with("b'") && default.len() > 2 {
        let digits = default[2..].strip_suffix('\'')?;
        return digits.bytes().all(|byte| matches!(byte, b'0' | b'1')).then(|| Some(default.to_owned()));
    }
    defaults::translated(default, Dialect::Mysql, (declared, kind), version)
}

fn can_be_made(index: &Index, columns: &[Column], version: &Version) -> bool {
    let is_json = |name: &Option<String>| {
        let column = name.as_ref().and_then(|name| columns.iter().find(|column| column.name == *name));
        column.is_some_and(|column| matches!(column.kind, Kind::Json { .. }))
    };
    let names = definition::index(&index.definition).map(|(_, written)| definition::index_columns(written));
    match names {
        // Over expressions MariaDB has none.
        Some(names) if names.iter().any(Option::is_none) => version.product == Product::MySql,
        Some(names) => version.product == Product::MariaDb || !names.iter().any(is_json),
        None => index.columns.iter().all(|column| column.name.is_some()),
    }
}

fn checks(table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> Vec<Check> {
    let sort = |name: &str| {
        let at = table.column(name)?;
        let (theirs, ours) = (&table.columns[at], &columns[at]);
        // The collation is another, but of the same sort.
        let is_same = theirs.collation.ends_with("_bin") == ours.collation.ends_with("_bin");
        let sort = match &ours.kind {
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } => Sort::Number,
            Kind::Text { .. } | Kind::Enum { .. } if is_same => Sort::Text,
            Kind::Date => Sort::Day,
            _ => return None,
        };
        Some((ours.name.as_str(), sort))
    };
    let mut checks = Vec::new();
    for check in &table.checks {
        match conditions::translated(&check.expression, Dialect::Mysql, Dialect::Mysql, &sort) {
            Some(expression) => checks.push(Check { expression }),
            None => left_out.push(format!("CHECK ({})", check.expression)),
        }
    }
    checks
}
