//! What the engine can do without Syncline: each a loop as short as it can be, run in a process of its own.

use std::path::Path;
use std::thread;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use xxhash_rust::xxh3::xxh3_64;

use crate::ORDERS;

/// The argument that turns this program into one of the loops.
pub(crate) const FLAG: &str = "--bare";

const SELECT: &str =
    "SELECT id, customer_id, status, amount, note, created_at, updated_at, payload FROM orders ORDER BY id";
const INSERT: &str = "INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const WIDTH: usize = 8;

/// Runs the loop with this name.
pub(crate) fn run(name: &str, paths: &[&Path]) {
    match (name, paths) {
        ("insert-select", [source, target]) => insert_select(source, target),
        ("bind", [source, target]) => bind(source, target),
        ("hash", [source, target]) => hash_both(source, target),
        _ => panic!("no loop {name} over {} files", paths.len()),
    }
}

/// SQLite's own fastest way: records go from tree to tree undecoded.
fn insert_select(source: &Path, target: &Path) {
    let conn = Connection::open(target).unwrap();
    conn.execute("ATTACH ?1 AS s", [source.to_str().unwrap()]).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    conn.execute_batch(ORDERS.table).unwrap();
    conn.execute_batch("INSERT INTO main.orders SELECT * FROM s.orders; COMMIT").unwrap();
}

/// One thread reads a row, binds it and inserts it. The same settings and one transaction, as in Syncline.
fn bind(source: &Path, target: &Path) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(source, flags).unwrap();
    let target = Connection::open_with_flags(target, flags).unwrap();
    target.execute_batch("PRAGMA synchronous = EXTRA; PRAGMA cache_size = -8192; BEGIN IMMEDIATE").unwrap();
    if !target.table_exists(None, "orders").unwrap() {
        target.execute_batch(ORDERS.table).unwrap();
    }
    let mut insert = target.prepare(INSERT).unwrap();
    let mut select = source.prepare(SELECT).unwrap();
    let mut rows = select.raw_query();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..WIDTH {
            insert.raw_bind_parameter(column + 1, Bound(row.get_ref(column).unwrap())).unwrap();
        }
        insert.raw_execute().unwrap();
    }
    target.execute_batch("COMMIT").unwrap();
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Each file is read and hashed row by row on a thread of its own.
fn hash_both(source: &Path, target: &Path) {
    let sums = thread::scope(|scope| {
        [source, target].map(|path| scope.spawn(|| hash(path))).map(|thread| thread.join().unwrap())
    });
    println!("{sums:?}");
}

fn hash(path: &Path) -> u64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).unwrap();
    let mut select = conn.prepare(SELECT).unwrap();
    let mut rows = select.raw_query();
    let mut sum = 0_u64;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        bytes.clear();
        for column in 0..WIDTH {
            match row.get_ref(column).unwrap() {
                ValueRef::Null => bytes.push(0),
                ValueRef::Integer(value) => bytes.extend_from_slice(&value.to_le_bytes()),
                ValueRef::Real(value) => bytes.extend_from_slice(&value.to_le_bytes()),
                ValueRef::Text(cell) | ValueRef::Blob(cell) => bytes.extend_from_slice(cell),
            }
        }
        sum = sum.wrapping_add(xxh3_64(&bytes));
    }
    sum
}
