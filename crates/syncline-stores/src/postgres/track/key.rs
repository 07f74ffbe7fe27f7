//! How the cells of a key stand in a log: so that no two keys are one there which are two in the table.

use syncline_core::error::Result;
use syncline_core::schema::Column;

use crate::postgres::names::quoted;
use crate::postgres::snapshot::lookup::{KeyType, key_type, printed};

/// One column of a key.
pub(in crate::postgres) struct KeyCell<'c> {
    column: &'c Column,
}

impl<'c> KeyCell<'c> {
    pub(in crate::postgres) fn of(column: &'c Column) -> Self {
        Self { column }
    }

    /// The type it has in the log. Text is compared by its bytes there, whatever the column takes for equal.
    pub(in crate::postgres) fn log_type(&self) -> String {
        match key_type(self.column) {
            KeyType::Native("text") | KeyType::Folded(_) | KeyType::Read(_) | KeyType::Text => {
                "text COLLATE \"C\"".to_owned()
            }
            KeyType::Native("bpchar") => "bpchar COLLATE \"C\"".to_owned(),
            KeyType::Native(name) => name.to_owned(),
        }
    }

    /// The cell of a row, as it goes into the log.
    pub(in crate::postgres) fn logged(&self, row: &str) -> Result<String> {
        let cell = format!("{row}.{}", quoted(&self.column.name)?);
        Ok(match key_type(self.column) {
            KeyType::Native(_) => cell,
            KeyType::Folded(_) => format!("{cell}::text"),
            KeyType::Read(_) | KeyType::Text => printed(self.column, &cell),
        })
    }

    /// The cell of the log, as a key is looked up by: by the collation of the column that it meets.
    pub(in crate::postgres) fn asked(&self, cell: &str) -> String {
        match key_type(self.column) {
            KeyType::Folded(_) => format!("({cell} COLLATE \"default\")::{}", self.column.declared_type),
            _ if self.log_type().ends_with("COLLATE \"C\"") => format!("({cell} COLLATE \"default\")"),
            _ => cell.to_owned(),
        }
    }

    /// The cell of a row as it goes into the log, told apart by its bytes where the type takes different texts for equal.
    pub(in crate::postgres) fn exact(&self, row: &str) -> Result<String> {
        let cell = self.logged(row)?;
        Ok(match key_type(self.column) {
            // As text it would lose what it is filled up with, which a row is logged with.
            KeyType::Native("bpchar") => format!("{cell} COLLATE \"C\""),
            _ if self.log_type().ends_with("COLLATE \"C\"") => format!("({cell})::text COLLATE \"C\""),
            _ => cell,
        })
    }

    /// Whether two rows have the same key.
    pub(in crate::postgres) fn is_same(&self, one: &str, other: &str) -> Result<String> {
        Ok(format!("{} = {}", self.exact(one)?, self.exact(other)?))
    }
}
