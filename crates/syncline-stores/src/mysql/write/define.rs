//! Carrying out schema steps.

pub mod synthesis;

use syncline_core::error::Result;
use syncline_core::schema::TableSchema;

use crate::mysql::connect::Version;

/// The statement that creates a table, its indexes and its constraints, as one: there are no transactions over more.
///
/// # Errors
/// When the description cannot be written.
pub fn statements_of(table: &TableSchema) -> Result<Vec<String>> {
    Ok(vec![synthesis::table_definition(table, &table.name, &Version::parse(&table.server))?])
}
