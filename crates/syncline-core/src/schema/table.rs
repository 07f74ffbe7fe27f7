//! What a table is: columns, key, constraints, indexes, in terms every engine shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::Kind;
use crate::value::fit::Reach;

/// Engines in which names of tables that differ in the case of their letters are different names.
///
/// Of MySQL it depends on where the server runs. On one that does not heed case such names cannot stand side by side, and it
/// says so itself.
pub const HEEDING_CASE: &[&str] = &["postgres", "mysql"];

/// Everything a database says about its tables, seen in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Ordinary tables, in the order of their names. Syncline's own `_syncline_*` tables and the engine's are left out.
    pub tables: Vec<Arc<TableSchema>>,
    /// What is there and is not carried: views, triggers, virtual tables.
    pub not_carried: Vec<NotCarried>,
    /// Types that somebody has made here, as columns are declared with them; empty where an engine knows its own only.
    pub types: Vec<String>,
}

/// Something in a database that Syncline reports and leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCarried {
    /// `view`, `trigger`, `virtual table` or `shadow table`; of PostgreSQL also `materialized view`, `foreign table`,
    /// `sequence`, `routine`, `rule`, `policy`, `exclusion constraint`, `inheritance` or `partitioning`; of MySQL `event`,
    /// `partitioning`, `routine`, `sequence`, `trigger` or `view`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The table it belongs to, for a trigger and the like.
    pub table: Option<String>,
}

/// One table.
#[derive(Clone, Debug, Default)]
pub struct TableSchema {
    /// The name as the database spells it. Of a table that is not where tables are looked for first, it begins with the
    /// name of its place and a point: `sales.orders`.
    pub name: String,
    /// That place, where there is one (a schema of PostgreSQL's other than the default).
    pub namespace: Option<String>,
    /// The engine that describes it, as in [`Description`](crate::store::Description); its words, such as declared types,
    /// expressions and statements, are that engine's.
    pub engine: &'static str,
    /// Which server's words they are, as it tells its version, where those of one engine differ in them (MySQL and MariaDB);
    /// else empty.
    pub server: String,
    /// What its columns hold beyond their kinds.
    pub reach: Reach,
    /// The lowest and the highest whole number of columns, by position, that hold fewer than their kinds (MySQL's `tinyint` and
    /// all that is unsigned).
    pub spans: BTreeMap<usize, (i128, i128)>,
    /// All columns, in their order, generated ones included.
    pub columns: Vec<Column>,
    /// How rows are told apart; `None` when nothing does.
    pub key: Option<Key>,
    /// Positions of the declared primary key's columns, in its order; empty where none is declared. Usually it is the key.
    pub primary_key: Vec<usize>,
    /// The declared primary key may wait until a transaction commits, as [`Unique::deferrable`].
    pub deferrable_key: bool,
    /// Unique constraints and unique indexes other than the key, partial ones included.
    pub uniques: Vec<Unique>,
    /// References to other tables, or to this one.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints, of columns and of the table.
    pub checks: Vec<Check>,
    /// Indexes that are statements of their own; those that belong to a constraint come with it.
    pub indexes: Vec<Index>,
    /// The statement that creates the table, as the engine keeps it. Within one engine it carries what no portable
    /// description can, word for word. Empty for a table that a mapping has changed: a store that is to create it writes
    /// the statement from the description.
    pub definition: String,
    /// Rows are stored by primary key, without a row number of their own (SQLite's WITHOUT ROWID).
    pub without_rowid: bool,
    /// The engine enforces the declared types (SQLite's STRICT).
    pub strict: bool,
    /// Row numbers are never used again (SQLite's AUTOINCREMENT, PostgreSQL's `serial` and IDENTITY).
    pub autoincrement: bool,
    /// How columns are given such numbers, where an engine has a say in that (PostgreSQL). One a column.
    pub counters: Vec<Counter>,
    /// Other tables inherit from it, and show their rows as its own unless it is asked for ONLY its own (PostgreSQL).
    pub has_heirs: bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name as the database spells it.
    pub name: String,
    /// The type as declared; empty where none is.
    pub declared_type: String,
    /// What values it holds.
    pub kind: Kind,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The default expression, as SQL.
    pub default: Option<String>,
    /// The collation that text in this column is compared by.
    pub collation: String,
    /// Whether the value is computed rather than stored from outside.
    pub generated: Generated,
    /// What it is computed by, as SQL, where it is.
    pub expression: Option<String>,
}

/// How a column is given its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The column, by name.
    pub column: String,
    /// Every row is given one, and none can be changed (PostgreSQL's GENERATED ALWAYS AS IDENTITY).
    pub is_always: bool,
    /// From one number to the next; below zero where they go down.
    pub increment: i64,
    /// The lowest.
    pub lowest: i64,
    /// The highest.
    pub highest: i64,
    /// The first.
    pub start: i64,
    /// After the last comes the first again.
    pub cycles: bool,
}

/// Where the value of a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// It is written.
    No,
    /// It is computed when read.
    Virtual,
    /// It is computed when the row is written.
    Stored,
}

/// The columns by which rows are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Positions in [`TableSchema::columns`], in the order of the key.
    pub columns: Vec<usize>,
    /// The key is the engine's own row number, so that reading in its order costs nothing.
    pub is_rowid: bool,
    /// Collations of the index behind the key, one a column.
    pub collations: Vec<String>,
}

/// A unique constraint or index other than the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// Its name, or the one the engine gave it.
    pub name: String,
    /// The columns by name; an expression is `None`.
    pub columns: Vec<Option<String>>,
    /// It holds only for rows that satisfy a condition.
    pub partial: bool,
    /// It may wait until a transaction commits (PostgreSQL's DEFERRABLE): no reference can rest on it.
    pub deferrable: bool,
}

/// A reference from rows of one table to rows of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The referencing columns, by name.
    pub columns: Vec<String>,
    /// The referenced table.
    pub parent: String,
    /// The referenced columns, by name, in the order of `columns`.
    pub parent_columns: Vec<String>,
    /// What deleting the parent does, as SQL: `NO ACTION`, `CASCADE`, …
    pub on_delete: String,
    /// What changing the parent's key does.
    pub on_update: String,
}

/// A condition that every row satisfies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The expression as written.
    pub expression: String,
}

/// An index with a statement of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Whether it is unique.
    pub unique: bool,
    /// What it is over, in its order.
    pub columns: Vec<IndexColumn>,
    /// It holds only rows that satisfy a condition.
    pub partial: bool,
    /// The statement that creates it; empty for one that a mapping has changed, like that of its table.
    pub definition: String,
}

/// One column of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    /// The column; `None` for an expression.
    pub name: Option<String>,
    /// The collation it is sorted by.
    pub collation: String,
    /// Highest first.
    pub descending: bool,
}

impl Schema {
    /// The table with this name, in any case of its ASCII letters: that is how SQLite compares names. Where names differ in
    /// nothing else, it is the one that is spelled like this.
    pub fn table(&self, name: &str) -> Option<&Arc<TableSchema>> {
        let spelled = self.tables.iter().find(|table| table.name == name);
        spelled.or_else(|| self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name)))
    }
}

impl TableSchema {
    /// The position of the column with this name, in any case of its ASCII letters. Where names differ in nothing else, it
    /// is the one that is spelled like this.
    pub fn column(&self, name: &str) -> Option<usize> {
        let spelled = self.columns.iter().position(|column| column.name == name);
        spelled.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// What the column at this position holds beyond its kind, or less than that.
    pub fn reach_of(&self, column: usize) -> Reach {
        self.spans.get(&column).map_or(self.reach, |(lowest, highest)| Reach::Between(*lowest, *highest))
    }

    /// Positions of the columns that are written rather than computed.
    pub fn stored_columns(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|column| self.columns[*column].generated == Generated::No).collect()
    }

    /// How the column with this name is given its numbers, where that is known.
    pub fn counter(&self, column: &str) -> Option<&Counter> {
        self.counters.iter().find(|counter| counter.column == column)
    }

    /// The foreign keys that point to `parent`.
    pub fn references_to<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a ForeignKey> {
        self.foreign_keys.iter().filter(move |key| is_same_name(self.engine, &key.parent, parent))
    }

    /// Whether the name means this table.
    pub fn is_called(&self, name: &str) -> bool {
        is_same_name(self.engine, &self.name, name)
    }
}

/// Whether two names mean one table of a database of this engine.
fn is_same_name(engine: &str, a: &str, b: &str) -> bool {
    a == b || (!heeds_case(engine) && a.eq_ignore_ascii_case(b))
}

/// Whether names that differ in the case of their letters only are different names there.
pub fn heeds_case(engine: &str) -> bool {
    HEEDING_CASE.contains(&engine)
}

/// Whether names of columns that differ in the case of their letters only are different names there.
pub fn heeds_case_of_columns(engine: &str) -> bool {
    engine == "postgres"
}
