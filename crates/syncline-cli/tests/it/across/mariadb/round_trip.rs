//! From a file through both servers into another file, where the last must be as the first.

use syncline_testkit::postgres;

use super::Maria;
use crate::across::shared;

/// What the `sqlite3` shell prints of a file.
fn by_sqlite3(maria: &Maria, file: &str, query: &str) -> String {
    let mut shell = std::process::Command::new("sqlite3");
    let output = shell.args(["-list", "-nullvalue", "NULL"]).arg(maria.scene.path(file)).arg(query).output().unwrap();
    assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every table of `a.db` is the same in `b.db`, and as long on both servers.
fn assert_all_equal(maria: &Maria, between: &postgres::Database<'_>) {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1";
    for table in by_sqlite3(maria, "a.db", tables).lines() {
        let query = format!("SELECT * FROM \"{table}\" ORDER BY 1, 2");
        let first = by_sqlite3(maria, "a.db", &query);
        assert_eq!(by_sqlite3(maria, "b.db", &query), first, "{table}");
        let count = by_sqlite3(maria, "a.db", &format!("SELECT count(*) FROM \"{table}\""));
        assert_eq!(maria.rows(&format!("SELECT count(*) FROM `{table}`")), [count.trim()], "{table}");
        assert_eq!(between.psql(&format!("SELECT count(*) FROM \"{table}\"")), count, "{table}");
    }
    assert_eq!(by_sqlite3(maria, "b.db", "PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok\n");
    assert!(maria.tables().iter().all(|table| !table.starts_with("_syncline")), "{:?}", maria.tables());
}

fn there_and_back(maria: Maria) -> (Maria, postgres::Database<'static>) {
    let between = postgres::fresh_database();
    let maria = Maria { scene: maria.scene.with_variable("PG", &between.url()), ..maria };
    for line in ["a.db env:PG", "env:PG env:MY", "env:MY b.db"] {
        maria.scene.ok(&format!("copy {line}"));
        maria.scene.ok(&format!("verify {line}"));
    }
    for pair in ["a.db env:MY", "env:MY a.db", "env:MY b.db"] {
        maria.scene.ok(&format!("diff {pair} --exit-code"));
    }
    (maria, between)
}

/// Its numbers have no scale, and come back with as many digits as the server keeps.
#[test]
fn a_shop_comes_back_with_the_same_values() {
    let maria = Maria::new();
    maria.scene.ok("demo");
    std::fs::copy(maria.scene.path("syncline-demo/hq.db"), maria.scene.path("a.db")).unwrap();
    there_and_back(maria);
}

#[test]
fn chinook_comes_back_as_it_was() {
    let Some(source) = shared("chinook.sqlite") else { return };
    let maria = Maria::new();
    std::fs::write(maria.scene.path("a.db"), std::fs::read(source).unwrap()).unwrap();
    let (maria, between) = there_and_back(maria);
    assert_all_equal(&maria, &between);
}

#[test]
fn edits_go_across_and_are_taken_back() {
    let maria = Maria::new();
    maria.scene.sql(
        "a.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), at TIMESTAMP, ok BOOLEAN);
         INSERT INTO p VALUES (1, 'a', 1.5, '2024-01-01 10:00:00', 1), (2, 'b', 2.25, NULL, 0), (3, 'c', 3, '2024-01-01T00:00:00', 1);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), note BLOB);
         INSERT INTO c VALUES (1, 1, x'00ff'), (2, 2, NULL);",
    );
    maria.scene.ok("mirror a.db env:MY");
    let select = "SELECT id, name, price, at, ok + 0 FROM p ORDER BY id";
    let before = maria.rows(select);
    assert_eq!(before[0], "1|a|1.50|2024-01-01 10:00:00.000000|1");
    assert_eq!(before[2], "3|c|3.00|2024-01-01 00:00:00.000000|1");
    maria.scene.sql(
        "a.db",
        "UPDATE p SET price = 9.99, ok = 0 WHERE id = 1; DELETE FROM c WHERE id = 2; DELETE FROM p WHERE id = 2;
         INSERT INTO p VALUES (4, 'd', NULL, NULL, NULL); INSERT INTO c VALUES (3, 4, x'');",
    );
    let summary = maria.scene.run("mirror a.db env:MY --json").last();
    assert_eq!(summary["verified"], "equal", "{summary}");
    assert_eq!(maria.rows("SELECT price, ok + 0 FROM p WHERE id = 1"), ["9.99|0"]);
    maria.scene.ok("undo --yes");
    assert_eq!(maria.rows(select), before);
    assert_eq!(maria.rows("SELECT id, p, hex(note) FROM c ORDER BY id"), ["1|1|00FF", "2|2|NULL"]);
}

#[test]
fn what_stands_in_the_file_stays_in_its_own_notation() {
    let maria = Maria::new();
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP);
         INSERT INTO t VALUES (1, '2024-01-01T00:00:00'), (2, '2024-01-02 00:00:00');",
    );
    maria.scene.ok("copy a.db env:MY");
    maria.database.mariadb("UPDATE t SET at = '2024-02-02' WHERE id = 2");
    maria.scene.ok("mirror env:MY a.db");
    assert_eq!(
        by_sqlite3(&maria, "a.db", "SELECT at FROM t ORDER BY id"),
        "2024-01-01T00:00:00\n2024-02-02 00:00:00\n"
    );
}
