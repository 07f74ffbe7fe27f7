//! Constraints that are no index alone: primary keys, references and conditions.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::{Check, ForeignKey};

use super::columns::unwrapped;
use super::{ByTable, List, ask};
use crate::postgres::connect::Connection;
use crate::postgres::names::Place;

/// A reference to a partitioned table has entries for its partitions too, which are children of the one that was declared.
const CONSTRAINTS: &str = "\
SELECT conrelid, contype::text, conkey::int2[], pg_get_expr(conbin, conrelid),
    space.nspname::text, parent.relname::text,
    ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS part(number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place),
    ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS part(number, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place),
    confdeltype::text, confupdtype::text
FROM pg_constraint
    LEFT JOIN pg_class AS parent ON parent.oid = confrelid
    LEFT JOIN pg_namespace AS space ON space.oid = parent.relnamespace
WHERE conrelid = ANY ($1::oid[]) AND conparentid = 0 AND contype IN ('p', 'f', 'c')
ORDER BY conrelid";

/// The constraints of a table.
#[derive(Default)]
pub(super) struct Constraints {
    /// The columns of the declared primary key, by their numbers.
    pub(super) primary_key: Option<Vec<i16>>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
}

pub(super) async fn read(connection: &Connection, list: &List<'_>) -> Result<ByTable<Constraints>> {
    let mut tables: ByTable<Constraints> = HashMap::new();
    ask(connection, CONSTRAINTS, &list.oids, |row| {
        let table = tables.entry(row.get(0)?).or_default();
        match row.get(1)? {
            "p" => table.primary_key = row.get(2)?,
            "c" => {
                let expression: Option<&str> = row.get(3)?;
                table.checks.extend(expression.map(|text| Check { expression: unwrapped(text).to_owned() }));
            }
            _ => {
                if let (Some(schema), Some(name)) = (row.get(4)?, row.get(5)?) {
                    table.foreign_keys.push(ForeignKey {
                        columns: row.get(6)?,
                        parent: list.called(Place { schema, name }).0,
                        parent_columns: row.get(7)?,
                        on_delete: action(row.get(8)?),
                        on_update: action(row.get(9)?),
                    });
                }
            }
        }
        Ok(())
    })
    .await?;
    for table in tables.values_mut() {
        sort(&mut table.checks, &mut table.foreign_keys);
    }
    Ok(tables)
}

/// Puts constraints in an order that their names, which are not carried, have no part in.
pub(in crate::postgres) fn sort(checks: &mut [Check], foreign_keys: &mut [ForeignKey]) {
    checks.sort_by(|a, b| a.expression.cmp(&b.expression));
    foreign_keys.sort_by(|a, b| (&a.columns, &a.parent).cmp(&(&b.columns, &b.parent)));
}

fn action(letter: &str) -> String {
    match letter {
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => "NO ACTION",
    }
    .to_owned()
}
