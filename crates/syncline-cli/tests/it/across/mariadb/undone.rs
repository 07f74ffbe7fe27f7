//! Runs on MariaDB that are taken back.

use super::Maria;

/// Tables of which each references the one before, and a file that fills them.
fn maria() -> Maria {
    let maria = Maria::new();
    maria.scene.sql(
        "a.db",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id));
         CREATE TABLE items (id INTEGER PRIMARY KEY, ordered INTEGER REFERENCES orders (id));
         INSERT INTO customers VALUES (1); INSERT INTO orders VALUES (1, 1); INSERT INTO items VALUES (1, 1)",
    );
    maria
}

#[test]
fn tables_that_came_together_go_with_those_that_reference_others_first() {
    for strategy in ["full", "auto"] {
        let maria = maria();
        maria.scene.ok(&format!("mirror a.db env:MY --strategy {strategy}"));
        assert_eq!(maria.tables(), ["customers", "items", "orders"]);
        maria.scene.ok("undo --yes");
        assert_eq!(maria.tables(), Vec::<String>::new(), "{strategy}");
    }
}

#[test]
fn of_a_load_rows_that_were_changed_since_stay() {
    let maria = Maria::new();
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, price DECIMAL(10, 2), kept BOOLEAN, raw BLOB);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO t SELECT i, '2024-05-01 12:00:00', i || '.50', i % 2, x'00ff' FROM n",
    );
    maria.scene.ok("mirror a.db env:MY");
    maria.database.mariadb("UPDATE t SET price = 0 WHERE id = 7; INSERT INTO t (id) VALUES (999)");
    let said = maria.scene.run("undo --yes");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT id FROM t ORDER BY 1"), ["7", "999"]);
    maria.database.mariadb("DELETE FROM t");
    maria.scene.ok("undo --yes");
    assert_eq!(maria.tables(), Vec::<String>::new());
}

/// Rows that others changed after a run are left and named, the others are taken back.
#[test]
fn rows_of_a_mirror_that_others_changed_since_stay() {
    let maria = maria();
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.sql("a.db", "INSERT INTO customers VALUES (2), (3); UPDATE orders SET customer = 2");
    maria.scene.ok("mirror a.db env:MY");
    maria.database.mariadb("INSERT INTO orders VALUES (5, 3)");
    let said = maria.scene.run("undo --yes");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT * FROM customers ORDER BY 1"), ["1", "3"], "what is referenced stays");
    assert_eq!(maria.rows("SELECT * FROM orders ORDER BY 1"), ["1|1", "5|3"]);
}

/// Nobody can keep triggers from firing there: the plan and the result name those that do, and no others.
#[test]
fn triggers_that_fire_are_named() {
    let maria = maria();
    maria.scene.ok("mirror a.db env:MY");
    maria.database.mariadb(
        "CREATE TABLE other (id int PRIMARY KEY);
         CREATE TRIGGER stamps BEFORE UPDATE ON orders FOR EACH ROW SET NEW.customer = 1;
         CREATE TRIGGER sleeps BEFORE UPDATE ON other FOR EACH ROW SET NEW.id = 1",
    );
    maria.scene.sql("a.db", "INSERT INTO customers VALUES (2); UPDATE orders SET customer = 2");
    maria.scene.run("mirror a.db env:MY");
    let named = |text: &str| {
        text.contains("triggers of the target fire") && text.contains("stamps") && !text.contains("sleeps")
    };
    let plan = maria.scene.run("undo --json");
    assert!(plan.out.lines().next().is_some_and(named), "{}{}", plan.out, plan.err);
    let done = maria.scene.run("undo --yes --json");
    assert!(done.out.lines().all(|line| !line.contains("\"type\":\"summary\"") || named(line)), "{}", done.out);
    assert!(
        done.last()["notes"].as_array().is_some_and(|notes| notes.iter().any(|note| named(note.as_str().unwrap()))),
        "{}",
        done.out
    );
}
