//! The indexes of a table: what they are over, and which of them can tell rows apart.

use rusqlite::{Connection, Statement};
use syncline_core::schema::{self, Column, Generated, Key, Unique};

use crate::sqlite::connect::failure::Attempt;

/// One index of a table.
pub(super) struct IndexInfo {
    /// Its name; SQLite names those of constraints itself.
    pub(super) name: String,
    /// Whether no two rows may agree.
    pub(super) unique: bool,
    /// `pk` and `u` for the constraints of the table, `c` for an index made apart.
    pub(super) origin: String,
    /// Whether it holds only some rows.
    pub(super) partial: bool,
    columns: Vec<IndexColumn>,
}

struct IndexColumn {
    /// Position in the table's columns; `None` for an expression or the row number.
    position: Option<usize>,
    name: Option<String>,
    collation: String,
    descending: bool,
}

/// The questions about indexes that are asked for each table.
pub(super) struct Questions<'c> {
    list: Statement<'c>,
    columns: Statement<'c>,
}

impl<'c> Questions<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> Attempt<Self> {
        Ok(Self {
            // SQLite lists the newest first; definitions are read from first to last.
            list: conn.prepare(
                "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY seq DESC",
            )?,
            columns: conn.prepare(
                "SELECT cid, name, coll, \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno",
            )?,
        })
    }

    /// All indexes of a table, in the order of their definition.
    pub(super) fn of_table(&mut self, table: &str, columns: &[Column]) -> Attempt<Vec<IndexInfo>> {
        let mut indexes = Vec::new();
        let mut rows = self.list.query([table])?;
        while let Some(row) = rows.next()? {
            indexes.push(IndexInfo {
                name: row.get(0)?,
                unique: row.get(1)?,
                origin: row.get(2)?,
                partial: row.get(3)?,
                columns: Vec::new(),
            });
        }
        drop(rows);
        for index in &mut indexes {
            let mut rows = self.columns.query([&index.name])?;
            while let Some(row) = rows.next()? {
                let position = usize::try_from(row.get::<_, i64>(0)?).ok().filter(|at| *at < columns.len());
                let collation = row.get::<_, Option<String>>(2)?.unwrap_or_else(|| "BINARY".to_owned());
                let (name, descending) = (row.get(1)?, row.get(3)?);
                index.columns.push(IndexColumn { position, name, collation, descending });
            }
        }
        Ok(indexes)
    }
}

impl IndexInfo {
    /// As a constraint on the table's rows.
    pub(super) fn unique(&self) -> Unique {
        Unique {
            name: self.name.clone(),
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
            partial: self.partial,
            deferrable: false,
        }
    }

    /// What it is over, in its order.
    pub(super) fn columns(&self) -> Vec<schema::IndexColumn> {
        let column = |column: &IndexColumn| schema::IndexColumn {
            name: column.name.clone().filter(|_| column.position.is_some()),
            collation: column.collation.clone(),
            descending: column.descending,
        };
        self.columns.iter().map(column).collect()
    }

    /// Whether every row has a value in it that no other row has, made of columns that are written.
    pub(super) fn could_be_key(&self, columns: &[Column]) -> bool {
        let usable = |column: &Column| !column.nullable && column.generated == Generated::No;
        self.unique
            && !self.partial
            && self.columns.iter().all(|column| column.position.is_some_and(|at| usable(&columns[at])))
    }

    /// As the key of its table. A column named twice counts once.
    pub(super) fn key(&self) -> Option<Key> {
        let mut key = Key { columns: Vec::new(), is_rowid: false, collations: Vec::new() };
        for column in &self.columns {
            let position = column.position?;
            if !key.columns.contains(&position) {
                key.columns.push(position);
                key.collations.push(column.collation.clone());
            }
        }
        Some(key)
    }
}
