//! What is known of a view, and of a table before it is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Position;
use syncline_core::value::ValueRef;

use super::session::{Session, cell, number};
use crate::postgres::connect::failure::{Attempt, Doing};
use crate::postgres::names::{Names, Place};
use crate::sql::Dialect;

/// Versions from which on rows are found by ranges of their places without going through the whole table.
const RANGES_OF_PLACES: u32 = 140_000;

/// What the view is of, the same for all views of one instant.
pub(in crate::postgres) struct Facts {
    /// How tables are called and written.
    pub(in crate::postgres) names: Names,
    /// Where the view stands.
    pub(super) position: Position,
    /// The server's version.
    pub(in crate::postgres) version: u32,
    /// Text is stored in another encoding than UTF-8, and so may be in another order by its bytes.
    pub(in crate::postgres) is_recoded: bool,
    /// By table, where the shares of it begin and end. Measured once: all views of the instant must agree.
    blocks: Mutex<HashMap<u32, u64>>,
}

/// A session and what it sees.
#[derive(Clone)]
pub(in crate::postgres) struct Sight {
    /// Where it is read.
    pub(in crate::postgres) session: Arc<Session>,
    /// What it is of.
    pub(in crate::postgres) facts: Arc<Facts>,
}

/// A table that may be read: nobody takes it away, and its rows are where they were.
pub(in crate::postgres) struct Ground {
    /// As it stands behind FROM.
    pub(in crate::postgres) table: String,
    /// It has no rows of its own but in its partitions.
    pub(in crate::postgres) is_partitioned: bool,
    oid: u32,
}

impl Facts {
    /// Those of a view that has just begun.
    pub(super) async fn of(session: &Session, names: Names) -> Result<Self> {
        let asked = "SELECT pg_current_snapshot(), current_setting('server_version_num'), \
            current_setting('server_encoding') NOT IN ('UTF8', 'SQL_ASCII')";
        let row = session.row(asked).await?;
        Ok(Self {
            names,
            // Whoever commits anything, in any database of the server, makes it another.
            position: Position(cell(&row, 0)?.as_bytes().to_vec()),
            version: number(&row, 1)?,
            is_recoded: cell(&row, 2)? == "t",
            blocks: Mutex::default(),
        })
    }
}

impl Sight {
    /// The error a person sees for what was asked of the catalog.
    pub(super) fn said<T>(&self, done: Attempt<T>) -> Result<T> {
        done.map_err(|failure| self.session.connection().error_while(failure, Doing::Reading))
    }

    /// Makes sure that a table can be read as the view shows it.
    ///
    /// TRUNCATE and some kinds of ALTER TABLE put an empty file, or other rows, in the place of the table's at once, also for
    /// those whose view is older. So the table is locked as any query locks it, and then its file has to be the one that the
    /// view knows.
    ///
    /// # Errors
    /// `TABLE_REBUILT` when that is gone, and those of a table that cannot be read.
    pub(in crate::postgres) async fn ground(&self, task: &TableTask) -> Result<Ground> {
        let name = self.facts.names.table(&task.table)?;
        let literal = Dialect::Postgres.literal(ValueRef::Text(name.as_bytes()));
        let sql = format!(
            "SELECT c.oid, c.relkind = 'p', (SELECT bool_and(l.relfilenode = pg_relation_filenode(l.oid)) FROM pg_class l \
             WHERE l.relkind = 'r' AND (l.oid = c.oid OR l.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) IS NOT FALSE, \
             (SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 0) AS locked) \
             FROM pg_class c WHERE c.oid = {literal}::regclass"
        );
        let rows = self.session.rows(&sql).await.map_err(|error| error.at_if_unsaid(task.table.name.clone()))?;
        let row = rows.first().ok_or_else(|| rebuilt(&task.table.name))?;
        if cell(row, 2)? != "t" {
            return Err(rebuilt(&task.table.name));
        }
        let is_partitioned = cell(row, 1)? == "t";
        // Tables that inherit from this one are tables by themselves; partitions are not.
        let table = if is_partitioned { name } else { format!("ONLY {name}") };
        Ok(Ground { table, is_partitioned, oid: number(row, 0)? })
    }

    /// A table by what it is called, as it stands behind FROM, and its number; `None` when there is none.
    pub(super) async fn table_called(&self, name: &str) -> Result<Option<(String, u32)>> {
        let literal = |text: &str| Dialect::Postgres.literal(ValueRef::Text(text.as_bytes()));
        let (name, default) = (literal(name), literal(self.facts.names.default_schema()));
        let sql = format!(
            "SELECT n.nspname, c.relname, c.relkind = 'p', c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND CASE WHEN n.nspname::text = {default}::text THEN c.relname::text = {name} \
             ELSE n.nspname::text || '.' || c.relname::text = {name} END ORDER BY n.nspname::text = {default} DESC LIMIT 1"
        );
        let rows = self.session.rows(&sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let only = if cell(row, 2)? == "t" { "" } else { "ONLY " };
        let table = Place { schema: cell(row, 0)?, name: cell(row, 1)? }.quoted()?;
        Ok(Some((format!("{only}{table}"), number(row, 3)?)))
    }

    /// How many blocks the table takes, where its rows can be told apart by them.
    pub(super) async fn blocks(&self, ground: &Ground) -> Result<Option<u64>> {
        if ground.is_partitioned || self.facts.version < RANGES_OF_PLACES {
            return Ok(None);
        }
        let measured = |blocks: &Mutex<HashMap<u32, u64>>| {
            blocks.lock().unwrap_or_else(PoisonError::into_inner).get(&ground.oid).copied()
        };
        if let Some(blocks) = measured(&self.facts.blocks) {
            return Ok(Some(blocks));
        }
        let asked = format!("SELECT pg_relation_size({}) / current_setting('block_size')::bigint", ground.oid);
        let found = number(&self.session.row(&asked).await?, 0)?;
        let mut blocks = self.facts.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        // Another view may have been faster.
        Ok(Some(*blocks.entry(ground.oid).or_insert(found)))
    }
}

fn rebuilt(table: &str) -> Error {
    Error::new(Code::TableRebuilt, format!("{table} was emptied or rebuilt while it was being read"))
        .because("TRUNCATE, VACUUM FULL and some kinds of ALTER TABLE take a table's rows away from those who read it")
        .at(table.to_owned())
}
