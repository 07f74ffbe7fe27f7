//! The databases of a round, made from its seed, and the edits that give a mirror something to do.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use syncline_testkit::deterministic::Numbers;

use super::state::{open, settled};

/// A table of the world: all that a check needs to know of it.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [&'static str],
    pub(crate) others: &'static [&'static str],
    /// It has row numbers beside its key, which only a dump shows.
    pub(crate) has_hidden_rowid: bool,
    sql: &'static str,
}

impl Table {
    const fn new(name: &'static str, key: &'static [&str], others: &'static [&str], sql: &'static str) -> Self {
        Self { name, key, others, has_hidden_rowid: false, sql }
    }
}

/// Referenced tables first. `ON DELETE CASCADE` is there because nothing may ever happen through it.
pub(crate) const TABLES: [Table; 5] = [
    Table::new(
        "customers",
        &["id"],
        &["email", "name", "photo"],
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, photo BLOB)",
    ),
    Table::new(
        "orders",
        &["id"],
        &["customer", "total", "state"],
        "CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT,
             customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE, total REAL, state TEXT);
         CREATE INDEX orders_customer ON orders (customer)",
    ),
    Table::new(
        "employees",
        &["id"],
        &["name", "manager"],
        "CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, manager INTEGER REFERENCES employees (id))",
    ),
    Table::new(
        "stock",
        &["warehouse", "sku"],
        &["quantity"],
        "CREATE TABLE stock (warehouse TEXT NOT NULL, sku INTEGER NOT NULL, quantity NUMERIC,
             PRIMARY KEY (warehouse, sku)) WITHOUT ROWID",
    ),
    Table {
        has_hidden_rowid: true,
        ..Table::new(
            "labels",
            &["code"],
            &["position", "caption"],
            "CREATE TABLE labels (code TEXT NOT NULL PRIMARY KEY, position INTEGER UNIQUE, caption TEXT)",
        )
    },
];

/// What the application keeps in the target beside the tables that are mirrored; a trigger that fired would show here.
const AUDIT: &str = "CREATE TABLE audit (what TEXT);
     CREATE TRIGGER audit_orders AFTER UPDATE ON orders BEGIN INSERT INTO audit VALUES ('updated ' || new.id); END;
     CREATE TRIGGER audit_gone AFTER DELETE ON customers BEGIN INSERT INTO audit VALUES ('gone ' || old.id); END";

/// What the target is when the first run of a round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has rows, and differs from the source.
    Behind,
    /// There is no file.
    Missing,
    /// All tables are there and empty.
    Empty,
    /// Some tables are behind, one is empty, one is missing.
    Mixed,
}

impl Start {
    /// Everything is loaded.
    pub(crate) fn is_load(self) -> bool {
        matches!(self, Start::Missing | Start::Empty)
    }
}

/// The databases of a round.
pub(crate) struct World {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) start: Start,
    /// For the message when something fails.
    pub(crate) journals: String,
}

impl World {
    /// Makes the databases in `directory`. Which start, and which journals, is decided by the seed alone and in
    /// rotation, so that few rounds see them all.
    pub(crate) fn new(directory: &Path, seed: u64, numbers: &mut Numbers) -> Self {
        let start = match seed % 10 {
            2 => Start::Missing,
            7 => Start::Empty,
            4 | 9 => Start::Mixed,
            _ => Start::Behind,
        };
        let mode = |is_wal| if is_wal { "wal" } else { "delete" };
        let (source_journal, target_journal) = (mode((seed / 3).is_multiple_of(2)), mode((seed / 2).is_multiple_of(2)));
        let (source, target) = (directory.join("source.db"), directory.join("target.db"));
        fill(&source, numbers);
        match start {
            Start::Missing => {}
            Start::Empty => define(&open(&target)),
            Start::Behind | Start::Mixed => std::fs::copy(&source, &target).map(drop).unwrap(),
        }
        edit(&source, numbers);
        if matches!(start, Start::Behind | Start::Mixed) {
            edit(&target, numbers);
            open(&target).execute_batch(AUDIT).unwrap();
        }
        if start == Start::Mixed {
            open(&target).execute_batch("DROP TABLE orders; DELETE FROM labels").unwrap();
        }
        set_journal(&source, source_journal);
        if start != Start::Missing {
            set_journal(&target, target_journal);
        }
        let journals = format!("{source_journal} -> {target_journal}");
        Self { source, target, start, journals }
    }
}

/// Copies a database that nobody has open; a missing one stays missing.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.exists() {
        settled(from);
        std::fs::copy(from, to).unwrap();
    }
}

/// The tables, empty.
pub(crate) fn define(connection: &Connection) {
    for table in &TABLES {
        let sql = table.sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
        connection.execute_batch(&sql.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")).unwrap();
    }
}

fn set_journal(path: &Path, mode: &str) {
    let connection = open(path);
    connection.pragma_update(None, "journal_mode", mode).unwrap();
}

/// 5,000 to 20,000 rows.
fn fill(path: &Path, numbers: &mut Numbers) {
    let connection = unsafe_but_fast(path);
    define(&connection);
    // More often few than many: a round should be over in a second or two.
    let scale = 4 + (0..3).map(|_| numbers.below(13)).min().unwrap_or_default();
    let (customers, orders, employees) = (300 * scale, 600 * scale, 50 * scale);
    let (stock, labels, salt) = (250 * scale, 100 * scale, numbers.below(1_000));
    let rows = |count: u64| format!("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let batch = [
        "BEGIN".to_owned(),
        format!(
            "{} INSERT INTO customers SELECT i * 3, printf('c%d@%d.example', i, i % 7), printf('Name %d', i * {salt}),
                 CASE i % 5 WHEN 0 THEN NULL ELSE zeroblob(i % 200) END FROM n",
            rows(customers)
        ),
        format!(
            "{} INSERT INTO orders SELECT i * 2, 3 * (1 + (i * 7919 + {salt}) % {customers}), (i * {salt}) / 7.0,
                 printf('state %d', i % 4) FROM n",
            rows(orders)
        ),
        // Everybody's manager comes later: no order of rows satisfies every reference on the way.
        format!(
            "{} INSERT INTO employees SELECT i, printf('E%d', i), nullif(min({employees}, i + 1 + i % 9), i) FROM n",
            rows(employees)
        ),
        format!("{} INSERT INTO stock SELECT 'w' || (i % 5), i, (i * {salt}) % 1000 / 10.0 FROM n", rows(stock)),
        // Row numbers in an order of their own.
        format!(
            "{} INSERT INTO labels SELECT printf('L%05d', i), i, 'caption ' || i FROM n ORDER BY i * 7919 % 1009",
            rows(labels)
        ),
        "COMMIT".to_owned(),
    ];
    connection.execute_batch(&batch.join(";")).unwrap();
}

/// Updates, inserts, deletes, exchanges of unique values and rows under new keys, in every table.
pub(crate) fn edit(path: &Path, numbers: &mut Numbers) {
    let connection = unsafe_but_fast(path);
    // What an edit touches: every m-th row, beginning at r.
    let mut share = |least: u64, most: u64| {
        let m = least + numbers.below(most - least + 1);
        (m, numbers.below(m))
    };
    let mut edits = vec!["BEGIN".to_owned()];
    let (m, r) = share(2, 6);
    edits.push(format!("UPDATE customers SET name = name || '!' WHERE id % {m} = {r}"));
    edits.push(format!("UPDATE orders SET total = total + {m}, state = 'edited {r}' WHERE id % {m} = {r}"));
    edits.push(format!("UPDATE stock SET quantity = quantity + {m}.5 WHERE sku % {m} = {r}"));
    edits.push(format!("UPDATE labels SET caption = caption || '?' WHERE position % {m} = {r}"));
    let (m, r) = share(3, 12);
    edits.push(format!("DELETE FROM orders WHERE id / 2 % {m} = {r}"));
    edits.push(format!("DELETE FROM stock WHERE sku % {m} = {r}"));
    edits.push(format!("DELETE FROM labels WHERE position % {m} = {r}"));
    edits.push(format!("DELETE FROM employees WHERE id % {m} = {r}"));
    edits.push(format!("UPDATE employees SET manager = (SELECT max(id) FROM employees) - id % 3 WHERE id % {m} = 1"));
    let (m, r) = share(5, 20);
    edits.push(format!("DELETE FROM customers WHERE id / 3 % {m} = {r}"));
    // Under new keys: customers keep their e-mail addresses, which the rows of the old keys still have in the target.
    edits.push(format!(
        "UPDATE orders SET customer = customer + 1000000 WHERE customer < 1000000 AND customer / 3 % 31 = {r}"
    ));
    edits.push(format!("UPDATE customers SET id = id + 1000000 WHERE id < 1000000 AND id / 3 % 31 = {r}"));
    edits.push(format!("UPDATE OR IGNORE stock SET warehouse = warehouse || {r} WHERE sku % {m} = 1"));
    edits.push(format!("UPDATE OR IGNORE labels SET code = code || 'r{r}' WHERE position % {m} = 2"));
    let (m, r) = share(17, 60);
    edits.push(exchange("customers", "id", 3, "email", m, r));
    edits.push(exchange("labels", "rowid", 1, "position", m, r));
    edits.push(additions(numbers));
    edits.push("COMMIT".to_owned());
    connection.execute_batch(&edits.join(";\n")).unwrap();
}

/// Neighbours exchange a unique value.
fn exchange(table: &str, id: &str, step: u64, column: &str, m: u64, r: u64) -> String {
    format!(
        "CREATE TEMP TABLE pair AS SELECT a.{id} AS one, b.{id} AS other, a.{column} AS ones, b.{column} AS others
             FROM {table} AS a JOIN {table} AS b ON b.{id} = a.{id} + {step} WHERE a.{id} / {step} % {m} = {r};
         UPDATE {table} SET {column} = -{id} WHERE {id} IN (SELECT one FROM pair UNION ALL SELECT other FROM pair);
         UPDATE {table} SET {column} = others FROM pair WHERE {table}.{id} = one;
         UPDATE {table} SET {column} = ones FROM pair WHERE {table}.{id} = other;
         DROP TABLE pair"
    )
}

/// New rows; and at the end no reference points at nothing.
fn additions(numbers: &mut Numbers) -> String {
    let (count, salt) = (100 + numbers.below(900), numbers.below(1_000_000));
    let rows = |count: u64| format!("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let few = rows(count / 10);
    let many = rows(count);
    format!(
        "{many} INSERT OR IGNORE INTO customers SELECT 2000000 + i * 7 + {salt} % 7, printf('n%d-{salt}@x', i), 'new', x'00ff' FROM n;
         {many} INSERT INTO orders (customer, total) SELECT (SELECT max(id) FROM customers WHERE id <= 3 * i), i FROM n
             WHERE EXISTS (SELECT 1 FROM customers WHERE id <= 3 * i);
         {few} INSERT INTO employees (name, manager) SELECT 'new', (SELECT max(id) FROM employees) FROM n;
         {many} INSERT OR IGNORE INTO stock SELECT 'w{salt}', i, i FROM n;
         {few} INSERT OR IGNORE INTO labels SELECT printf('N%d-{salt}', i), 1000000 + i * 3 + {salt} % 3, NULL FROM n;
         DELETE FROM orders WHERE customer NOT IN (SELECT id FROM customers);
         UPDATE employees SET manager = NULL WHERE manager NOT IN (SELECT id FROM employees)"
    )
}

/// A connection for making things up: what a power cut would do to them is of no concern.
fn unsafe_but_fast(path: &Path) -> Connection {
    let connection = open(path);
    connection.pragma_update(None, "synchronous", "off").unwrap();
    connection
}
