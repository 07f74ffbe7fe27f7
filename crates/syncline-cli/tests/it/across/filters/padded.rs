//! Columns that are filled up with spaces: these do not count, and those of a filter do.

use syncline_testkit::postgres;

use crate::across::Server;
use crate::across::mariadb::Maria;
use crate::scene::Scene;

const TABLES: &str = "CREATE TABLE t (id int PRIMARY KEY, c char(5)); CREATE TABLE e (id int PRIMARY KEY, c char(5)); \
     INSERT INTO t VALUES (1, 'ab'), (2, 'cd'), (3, NULL)";

const FILTERS: [(&str, &[&str]); 9] = [
    ("c = 'ab'", &["1"]),
    ("c = 'ab '", &[]),
    ("c <> 'ab '", &["1", "2"]),
    ("c <> 'ab'", &["2"]),
    ("c IN ('ab ', 'cd')", &["2"]),
    ("c < 'ab '", &["1"]),
    ("c LIKE 'ab'", &["1"]),
    ("c LIKE 'ab_'", &[]),
    ("c IS NULL", &["3"]),
];

/// From `source` into `target`, which `ids` looks into and `fill` fills with what the source has.
fn assert_one_meaning(scene: &Scene, source: &str, target: &str, ids: &dyn Fn() -> Vec<String>, fill: &dyn Fn()) {
    for (filter, expected) in FILTERS {
        fill();
        let rule = format!("t: {filter}");
        let said = scene.run_with(&format!("mirror {source} {target} --tables t"), &["--where", &rule]);
        assert_eq!(
            (said.code, ids()),
            (Some(0), vec!["1".into(), "2".into(), "3".into()]),
            "{filter}: {}{}",
            said.out,
            said.err
        );
        let said = scene.run_with(&format!("copy {source} some.db --tables t"), &["--where", &rule]);
        assert_eq!(said.code, Some(0), "{filter}: {}{}", said.out, said.err);
        assert_eq!(scene.rows("some.db", "SELECT id FROM t ORDER BY id"), expected, "{filter}: {source}");
        std::fs::remove_file(scene.path("some.db")).unwrap();
        let rule = format!("e: {filter}");
        let line = format!("mirror {source} {target} --tables e --allow-empty-source --max-delete 100%");
        let said = scene.run_with(&line, &["--rename", "e=t", "--where", &rule]);
        let rest: Vec<String> =
            ["1", "2", "3"].iter().filter(|id| !expected.contains(id)).map(|id| (*id).to_owned()).collect();
        assert_eq!((said.code, ids()), (Some(0), rest), "{filter}: {}{}", said.out, said.err);
    }
}

/// The file has padding of its own, which the server has not: their rows are equal all the same.
fn into_a_file(scene: &Scene, source: &str) {
    let fill = || {
        scene.sql(
            "v.db",
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, c CHAR(5)); \
             INSERT INTO t VALUES (1, 'ab   '), (2, 'cd'), (3, NULL)",
        );
    };
    let ids = || scene.rows("v.db", "SELECT id FROM t ORDER BY id");
    assert_one_meaning(scene, source, "v.db", &ids, &fill);
}

/// Found from outside: the servers took padding for nothing, SQLite took it for text, and equal rows were deleted.
#[test]
fn mariadb_and_a_file() {
    let maria = Maria::new();
    maria.database.mariadb(TABLES);
    into_a_file(&maria.scene, "env:MY");
}

#[test]
fn postgresql_and_a_file() {
    let server = Server::new();
    server.database.psql(TABLES);
    into_a_file(&server.scene, "env:PG");
}

/// One side pads, the other keeps spaces that do not count.
#[test]
fn mariadb_and_text_of_postgresql() {
    let maria = Maria::new();
    maria.database.mariadb(TABLES);
    let target = postgres::fresh_database();
    let scene = maria.scene.with_variable("PG", &target.url());
    let ids = || target.psql("SELECT id FROM t ORDER BY id").lines().map(str::to_owned).collect();
    let fill = || {
        target.psql(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, c varchar(9)); \
             INSERT INTO t VALUES (1, 'ab '), (2, 'cd'), (3, NULL)",
        );
    };
    assert_one_meaning(&scene, "env:MY", "env:PG", &ids, &fill);
}

#[test]
fn postgresql_and_text_of_mariadb() {
    let maria = Maria::new();
    let source = postgres::fresh_database();
    source.psql(TABLES);
    let scene = maria.scene.with_variable("PG", &source.url());
    let ids = || super::super::mariadb::lines(&maria.database, "SELECT id FROM t ORDER BY id");
    let fill = || {
        maria.database.mariadb(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, c varchar(9)); \
             INSERT INTO t VALUES (1, 'ab '), (2, 'cd'), (3, NULL)",
        );
    };
    assert_one_meaning(&scene, "env:PG", "env:MY", &ids, &fill);
}
