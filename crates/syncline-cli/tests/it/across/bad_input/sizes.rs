//! The largest rows that there are.

use super::Server;

#[test]
fn values_of_fifty_megabytes_go_both_ways() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB);
         INSERT INTO t VALUES (1, 'a', x'00'), (2, hex(zeroblob(26214400)), zeroblob(52428800)), (3, 'c', NULL)",
    );
    server.scene.ok("copy a.db env:PG");
    assert_eq!(server.by_psql("SELECT id, length(v), length(b) FROM t ORDER BY 1")[1], "2|52428800|52428800");
    server.scene.ok("copy env:PG b.db");
    let sizes =
        "SELECT id, length(v), length(b), v = hex(zeroblob(26214400)), b = zeroblob(52428800) FROM t WHERE id = 2";
    assert_eq!(server.by_sqlite3("b.db", sizes), ["2|52428800|52428800|1|1"]);
    // One of them changes, and is put back.
    server.scene.sql("a.db", "UPDATE t SET v = 'x' || v, b = NULL WHERE id = 2");
    server.scene.ok("mirror a.db env:PG");
    assert_eq!(server.by_psql("SELECT length(v), b FROM t WHERE id = 2"), ["52428801|NULL"]);
    server.scene.ok("undo --yes");
    assert_eq!(server.by_psql("SELECT length(v), length(b) FROM t WHERE id = 2"), ["52428800|52428800"]);
}

#[test]
fn sixteen_hundred_columns_go_both_ways() {
    let columns = |declared: &str| (1..1600).map(|at| format!(", c{at} {declared}")).collect::<String>();
    let server = Server::new();
    server.scene.sql(
        "a.db",
        &format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY{}); INSERT INTO t (id, c1, c1599) VALUES (1, 10, 20), (2, NULL, 3)",
            columns("INTEGER")
        ),
    );
    server.scene.ok("copy a.db env:PG");
    assert_eq!(server.by_psql("SELECT id, c1, c800, c1599 FROM t ORDER BY 1"), ["1|10|NULL|20", "2|NULL|NULL|3"]);
    server.scene.ok("copy env:PG b.db");
    server.scene.ok("verify a.db b.db");
    server.scene.sql(
        "a.db",
        "UPDATE t SET c1000 = 7 WHERE id = 1; INSERT INTO t (id, c2) VALUES (3, 4); DELETE FROM t WHERE id = 2",
    );
    server.scene.ok("mirror a.db env:PG");
    server.scene.ok("diff env:PG a.db --exit-code");
    server.scene.ok("mirror env:PG b.db");
    server.scene.ok("diff b.db a.db --exit-code");
}

#[test]
fn more_columns_than_a_server_takes_stop_the_table_alone() {
    let columns = (1..1700).map(|at| format!(", c{at} INTEGER")).collect::<String>();
    let server = Server::new();
    server.scene.sql(
        "a.db",
        &format!("CREATE TABLE t (id INTEGER PRIMARY KEY{columns}); CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1)"),
    );
    let said = server.scene.run("copy a.db env:PG --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    super::is_told("copy", &said, "TABLE_NOT_CREATED");
    assert_eq!(server.by_psql("SELECT * FROM u"), ["1"]);
}
