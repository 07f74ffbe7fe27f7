//! A shop whose source breaks every rule of its target in one order of a hundred.

use std::collections::BTreeMap;

use serde_json::Value;

use super::all;
use crate::scene::Scene;

/// How the target's tables are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Empty.
    Load,
    /// With older rows.
    Differences,
}

/// A source and a target, and what is wrong between them.
pub(super) struct Shop {
    pub(super) scene: Scene,
    rows: i64,
}

/// A row that must be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) table: &'static str,
    pub(super) id: i64,
    pub(super) kind: &'static str,
}

const SOURCE: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, total INTEGER, number TEXT, note TEXT);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER, quantity INTEGER)";

const TARGET: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id),
        total INTEGER CHECK (total >= 0), number TEXT UNIQUE, note TEXT);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), quantity INTEGER)";

impl Shop {
    /// A shop with so many orders. Of 300 of them, one has a negative total, one the number of its neighbour and one a
    /// customer who does not exist; every twentieth has a line.
    pub(super) fn new(rows: i64, lane: Lane) -> Self {
        let scene = Scene::with_pair(SOURCE, TARGET);
        let count = |to: i64| format!("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {to})");
        let orders = "INSERT INTO orders SELECT i, CASE i % 300 WHEN 200 THEN 900000000 + i ELSE 1 + i % 500 END,
                 CASE i % 300 WHEN 0 THEN -i ELSE i END,
                 CASE i % 300 WHEN 100 THEN 'n' || (i - 1) ELSE 'n' || i END, 'new' FROM n";
        let customers = "INSERT INTO customers SELECT i, 'name ' || i FROM n";
        let (five_hundred, lines) = (count(500), count(rows / 20));
        scene.sql(
            "a.db",
            &format!(
                "BEGIN; {five_hundred} {customers}; {} {orders};
                 {lines} INSERT INTO lines SELECT i, 20 * i, i % 7 FROM n; COMMIT",
                count(rows)
            ),
        );
        if lane == Lane::Differences {
            // Rows that are equal, rows that differ, and rows that are missing; among those that are to be refused too.
            let older = format!(
                "BEGIN; {five_hundred} {customers} WHERE i <= 400;
                 {} INSERT INTO orders SELECT i, 1 + i % 400, i, 'n' || i, 'old' FROM n WHERE i % 2 = 0 AND i % 8 <> 0;
                 INSERT INTO orders VALUES (0, 1, 1, 'gone', 'only here');
                 INSERT INTO lines VALUES (1, 2, 0); COMMIT",
                count(rows)
            );
            scene.sql("b.db", &older);
        }
        Self { scene, rows }
    }

    /// The orders that break a rule, and the lines that wait for one of them which is not in the target.
    pub(super) fn held(&self) -> Vec<Held> {
        let mut held = Vec::new();
        for id in 1..=self.rows {
            let kind = match id % 300 {
                0 => "check",
                100 => "unique",
                200 => "foreign-key",
                _ => continue,
            };
            held.push(Held { table: "orders", id, kind });
        }
        let waiting = held.iter().filter(|order| order.id % 20 == 0 && !self.has_older(order.id));
        let lines: Vec<_> =
            waiting.map(|order| Held { table: "lines", id: order.id / 20, kind: "foreign-key" }).collect();
        held.extend(lines);
        held
    }

    /// Rows that are there although the source's version of them is held.
    pub(super) fn kept(&self, table: &str) -> i64 {
        let is_older = |held: &&Held| held.table == "orders" && self.has_older(held.id);
        if table == "orders" { self.held().iter().filter(is_older).count() as i64 } else { 0 }
    }

    /// The list must be exactly this. Gives the identifiers.
    pub(super) fn check_list(&self, expected: &[Held]) -> Vec<Value> {
        let entries = all(&self.scene, "conflicts list --json --limit 1000");
        let mut found = BTreeMap::new();
        for entry in &entries {
            let row = (entry["table"].as_str().unwrap().to_owned(), entry["key"]["id"].as_i64().unwrap());
            let kind = entry["kind"].as_str().unwrap().to_owned();
            assert_eq!(found.insert(row, kind), None, "listed twice: {entry}");
        }
        let expected = expected.iter().map(|held| ((held.table.to_owned(), held.id), held.kind.to_owned()));
        assert_eq!(found, expected.collect());
        entries.iter().map(|entry| entry["id"].clone()).collect()
    }

    /// What waits for an order that is held says so, and the order says it too.
    pub(super) fn check_dependents(&self) {
        let lines = all(&self.scene, "conflicts list --json --limit 1000 --filter table:lines");
        for line in lines.iter().take(3) {
            let line = self.scene.json(&format!("conflicts show {} --json", line["id"].as_str().unwrap()));
            let waits_for = &line["waits_for"][0];
            assert_eq!(waits_for["table"], "orders");
            assert_eq!(waits_for["key"]["id"].as_i64().unwrap(), 20 * line["key"]["id"].as_i64().unwrap());
            let order = self.scene.json(&format!("conflicts show {} --json", waits_for["held_by"].as_str().unwrap()));
            assert_eq!(order["awaited_by"], serde_json::json!([line["id"]]));
        }
    }

    /// Mends the causes: most in the source, the missing customers in the target.
    pub(super) fn mend(&self) {
        self.scene.sql(
            "a.db",
            "UPDATE orders SET total = -total WHERE total < 0; UPDATE orders SET number = 'n' || id WHERE number <> 'n' || id;
             INSERT INTO customers SELECT DISTINCT customer, 'found' FROM orders WHERE customer > 500",
        );
        self.scene.sql(
            "b.db",
            &format!(
                "WITH n(i) AS (SELECT 200 UNION ALL SELECT i + 300 FROM n WHERE i + 300 <= {})
                 INSERT INTO customers SELECT 900000000 + i, 'found' FROM n",
                self.rows
            ),
        );
    }

    /// Whether the target has an older version of an order.
    fn has_older(&self, id: i64) -> bool {
        self.scene.number("b.db", &format!("SELECT count(*) FROM orders WHERE id = {id}")) > 0
    }
}
