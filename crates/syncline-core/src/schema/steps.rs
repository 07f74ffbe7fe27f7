//! Changes to a schema, as data: decided in the core, carried out by a store.

use std::sync::Arc;

use super::table::{Index, TableSchema};

/// One change to the target's schema.
#[derive(Clone, Debug)]
pub enum SchemaStep {
    /// Create a table like this one, without its separate indexes.
    CreateTable(Arc<TableSchema>),
    /// Create an index, after the table's rows are there.
    CreateIndex {
        /// The table it belongs to.
        table: String,
        /// The index.
        index: Index,
    },
    /// Drop a table that an earlier run created: undo only, never planned.
    DropTable(String),
}
