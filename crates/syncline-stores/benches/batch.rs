//! Row batch layouts under a bare SQLite bind loop: which one carries rows from a reader to a writer at the least cost?
//! The answer is recorded in `docs/adr/001-row-batch.md`; the layouts that lost live on only here.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement};

const ROWS: usize = 100_000;
const ROWS_PER_BATCH: usize = 4096;
const SELECT: &str =
    "SELECT id, customer, status, total, note, created_at, updated_at, payload FROM orders ORDER BY id";
const INSERT: &str = "INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const TABLE: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, status TEXT NOT NULL,
    total NUMERIC, note TEXT, created_at TEXT, updated_at TEXT, payload TEXT)";

/// One way of holding rows between a reader and a writer.
trait Layout {
    fn clear(&mut self);
    fn push(&mut self, row: &rusqlite::Row<'_>);
    fn bind_all(&self, insert: &mut Statement<'_>);
}

/// No batch at all: what the reader yields is bound at once. The floor every layout is held against.
fn bare_loop(source: &Connection, target: &Connection) {
    let mut insert = target.prepare(INSERT).expect("BUG: insert");
    let mut select = source.prepare(SELECT).expect("BUG: select");
    let mut rows = select.raw_query();
    while let Some(row) = rows.next().expect("BUG: row") {
        for column in 0..8 {
            bind(&mut insert, column, row.get_ref(column).expect("BUG: cell"));
        }
        insert.raw_execute().expect("BUG: insert");
    }
}

fn through<L: Layout>(batch: &mut L, source: &Connection, target: &Connection) {
    let mut insert = target.prepare(INSERT).expect("BUG: insert");
    let mut select = source.prepare(SELECT).expect("BUG: select");
    let mut rows = select.raw_query();
    let mut held = 0;
    while let Some(row) = rows.next().expect("BUG: row") {
        batch.push(row);
        held += 1;
        if held == ROWS_PER_BATCH {
            batch.bind_all(&mut insert);
            batch.clear();
            held = 0;
        }
    }
    batch.bind_all(&mut insert);
    batch.clear();
}

/// A vector of owned values a row.
#[derive(Default)]
struct Owned(Vec<Vec<Value>>);

impl Layout for Owned {
    fn clear(&mut self) {
        self.0.clear();
    }
    fn push(&mut self, row: &rusqlite::Row<'_>) {
        self.0.push((0..8).map(|column| row.get::<_, Value>(column).expect("BUG: cell")).collect());
    }
    fn bind_all(&self, insert: &mut Statement<'_>) {
        for row in &self.0 {
            for (column, value) in row.iter().enumerate() {
                bind(insert, column, value.into());
            }
            insert.raw_execute().expect("BUG: insert");
        }
    }
}

/// Fixed-size cells that point into one arena of bytes.
#[derive(Default)]
struct Arena {
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(u32, u32),
    Blob(u32, u32),
}

impl Arena {
    fn keep(&mut self, bytes: &[u8]) -> (u32, u32) {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        (at, bytes.len() as u32)
    }
    fn slice(&self, at: u32, len: u32) -> &[u8] {
        &self.bytes[at as usize..(at + len) as usize]
    }
}

impl Layout for Arena {
    fn clear(&mut self) {
        self.cells.clear();
        self.bytes.clear();
    }
    fn push(&mut self, row: &rusqlite::Row<'_>) {
        for column in 0..8 {
            let cell = match row.get_ref(column).expect("BUG: cell") {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(value) => Cell::Int(value),
                ValueRef::Real(value) => Cell::Real(value),
                ValueRef::Text(bytes) => {
                    let (at, len) = self.keep(bytes);
                    Cell::Text(at, len)
                }
                ValueRef::Blob(bytes) => {
                    let (at, len) = self.keep(bytes);
                    Cell::Blob(at, len)
                }
            };
            self.cells.push(cell);
        }
    }
    fn bind_all(&self, insert: &mut Statement<'_>) {
        for row in self.cells.chunks_exact(8) {
            for (column, cell) in row.iter().enumerate() {
                let value = match *cell {
                    Cell::Null => ValueRef::Null,
                    Cell::Int(value) => ValueRef::Integer(value),
                    Cell::Real(value) => ValueRef::Real(value),
                    Cell::Text(at, len) => ValueRef::Text(self.slice(at, len)),
                    Cell::Blob(at, len) => ValueRef::Blob(self.slice(at, len)),
                };
                bind(insert, column, value);
            }
            insert.raw_execute().expect("BUG: insert");
        }
    }
}

/// Self-describing bytes, a tag before each value: the form rows have on a wire.
#[derive(Default)]
struct Encoded(Vec<u8>);

impl Layout for Encoded {
    fn clear(&mut self) {
        self.0.clear();
    }
    fn push(&mut self, row: &rusqlite::Row<'_>) {
        for column in 0..8 {
            match row.get_ref(column).expect("BUG: cell") {
                ValueRef::Null => self.0.push(0),
                ValueRef::Integer(value) => {
                    self.0.push(1);
                    self.0.extend_from_slice(&value.to_le_bytes());
                }
                ValueRef::Real(value) => {
                    self.0.push(2);
                    self.0.extend_from_slice(&value.to_bits().to_le_bytes());
                }
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    self.0.push(3);
                    self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                    self.0.extend_from_slice(bytes);
                }
            }
        }
    }
    fn bind_all(&self, insert: &mut Statement<'_>) {
        let mut at = 0;
        let mut column = 0;
        while at < self.0.len() {
            let (value, next) = decode(&self.0, at);
            bind(insert, column, value);
            at = next;
            column += 1;
            if column == 8 {
                insert.raw_execute().expect("BUG: insert");
                column = 0;
            }
        }
    }
}

fn decode(bytes: &[u8], at: usize) -> (ValueRef<'_>, usize) {
    let eight = || <[u8; 8]>::try_from(&bytes[at + 1..at + 9]).expect("BUG: eight bytes");
    match bytes[at] {
        0 => (ValueRef::Null, at + 1),
        1 => (ValueRef::Integer(i64::from_le_bytes(eight())), at + 9),
        2 => (ValueRef::Real(f64::from_bits(u64::from_le_bytes(eight()))), at + 9),
        _ => {
            let len =
                u32::from_le_bytes(<[u8; 4]>::try_from(&bytes[at + 1..at + 5]).expect("BUG: four bytes")) as usize;
            (ValueRef::Text(&bytes[at + 5..at + 5 + len]), at + 5 + len)
        }
    }
}

fn bind(insert: &mut Statement<'_>, column: usize, value: ValueRef<'_>) {
    insert.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(value)).expect("BUG: bind");
}

fn seeded_source() -> Connection {
    let source = Connection::open_in_memory().expect("BUG: memory database");
    source.execute_batch(TABLE).expect("BUG: table");
    source
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO orders SELECT i, i % 5000, CASE i % 3 WHEN 0 THEN 'paid' ELSE 'open' END, (i % 100000) / 100.0,
               CASE i % 5 WHEN 0 THEN NULL ELSE printf('note %d with some words to read', i) END,
               printf('2026-01-%02dT10:00:00.%06d', 1 + i % 28, i), printf('2026-02-%02dT10:00:00.%06d', 1 + i % 28, i),
               printf('{\"order\": %d, \"lines\": [{\"sku\": \"A-%d\", \"quantity\": 2}, {\"sku\": \"B-%d\", \"quantity\": 1}], \"gift\": false}', i, i, i)
             FROM n",
            [ROWS as i64],
        )
        .expect("BUG: rows");
    source
}

fn layouts(criterion: &mut Criterion) {
    let source = seeded_source();
    let target = Connection::open_in_memory().expect("BUG: memory database");
    target.execute_batch(TABLE).expect("BUG: table");
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(15).measurement_time(Duration::from_secs(6));
    let mut run = |name: &str, work: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                target.execute_batch("DELETE FROM orders; BEGIN").expect("BUG: begin");
                work();
                target.execute_batch("COMMIT").expect("BUG: commit");
            });
        });
    };
    run("bare loop", &mut || bare_loop(&source, &target));
    run("owned values", &mut || through(black_box(&mut Owned::default()), &source, &target));
    run("cells and arena", &mut || through(black_box(&mut Arena::default()), &source, &target));
    run("encoded bytes", &mut || through(black_box(&mut Encoded::default()), &source, &target));
    group.finish();
}

criterion_group!(benches, layouts);
criterion_main!(benches);
