//! Filters that two columns cannot answer alike are refused before anything is read.

use syncline_testkit::postgres;

use crate::across::mariadb::Maria;
use crate::scene::Scene;

fn assert_refused(scene: &Scene, line: &str, filter: &str, why: &str) {
    let rule = format!("t: {filter}");
    for command in ["mirror", "copy", "diff", "plan mirror", "verify"] {
        let said = scene.run_with(&format!("{command} {line} --json"), &["--where", &rule]);
        let told = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, Some(2), "{filter}: {command}: {told}");
        assert!(told.contains("FILTER_INVALID") && told.contains(why), "{filter}: {command}: {told}");
    }
}

#[test]
fn what_a_file_and_a_server_cannot_answer_alike() {
    let maria = Maria::new();
    maria.database.mariadb(
        "CREATE TABLE t (id int PRIMARY KEY, d decimal(30,4), j json, f double, dt datetime); \
         INSERT INTO t VALUES (1, 5, '{\"a\":1}', 1.5, '2024-01-01')",
    );
    let scene = &maria.scene;
    scene.ok("mirror env:MY v.db");
    let before = scene.rows("v.db", "SELECT * FROM t");
    // The source has text, which is no number to its filter.
    assert_refused(scene, "v.db env:MY", "d > '5'", "DECIMAL TEXT(30,4) in the source (sqlite)");
    assert_refused(scene, "v.db env:MY", "d > 5", "holds text");
    assert_refused(scene, "v.db env:MY", "dt LIKE '2024%'", "LIKE compares text");
    assert_refused(scene, "v.db env:MY", "dt > 'soon'", "dt is");
    assert_refused(scene, "env:MY v.db", "d > now()", "decimal(30,4) in the source (mysql)");
    assert_refused(scene, "env:MY v.db", "f < now()", "f is");
    // NULL is NULL everywhere.
    for column in ["d", "j", "f", "dt"] {
        let rule = format!("t: {column} IS NOT NULL");
        for line in ["mirror env:MY v.db", "mirror v.db env:MY"] {
            scene.ok_with(line, &["--where", &rule]);
        }
    }
    assert_eq!(scene.rows("v.db", "SELECT * FROM t"), before);
    assert_eq!(maria.rows("SELECT count(*) FROM t"), ["1"]);
}

#[test]
fn text_of_one_server_and_times_of_the_other() {
    let maria = Maria::new();
    let source = postgres::fresh_database();
    source.psql(
        "CREATE TABLE t (id int PRIMARY KEY, dt text, j json); INSERT INTO t VALUES (1, '2024-01-01', '{\"a\":1}')",
    );
    maria.database.mariadb("CREATE TABLE t (id int PRIMARY KEY, dt datetime, j longtext); INSERT INTO t VALUES (1, '2024-01-01', '{\"a\": 1}')");
    let scene = maria.scene.with_variable("PG", &source.url());
    assert_refused(
        &scene,
        "env:PG env:MY",
        "dt <> '2024-01-01'",
        "dt is text in the source (postgres) and datetime in the target (mysql)",
    );
    assert_refused(&scene, "env:MY env:PG", "dt < '2024-01-01'", "dt is datetime in the source (mysql)");
    assert_refused(&scene, "env:PG env:MY", "j = '{\"a\":1}'", "j is json in the source");
    scene.ok_with("diff env:PG env:MY", &["--where", "t: dt IS NULL"]);
}

#[test]
fn values_that_are_bent_cannot_be_filtered_by() {
    let maria = Maria::new();
    maria.database.mariadb("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 99999)");
    maria.scene.sql("v.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
    let rules = ["--misfit", "t.n=clamp", "--where", "t: n > 5"];
    let said = maria.scene.run_with("copy env:MY v.db", &rules);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("--misfit"), "{}{}", said.out, said.err);
}
