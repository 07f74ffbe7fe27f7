//! From a file to a server and into another file, where the last must be as the first.

use super::{Server, shared};

/// The tables of a file and how many columns each has.
fn tables(server: &Server, file: &str) -> Vec<String> {
    server
        .by_sqlite3(file, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
}

/// Every table of `a.db` has the same rows on the server and in `b.db`, by the engines' own shells.
fn assert_all_equal(server: &Server) {
    for table in tables(server, "a.db") {
        let query = format!("SELECT * FROM \"{table}\" ORDER BY 1, 2");
        let first = server.by_sqlite3("a.db", &query);
        assert_eq!(server.by_sqlite3("b.db", &query), first, "{table}");
        let count = server.by_psql(&format!("SELECT count(*) FROM \"{table}\""));
        assert_eq!(count, [first.len().to_string()], "{table}");
    }
    assert_eq!(server.by_sqlite3("b.db", "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(server.by_sqlite3("b.db", "PRAGMA foreign_key_check"), Vec::<String>::new());
    assert_eq!(server.by_psql("SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'"), Vec::<String>::new());
}

#[test]
fn a_shop_comes_back_as_it_was() {
    let server = Server::new();
    server.scene.ok("demo");
    std::fs::copy(server.scene.path("syncline-demo/hq.db"), server.scene.path("a.db")).unwrap();
    server.scene.ok("copy a.db env:PG");
    server.scene.ok("verify a.db env:PG");
    server.scene.ok("copy env:PG b.db");
    server.scene.ok("verify env:PG b.db");
    assert_all_equal(&server);
    server.scene.ok("diff a.db env:PG --exit-code");
    server.scene.ok("diff env:PG a.db --exit-code");
}

#[test]
fn chinook_comes_back_as_it_was() {
    let Some(source) = shared("chinook.sqlite") else { return };
    let server = Server::new();
    std::fs::write(server.scene.path("a.db"), std::fs::read(source).unwrap()).unwrap();
    server.scene.ok("copy a.db env:PG");
    server.scene.ok("copy env:PG b.db");
    server.scene.ok("verify a.db env:PG");
    server.scene.ok("verify env:PG b.db");
    assert_all_equal(&server);
}

#[test]
fn edits_go_across_and_are_taken_back() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), at TIMESTAMP, ok BOOLEAN);
         INSERT INTO p VALUES (1, 'a', 1.5, '2024-01-01 10:00:00', 1), (2, 'b', 2.25, NULL, 0), (3, 'c', 3, '2024-01-01T00:00:00', 1);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), note BLOB);
         INSERT INTO c VALUES (1, 1, x'00ff'), (2, 2, NULL);",
    );
    server.scene.ok("mirror a.db env:PG");
    let select = "SELECT * FROM p ORDER BY id";
    let before = server.by_psql(select);
    assert_eq!(before[0], "1|a|1.50|2024-01-01 10:00:00|t");
    assert_eq!(before[2], "3|c|3.00|2024-01-01 00:00:00|t");
    server.scene.sql(
        "a.db",
        "UPDATE p SET price = 9.99, ok = 0 WHERE id = 1; DELETE FROM c WHERE id = 2; DELETE FROM p WHERE id = 2;
         INSERT INTO p VALUES (4, 'd', NULL, NULL, NULL); INSERT INTO c VALUES (3, 4, x'');",
    );
    let summary = server.scene.run("mirror a.db env:PG --json").last();
    assert_eq!(summary["verified"], "equal", "{summary}");
    assert_eq!(server.by_psql(select).len(), 3);
    assert_eq!(server.by_psql("SELECT price::text, ok::text FROM p WHERE id = 1"), ["9.99|false"]);
    server.scene.ok("undo --yes");
    assert_eq!(server.by_psql(select), before);
    assert_eq!(server.by_psql("SELECT id, p, note::text FROM c ORDER BY id"), ["1|1|\\x00ff", "2|2|NULL"]);
}

#[test]
fn what_stands_in_the_file_stays_in_its_own_notation() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP);
         INSERT INTO t VALUES (1, '2024-01-01T00:00:00'), (2, '2024-01-02 00:00:00');",
    );
    server.scene.ok("copy a.db env:PG");
    server.database.psql("UPDATE t SET at = '2024-02-02' WHERE id = 2");
    server.scene.ok("mirror env:PG a.db");
    let rows = || server.by_sqlite3("a.db", "SELECT at FROM t ORDER BY id");
    assert_eq!(rows(), ["2024-01-01T00:00:00", "2024-02-02 00:00:00"]);
    server.database.psql("DELETE FROM t");
    server.scene.ok("mirror env:PG a.db --allow-empty-source --max-delete 9");
    assert_eq!(rows(), Vec::<String>::new());
    server.scene.ok("undo --yes");
    assert_eq!(rows(), ["2024-01-01T00:00:00", "2024-02-02 00:00:00"]);
}
