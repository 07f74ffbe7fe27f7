//! Tables that go by a column: what is refused, and what goes before what.

use super::*;

const ONE: &str = "mirror a.db b.db --strategy incremental";

/// A source of which nobody keeps a log.
fn source() -> Scene {
    let scene = Scene::new();
    scene.sql(
        "a.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, updated_at TEXT, photo BLOB);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
         INSERT INTO orders SELECT i, 'open', datetime('now', '-' || (1000 - i) || ' minutes'), NULL FROM n;
         CREATE TABLE other (id INTEGER PRIMARY KEY)",
    );
    scene
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = source();
    for (line, rules, code) in [
        (ONE, &["orders"][..], "CURSOR_INVALID"),
        (ONE, &["orders: updated_at, overlap soon"], "CURSOR_INVALID"),
        (ONE, &["orders: updated_at, overlap 100"], "CURSOR_INVALID"),
        (ONE, &["orders: updated_at", "ORDERS: id"], "CURSOR_INVALID"),
        (ONE, &["orders: updated"], "COLUMN_NOT_FOUND"),
        (ONE, &["order: updated_at"], "TABLE_NOT_FOUND"),
        ("mirror a.db b.db", &["orders: updated_at"], "USAGE_INVALID"),
        ("mirror a.db b.db --watch", &["orders: updated_at"], "USAGE_INVALID"),
    ] {
        let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--cursor", rule]).collect();
        // So that there is something to go by.
        scene.ok("mirror a.db b.db");
        let said = scene.run_with(line, &rules);
        assert_eq!((said.code, said.err.contains(code)), (Some(2), true), "{rules:?}: {}{}", said.out, said.err);
    }
}

#[test]
fn a_column_goes_before_a_log_and_tables_without_either_are_compared() {
    let scene = source();
    let rules = ["--cursor", "orders: updated_at"];
    assert!(scene.ok_with(ONE, &rules).contains("not in the target yet"));
    scene.sql("a.db", "INSERT INTO other VALUES (1)");
    let how = |shown: &str, table: &str| {
        let line = shown.lines().find(|line| line.starts_with(table)).unwrap_or_else(|| panic!("{shown}"));
        line.split_whitespace().skip(5).collect::<Vec<_>>().join(" ")
    };
    scene.ok_with(ONE, &rules);
    let shown = scene.ok_with(ONE, &rules);
    assert_eq!(how(&shown, "orders"), "incremental: what is new by its column updated_at");
    assert_eq!(how(&shown, "other"), "compare: its changes are not logged");
    scene.ok("track a.db");
    scene.ok_with(ONE, &rules);
    let shown = scene.ok_with(ONE, &rules);
    assert_eq!(how(&shown, "orders"), "incremental: what is new by its column updated_at");
    assert_eq!(how(&shown, "other"), "incremental: nothing was touched");
    // The log of a table is its own affair, and so is who reads it.
    assert!(!scene.ok(ONE).contains("new by its column"));
    assert!(scene.ok("status a.db").contains("up to date"));
}

/// What a filter lets through no more, and what nobody wrote a time for, stays as it is, and is told of.
#[test]
fn what_is_not_seen_is_said() {
    let scene = source();
    let rules = ["--cursor", "orders: updated_at", "--where", "orders: state = 'open'"];
    scene.ok_with(ONE, &rules);
    scene.sql(
        "a.db",
        "UPDATE orders SET state = 'shut', updated_at = datetime('now') WHERE id = 1; DELETE FROM orders WHERE id = 2;
         UPDATE orders SET photo = x'00' WHERE id = 3; UPDATE orders SET photo = x'01', updated_at = datetime('now') WHERE id = 4",
    );
    let shown = scene.ok_with(ONE, &rules);
    assert!(
        shown.contains("orders goes by a column: deleted rows, rows that a filter lets through no more"),
        "{shown}"
    );
    assert!(shown.contains("verified equal-except"), "{shown}");
    let photos = || scene.rows("b.db", "SELECT id, hex(photo) FROM orders WHERE id < 5 ORDER BY id");
    assert_eq!(photos(), ["1|", "2|", "3|", "4|01"]);
    let compared = scene.ok_with("mirror a.db b.db", &rules[2..]);
    assert!(compared.contains("verified equal "), "{compared}");
    assert_eq!(photos(), ["3|00", "4|01"]);
}
