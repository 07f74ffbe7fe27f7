//! Columns.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::{Column, Generated};

use super::{ByTable, Cells, ask};
use crate::postgres::connect::Connection;
use crate::postgres::types::{self, Catalogued};

/// What lies beneath a domain is looked for through all domains it is made of; the innermost says the modifier.
///
/// A collation that is PostgreSQL's own goes by its name, another by both its names in quotes. A column that is given numbers
/// has them as a default, whichever way it was declared: `serial` and `IDENTITY` are the same to everybody who writes.
const COLUMNS: &str = "\
WITH RECURSIVE beneath(domain, base, modifier, depth) AS (
    SELECT oid, typbasetype, typtypmod, 1 FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT beneath.domain, type.typbasetype, type.typtypmod, depth + 1
    FROM beneath JOIN pg_type AS type ON type.oid = beneath.base AND type.typtype = 'd'
), bottom AS (
    SELECT DISTINCT ON (domain) domain, base, modifier FROM beneath ORDER BY domain, depth DESC
), typed AS (
    SELECT attribute.*, coalesce(bottom.base, atttypid) AS base, coalesce(bottom.modifier, atttypmod) AS modifier
    FROM pg_attribute AS attribute LEFT JOIN bottom ON bottom.domain = atttypid
    WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped
)
SELECT attrelid, attnum, attname, format_type(atttypid, atttypmod),
    type.typname, type.typnamespace = 'pg_catalog'::regnamespace, type.typtype::text, modifier,
    format_type(base, modifier),
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = base ORDER BY enumsortorder),
    attnotnull OR own.typnotnull, pg_get_expr(adbin, adrelid), attgenerated::text,
    CASE WHEN collnamespace = 'pg_catalog'::regnamespace THEN collname::text
        ELSE '\"' || replace(space.nspname, '\"', '\"\"') || '\".\"' || replace(collname, '\"', '\"\"') || '\"' END,
    attidentity <> '' OR sequence.oid IS NOT NULL AND adbin IS NOT NULL,
    sequence.oid::regclass::text
FROM typed
    JOIN pg_type AS own ON own.oid = atttypid
    JOIN pg_type AS type ON type.oid = base
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    LEFT JOIN pg_namespace AS space ON space.oid = collnamespace
    LEFT JOIN LATERAL (SELECT class.oid FROM pg_depend AS depend
        JOIN pg_class AS class ON class.oid = depend.objid AND class.relkind = 'S'
        WHERE depend.classid = 'pg_class'::regclass AND depend.refclassid = 'pg_class'::regclass
            AND depend.refobjid = attrelid AND depend.refobjsubid = attnum AND depend.deptype IN ('a', 'i')
        ORDER BY class.oid LIMIT 1) AS sequence ON true
ORDER BY attrelid, attnum";

/// Types that are not PostgreSQL's own, as columns are declared with them: no arrays.
const TYPES: &str = "SELECT format_type(oid, NULL) FROM pg_type WHERE typtype <> 'p' AND typcategory <> 'A' \
    AND typnamespace <> 'pg_catalog'::regnamespace ORDER BY 1";

/// The columns of a table.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    /// The position of each number that the catalog has for a column: those of dropped ones are left out.
    pub(super) numbers: HashMap<i16, usize>,
    /// One of them is given numbers that are never used again.
    pub(super) autoincrement: bool,
}

pub(super) async fn read(connection: &Connection, oids: &[u32]) -> Result<ByTable<Columns>> {
    let mut tables: ByTable<Columns> = HashMap::new();
    ask(connection, COLUMNS, oids, |row| {
        let table = tables.entry(row.get(0)?).or_default();
        table.numbers.insert(row.get(1)?, table.columns.len());
        let (column, is_counted) = column(row)?;
        table.autoincrement |= is_counted;
        table.columns.push(column);
        Ok(())
    })
    .await?;
    Ok(tables)
}

/// The types that somebody has made in the database.
pub(super) async fn types(connection: &Connection) -> Result<Vec<String>> {
    let rows = connection.client.query(TYPES, &[]).await.map_err(|error| connection.error(error))?;
    rows.iter().map(|row| Cells { connection, row }.get(0)).collect()
}

fn column(row: &Cells<'_>) -> Result<(Column, bool)> {
    let declared_type: String = row.get(3)?;
    let catalogued = Catalogued {
        name: row.get(4)?,
        is_builtin: row.get(5)?,
        sort: row.get(6)?,
        modifier: row.get(7)?,
        full_name: row.get(8)?,
        labels: row.get(9)?,
        declared: declared_type.clone(),
    };
    let expression: Option<String> = row.get(11)?;
    let generated = match row.get(12)? {
        "s" => Generated::Stored,
        "v" => Generated::Virtual,
        _ => Generated::No,
    };
    let sequence: Option<String> = row.get(15)?;
    let is_counted = row.get::<bool>(14)? && generated == Generated::No;
    let (default, expression) = match (generated, is_counted, sequence) {
        (Generated::No, true, Some(sequence)) if expression.as_deref().is_none_or(is_next_number) => {
            (Some(format!("nextval('{}'::regclass)", sequence.replace('\'', "''"))), None)
        }
        (Generated::No, ..) => (expression, None),
        _ => (None, expression.map(|expression| unwrapped(&expression).to_owned())),
    };
    let is_counted = default.as_deref().is_some_and(is_next_number);
    let column = Column {
        name: row.get(2)?,
        kind: types::kind(catalogued),
        declared_type,
        nullable: !row.get::<bool>(10)?,
        default,
        collation: row.get::<Option<String>>(13)?.unwrap_or_default(),
        generated,
        expression,
    };
    Ok((column, is_counted))
}

fn is_next_number(expression: &str) -> bool {
    expression.starts_with("nextval(")
}

/// The expression without the parentheses around all of it, which the server writes and nobody needs.
pub(in crate::postgres) fn unwrapped(expression: &str) -> &str {
    let Some(inside) = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return expression };
    let (mut depth, mut quote) = (1_i32, None);
    for c in inside.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return expression;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parentheses_around_all_of_it_are_taken_off() {
        let cases = [
            ("(a > 0)", "a > 0"),
            ("((a > 0) AND (b > 0))", "(a > 0) AND (b > 0)"),
            ("(a > 0) AND (b > 0)", "(a > 0) AND (b > 0)"),
            ("(a = ')'::text)", "a = ')'::text"),
            ("(\"(\" = 'it''s)')", "\"(\" = 'it''s)'"),
            ("f(a)", "f(a)"),
            ("()", ""),
        ];
        for (whole, expected) in cases {
            assert_eq!(unwrapped(whole), expected);
        }
    }
}
