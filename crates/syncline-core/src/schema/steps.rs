//! Changes to a schema, as data: decided in the core, carried out by a store.

use std::sync::Arc;

use super::table::{Check, Column, ForeignKey, Index, TableSchema};
use crate::value::Value;

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
    /// Add a column to a table that is there.
    AddColumn(Box<NewColumn>),
    /// Drop the references from these tables to each other, which are all dropped next: tables that reference each other
    /// in a circle could not go one after the other. Undo only, never planned.
    DropReferencesAmong(Vec<String>),
    /// Drop a table that an earlier run created: undo only, never planned.
    DropTable(String),
}

/// A column that a table is to get, with the constraints that come and go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    /// The table it is added to.
    pub table: String,
    /// The column.
    pub column: Column,
    /// Conditions that mention it.
    pub checks: Vec<Check>,
    /// What it references.
    pub reference: Option<ForeignKey>,
}

/// A table of another engine in an engine's own words, or one that is made to fit where it is to be.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The table as the engine would describe it once made: kinds, declared types, defaults and conditions are its own, and
    /// there are no definitions.
    pub table: Arc<TableSchema>,
    /// What the engine has no words for, each a phrase for a person: `CHECK (…)`, `default of note`, `index by_lower`.
    pub left_out: Vec<String>,
}

/// What a table becomes when columns are added to it, told before anything is done.
#[derive(Clone, Debug)]
pub struct Widened {
    /// The table with the columns that can be added.
    pub table: Arc<TableSchema>,
    /// Those columns, in the order they are added.
    pub added: Vec<AddedColumn>,
    /// The others, by name, with the engine's words.
    pub refused: Vec<(String, String)>,
}

/// A column that an engine can add to a table.
#[derive(Clone, Debug)]
pub struct AddedColumn {
    /// The step that adds it.
    pub step: NewColumn,
    /// The statement that carries the step out.
    pub statement: String,
    /// What the rows that are there hold in it afterwards; NULL for one that is computed.
    pub fill: Value,
}
