//! What is in the mirrored tables of a database, in the text that PostgreSQL's COPY has for it, whichever engine it is.
//! Read by the engine's own client and by SQLite itself, without a line of Syncline's code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::types::ValueRef;

use super::super::state::{exists, open};
use super::engine::Database;
use super::world::APPLICATION;

/// A table: its name, its key, its other columns.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [&'static str],
    pub(crate) others: &'static [&'static str],
}

const fn table(name: &'static str, key: &'static [&str], others: &'static [&str]) -> Table {
    Table { name, key, others }
}

/// All tables that are mirrored; one has no key.
pub(crate) const TABLES: [Table; 7] = [
    table("customers", &["id"], &["email", "name", "photo"]),
    table("orders", &["id"], &["customer", "total", "state"]),
    table("employees", &["id"], &["name", "manager"]),
    table("stock", &["warehouse", "sku"], &["quantity"]),
    table("labels", &["code"], &["position", "caption"]),
    table("notes", &[], &["what", "amount"]),
    table("quotas", &["id"], &["n"]),
];

impl Table {
    /// Its columns, the key's first.
    pub(crate) fn columns(&self) -> String {
        [self.key, self.others].concat().join(", ")
    }

    /// What leaves the rows of the application out.
    pub(crate) fn bound(&self) -> String {
        if self.name == "quotas" { format!(" WHERE id < {APPLICATION}") } else { String::new() }
    }

    /// The part of a line that tells which row it is.
    fn key_of<'l>(&self, line: &'l str) -> &'l str {
        let end = line.match_indices('\t').nth(self.key.len().saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        &line[..end]
    }
}

/// The rows of each table that is there, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content(BTreeMap<&'static str, Vec<String>>);

/// How the rows of one table differ from those of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
}

impl Content {
    pub(crate) fn of_file(path: &Path) -> Self {
        let mut tables = BTreeMap::new();
        if path.exists() {
            let connection = open(path);
            for table in TABLES.iter().filter(|table| exists(&connection, table.name)) {
                let mut statement = connection
                    .prepare(&format!("SELECT {} FROM {}{}", table.columns(), table.name, table.bound()))
                    .unwrap();
                let width = statement.column_count();
                let line = |row: &rusqlite::Row<'_>| {
                    let cells = (0..width).map(|at| Ok(cell(row.get_ref(at)?)));
                    Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("\t"))
                };
                let mut lines: Vec<String> =
                    statement.query_map([], line).unwrap().collect::<rusqlite::Result<_>>().unwrap();
                lines.sort_unstable();
                tables.insert(table.name, lines);
            }
        }
        Self(tables)
    }

    pub(crate) fn of_server(database: &Database<'_>) -> Self {
        let engine = database.engine();
        let there = format!("SELECT table_name FROM information_schema.tables WHERE table_schema = {}", engine.here);
        let there = database.run(&there);
        let there: BTreeSet<&str> = there.lines().collect();
        let there: Vec<_> = TABLES.iter().filter(|table| there.contains(table.name)).collect();
        let mut tables: BTreeMap<_, Vec<String>> = there.iter().map(|table| (table.name, Vec::new())).collect();
        for (table, row) in (engine.rows)(database, &there) {
            tables.get_mut(&*table).unwrap().push(row);
        }
        tables.values_mut().for_each(|rows| rows.sort_unstable());
        Self(tables)
    }

    /// The rows of a table, in COPY's text.
    pub(crate) fn rows(&self, table: &str) -> Option<&[String]> {
        self.0.get(table).map(Vec::as_slice)
    }

    /// Whether all tables that are here are there too.
    pub(crate) fn are_all_in(&self, other: &Self) -> bool {
        self.0.keys().all(|table| other.0.contains_key(table))
    }

    /// Panics with the first rows that differ unless `self`, which is there now, is `expected`.
    pub(crate) fn must_be(&self, expected: &Self, what: &str) {
        if self == expected {
            return;
        }
        let mut said = String::new();
        for table in &TABLES {
            let (here, there) = (self.rows(table.name), expected.rows(table.name));
            if here != there {
                let size = |rows: Option<&[String]>| rows.map_or("no table".to_owned(), |rows| rows.len().to_string());
                writeln!(said, "{}: {}, {} wanted", table.name, size(here), size(there)).unwrap();
                let (here, there) = (here.unwrap_or_default(), there.unwrap_or_default());
                here.iter()
                    .filter(|row| !there.contains(row))
                    .take(3)
                    .for_each(|row| said += &format!("  not wanted {row}\n"));
                there
                    .iter()
                    .filter(|row| !here.contains(row))
                    .take(3)
                    .for_each(|row| said += &format!("  missing    {row}\n"));
            }
        }
        panic!("{what}\n{said}");
    }

    /// What a mirror of `self` makes of a target with `before`, which holds rows that have too much.
    pub(crate) fn mirrored(&self, before: &Self, holds: bool) -> Self {
        let mut wanted = self.clone();
        if holds {
            let too_much = |line: &String| line.rsplit('\t').next().unwrap().parse::<u64>().unwrap() >= 1_000;
            let rows = wanted.0.get_mut("quotas").unwrap();
            let held: BTreeSet<String> = rows.extract_if(.., |line| too_much(line)).map(|line| key(&line)).collect();
            let old = before.rows("quotas").unwrap_or_default().iter().filter(|line| held.contains(&key(line)));
            rows.extend(old.cloned());
            rows.sort_unstable();
        }
        wanted
    }

    /// What has become of each table since `before`, by key. Rows of a table without one are inserted and deleted.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<&'static str, Step> {
        let mut steps = BTreeMap::new();
        for table in &TABLES {
            let (new, old) = (self.rows(table.name).unwrap_or_default(), before.rows(table.name).unwrap_or_default());
            steps.insert(table.name, if table.key.is_empty() { of_copies(old, new) } else { of_rows(table, old, new) });
        }
        steps
    }

    /// Rows in all tables that are those of `new` and not those of `old`.
    pub(crate) fn progress(&self, old: &Self, new: &Self) -> BTreeSet<(&'static str, String)> {
        let of = |content: &Self| -> BTreeSet<(&'static str, String)> {
            let rows = |table: &Table| {
                let name = table.name;
                content.rows(name).unwrap_or_default().iter().map(|row| (name, row.clone())).collect::<Vec<_>>()
            };
            TABLES.iter().filter(|table| !table.key.is_empty()).flat_map(rows).collect()
        };
        let (here, old, new) = (of(self), of(old), of(new));
        here.into_iter().filter(|row| new.contains(row) && !old.contains(row)).collect()
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(table, rows)| format!("= {table}\n{}\n", rows.join("\n"))).collect()
    }
}

fn of_rows(table: &Table, old: &[String], new: &[String]) -> Step {
    let by_key = |rows: &[String]| -> BTreeMap<String, String> {
        rows.iter().map(|row| (table.key_of(row).to_owned(), row.clone())).collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    let inserted = new.keys().filter(|key| !old.contains_key(*key)).count() as u64;
    let deleted = old.keys().filter(|key| !new.contains_key(*key)).count() as u64;
    let updated = new.iter().filter(|(key, row)| old.get(*key).is_some_and(|was| was != *row)).count() as u64;
    Step { inserted, updated, deleted }
}

fn of_copies(old: &[String], new: &[String]) -> Step {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    new.iter().for_each(|row| *counts.entry(row).or_default() += 1);
    old.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    let sum = |sign: i64| counts.values().map(|count| (count * sign).max(0) as u64).sum();
    Step { inserted: sum(1), updated: 0, deleted: sum(-1) }
}

/// The key of a row of `quotas`.
fn key(line: &str) -> String {
    line.split('\t').next().unwrap().to_owned()
}

/// A cell as COPY writes it.
fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "\\N".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        ValueRef::Blob(bytes) => bytes.iter().fold("\\\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}
