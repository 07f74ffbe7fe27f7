//! Held rows, for people and for programs.

pub(crate) mod export;
mod text;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use syncline::Value;
use syncline::conflicts::{Conflict, ConflictDetail, ConflictRow, Link};

use super::json::{Cell, Cells, operation_name};

pub(crate) use self::text::{detail, list, next_step};

/// One entry of a list.
pub(crate) struct Entry<'a>(pub(crate) &'a Conflict);

/// One entry with both rows.
pub(crate) struct Row<'a>(pub(crate) &'a ConflictRow);

/// One entry with both rows and what it is bound to.
pub(crate) struct Detail<'a>(pub(crate) &'a ConflictDetail);

struct Key<'a>(&'a [(String, Value)]);

struct Awaits<'a>(&'a [Link]);

struct Awaited<'a>(&'a Link);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, self.0)?;
        map.end()
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", &1)?;
        map.serialize_entry("type", "conflict")?;
        row(&mut map, self.0)?;
        map.end()
    }
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        row(&mut map, &self.0.row)?;
        map.serialize_entry("waits_for", &Awaits(&self.0.awaits))?;
        map.serialize_entry("awaited_by", &self.0.awaited_by)?;
        map.end()
    }
}

fn entry<M: SerializeMap>(map: &mut M, entry: &Conflict) -> Result<(), M::Error> {
    map.serialize_entry("id", &entry.id)?;
    map.serialize_entry("state", entry.state.name())?;
    map.serialize_entry("table", &entry.table)?;
    map.serialize_entry("key", &Key(&entry.key))?;
    map.serialize_entry("operation", operation_name(entry.operation))?;
    map.serialize_entry("kind", entry.reason.name())?;
    map.serialize_entry("words", &entry.words)?;
    map.serialize_entry("awaits", &entry.awaits)?;
    map.serialize_entry("source", &entry.source)?;
    map.serialize_entry("target", &entry.target)?;
    map.serialize_entry("first_run", &entry.first_run)?;
    map.serialize_entry("first_ms", &entry.first_ms)?;
    map.serialize_entry("last_run", &entry.last_run)?;
    map.serialize_entry("last_ms", &entry.last_ms)?;
    map.serialize_entry("settled_by", &entry.settled_by)?;
    map.serialize_entry("settled_ms", &entry.settled_ms)
}

fn row<M: SerializeMap>(map: &mut M, row: &ConflictRow) -> Result<(), M::Error> {
    entry(map, &row.entry)?;
    let cells = |values| Cells { columns: &row.columns, values };
    map.serialize_entry("source_row", &row.source.as_deref().map(cells))?;
    map.serialize_entry("target_row", &row.target.as_deref().map(cells))?;
    let columns = row.columns.iter().enumerate();
    let changed: Vec<&String> = columns.filter(|(at, _)| row.is_changed(*at)).map(|(_, column)| column).collect();
    map.serialize_entry("changed", &changed)
}

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, Cell(value))))
    }
}

impl Serialize for Awaits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|link| list.serialize_element(&Awaited(link)))?;
        list.end()
    }
}

impl Serialize for Awaited<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", &self.0.table)?;
        map.serialize_entry("key", &Key(&self.0.values))?;
        map.serialize_entry("held_by", &self.0.held_by)?;
        map.end()
    }
}

#[cfg(test)]
pub(super) mod testing {
    use syncline::conflicts::ConflictState;
    use syncline::{Operation, Reason};

    use super::*;

    /// A row that is held with text a terminal and a spreadsheet must be protected from.
    pub(in crate::render) fn sample() -> ConflictDetail {
        let entry = Conflict {
            id: "c_7".into(),
            state: ConflictState::Open,
            source: "/a/hq.db".into(),
            target: "/a/branch.db".into(),
            table: "or\nders".into(),
            target_table: "or\nders".into(),
            operation: Operation::Update,
            reason: Reason::Check,
            words: "CHECK constraint failed: \x1b[2J\ntotal >= 0".into(),
            key: vec![("id".into(), Value::Int(731))],
            awaits: 1,
            first_run: "r_1".into(),
            first_ms: 1_790_000_000_000,
            last_run: "r_2".into(),
            last_ms: 1_790_000_100_000,
            settled_by: None,
            settled_ms: None,
        };
        let values = |total, note: &str| vec![Value::Int(731), Value::Int(total), Value::text(note)];
        let row = ConflictRow {
            is_partial: false,
            given: Vec::new(),
            dialect: syncline::Dialect::Sqlite,
            entry,
            columns: ["id", "total", "note"].map(str::to_owned).to_vec(),
            target_columns: ["id", "sum", "note"].map(str::to_owned).to_vec(),
            key: vec![0],
            source: Some(values(-5, "=1+1")),
            target: Some(values(5, "=1+1")),
        };
        let link = |id, held_by: Option<&str>| Link {
            table: "customers".into(),
            values: vec![("id".into(), Value::Int(id))],
            held_by: held_by.map(str::to_owned),
        };
        let awaits = vec![link(9, Some("c_3")), link(10, None)];
        ConflictDetail { row, awaits, awaited_by: vec!["c_8".into(), "c_9".into()] }
    }

    #[test]
    fn programs_get_everything() {
        let shown = super::super::json::line(&Detail(&sample()));
        assert_eq!(
            shown,
            concat!(
                r#"{"id":"c_7","state":"open","table":"or\nders","key":{"id":731},"operation":"update","kind":"check","#,
                r#""words":"CHECK constraint failed: \u001b[2J\ntotal >= 0","awaits":1,"source":"/a/hq.db","#,
                r#""target":"/a/branch.db","first_run":"r_1","first_ms":1790000000000,"last_run":"r_2","#,
                r#""last_ms":1790000100000,"settled_by":null,"settled_ms":null,"#,
                r#""source_row":{"id":731,"total":-5,"note":"=1+1"},"target_row":{"id":731,"total":5,"note":"=1+1"},"#,
                r#""changed":["total"],"waits_for":[{"table":"customers","key":{"id":9},"held_by":"c_3"},"#,
                r#"{"table":"customers","key":{"id":10},"held_by":null}],"awaited_by":["c_8","c_9"]}"#
            )
        );
    }
}
