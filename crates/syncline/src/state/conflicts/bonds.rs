//! What a held row waits for, and what waits for it.

use rusqlite::{Connection, params};
use syncline_core::error::Result;
use syncline_core::schema::HEEDING_CASE;
use syncline_core::state::Awaited;
use syncline_core::value::{Value, exact};

use super::super::State;
use super::super::database::Outcome;
use super::super::ledger::{sequence_of, to_canonical};
use super::super::run_record::read_json;
use super::{entry_with_rows, not_found, values};
use crate::conflicts::{ConflictRow, Link};

/// Open entries of the table ?2 in the pair of the entry ?1.
fn holders() -> String {
    format!(
        "SELECT other.sequence, row_shape.target_columns, held_row.source, held_row.target \
     FROM conflict JOIN ledger_table AS own ON own.id = conflict.table_id \
     JOIN ledger_table AS parent ON parent.source_identity = own.source_identity \
         AND parent.target_identity = own.target_identity AND parent.target_name = ?2 COLLATE NOCASE \
         AND (parent.target_name = ?2 OR {}) \
     JOIN conflict AS other ON other.table_id = parent.id AND other.settled_by IS NULL \
         AND other.sequence <> conflict.sequence \
     JOIN held_row ON held_row.id = other.row_id \
     JOIN row_shape ON row_shape.id = held_row.shape_id \
     WHERE conflict.sequence = ?1",
        disregards_case("parent.target_identity")
    )
}

/// Whether the engine behind an identity, which begins with its name, takes names for the same that differ in case only.
fn disregards_case(identity: &str) -> String {
    let is_other = |engine: &&str| format!("{identity} NOT LIKE '{engine}:%'");
    HEEDING_CASE.iter().map(is_other).collect::<Vec<_>>().join(" AND ")
}

impl State {
    /// The rows that the entry needs in the target, each with the open entry that holds it, if one does.
    pub async fn awaited_by_entry(&self, id: &str) -> Result<Vec<Link>> {
        let sequence = sequence_of(id).ok_or_else(|| not_found(id))?;
        self.database
            .read("look up what a held row waits for", move |connection| {
                let mut links = Vec::new();
                for awaited in awaits_of(connection, sequence)? {
                    let held_by = holder_of(connection, sequence, &awaited)?;
                    let values = awaited.columns.into_iter().zip(values(&awaited.values)?).collect();
                    links.push(Link { table: awaited.table, values, held_by });
                }
                Ok(links)
            })
            .await
    }

    /// The open entries that wait for the row of this one, oldest first.
    pub async fn entries_awaiting(&self, id: &str) -> Result<Vec<String>> {
        let sequence = sequence_of(id).ok_or_else(|| not_found(id))?;
        self.database
            .read("look up what waits for a held row", move |connection| {
                let Some(entry) = entry_with_rows(connection, sequence)? else { return Ok(Vec::new()) };
                waiting_for(connection, sequence, &entry)
            })
            .await
    }
}

fn awaits_of(connection: &Connection, sequence: i64) -> Outcome<Vec<Awaited>> {
    let mut statement = connection.prepare_cached(
        "SELECT awaited.target_name, awaited.columns, awaited.exact FROM conflict \
         JOIN awaited ON awaited.row_id = conflict.row_id WHERE conflict.sequence = ?1 ORDER BY awaited.position",
    )?;
    let awaits = statement.query_map([sequence], |row| {
        Ok(Awaited { table: row.get(0)?, columns: read_json(row, 1)?.unwrap_or_default(), values: row.get(2)? })
    })?;
    Ok(awaits.collect::<rusqlite::Result<_>>()?)
}

/// The open entry of the same pair whose row is the awaited one. Usually the key is what is referenced, and one look
/// finds it; else the rows held of that table are gone through.
fn holder_of(connection: &Connection, sequence: i64, awaited: &Awaited) -> Outcome<Option<String>> {
    let wanted = exact::decode_row(&awaited.values).map(to_canonical).unwrap_or_default();
    for same_key in ["=", "<>"] {
        let select = format!("{} AND other.key {same_key} ?3", holders());
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query(params![sequence, awaited.table, awaited.values])?;
        while let Some(row) = rows.next()? {
            let columns: Vec<String> = read_json(row, 1)?.unwrap_or_default();
            let sides: [Option<Vec<u8>>; 2] = [row.get(2)?, row.get(3)?];
            let mut sides = sides.iter().flatten();
            if sides.any(|side| projected(&columns, side, &awaited.columns).as_ref() == Some(&wanted)) {
                return Ok(Some(format!("c_{}", row.get::<_, i64>(0)?)));
            }
        }
    }
    Ok(None)
}

fn waiting_for(connection: &Connection, sequence: i64, entry: &ConflictRow) -> Outcome<Vec<String>> {
    // What is referenced is one of few choices of columns, so each is looked up by its values.
    let mut shapes =
        connection.prepare_cached("SELECT DISTINCT columns FROM awaited WHERE target_name = ?1 COLLATE NOCASE")?;
    let mut find = connection.prepare_cached(&format!(
        "SELECT other.sequence FROM awaited JOIN conflict AS other ON other.row_id = awaited.row_id \
         JOIN ledger_table AS child ON child.id = other.table_id \
         JOIN conflict ON conflict.sequence = ?1 \
         JOIN ledger_table AS own ON own.id = conflict.table_id \
         WHERE awaited.canonical = ?2 AND awaited.columns = ?3 AND awaited.target_name = ?4 COLLATE NOCASE \
             AND (awaited.target_name = ?4 OR {}) \
             AND other.settled_by IS NULL AND other.sequence <> ?1 \
             AND child.source_identity = own.source_identity AND child.target_identity = own.target_identity",
        disregards_case("own.target_identity")
    ))?;
    let mut waiting = Vec::new();
    let mut rows = shapes.query([&entry.entry.target_table])?;
    while let Some(row) = rows.next()? {
        let wanted: Vec<String> = read_json(row, 0)?.unwrap_or_default();
        for side in entry.source.iter().chain(&entry.target) {
            let side = exact::encode_row(side.iter().map(Value::as_ref));
            let Some(canonical) = projected(&entry.target_columns, &side, &wanted) else { continue };
            let values = params![sequence, canonical, row.get::<_, String>(0)?, entry.entry.target_table];
            let found = find.query_map(values, |row| row.get::<_, i64>(0))?;
            waiting.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
    }
    waiting.sort_unstable();
    waiting.dedup();
    Ok(waiting.into_iter().map(|sequence| format!("c_{sequence}")).collect())
}

/// The canonical values of some columns of an encoded row; nothing if it has not all of them, or one is NULL and so
/// referenced by nobody.
fn projected(columns: &[String], row: &[u8], wanted: &[String]) -> Option<Vec<u8>> {
    let row = exact::decode_row(row).ok()?;
    let cell = |name: &String| {
        let position = columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        row.get(position).copied().filter(|value| !value.is_null())
    };
    Some(to_canonical(wanted.iter().map(cell).collect::<Option<Vec<_>>>()?))
}
