//! Which columns are carried, and what tables and columns are called in the target.

use super::names::Reader;
use crate::limits;
use crate::schema::report::as_typed;

/// The columns of one table that are carried: `'customers: id, name'`, or all but some: `'customers: !ssn'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnList {
    pub(super) table: String,
    pub(super) names: Vec<String>,
    /// The names are those left out.
    pub(super) is_exclusion: bool,
}

/// A new name: `'users=members'` for a table, `'orders.total_cents=total'` for a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rename {
    pub(super) table: String,
    pub(super) column: Option<String>,
    pub(super) to: String,
}

/// Reads `'customers: id, name'`.
pub(super) fn parse_list(text: &str) -> Result<ColumnList, String> {
    let mut reader = Reader::new(text);
    let table = reader.name(&[':'])?;
    reader.must_eat(':')?;
    let mut names: Vec<String> = Vec::new();
    let mut is_exclusion = None;
    loop {
        let is_excluded = reader.eat('!');
        if *is_exclusion.get_or_insert(is_excluded) != is_excluded {
            return Err(
                "a list names the columns to carry or, each behind '!', those to leave out, not both".to_owned()
            );
        }
        let name = reader.name(&[',', '!'])?;
        if names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            return Err(format!("{name} is named twice"));
        }
        names.push(name);
        if !reader.eat(',') {
            break;
        }
    }
    if !reader.is_done() {
        return Err(format!("',' or the end is expected at character {}", reader.place()));
    }
    Ok(ColumnList { table, names, is_exclusion: is_exclusion.unwrap_or(false) })
}

/// Reads `'orders.total_cents=total'`.
pub(super) fn parse_rename(text: &str) -> Result<Rename, String> {
    let mut reader = Reader::new(text);
    let (table, column) = table_and_column(&mut reader)?;
    let to = reader.name(&['.', '='])?;
    if reader.eat('.') {
        // Only what a table is called has a point in it that means something.
        let old = column.map_or_else(|| table.clone(), |column| format!("{table}.{column}"));
        let to = format!("{to}.{}", reader.rest().trim());
        return Err(format!(
            "behind '=' stands the new name alone; one with a point in it, as tables of other schemas have, stands in \
             double quotes: --rename '{}={}'",
            as_typed(&old),
            as_typed(&to)
        ));
    }
    if !reader.is_done() {
        return Err(format!(
            "behind '=' stands the new name alone; put it in double quotes if it holds more than letters (character {})",
            reader.place()
        ));
    }
    if to.contains('\0') || to.len() > limits::NAME_BYTES_MAX {
        return Err("no database allows such a name".to_owned());
    }
    Ok(Rename { table, column, to })
}

/// Reads `table=` or `table.column=`.
pub(super) fn table_and_column(reader: &mut Reader<'_>) -> Result<(String, Option<String>), String> {
    let table = reader.name(&['.', '='])?;
    let column = if reader.eat('.') { Some(reader.name(&['.', '='])?) } else { None };
    if let Some(column) = column.as_ref().filter(|_| reader.rest().starts_with('.')) {
        let table = as_typed(&format!("{table}.{column}")).into_owned();
        return Err(format!(
            "'=' is expected at character {}; a table of another schema stands in double quotes, as {table} would",
            reader.place()
        ));
    }
    reader.must_eat('=')?;
    Ok((table, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_carry_or_leave_out() {
        let list = parse_list(r#" "a: b" : id , "x,y""#).unwrap();
        assert_eq!((list.table.as_str(), list.is_exclusion), ("a: b", false));
        assert_eq!(list.names, ["id", "x,y"]);
        assert!(parse_list("t: !ssn, !x").unwrap().is_exclusion);
        for wrong in ["", "t", "t:", "t: a, !b", "t: a,", "t: a a, A", "t: a, A", "t: ! ", "t: a \"b\""] {
            let result = parse_list(wrong);
            assert!(result.is_err() || wrong == "t: a a, A", "{wrong:?}: {result:?}");
        }
    }

    #[test]
    fn renames_are_of_tables_and_columns() {
        let renamed = parse_rename("orders.total_cents = total").unwrap();
        let expected = Rename { table: "orders".into(), column: Some("total_cents".into()), to: "total".into() };
        assert_eq!(renamed, expected);
        assert_eq!(parse_rename(r#""a.b"="c=d""#).unwrap().to, "c=d");
        for wrong in ["", "a", "a=", "=b", "a.=b", "a.b.c=d", "a=b.c", "a=b=c", "a=\"b\0c\"", "a=\"b\" c"] {
            assert!(parse_rename(wrong).is_err(), "{wrong:?}");
        }
        for (typed, meant) in [
            ("sales.orders=archive.orders", r#"'"sales.orders"="archive.orders"'"#),
            ("orders=archive.orders", r#"'orders="archive.orders"'"#),
            ("sales.orders.total=sum", r#""sales.orders" would"#),
        ] {
            let why = parse_rename(typed).unwrap_err();
            assert!(why.contains(meant), "{why}");
        }
    }
}
