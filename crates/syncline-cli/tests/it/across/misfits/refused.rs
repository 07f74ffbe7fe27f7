//! Values that only the server refuses: elements of arrays, ranges, what a domain rules out.

use super::super::Server;
use super::summary;

const FILE: &str = "
    CREATE TABLE s (id INTEGER PRIMARY KEY, tags TEXT, span TEXT, size INTEGER, need INTEGER, pair INTEGER, day DATE);
    INSERT INTO s VALUES
        (1, '{1,2}', '[1,3)', 5, 1, 1, '2024-01-01'),
        (2, '{1,x}', '[1,3)', 500, 1, 1, '2024-01-01'),
        (3, NULL, 'nonsense', 6, 1, 1, '5879000-01-01'),
        (4, NULL, NULL, 7, 1, 5, NULL),
        (5, NULL, NULL, 8, 200, 1, NULL),
        (6, '{}', 'nonsense', 9, 200, 1, NULL);";

const TABLE: &str = "
    CREATE DOMAIN small AS integer CHECK (VALUE < 100);
    CREATE DOMAIN needed AS integer NOT NULL CHECK (VALUE < 100);
    CREATE TABLE s (id bigint PRIMARY KEY, tags integer[], span int4range, size small, need needed,
        pair integer CHECK (pair <> 5), day date)";

const RULES: [&str; 10] = [
    "--misfit",
    "s.tags=null",
    "--misfit",
    "s.span=null",
    "--misfit",
    "s.size=null",
    "--misfit",
    "s.pair=null",
    "--misfit",
    "s.day=null",
];

const EXPECTED: [&str; 3] =
    ["1|{1,2}|[1,3)|5|1|1|2024-01-01", "2|NULL|[1,3)|NULL|1|1|2024-01-01", "3|NULL|NULL|6|1|1|NULL"];

/// Rows 4 to 6 break a rule of the row, or one of a column for which nothing was chosen.
fn check(server: &Server) {
    let first = summary(server, "copy a.db env:PG --json", &RULES);
    let table = &first["tables"][0];
    assert_eq!((&table["bent"], &table["held"]), (&2.into(), &3.into()), "{first}");
    assert_eq!(first["verified"], "equal-except", "{first}");
    assert_eq!(server.by_psql("SELECT * FROM s WHERE id < 9 ORDER BY id"), EXPECTED);
    let listed = server.scene.json("conflicts list --json");
    let kinds: Vec<_> = listed["data"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "bent").count(), 2, "{listed}");
    assert_eq!(kinds.len(), 5, "{listed}");
}

#[test]
fn become_null_where_that_was_chosen() {
    let server = Server::new();
    server.scene.sql("a.db", FILE);
    server.database.psql(TABLE);
    check(&server);
    let again = summary(&server, "copy a.db env:PG --json", &RULES);
    let table = &again["tables"][0];
    assert_eq!((&table["updated"], &table["bent"], &table["held"]), (&0.into(), &2.into(), &3.into()), "{again}");
    // Nobody remembers what the server once refused.
    server.database.psql("ALTER DOMAIN small DROP CONSTRAINT small_check");
    summary(&server, "copy a.db env:PG --json", &RULES);
    assert_eq!(server.by_psql("SELECT size FROM s WHERE id = 2"), ["500"]);
    let undone = server.scene.run("undo --yes");
    assert_eq!(undone.code, Some(0), "{}{}", undone.out, undone.err);
    assert_eq!(server.by_psql("SELECT size FROM s WHERE id = 2"), ["NULL"]);
}

#[test]
fn become_null_beside_rows_that_are_there() {
    let server = Server::new();
    server.scene.sql("a.db", FILE);
    server.database.psql(TABLE);
    server.database.psql("INSERT INTO s VALUES (2, '{7}', NULL, 7, 7, 7), (9, NULL, NULL, NULL, 9, 9)");
    check(&server);
}

#[test]
fn cannot_become_null_where_the_type_does_not_take_that_either() {
    let server = Server::new();
    server.scene.sql("a.db", FILE);
    server.database.psql(TABLE);
    let said = server.scene.run_with("copy a.db env:PG", &["--misfit", "s.need=null"]);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("must not be NULL"), "{}", said.err);
}
