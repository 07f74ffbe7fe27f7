//! The ledger as people read it: entries, what each waits for, and what waits for it.

mod bonds;
mod targets;

use std::collections::HashSet;

use std::collections::BTreeSet;

use rusqlite::{Connection, Params, Row, params};
use syncline_core::change::{Operation, Reason};
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{Value, ValueRef, exact};
use syncline_stores::sql::Dialect;

use super::State;
use super::database::{Failure, Outcome};
use super::ledger::{operation_name, sequence_of};
use super::run_record::{read_json, to_count, to_json, to_sql};
use crate::conflicts::{Conflict, ConflictFilter, ConflictRow, ConflictState};
use crate::row_json::base16;

/// The columns [`read`] reads, in its order.
const COLUMNS: &str = "conflict.sequence, conflict.settled_by, conflict.settled_ms, conflict.first_run, \
     conflict.last_run, first.started_ms, last.started_ms, last.source, last.target, ledger_table.name, \
     ledger_table.target_name, held_row.operation, held_row.reason, held_row.words, row_shape.columns, row_shape.key, \
     conflict.key, (SELECT count(*) FROM awaited WHERE awaited.row_id = held_row.id)";

/// The columns [`read_chosen`] reads, in its order.
const CHOSEN: &str = "conflict.sequence, ledger_table.name, ledger_table.source_identity, \
     ledger_table.target_identity, conflict.last_run, conflict.key, held_row.operation";

const FROM: &str = "FROM conflict \
     JOIN ledger_table ON ledger_table.id = conflict.table_id \
     JOIN held_row ON held_row.id = conflict.row_id \
     JOIN row_shape ON row_shape.id = held_row.shape_id \
     JOIN run AS first ON first.id = conflict.first_run \
     JOIN run AS last ON last.id = conflict.last_run";

/// What a filter lets through; ?1 to ?4 are [`Bound`].
const WHERE: &str = "(?1 IS NULL OR (conflict.settled_by IS NULL) = ?1) \
     AND (?2 IS NULL OR held_row.reason IN (SELECT value FROM json_each(?2))) \
     AND (?3 IS NULL OR conflict.table_id IN (SELECT value FROM json_each(?3))) \
     AND (?4 IS NULL OR ?4 IN (conflict.first_run, conflict.last_run, conflict.settled_by))";

/// A filter as the values of [`WHERE`].
struct Bound {
    is_open: Option<bool>,
    reasons: Option<String>,
    tables: Option<String>,
    run: Option<String>,
}

/// An open entry as a retry needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenEntry {
    /// Its identifier.
    pub id: String,
    /// What the spool calls its table.
    pub table: String,
    /// The source it was held from.
    pub source_identity: String,
    /// The target it was held from.
    pub target_identity: String,
    /// The run that held it last.
    pub last_run: String,
    /// What was to happen to the row.
    pub operation: Operation,
    /// Its key, in the exact encoding.
    pub key: Vec<u8>,
}

impl State {
    /// The open entries that the filter lets through and that wait to be written, oldest first: what was bent stands where it
    /// was to stand.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when the filter names a run that is not recorded.
    pub async fn choose_entries(&self, filter: &ConflictFilter) -> Result<Vec<ChosenEntry>> {
        let filter = self.with_run(filter).await?;
        let select = format!(
            "SELECT {CHOSEN} {FROM} WHERE {WHERE} AND conflict.settled_by IS NULL \
             AND held_row.reason <> '{}' ORDER BY 1",
            Reason::Bent.name()
        );
        self.database
            .read("look up held rows", move |connection| {
                let bound = bind(connection, &filter)?;
                let mut statement = connection.prepare_cached(&select)?;
                let values = params![bound.is_open, bound.reasons, bound.tables, bound.run];
                let mut rows = statement.query(values)?;
                let mut entries = Vec::new();
                while let Some(row) = rows.next()? {
                    entries.push(read_chosen(row)?);
                }
                Ok(entries)
            })
            .await
    }

    /// The keys of the rows of a table that a run has held, in the exact encoding.
    pub async fn keys_held_by(&self, run: &str, table: &str) -> Result<HashSet<Vec<u8>>> {
        let values = [run, table].map(str::to_owned);
        let select = "SELECT conflict.key FROM conflict JOIN ledger_table ON ledger_table.id = conflict.table_id \
             WHERE last_run = ?1 AND name = ?2 AND settled_by IS NULL";
        self.database
            .read("look up held rows", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let keys = statement.query_map(values, |row| row.get(0))?;
                Ok(keys.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// The keys of all rows of a table that wait, in the exact encoding.
    pub async fn open_keys(
        &self,
        source_identity: &str,
        target_identity: &str,
        table: &str,
    ) -> Result<HashSet<Vec<u8>>> {
        let values = [source_identity, target_identity, table].map(str::to_owned);
        let select = "SELECT conflict.key FROM conflict JOIN ledger_table ON ledger_table.id = conflict.table_id \
             WHERE source_identity = ?1 AND target_identity = ?2 AND name = ?3 AND settled_by IS NULL";
        self.database
            .read("look up held rows", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let keys = statement.query_map(values, |row| row.get(0))?;
                Ok(keys.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// The entries with these identifiers, in their order, each once; those that are settled are left out.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND`.
    pub async fn choose_entries_by_id(&self, ids: &[String]) -> Result<Vec<ChosenEntry>> {
        let ids = ids.to_vec();
        let select = format!("SELECT {CHOSEN}, conflict.settled_by IS NULL {FROM} WHERE conflict.sequence = ?1");
        self.database
            .read("look up held rows", move |connection| {
                let mut statement = connection.prepare_cached(&select)?;
                let (mut entries, mut known) = (Vec::new(), BTreeSet::new());
                for id in &ids {
                    let sequence = sequence_of(id).ok_or_else(|| not_found(id))?;
                    let mut rows = statement.query([sequence])?;
                    let row = rows.next()?.ok_or_else(|| not_found(id))?;
                    let (entry, is_open) = (read_chosen(row)?, row.get(7)?);
                    if is_open && known.insert(sequence) {
                        entries.push(entry);
                    }
                }
                Ok(entries)
            })
            .await
    }

    /// Up to `limit` entries, oldest first, and where the next page begins if there is one.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND` when the cursor is none that this method returned, `RUN_NOT_FOUND` when the filter names a run
    /// that is not recorded.
    pub async fn list_conflicts(
        &self,
        filter: &ConflictFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<(Vec<Conflict>, Option<String>)> {
        let filter = self.with_run(filter).await?;
        let after = cursor.map_or(Ok(0), |id| sequence_of(id).ok_or_else(|| not_found(id)))?;
        let limit = limit.max(1);
        let select = format!("SELECT {COLUMNS} {FROM} WHERE {WHERE} AND conflict.sequence > ?5 ORDER BY 1 LIMIT ?6");
        self.database
            .read("list held rows", move |connection| {
                let bound = bind(connection, &filter)?;
                // One more than asked for tells whether there is a next page.
                let asked = to_sql(limit as u64).saturating_add(1);
                let values = params![bound.is_open, bound.reasons, bound.tables, bound.run, after, asked];
                let mut entries = query(connection, &select, values)?;
                let has_more = entries.len() > limit;
                entries.truncate(limit);
                let next = if has_more { entries.last().map(|entry| entry.id.clone()) } else { None };
                Ok((entries, next))
            })
            .await
    }

    /// How many entries the filter lets through.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when the filter names a run that is not recorded.
    pub async fn count_conflicts(&self, filter: &ConflictFilter) -> Result<u64> {
        let filter = self.with_run(filter).await?;
        let select = format!("SELECT count(*) {FROM} WHERE {WHERE}");
        self.database
            .read("count held rows", move |connection| {
                let bound = bind(connection, &filter)?;
                let values = params![bound.is_open, bound.reasons, bound.tables, bound.run];
                let count: i64 = connection.prepare_cached(&select)?.query_row(values, |row| row.get(0))?;
                Ok(to_count(count))
            })
            .await
    }

    /// One entry with both rows, by its identifier, with or without `c_`.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND`.
    pub async fn find_conflict(&self, id: &str) -> Result<ConflictRow> {
        let sequence = sequence_of(id).ok_or_else(|| not_found(id))?;
        let id = id.to_owned();
        self.database
            .read("look up a held row", move |connection| {
                entry_with_rows(connection, sequence)?.ok_or_else(|| not_found(&id).into())
            })
            .await
    }

    async fn with_run(&self, filter: &ConflictFilter) -> Result<ConflictFilter> {
        let mut filter = filter.clone();
        if let Some(run) = &filter.run {
            filter.run = Some(self.find_run(run).await?.id);
        }
        Ok(filter)
    }
}

fn read_chosen(row: &Row<'_>) -> Outcome<ChosenEntry> {
    Ok(ChosenEntry {
        id: format!("c_{}", row.get::<_, i64>(0)?),
        table: row.get(1)?,
        source_identity: row.get(2)?,
        target_identity: row.get(3)?,
        last_run: row.get(4)?,
        key: row.get(5)?,
        operation: read_operation(&row.get::<_, String>(6)?)?,
    })
}

/// The error for an identifier that is nobody's.
fn not_found(id: &str) -> Error {
    Error::new(Code::ConflictNotFound, format!("there is no held row {id:?}"))
        .next("syncline conflicts list --all", "shows what is held, and what was")
}

fn bind(connection: &Connection, filter: &ConflictFilter) -> Outcome<Bound> {
    let tables = match filter.has_tables() {
        false => None,
        true => {
            let mut statement = connection.prepare_cached(targets::TABLES)?;
            let targets = params![filter.target, filter.target_identity];
            let tables = statement.query_map(targets, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let tables = tables.collect::<rusqlite::Result<Vec<(i64, String)>>>()?;
            let admitted = tables.into_iter().filter(|(_, name)| filter.admits_table(name)).map(|(id, _)| id);
            Some(to_json(&admitted.collect::<Vec<_>>())?)
        }
    };
    let reasons = match filter.reasons.as_slice() {
        [] => None,
        reasons => Some(to_json(&reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>())?),
    };
    let is_open = filter.state.map(|state| state == ConflictState::Open);
    Ok(Bound { is_open, reasons, tables, run: filter.run.clone() })
}

fn query(connection: &Connection, select: &str, values: impl Params) -> Outcome<Vec<Conflict>> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(values)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read(row)?);
    }
    Ok(entries)
}

fn read(row: &Row<'_>) -> Outcome<Conflict> {
    let settled_by: Option<String> = row.get(1)?;
    let columns: Vec<String> = read_json(row, 14)?.unwrap_or_default();
    let positions: Vec<usize> = read_json(row, 15)?.unwrap_or_default();
    let key: Vec<u8> = row.get(16)?;
    // Rows that nothing tells apart are called by their digest.
    let key = match values(&key)?.as_slice() {
        [Value::Bytes(digest)] if positions.is_empty() => vec![("digest".to_owned(), Value::text(base16(digest)))],
        cells => {
            let names = positions.iter().map(|position| columns.get(*position).cloned().unwrap_or_default());
            names.zip(cells.iter().cloned()).collect()
        }
    };
    Ok(Conflict {
        id: format!("c_{}", row.get::<_, i64>(0)?),
        state: if settled_by.is_some() { ConflictState::Settled } else { ConflictState::Open },
        settled_by,
        settled_ms: row.get(2)?,
        first_run: row.get(3)?,
        last_run: row.get(4)?,
        first_ms: row.get(5)?,
        last_ms: row.get(6)?,
        source: row.get(7)?,
        target: row.get(8)?,
        table: row.get(9)?,
        target_table: row.get(10)?,
        operation: read_operation(&row.get::<_, String>(11)?)?,
        reason: read_reason(&row.get::<_, String>(12)?)?,
        words: row.get(13)?,
        key,
        awaits: to_count(row.get(17)?),
    })
}

fn entry_with_rows(connection: &Connection, sequence: i64) -> Outcome<Option<ConflictRow>> {
    let select = format!(
        "SELECT {COLUMNS}, row_shape.target_columns, held_row.source, held_row.target, row_shape.sight, ledger_table.target_identity, ledger_table.given {FROM} \
         WHERE conflict.sequence = ?1"
    );
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([sequence])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let side = |column| row.get::<_, Option<Vec<u8>>>(column)?.map(|bytes| values(&bytes)).transpose();
    let target_columns: Vec<String> = read_json(row, 18)?.unwrap_or_default();
    let given: Vec<String> = read_json(row, 23)?.unwrap_or_default();
    Ok(Some(ConflictRow {
        given: (0..target_columns.len()).filter(|at| given.contains(&target_columns[*at])).collect(),
        columns: read_json(row, 14)?.unwrap_or_default(),
        key: read_json(row, 15)?.unwrap_or_default(),
        target_columns,
        source: side(19)?,
        target: side(20)?,
        is_partial: crate::request::sees_a_part(&row.get::<_, String>(21)?),
        // An identity begins with the engine's name.
        dialect: Dialect::of(row.get::<_, String>(22)?.split(':').next().unwrap_or_default()),
        entry: read(row)?,
    }))
}

fn values(bytes: &[u8]) -> Outcome<Vec<Value>> {
    let row = exact::decode_row(bytes).map_err(|error| unreadable("a row").caused_by(error))?;
    Ok(row.into_iter().map(ValueRef::to_owned).collect())
}

fn read_operation(word: &str) -> Outcome<Operation> {
    let known = [Operation::Insert, Operation::Update, Operation::Delete];
    let found = known.into_iter().find(|operation| operation_name(*operation) == word);
    found.ok_or_else(|| Failure::from(unreadable("an operation")))
}

fn read_reason(word: &str) -> Outcome<Reason> {
    let found = Reason::ALL.into_iter().find(|reason| reason.name() == word);
    found.ok_or_else(|| Failure::from(unreadable("a reason")))
}

fn unreadable(what: &str) -> Error {
    Error::new(Code::Internal, format!("the ledger holds {what} that cannot be read"))
}
