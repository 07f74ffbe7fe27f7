//! Two small shops to try everything on, without a database of one's own and without a network.
//!
//! Headquarters is the source, the branch is the target: the same three tables, about 1,200 rows, and differences of
//! every kind that a mirror settles, two customers who exchanged their e-mail addresses among them. The same bytes go
//! in on every machine and every day. The deletes stay far below the guard.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use syncline_core::error::{Code, Error, Result};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// Headquarters.
    pub source: PathBuf,
    /// The branch.
    pub target: PathBuf,
    /// What is in it.
    pub tables: Vec<DemoTable>,
}

/// One table of the two shops and its planted differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoTable {
    /// Its name.
    pub name: &'static str,
    /// Rows at headquarters.
    pub rows: u64,
    /// Rows only headquarters has.
    pub only_source: u64,
    /// Rows only the branch has.
    pub only_target: u64,
    /// Rows that differ.
    pub changed: u64,
}

const CUSTOMERS: u32 = 200;
const PRODUCTS: u32 = 100;
const ORDERS: u32 = 900;

const FIRST_NAMES: &[&str] = &[
    "Ada", "Bruno", "Carla", "Deniz", "Elena", "Femi", "Grace", "Hana", "Ivan", "Jonas", "Kaya", "Linus", "Mara",
    "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Victor", "Wanda", "Yusuf", "Zoe",
];
const LAST_NAMES: &[&str] = &[
    "Abel", "Berg", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kovacs", "Larsen",
    "Moreau", "Novak", "Okafor", "Peeters", "Rossi", "Silva", "Tanaka", "Weber",
];
const CITIES: &[&str] = &["Berlin", "Ghent", "Kraków", "Lisbon", "Malmö", "Nantes", "Porto", "Utrecht", "Zürich"];
const KINDS: &[&str] = &["Blue", "Copper", "Folding", "Large", "Oak", "Plain", "Small", "Striped", "Woollen"];
const THINGS: &[&str] =
    &["basket", "blanket", "bowl", "chair", "cup", "kettle", "lamp", "shelf", "teapot", "tray", "vase"];

const SCHEMA: &str = "
CREATE TABLE customers (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  email  TEXT NOT NULL UNIQUE,
  city   TEXT,
  credit NUMERIC NOT NULL DEFAULT 0
);
CREATE TABLE products (
  sku   TEXT PRIMARY KEY NOT NULL,
  name  TEXT NOT NULL,
  price NUMERIC NOT NULL CHECK (price >= 0),
  stock INTEGER NOT NULL
);
CREATE TABLE orders (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  customer INTEGER NOT NULL REFERENCES customers (id),
  product  TEXT NOT NULL REFERENCES products (sku),
  quantity INTEGER NOT NULL,
  ordered  TEXT NOT NULL,
  status   TEXT NOT NULL,
  note     TEXT
);
CREATE INDEX orders_by_customer ON orders (customer, ordered);
";

/// What only headquarters has, written there after both shops were alike. The branch has not heard of it yet.
const AT_HEADQUARTERS: &str = "
INSERT INTO customers VALUES
  (201, 'Noor Haddad', 'noor.haddad@mail.example', 'Lisbon', 25),
  (202, 'Jun Sato', 'jun.sato@mail.example', 'Osaka', 0),
  (203, 'Íris Þórsdóttir', 'iris@mail.example', 'Reykjavík', 12.5);
UPDATE customers SET email = 'new.' || email WHERE id IN (17, 31, 44);
UPDATE customers SET credit = credit + 10.5, city = 'Antwerp' WHERE id = 73;
INSERT INTO products VALUES ('P-101', 'Solar lantern', 39.9, 40);
UPDATE products SET price = price + 1.25 WHERE sku IN ('P-003', 'P-014', 'P-041', 'P-059', 'P-077');
INSERT INTO orders (id, customer, product, quantity, ordered, status, note) VALUES
  (901, 201, 'P-101', 1, '2026-06-01 09:12:00', 'open', 'first order, call before delivery'),
  (902, 202, 'P-014', 2, '2026-06-01 10:40:00', 'open', NULL),
  (903, 203, 'P-101', 1, '2026-06-01 11:05:00', 'open', NULL),
  (904, 12, 'P-003', 3, '2026-06-01 11:30:00', 'open', NULL),
  (905, 44, 'P-077', 1, '2026-06-01 13:02:00', 'open', 'gift wrap 🎁'),
  (906, 73, 'P-059', 6, '2026-06-01 15:47:00', 'open', NULL);
UPDATE orders SET status = 'shipped', note = 'left the house on 2 June' WHERE id IN (871, 874, 880, 888, 893, 899);
";

/// What only the branch has: a customer who never reached headquarters, and orders that headquarters has deleted.
const AT_THE_BRANCH: &str = "
INSERT INTO customers VALUES (300, 'Walk-in customer', 'till.2@branch.example', NULL, 0);
INSERT INTO orders (id, customer, product, quantity, ordered, status, note) VALUES
  (1001, 300, 'P-008', 1, '2026-05-30 17:55:00', 'paid', 'cash'),
  (1002, 300, 'P-021', 2, '2026-05-30 18:02:00', 'paid', NULL),
  (1003, 9, 'P-033', 1, '2026-05-30 18:10:00', 'cancelled', 'twice by mistake');
";

/// Makes both databases in `dir`, which must not exist yet or be empty.
///
/// # Errors
/// When there is something in `dir` already (nothing is touched then), or it cannot be written.
pub fn create(dir: &Path) -> Result<Demo> {
    refuse_what_is_there(dir)?;
    fs::create_dir_all(dir).map_err(|error| {
        let code = if error.kind() == ErrorKind::PermissionDenied { Code::StoreDenied } else { Code::StoreFailed };
        Error::new(code, format!("the directory {} cannot be made", dir.display()))
            .because(error.to_string())
            .next("syncline demo --dir DIR", "make it elsewhere")
            .caused_by(error)
    })?;
    let (source, target) = (dir.join("hq.db"), dir.join("branch.db"));
    write(&source, Shop::Headquarters).and_then(|()| write(&target, Shop::Branch)).map_err(|error| {
        // Nothing stood here before, so a half-made shop is ours to remove; if that fails too, the first error counts.
        let _ = fs::remove_file(&source).and(fs::remove_file(&target));
        Error::new(Code::StoreFailed, format!("the demo cannot be written to {}", dir.display()))
            .because(error.to_string())
            .leaving("what was begun is removed")
            .caused_by(error)
    })?;
    Ok(Demo { source, target, tables: tables() })
}

fn tables() -> Vec<DemoTable> {
    let table =
        |name, rows, only_source, only_target, changed| DemoTable { name, rows, only_source, only_target, changed };
    vec![
        table("customers", u64::from(CUSTOMERS) + 3, 3, 1, 6),
        table("products", u64::from(PRODUCTS) + 1, 1, 0, 5),
        table("orders", u64::from(ORDERS) + 6, 6, 3, 6),
    ]
}

fn refuse_what_is_there(dir: &Path) -> Result<()> {
    let found = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    if !found {
        return Ok(());
    }
    Err(Error::new(Code::UsageInvalid, format!("there is something at {} already", dir.display()))
        .leaving("nothing was touched")
        .next("syncline demo --dir DIR", "make the demo elsewhere")
        .next("delete the directory", "if it is an old demo"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shop {
    Headquarters,
    Branch,
}

fn write(path: &Path, shop: Shop) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    stock(&transaction)?;
    match shop {
        Shop::Headquarters => {
            transaction.execute_batch(AT_HEADQUARTERS)?;
            exchange_addresses(&transaction, 5, 8)?;
        }
        Shop::Branch => transaction.execute_batch(AT_THE_BRANCH)?,
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

/// What both shops have.
fn stock(connection: &Connection) -> rusqlite::Result<()> {
    let mut dice = Dice(0x5eed);
    let mut insert = connection.prepare("INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for id in 1..=CUSTOMERS {
        let (first, last) = (dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES));
        let email = format!("{}.{}.{id}@mail.example", first.to_lowercase(), last.to_lowercase());
        let city = (!id.is_multiple_of(13)).then(|| dice.pick(CITIES));
        insert.execute(params![id, format!("{first} {last}"), email, city, price(dice.below(8_000))])?;
    }
    let mut insert = connection.prepare("INSERT INTO products VALUES (?1, ?2, ?3, ?4)")?;
    for number in 1..=PRODUCTS {
        let name = format!("{} {}", dice.pick(KINDS), dice.pick(THINGS));
        insert.execute(params![format!("P-{number:03}"), name, price(199 + dice.below(9_800)), dice.below(120)])?;
    }
    let mut insert = connection.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)")?;
    for id in 1..=ORDERS {
        let (customer, product) = (1 + dice.below(CUSTOMERS), format!("P-{:03}", 1 + dice.below(PRODUCTS)));
        // Some 8 orders a day, the last ones at the end of May 2026.
        let (month, day) = (1 + id * 5 / (ORDERS + 1), 1 + id * 140 / (ORDERS + 1) % 28);
        let ordered = format!("2026-{month:02}-{day:02} {:02}:{:02}:00", 8 + dice.below(11), dice.below(60));
        let status = if id > ORDERS - 40 { "open" } else { "shipped" };
        insert.execute(params![id, customer, product, 1 + dice.below(4), ordered, status])?;
    }
    Ok(())
}

/// Cents as an amount. Two decimal digits survive the way through a double.
fn price(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

/// Two rows swap a value that is unique: neither can be written before the other.
fn exchange_addresses(connection: &Connection, one: i64, other: i64) -> rusqlite::Result<()> {
    let email = |id: i64| -> rusqlite::Result<String> {
        connection.query_row("SELECT email FROM customers WHERE id = ?1", [id], |row| row.get(0))
    };
    let (first, second) = (email(one)?, email(other)?);
    let mut set = connection.prepare("UPDATE customers SET email = ?2 WHERE id = ?1")?;
    set.execute(params![one, "parked@mail.example"])?;
    set.execute(params![other, first])?;
    set.execute(params![one, second])?;
    Ok(())
}

/// The same numbers on every machine: a linear congruential generator, of which the better, upper bits are taken.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let upper_bits = u32::try_from(self.0 >> 33).expect("BUG: 64 bits without 33 of them fit into 32");
        upper_bits % bound
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.below(u32::try_from(from.len()).expect("BUG: the lists are short"));
        from[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(demo: &Demo, table: &str, key: &str) -> [u64; 4] {
        let connection = Connection::open(&demo.source).unwrap();
        connection.execute("ATTACH ?1 AS branch", [demo.target.to_str().unwrap()]).unwrap();
        let count = |sql: String| connection.query_row(&sql, [], |row| row.get::<_, u32>(0)).unwrap();
        let only = |here: &str, there: &str| {
            count(format!("SELECT count(*) FROM {here}.{table} WHERE {key} NOT IN (SELECT {key} FROM {there}.{table})"))
        };
        let (only_source, only_target) = (only("main", "branch"), only("branch", "main"));
        let unlike =
            count(format!("SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM branch.{table})"));
        let rows = count(format!("SELECT count(*) FROM main.{table}"));
        [rows, only_source, only_target, unlike - only_source].map(u64::from)
    }

    #[test]
    fn the_shops_differ_as_announced() {
        let dir = tempfile::tempdir().unwrap();
        let demo = create(&dir.path().join("demo")).unwrap();
        for table in &demo.tables {
            let key = if table.name == "products" { "sku" } else { "id" };
            let announced = [table.rows, table.only_source, table.only_target, table.changed];
            assert_eq!(differences(&demo, table.name, key), announced, "{}", table.name);
        }
        assert!((1_150..1_250).contains(&demo.tables.iter().map(|table| table.rows).sum::<u64>()));
    }

    #[test]
    fn two_customers_exchanged_their_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let demo = create(dir.path()).unwrap();
        let emails = |path: &Path| {
            let connection = Connection::open(path).unwrap();
            let email = |id: i64| {
                let sql = "SELECT email FROM customers WHERE id = ?1";
                connection.query_row(sql, [id], |row| row.get::<_, String>(0)).unwrap()
            };
            (email(5), email(8))
        };
        let (five, eight) = emails(&demo.source);
        assert_eq!(emails(&demo.target), (eight, five));
    }

    #[test]
    fn every_demo_is_the_same_and_sound() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (create(&dir.path().join("1")).unwrap(), create(&dir.path().join("2")).unwrap());
        assert_eq!(fs::read(&one.source).unwrap(), fs::read(&two.source).unwrap());
        assert_eq!(fs::read(&one.target).unwrap(), fs::read(&two.target).unwrap());
        let connection = Connection::open(&one.target).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let broken = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
        assert!(!broken);
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious.txt");
        fs::write(&precious, "mine").unwrap();
        assert_eq!(create(dir.path()).unwrap_err().code(), Code::UsageInvalid);
        assert_eq!(create(&precious).unwrap_err().code(), Code::UsageInvalid);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
    }
}
