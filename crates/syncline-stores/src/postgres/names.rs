//! Where a table is, and how it is written.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::TableSchema;

use crate::sql::Dialect;

/// How tables of a database are called, and how they are written: always with their schema, because sessions look for names
/// nowhere but in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    default_schema: String,
}

/// The place of a table: its schema and its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place<'a> {
    /// The schema.
    pub schema: &'a str,
    /// The name.
    pub name: &'a str,
}

impl Names {
    /// Names of a database where tables are looked for in this schema first; empty where there is none such.
    pub fn new(default_schema: &str) -> Self {
        Self { default_schema: default_schema.to_owned() }
    }

    /// The schema whose tables are called by their names alone.
    pub fn default_schema(&self) -> &str {
        &self.default_schema
    }

    /// What a table in this place is called: by its name in the default schema, and elsewhere by both.
    pub fn called(&self, place: Place<'_>) -> String {
        if place.schema == self.default_schema {
            place.name.to_owned()
        } else {
            format!("{}.{}", place.schema, place.name)
        }
    }

    /// Where a table is, or is to be.
    pub fn place<'a>(&'a self, table: &'a TableSchema) -> Place<'a> {
        place(&self.default_schema, table.namespace.as_deref(), &table.name)
    }

    /// The table as it is written in a statement.
    ///
    /// # Errors
    /// As [`Dialect::identifier`].
    pub fn table(&self, table: &TableSchema) -> Result<String> {
        self.place(table).quoted()
    }

    /// The table as it is written where its rows are selected, updated or deleted: without those of its heirs.
    ///
    /// # Errors
    /// As [`Dialect::identifier`].
    pub fn rows_of(&self, table: &TableSchema) -> Result<String> {
        let written = self.table(table)?;
        Ok(if table.has_heirs { format!("ONLY {written}") } else { written })
    }
}

impl Place<'_> {
    /// Both names in quotes.
    ///
    /// # Errors
    /// As [`Dialect::identifier`], and `STORE_MISSING` for the default schema where there is none.
    pub fn quoted(&self) -> Result<String> {
        if self.schema.is_empty() {
            let what = "the database has no schema that tables are looked for in first, so none can be made there";
            return Err(Error::new(Code::StoreMissing, what)
                .because("the search_path of the login names no schema that is there")
                .leaving("nothing was changed")
                .next("schema=NAME in the name of the database", "names the schema"));
        }
        Ok(format!("{}.{}", quoted(self.schema)?, quoted(self.name)?))
    }
}

/// A name in quotes.
///
/// # Errors
/// As [`Dialect::identifier`].
pub fn quoted(name: &str) -> Result<String> {
    Dialect::Postgres.identifier(name)
}

/// Names in quotes, with commas between them.
///
/// # Errors
/// As [`Dialect::identifier`].
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<String> {
    Ok(names.into_iter().map(quoted).collect::<Result<Vec<_>>>()?.join(", "))
}

fn place<'a>(default_schema: &'a str, namespace: Option<&'a str>, called: &'a str) -> Place<'a> {
    let inside = |schema: &str| called.strip_prefix(schema)?.strip_prefix('.').filter(|name| !name.is_empty());
    match namespace {
        Some(schema) => Place { schema, name: inside(schema).unwrap_or(called) },
        None => Place { schema: default_schema, name: called },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(namespace: Option<&str>, name: &str) -> TableSchema {
        TableSchema { name: name.to_owned(), namespace: namespace.map(str::to_owned), ..TableSchema::default() }
    }

    #[test]
    fn a_table_is_written_with_its_schema() {
        let names = Names::new("app");
        let written = |namespace, name| names.table(&table(namespace, name)).unwrap();
        assert_eq!(written(None, "orders"), "\"app\".\"orders\"");
        assert_eq!(written(Some("sales"), "sales.orders"), "\"sales\".\"orders\"");
        assert_eq!(written(None, "sales.orders"), "\"app\".\"sales.orders\"");
        assert_eq!(written(Some("a.b"), "a.b.c\"d"), "\"a.b\".\"c\"\"d\"");
        assert_eq!(written(Some("app"), "app.sales.orders"), "\"app\".\"sales.orders\"");
        // A mapping that renames a table gives it a name without its place.
        assert_eq!(written(Some("sales"), "bills"), "\"sales\".\"bills\"");
    }

    #[test]
    fn what_a_table_is_called_tells_where_it_is() {
        let names = Names::new("public");
        for (schema, name) in [("public", "a"), ("sales", "a"), ("a.b", "c"), ("a", "b.c"), ("Public", "a")] {
            let place = Place { schema, name };
            let namespace = (schema != "public").then_some(schema);
            assert_eq!(names.place(&table(namespace, &names.called(place))), place);
        }
    }

    #[test]
    fn columns_are_listed_in_quotes() {
        assert_eq!(listed(["a", "b\"c"]).unwrap(), "\"a\", \"b\"\"c\"");
        assert!(listed(["a\0"]).is_err());
    }
}
