//! Columns.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::{Column, Generated};
use syncline_core::value::ValueRef;

use super::constraints::Constraints;
use super::{ByTable, ask};
use crate::mysql::connect::{Connection, Product, cell};
use crate::mysql::types::{self, Catalogued};
use crate::sql::Dialect;

const COLUMNS: &str = "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, \
    NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, IS_NULLABLE, COLUMN_DEFAULT, COLLATION_NAME, EXTRA, \
    GENERATION_EXPRESSION \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION";

/// The columns of a table.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    /// Those that are given numbers.
    pub(super) counted: Vec<usize>,
}

pub(super) async fn read(connection: &Connection, constraints: &ByTable<Constraints>) -> Result<ByTable<Columns>> {
    let mut tables: ByTable<Columns> = HashMap::new();
    for row in ask(connection, COLUMNS).await? {
        let (table, name): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
        let (data_type, declared_type): (String, String) = (cell(&row, 2)?, cell(&row, 3)?);
        let is_checked_json = constraints.get(&table).is_some_and(|of_table| of_table.json.contains(&name));
        let catalogued = Catalogued {
            name: &data_type.to_ascii_lowercase(),
            full: &declared_type,
            chars: cell(&row, 4)?,
            digits: cell(&row, 5)?,
            scale: cell(&row, 6)?,
            second_digits: cell(&row, 7)?,
            is_checked_json,
        };
        let kind = types::kind(&catalogued);
        let extra: String = cell::<Option<String>>(&row, 11)?.unwrap_or_default().to_ascii_uppercase();
        let generated = match () {
            () if extra.contains("VIRTUAL GENERATED") => Generated::Virtual,
            () if extra.contains("STORED GENERATED") || extra.contains("ROW START") || extra.contains("ROW END") => {
                Generated::Stored
            }
            () => Generated::No,
        };
        let expression: Option<String> = cell(&row, 12)?;
        let of_table = tables.entry(table).or_default();
        if extra.contains("AUTO_INCREMENT") {
            of_table.counted.push(of_table.columns.len());
        }
        let default: Option<String> = cell(&row, 9)?;
        of_table.columns.push(Column {
            name,
            nullable: cell::<String>(&row, 8)? == "YES",
            default: default_of(default, &catalogued, &extra, connection.version.product),
            collation: cell::<Option<String>>(&row, 10)?.unwrap_or_default(),
            expression: expression.filter(|_| generated != Generated::No),
            declared_type,
            kind,
            generated,
        });
    }
    Ok(tables)
}

/// The default as SQL. MariaDB's catalog has it so; MySQL's has a literal without its quotes, unless it says that it is an
/// expression.
fn default_of(default: Option<String>, of: &Catalogued<'_>, extra: &str, product: Product) -> Option<String> {
    let default = default?;
    match product {
        Product::MariaDb => (default != "NULL").then_some(default),
        Product::MySql if extra.contains("DEFAULT_GENERATED") || of.name == "bit" => Some(default),
        Product::MySql if of.digits.is_some() => Some(default),
        Product::MySql => Some(Dialect::Mysql.literal(ValueRef::Text(default.as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_what_stands_behind_the_word() {
        let text = Catalogued { name: "varchar", ..Catalogued::default() };
        let number = Catalogued { name: "int", digits: Some(10), ..Catalogued::default() };
        let of = |default: &str, of, extra, product| default_of(Some(default.to_owned()), of, extra, product);
        let quoted = |text: &str| Some(text.to_owned());
        assert_eq!(of("it's", &text, "", Product::MySql), quoted("'it''s'"));
        assert_eq!(of("uuid()", &text, "DEFAULT_GENERATED", Product::MySql), quoted("uuid()"));
        assert_eq!(of("7", &number, "", Product::MySql), quoted("7"));
        assert_eq!(of("'it''s'", &text, "", Product::MariaDb), quoted("'it''s'"));
        assert_eq!(of("NULL", &text, "", Product::MariaDb), None);
    }
}
