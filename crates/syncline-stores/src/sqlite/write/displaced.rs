//! What the first half of an exchange must remember for the second: where rows stood that left the table, and which
//! rows it left alone. Kept in a temporary table, because an exchange may take a whole table.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::sqlite::connect::failure::Attempt;

/// What became of a row in the first half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It left the table.
    Displaced {
        /// Its row number, where it has one beside the key.
        place: Option<i64>,
        /// Its cells that are not carried, in the exact encoding; behind all others, where rows do not come as they are
        /// stored.
        kept: Vec<u8>,
    },
    /// It was left alone: its expectation failed, or it was as wanted already.
    Left,
}

/// The memory of one table's exchange.
pub(super) struct Memory<'c> {
    conn: &'c Connection,
    table: String,
    remember: CachedStatement<'c>,
    recall: CachedStatement<'c>,
}

impl<'c> Memory<'c> {
    /// The memory of the open transaction; it is empty at first and ends with the transaction.
    pub(super) fn of_table(conn: &'c Connection, table: &str) -> Attempt<Self> {
        conn.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS _syncline_displaced (
                 tbl TEXT, key BLOB, left_alone INTEGER, place INTEGER, kept BLOB, PRIMARY KEY (tbl, key)
             ) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS temp._syncline_displaced_place ON _syncline_displaced (tbl, place);",
        )?;
        Ok(Self {
            conn,
            table: table.to_owned(),
            remember: conn.prepare_cached("INSERT INTO temp._syncline_displaced VALUES (?1, ?2, ?3, ?4, ?5)")?,
            recall: conn.prepare_cached(
                "SELECT left_alone, place, kept FROM temp._syncline_displaced WHERE tbl = ?1 AND key = ?2",
            )?,
        })
    }

    /// Remembers what became of the row with this key.
    pub(super) fn remember(&mut self, key: &[u8], fate: &Fate) -> Attempt<()> {
        let (left, place, kept) = match fate {
            Fate::Displaced { place, kept } => (false, *place, Some(kept)),
            Fate::Left => (true, None, None),
        };
        self.remember.execute(params![self.table, key, left, place, kept])?;
        Ok(())
    }

    /// What became of the row with this key; `None` when it was not there.
    pub(super) fn recall(&mut self, key: &[u8]) -> Attempt<Option<Fate>> {
        let fate = self.recall.query_row(params![self.table, key], |row| {
            Ok(if row.get(0)? { Fate::Left } else { Fate::Displaced { place: row.get(1)?, kept: row.get(2)? } })
        });
        Ok(fate.optional()?)
    }

    /// The highest row number among the rows that left.
    pub(super) fn highest_place(&self) -> Attempt<Option<i64>> {
        let sql = "SELECT max(place) FROM temp._syncline_displaced WHERE tbl = ?1";
        Ok(self.conn.query_row(sql, [&self.table], |row| row.get(0))?)
    }
}

/// Removes the memory before a commit; a rollback removes it by itself.
pub(super) fn forget_all(conn: &Connection) -> Attempt<()> {
    Ok(conn.execute_batch("DROP TABLE IF EXISTS temp._syncline_displaced")?)
}
