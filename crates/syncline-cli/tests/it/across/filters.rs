//! A filter means the same on both sides, however each holds the values of a column.

mod padded;
mod refused;

use syncline_testkit::postgres;

use super::Server;
use super::mariadb::Maria;
use crate::scene::Scene;

/// Filters of a table that both servers can have, and the rows of it that each lets in.
const FILTERS: [(&str, &[i64]); 50] = [
    ("dt = '2024-01-01'", &[1]),
    ("dt <> '2024-01-01'", &[2]),
    ("dt < '2024-06-01 12:00:00.5'", &[1]),
    ("dt > '2024-01-01T00:00:00'", &[2]),
    ("dt <= '2024-06-01 12:00:00.5'", &[1, 2]),
    ("dt IN ('2024-01-01 00:00:00.000', '2030-01-01')", &[1]),
    ("dt NOT IN ('2024-01-01 00:00:00.000', '2030-01-01')", &[2]),
    ("dt BETWEEN '2024-01-01' AND '2024-05-31'", &[1]),
    ("NOT (dt = '2024-01-01')", &[2]),
    ("dt IS NULL", &[3]),
    ("dt IS NOT NULL", &[1, 2]),
    ("dt < now()", &[1, 2]),
    ("dt > now() - interval '100 days'", &[]),
    ("dt < '10000-01-01'", &[1, 2]),
    ("ts = '2024-01-01 00:00:00'", &[1]),
    ("ts > '2024-06-01 14:00:00+02:00'", &[2]),
    ("ts <> '2024-01-01 01:00:00+01:00'", &[2]),
    ("ts < now()", &[1, 2]),
    ("ts IS NULL", &[3]),
    ("da = '2024-01-01'", &[1]),
    ("da <> '2024-01-01'", &[2]),
    ("da >= '2024-06-01'", &[2]),
    ("da < now()", &[1, 2]),
    ("tm = '10:00:00.000'", &[1]),
    ("tm <> '10:00'", &[2]),
    ("tm > '09:59:59'", &[1, 2]),
    ("tm IS NULL", &[3]),
    ("g = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", &[1]),
    ("g <> 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", &[2]),
    ("g IN ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')", &[1]),
    ("g > 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", &[2]),
    ("g IS NULL", &[3]),
    ("d > 5", &[2]),
    ("d < 5.5", &[1]),
    ("d = 5", &[1]),
    ("d <> 5.0000", &[2]),
    ("d = 100000000000000000000.5", &[2]),
    ("d > 100000000000000000000.4999", &[2]),
    ("d IN (5, 7)", &[1]),
    ("d < 1e50", &[1, 2]),
    ("d IS NULL", &[3]),
    ("u > 5", &[2]),
    ("u = 18446744073709551615", &[2]),
    ("u < 18446744073709551615", &[1]),
    ("u >= -1", &[1, 2]),
    ("u <> 5", &[2]),
    ("u IS NULL", &[3]),
    ("d < u", &[]),
    ("dd = 5.10 AND f > 5 AND n < 6", &[1]),
    ("s LIKE 'x%' AND en = 'sad'", &[1]),
];

const A: &str = "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'";
const B: &str = "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'";

/// Two rows, and one of NULLs.
fn rows() -> String {
    format!(
        "INSERT INTO t VALUES (1, '2024-01-01', '2024-01-01 00:00:00', '2024-01-01', '10:00:00', {A}, 5, 5, 5.1, 5.5, 5, 'x1', 'sad'), \
         (2, '2024-06-01 12:00:00.5', '2024-06-01 12:00:00.5', '2024-06-01', '23:00:00.25', {B}, 100000000000000000000.5, \
         18446744073709551615, 7.2, 7.5, 7, 'y1', 'ok'); INSERT INTO t (id) VALUES (3)"
    )
}

fn maria() -> Maria {
    let maria = Maria::new();
    let columns = "id int PRIMARY KEY, dt datetime(6), ts timestamp(6) NULL, da date, tm time(6), g uuid, d decimal(30,4), \
         u bigint unsigned, dd decimal(10,2), f double, n int, s varchar(9), en enum('sad', 'ok')";
    maria.database.mariadb(&format!(
        "SET time_zone = '+00:00'; CREATE TABLE t ({columns}); CREATE TABLE e ({columns}); {}",
        rows()
    ));
    maria
}

fn postgres() -> Server {
    let server = Server::new();
    let columns = "id int PRIMARY KEY, dt timestamp, ts timestamptz, da date, tm time, g uuid, d numeric(30,4), \
         u numeric(20,0), dd numeric(10,2), f float8, n int, s varchar(9), en mood";
    server.database.psql(&format!(
        "SET timezone = 'UTC'; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t ({columns}); CREATE TABLE e ({columns}); {}",
        rows()
    ));
    server
}

fn ids(scene: &Scene, file: &str) -> Vec<i64> {
    scene.rows(file, "SELECT id FROM t ORDER BY id").iter().map(|id| id.parse().unwrap()).collect()
}

/// Which rows a filter lets in on the server, which in the file, and that nothing is found to do where both are equal.
fn assert_one_meaning(scene: &Scene, server: &str) {
    scene.ok(&format!("mirror {server} v.db --tables t"));
    for (filter, expected) in FILTERS {
        let rule = format!("t: {filter}");
        let rules = ["--where", rule.as_str()];
        let said = scene.run_with(&format!("mirror {server} v.db --tables t"), &rules);
        assert_eq!((said.code, ids(scene, "v.db")), (Some(0), vec![1, 2, 3]), "{filter}: {}{}", said.out, said.err);
        let said = scene.run_with(&format!("diff {server} v.db --tables t --exit-code"), &rules);
        assert_eq!(said.code, Some(0), "{filter}: {}{}", said.out, said.err);

        // What the server has of it is copied, and what the file has of it is deleted.
        let said = scene.run_with(&format!("copy {server} some.db --tables t"), &rules);
        assert_eq!(
            (said.code, ids(scene, "some.db")),
            (Some(0), expected.to_vec()),
            "{filter}: {}{}",
            said.out,
            said.err
        );
        std::fs::remove_file(scene.path("some.db")).unwrap();
        std::fs::copy(scene.path("v.db"), scene.path("rest.db")).unwrap();
        let rule = format!("e: {filter}");
        let line = format!("mirror {server} rest.db --tables e --allow-empty-source --max-delete 100%");
        let said = scene.run_with(&line, &["--rename", "e=t", "--where", &rule]);
        let rest: Vec<i64> = [1, 2, 3].into_iter().filter(|id| !expected.contains(id)).collect();
        assert_eq!((said.code, ids(scene, "rest.db")), (Some(0), rest), "{filter}: {}{}", said.out, said.err);
    }
}

/// Found from outside: what SQLite holds as text was compared as text there, and rows equal on both sides were deleted.
#[test]
fn mariadb_and_a_file_mean_the_same() {
    assert_one_meaning(&maria().scene, "env:MY");
}

#[test]
fn postgresql_and_a_file_mean_the_same() {
    assert_one_meaning(&postgres().scene, "env:PG");
}

/// Days that only MySQL has stand where MySQL puts them.
#[test]
fn days_that_do_not_exist_have_their_place_in_a_file_too() {
    let maria = Maria::new();
    maria.database.mariadb(
        "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE t (id int PRIMARY KEY, dt datetime, tm time); \
         INSERT INTO t VALUES (1, '0000-00-00', '-01:00:00'), (2, '2024-02-31', '100:00:00'), (3, '2024-03-01', '02:00:00')",
    );
    maria.scene.ok("mirror env:MY v.db");
    let cases = [
        "dt < '2024-03-01'",
        "dt >= '2024-03-01'",
        "dt <> '2024-03-01'",
        "dt < now()",
        "NOT (dt < now())",
        "tm < '03:00:00'",
    ];
    for filter in cases {
        let rule = format!("t: {filter}");
        let said = maria.scene.run_with("mirror env:MY v.db --max-delete 100%", &["--where", &rule]);
        assert_eq!(
            (said.code, ids(&maria.scene, "v.db")),
            (Some(0), vec![1, 2, 3]),
            "{filter}: {}{}",
            said.out,
            said.err
        );
    }
}

/// Another notation of one value is the same to a filter, also in a file that is the source.
#[test]
fn notations_of_a_file_are_no_other_values() {
    let maria = maria();
    let scene = &maria.scene;
    scene.ok("mirror env:MY v.db --tables t");
    scene.sql("v.db", "UPDATE t SET dt = '2024-01-01T00:00:00.000', g = upper(g), d = '5.0' WHERE id = 1");
    for filter in
        ["dt = '2024-01-01'", "dt < '2024-01-01 00:00:01'", "g = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "dt < now()"]
    {
        let rule = format!("t: {filter}");
        for line in ["diff env:MY v.db --tables t", "diff v.db env:MY --tables t", "mirror v.db env:MY --tables t"] {
            let said = scene.run_with(
                &format!("{line}{}", if line.starts_with('d') { " --exit-code" } else { "" }),
                &["--where", &rule],
            );
            assert_eq!(said.code, Some(0), "{filter}: {line}: {}{}", said.out, said.err);
        }
    }
    assert_eq!(maria.rows("SELECT count(*) FROM t"), ["3"]);
    assert_eq!(scene.run_with("diff env:MY v.db --tables t --exit-code", &["--where", "t: d = 5"]).code, Some(0));
}

/// Every command asks the same filter.
#[test]
fn a_plan_its_apply_verify_and_undo_mean_the_same() {
    let maria = maria();
    let scene = &maria.scene;
    scene.ok("mirror env:MY v.db --tables t");
    maria.database.mariadb("DELETE FROM t WHERE id = 2; UPDATE t SET n = 6 WHERE id = 1");
    let rules = ["--where", "t: dt <> '2024-01-01' AND d > 5"];
    scene.ok_with("plan mirror env:MY v.db --tables t --max-delete 100% --allow-empty-source -o p.plan", &rules);
    scene.ok("apply p.plan");
    assert_eq!(ids(scene, "v.db"), [1, 3], "only what is inside goes");
    assert_eq!(scene.rows("v.db", "SELECT n FROM t WHERE id = 1"), ["5"], "what is outside stays");
    assert_eq!(scene.run("verify").code, Some(0));
    assert_eq!(scene.run_with("verify env:MY v.db --tables t", &rules).code, Some(0));
    scene.ok("undo --yes");
    assert_eq!(ids(scene, "v.db"), [1, 2, 3]);
}

/// Both servers with each other.
#[test]
fn the_servers_mean_the_same() {
    let maria = maria();
    let between = postgres::fresh_database();
    let scene = maria.scene.with_variable("PG", &between.url());
    scene.ok("mirror env:MY env:PG --tables t");
    for (filter, expected) in FILTERS {
        let rule = format!("t: {filter}");
        let said = scene.run_with("mirror env:MY env:PG --tables t", &["--where", &rule]);
        assert_eq!(said.code, Some(0), "{filter}: {}{}", said.out, said.err);
        assert_eq!(between.psql("SELECT count(*) FROM t").trim(), "3", "{filter}");
        let said = scene.run_with("copy env:PG some.db --tables t", &["--where", &rule]);
        assert_eq!(
            (said.code, ids(&scene, "some.db")),
            (Some(0), expected.to_vec()),
            "{filter}: {}{}",
            said.out,
            said.err
        );
        std::fs::remove_file(scene.path("some.db")).unwrap();
    }
}
