//! Constraints that are no index: references and conditions.

use std::collections::{BTreeMap, HashMap, HashSet};

use syncline_core::error::Result;
use syncline_core::schema::{Check, ForeignKey};

use super::{ByTable, ask};
use crate::mysql::connect::{Connection, Product, cell};

const REFERENCES: &str = "SELECT part.TABLE_NAME, part.CONSTRAINT_NAME, part.COLUMN_NAME, \
    IF(part.REFERENCED_TABLE_SCHEMA = DATABASE(), part.REFERENCED_TABLE_NAME, \
        CONCAT(part.REFERENCED_TABLE_SCHEMA, '.', part.REFERENCED_TABLE_NAME)), \
    part.REFERENCED_COLUMN_NAME, whole.DELETE_RULE, whole.UPDATE_RULE \
    FROM information_schema.KEY_COLUMN_USAGE AS part \
    JOIN information_schema.REFERENTIAL_CONSTRAINTS AS whole ON whole.CONSTRAINT_SCHEMA = part.CONSTRAINT_SCHEMA \
        AND whole.TABLE_NAME = part.TABLE_NAME AND whole.CONSTRAINT_NAME = part.CONSTRAINT_NAME \
    WHERE part.TABLE_SCHEMA = DATABASE() AND part.REFERENCED_TABLE_NAME IS NOT NULL \
    ORDER BY part.TABLE_NAME, part.CONSTRAINT_NAME, part.ORDINAL_POSITION";

/// Names of conditions are those of one table there.
const CHECKS_OF_MARIADB: &str = "SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
    WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY TABLE_NAME, CONSTRAINT_NAME";

const CHECKS_OF_MYSQL: &str = "SELECT whole.TABLE_NAME, part.CHECK_CLAUSE \
    FROM information_schema.CHECK_CONSTRAINTS AS part \
    JOIN information_schema.TABLE_CONSTRAINTS AS whole ON whole.CONSTRAINT_SCHEMA = part.CONSTRAINT_SCHEMA \
        AND whole.CONSTRAINT_NAME = part.CONSTRAINT_NAME AND whole.CONSTRAINT_TYPE = 'CHECK' \
    WHERE part.CONSTRAINT_SCHEMA = DATABASE() AND whole.ENFORCED = 'YES' \
    ORDER BY whole.TABLE_NAME, part.CONSTRAINT_NAME";

/// The constraints of a table.
#[derive(Default)]
pub(super) struct Constraints {
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
    /// Columns whose text is checked to be JSON: that is what their type is, and no condition of its own.
    pub(super) json: HashSet<String>,
}

pub(super) async fn read(connection: &Connection) -> Result<ByTable<Constraints>> {
    let mut tables: ByTable<Constraints> = HashMap::new();
    for (table, foreign_keys) in references(connection).await? {
        tables.entry(table).or_default().foreign_keys = foreign_keys;
    }
    let checks = match connection.version.product {
        Product::MariaDb => CHECKS_OF_MARIADB,
        Product::MySql => CHECKS_OF_MYSQL,
    };
    for row in ask(connection, checks).await? {
        let (table, expression): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
        let table = tables.entry(table).or_default();
        match json_column(&expression) {
            Some(column) if connection.version.product == Product::MariaDb => drop(table.json.insert(column)),
            _ => table.checks.push(Check { expression }),
        }
    }
    for table in tables.values_mut() {
        sort_constraints(&mut table.checks, &mut table.foreign_keys);
    }
    Ok(tables)
}

/// The references of each table, in the order of their names.
pub(in crate::mysql) async fn references(connection: &Connection) -> Result<BTreeMap<String, Vec<ForeignKey>>> {
    let mut references: BTreeMap<(String, String), ForeignKey> = BTreeMap::new();
    for row in ask(connection, REFERENCES).await? {
        let named = (cell(&row, 0)?, cell(&row, 1)?);
        let key = match references.entry(named) {
            std::collections::btree_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(ForeignKey {
                columns: Vec::new(),
                parent: cell(&row, 3)?,
                parent_columns: Vec::new(),
                on_delete: action(cell(&row, 5)?),
                on_update: action(cell(&row, 6)?),
            }),
        };
        key.columns.push(cell(&row, 2)?);
        key.parent_columns.push(cell(&row, 4)?);
    }
    let mut tables: BTreeMap<String, Vec<ForeignKey>> = BTreeMap::new();
    for ((table, _), key) in references {
        tables.entry(table).or_default().push(key);
    }
    Ok(tables)
}

/// In an order that does not depend on their names.
pub(in crate::mysql) fn sort_constraints(checks: &mut [Check], foreign_keys: &mut [ForeignKey]) {
    checks.sort_by(|a, b| a.expression.cmp(&b.expression));
    foreign_keys.sort_by(|a, b| (&a.columns, &a.parent).cmp(&(&b.columns, &b.parent)));
}

/// What becomes of rows that reference one. A reference that only forbids has two names in these engines, which mean the same.
fn action(rule: String) -> String {
    if rule == "RESTRICT" { "NO ACTION".to_owned() } else { rule }
}

/// The column that this condition wants to be JSON, if it wants nothing else.
fn json_column(expression: &str) -> Option<String> {
    let name = expression.strip_prefix("json_valid(`")?.strip_suffix("`)")?;
    let bare = name.replace("``", "");
    (!bare.contains('`')).then(|| name.replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::json_column;

    #[test]
    fn only_a_condition_on_one_column_makes_it_json() {
        assert_eq!(json_column("json_valid(`data`)").as_deref(), Some("data"));
        assert_eq!(json_column("json_valid(`a``b`)").as_deref(), Some("a`b"));
        assert_eq!(json_column("json_valid(`a`) or json_valid(`b`)"), None);
        assert_eq!(json_column("json_valid(`a`) and `b` > 0"), None);
    }
}
