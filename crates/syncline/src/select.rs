//! Which tables take part.

use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;
use syncline_core::mapping::names::nearest;
use syncline_core::schema::{Schema, TableSchema};

/// The tables of `schema` that the filter admits.
pub(crate) fn admitted<'a>(schema: &'a Schema, filter: &TableFilter) -> Vec<&'a Arc<TableSchema>> {
    schema.tables.iter().filter(|table| filter.admits(&table.name)).collect()
}

/// Every table named outright must be in one of the schemas, as a table.
///
/// # Errors
/// `TABLE_NOT_FOUND`, with the nearest name there is, or `NOT_A_TABLE`.
pub(crate) fn check_names(filter: &TableFilter, schemas: &[&Schema]) -> Result<()> {
    for name in filter.plain_names() {
        if schemas.iter().any(|schema| schema.table(name).is_some()) {
            continue;
        }
        let others = schemas.iter().flat_map(|schema| &schema.not_carried);
        if let Some(other) =
            others.clone().find(|other| other.name.eq_ignore_ascii_case(name) && other.kind != "trigger")
        {
            return Err(Error::new(Code::NotATable, format!("{} is a {}, not a table", other.name, other.kind))
                .leaving("nothing was changed"));
        }
        let error = Error::new(Code::TableNotFound, format!("there is no table {name}")).leaving("nothing was changed");
        let tables = schemas.iter().flat_map(|schema| &schema.tables);
        return Err(match nearest(name, tables.map(|table| table.name.as_str())) {
            Some(near) => error.next(format!("--tables {near}"), "did you mean this one?"),
            None => error,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use syncline_core::schema::NotCarried;

    use super::*;

    fn schema() -> Schema {
        let table = |name: &str| Arc::new(TableSchema { name: name.to_owned(), ..TableSchema::default() });
        let view = NotCarried { kind: "view", name: "totals".to_owned(), table: None };
        Schema { tables: vec![table("Orders"), table("customers")], not_carried: vec![view], ..Schema::default() }
    }

    fn check(pattern: &str) -> Option<Error> {
        check_names(&TableFilter::parse(&[pattern]).unwrap(), &[&schema()]).err()
    }

    #[test]
    fn names_must_exist_and_be_tables() {
        assert!(check("orders").is_none());
        assert!(check("zzz*").is_none());
        assert_eq!(check("totals").unwrap().code(), Code::NotATable);
        let missing = check("order").unwrap();
        assert_eq!(missing.code(), Code::TableNotFound);
        assert_eq!(missing.next_steps()[0].action, "--tables Orders");
        assert!(!check("something_else").unwrap().next_steps()[0].action.starts_with("--tables"));
    }
}
