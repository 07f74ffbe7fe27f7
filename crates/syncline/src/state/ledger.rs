//! The ledger as runs write it: rows held, then sealed into entries, then settled.
//!
//! Written ahead like the evidence: what a run holds is durable before the target commits, and counts once the run is
//! sealed. Sealing turns it into *entries*, of which there is one open a row: a row that is held again keeps its entry.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use syncline_core::change::Operation;
use syncline_core::error::Result;
use syncline_core::state::{Awaited, HeldRow, Ledger};
use syncline_core::value::{ValueRef, canonical, exact};

use super::State;
use super::database::{Database, Outcome};
use super::run_record::{NewRun, to_count, to_json, to_sql};

/// The ledger of one run. Clones write to the same run.
#[derive(Clone, Debug)]
pub struct RunLedger {
    database: Database,
    run: String,
    tables: Arc<[LedgerTable]>,
}

/// What the ledger must know of a table, besides the rows that are held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerTable {
    /// What the spool calls it.
    pub name: String,
    /// How the target spells it.
    pub target: String,
    /// The columns of its rows, as the target spells them.
    pub columns: Vec<String>,
    /// Positions of the key in these columns.
    pub key: Vec<usize>,
    /// Those of these columns whose values the target gives out and lets nobody change.
    pub given: Vec<String>,
    /// How the source is seen, in any words that are equal when it is seen alike.
    pub sight: String,
}

/// Which entries of a table a run that has finished it can speak for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Inserts and updates: it was a copy, which looks at no row that only the target has.
    Puts,
    /// All.
    All,
}

/// A moment in the ledger: what was held by then, by whomever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldUntil(i64);

impl State {
    /// Where a run records the rows it holds. `tables` are those it carries; to seal what a dead run has recorded, none
    /// are needed.
    pub fn ledger(&self, run: &str, tables: Vec<LedgerTable>) -> RunLedger {
        RunLedger { database: self.database.clone(), run: run.to_owned(), tables: tables.into() }
    }

    /// Settles these entries, except those that the run has held again. Returns how many there were.
    pub async fn settle_entries(&self, run: &str, ids: &[String], settled_ms: i64) -> Result<u64> {
        let (run, ids) = (run.to_owned(), ids.to_vec());
        let settle = "UPDATE conflict SET settled_by = ?1, settled_ms = ?2 \
             WHERE sequence = ?3 AND settled_by IS NULL AND last_run <> ?1";
        self.database
            .write("settle held rows", move |tx| {
                let mut statement = tx.prepare_cached(settle)?;
                let mut settled = 0;
                for sequence in ids.iter().filter_map(|id| sequence_of(id)) {
                    settled += statement.execute(params![run, settled_ms, sequence])?;
                }
                Ok(settled as u64)
            })
            .await
    }

    /// How many rows a run has held, each counted once. Before the run is sealed, that is none.
    pub async fn held_rows(&self, run: &str) -> Result<u64> {
        let run = run.to_owned();
        let count = "SELECT count(*) FROM conflict WHERE last_run = ?1";
        self.database
            .read("count held rows", move |connection| {
                Ok(to_count(connection.prepare_cached(count)?.query_row([run], |row| row.get(0))?))
            })
            .await
    }

    /// What is held by now.
    pub async fn held_until_now(&self) -> Result<HeldUntil> {
        let last = "SELECT coalesce(max(id), 0) FROM held_row";
        self.database
            .read("look at held rows", move |connection| {
                Ok(HeldUntil(connection.prepare_cached(last)?.query_row([], |row| row.get(0))?))
            })
            .await
    }
}

impl RunLedger {
    /// Settles the open entries of a table that this run has finished and not held again, behind `since` where it has gone
    /// through it before: whatever was wrong with those
    /// rows, nothing is left to carry. Only a run that sees the source as the run before did can say so.
    ///
    /// Called once the run is sealed. Returns how many there were.
    pub async fn settle(&self, table: &str, spoken: Spoken, since: HeldUntil, settled_ms: i64) -> Result<u64> {
        let (run, table) = (self.run.clone(), self.table(table));
        let delete = operation_name(Operation::Delete);
        let settle = "UPDATE conflict SET settled_by = ?1, settled_ms = ?2 \
             WHERE settled_by IS NULL AND table_id = ?3 AND EXISTS ( \
                 SELECT 1 FROM held_row JOIN row_shape ON row_shape.id = held_row.shape_id \
                 WHERE held_row.id = conflict.row_id AND row_shape.sight = ?4 AND (?5 OR held_row.operation <> ?6) \
                     AND (last_run <> ?1 OR conflict.row_id <= ?7))";
        self.database
            .write("settle held rows", move |tx| {
                let Some(table_id) = find_table(tx, &run, &table.name)? else { return Ok(0) };
                let all = spoken == Spoken::All;
                let settled =
                    tx.execute(settle, params![run, settled_ms, table_id, table.sight, all, delete, since.0])?;
                Ok(settled as u64)
            })
            .await
    }

    fn table(&self, name: &str) -> LedgerTable {
        let known = self.tables.iter().find(|table| table.name == name).cloned();
        known.unwrap_or_else(|| LedgerTable {
            name: name.to_owned(),
            target: name.to_owned(),
            ..LedgerTable::default()
        })
    }
}

#[async_trait]
impl Ledger for RunLedger {
    async fn hold(&self, batch: u64, table: &str, columns: &[String], rows: Vec<HeldRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let (run, table, columns) = (self.run.clone(), self.table(table), columns.to_vec());
        self.database.write("record held rows", move |tx| insert_rows(tx, &run, batch, &table, &columns, &rows)).await
    }

    async fn forget_held(&self, batch: u64) -> Result<()> {
        let run = self.run.clone();
        let delete = "DELETE FROM held_row WHERE run = ?1 AND batch = ?2";
        self.database
            .write("forget held rows", move |tx| {
                tx.execute(delete, params![run, to_sql(batch)])?;
                Ok(())
            })
            .await
    }

    async fn seal_held(&self, batch: u64) -> Result<()> {
        let run = self.run.clone();
        self.database
            .write("enter held rows into the ledger", move |tx| {
                tx.execute("DELETE FROM held_row WHERE run = ?1 AND batch > ?2", params![run, to_sql(batch)])?;
                enter_rows(tx, &run)
            })
            .await
    }
}

/// The number behind an entry's identifier.
pub(super) fn sequence_of(id: &str) -> Option<i64> {
    let id = id.trim();
    let digits = id.strip_prefix("c_").or_else(|| id.strip_prefix("C_")).unwrap_or(id);
    digits.parse().ok().filter(|sequence| *sequence > 0)
}

/// The word an operation is kept as.
pub(super) fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Insert => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}

/// The values in the encoding that two rows which refer to each other have in common.
pub(super) fn to_canonical<'v>(values: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.into_iter().for_each(|value| canonical::encode(value, &mut bytes));
    bytes
}

/// Settles what no run holds any more once `undone` is taken back by `by`: a retry would write it into a target that was
/// taken back. A run that looks at these rows again holds them anew. What a retry held again was held for the run before.
pub(super) fn settle_undone(tx: &Transaction<'_>, undone: &str, by: &str, settled_ms: i64) -> Outcome<()> {
    let settle = "UPDATE conflict SET settled_by = ?2, settled_ms = ?3 \
         WHERE settled_by IS NULL AND first_run = ?1 AND EXISTS ( \
             SELECT 1 FROM run WHERE run.id = conflict.last_run AND (verb = 'retry' OR undone_by IS NOT NULL))";
    tx.execute(settle, params![undone, by, settled_ms])?;
    Ok(())
}

/// Opens the entries again that `run` has settled: what it had written there was taken back. A row that was held anew
/// since has its open entry already.
pub(super) fn reopen(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    let reopen = "UPDATE conflict SET settled_by = NULL, settled_ms = NULL WHERE settled_by = ?1 AND NOT EXISTS ( \
             SELECT 1 FROM conflict AS newer \
             WHERE newer.table_id = conflict.table_id AND newer.key = conflict.key AND newer.settled_by IS NULL)";
    tx.execute(reopen, [run])?;
    Ok(())
}

/// Passes what is held between two databases on to those that bear their names now: a file that is made anew every night
/// is the same source to whoever looks at the list.
pub(super) fn inherit(tx: &Transaction<'_>, run: &NewRun) -> Outcome<()> {
    let (Some(request), Some(source_identity)) = (&run.request, &run.source_identity) else { return Ok(()) };
    let inherit = "UPDATE ledger_table SET source_identity = ?3, target_identity = ?4 \
         WHERE source_database = ?1 AND target_database = ?2 AND (source_identity, target_identity) <> (?3, ?4) \
             AND NOT EXISTS (SELECT 1 FROM ledger_table AS own WHERE own.source_identity = ?3 \
                                 AND own.target_identity = ?4 AND own.name = ledger_table.name)";
    tx.execute(inherit, params![request.source, request.target, source_identity, run.target_identity])?;
    Ok(())
}

fn insert_rows(
    tx: &Transaction<'_>,
    run: &str,
    batch: u64,
    table: &LedgerTable,
    columns: &[String],
    rows: &[HeldRow],
) -> Outcome<()> {
    let table_id = make_table(tx, run, table)?;
    let shape_id = make_shape(tx, columns, table)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO held_row (run, batch, table_id, shape_id, operation, reason, words, key, source, target) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for row in rows {
        let (operation, reason) = (operation_name(row.operation), row.reason.name());
        insert.execute(params![
            run,
            to_sql(batch),
            table_id,
            shape_id,
            operation,
            reason,
            row.words,
            row.key,
            row.source,
            row.target
        ])?;
        insert_awaited(tx, tx.last_insert_rowid(), &row.awaits)?;
    }
    Ok(())
}

fn insert_awaited(tx: &Transaction<'_>, row_id: i64, awaits: &[Awaited]) -> Outcome<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO awaited (row_id, position, target_name, columns, exact, canonical) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, awaited) in awaits.iter().enumerate() {
        // What cannot be read finds nothing, and is shown all the same.
        let canonical = exact::decode_row(&awaited.values).map(to_canonical).unwrap_or_default();
        let columns = to_json(&awaited.columns)?;
        insert.execute(params![row_id, position as i64, awaited.table, columns, awaited.values, canonical])?;
    }
    Ok(())
}

/// Makes entries of everything the run still has pending. An entry that is open goes on with what this run says; of a row
/// held twice the last counts.
fn enter_rows(tx: &Transaction<'_>, run: &str) -> Outcome<()> {
    let mut pending =
        tx.prepare_cached("SELECT id, table_id, key FROM held_row WHERE run = ?1 AND batch IS NOT NULL ORDER BY id")?;
    let mut find = tx.prepare_cached(
        "SELECT sequence, row_id FROM conflict WHERE table_id = ?1 AND key = ?2 AND settled_by IS NULL",
    )?;
    let mut renew = tx.prepare_cached("UPDATE conflict SET row_id = ?2, last_run = ?3 WHERE sequence = ?1")?;
    let mut enter = tx.prepare_cached(
        "INSERT INTO conflict (table_id, key, row_id, first_run, last_run) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?;
    let mut drop = tx.prepare_cached("DELETE FROM held_row WHERE id = ?1")?;
    let mut rows = pending.query([run])?;
    while let Some(row) = rows.next()? {
        let (id, table_id, key): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let open = find.query_row(params![table_id, key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match open {
            Some((sequence, earlier)) => {
                let (sequence, earlier): (i64, i64) = (sequence, earlier);
                renew.execute(params![sequence, id, run])?;
                drop.execute([earlier])?;
            }
            None => {
                enter.execute(params![table_id, key, id, run])?;
            }
        }
    }
    tx.execute("UPDATE held_row SET batch = NULL WHERE run = ?1 AND batch IS NOT NULL", [run])?;
    Ok(())
}

fn make_table(tx: &Transaction<'_>, run: &str, table: &LedgerTable) -> Outcome<i64> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO ledger_table \
             (source_identity, target_identity, source_database, target_database, name, target_name, given) \
         SELECT coalesce(source_identity, ''), target_identity, coalesce(request ->> 'source', source), \
                coalesce(request ->> 'target', target), ?2, ?3, ?4 FROM run WHERE id = ?1 \
         ON CONFLICT (source_identity, target_identity, name) DO UPDATE SET target_name = excluded.target_name, given = excluded.given, \
             source_database = excluded.source_database, target_database = excluded.target_database \
         RETURNING id",
    )?;
    Ok(insert.query_row(params![run, table.name, table.target, to_json(&table.given)?], |row| row.get(0))?)
}

fn make_shape(tx: &Transaction<'_>, columns: &[String], table: &LedgerTable) -> Outcome<i64> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO row_shape (columns, target_columns, key, sight) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (columns, target_columns, key, sight) DO UPDATE SET sight = excluded.sight RETURNING id",
    )?;
    // A table that the run did not name beforehand is spelt alike on both sides.
    let in_target = if table.columns.len() == columns.len() { table.columns.as_slice() } else { columns };
    let values = params![to_json(&columns)?, to_json(&in_target)?, to_json(&table.key)?, table.sight];
    Ok(insert.query_row(values, |row| row.get(0))?)
}

/// The table of the run's pair, if anything of it was ever held.
fn find_table(connection: &Connection, run: &str, name: &str) -> Outcome<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT ledger_table.id FROM ledger_table JOIN run ON run.id = ?1 \
             AND ledger_table.source_identity = coalesce(run.source_identity, '') \
             AND ledger_table.target_identity = run.target_identity \
         WHERE ledger_table.name = ?2",
    )?;
    Ok(statement.query_row([run, name], |row| row.get(0)).optional()?)
}
