//! Names that differ only in the case of their letters: two of PostgreSQL, one of SQLite.

use syncline_testkit::postgres::fresh_database;

use super::{Server, fails, is_told};
use crate::four_parts;
use crate::scene::Said;

/// `"T"` with three rows and `t` with two others, and a table beside them.
const BOTH: &str = r#"CREATE TABLE "T" (id int PRIMARY KEY, v text); INSERT INTO "T" VALUES (1, 'A'), (2, 'B'), (3, 'C');
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (7, 'x'), (8, 'y');
    CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1);"#;

const T: [&str; 3] = ["1|A", "2|B", "3|C"];

fn server() -> Server {
    let server = Server::new();
    server.database.psql(BOTH);
    server
}

/// Runs a line that leaves out this table, for sharing its name with the other one.
fn refuses(server: &Server, line: &str, (table, other): (&str, &str)) -> Said {
    let said = server.scene.run(&format!("{line} --json"));
    assert_eq!(said.code, Some(3), "{line}\n{}{}", said.out, said.err);
    is_told(line, &said, "TABLE_NAME_SHARED");
    let errors = four_parts::errors(&said.out);
    let error = errors.iter().find(|error| error["where"] == table).unwrap_or_else(|| panic!("{line}\n{}", said.out));
    let what = error["what"].as_str().unwrap();
    assert!(what.starts_with(&format!("{table} and {other} of the source")), "{error}");
    assert!(error["next"].to_string().contains(&format!("--rename '{table}={table}_2'")), "{error}");
    said
}

#[test]
fn a_table_of_the_target_takes_the_rows_of_the_one_that_is_spelled_like_it() {
    let server = server();
    server.scene.sql("b.db", r#"CREATE TABLE "T" (id INTEGER PRIMARY KEY, v TEXT);"#);
    for line in ["copy env:PG b.db", "mirror env:PG b.db", "mirror env:PG b.db", "mirror env:PG b.db --strategy full"] {
        refuses(&server, line, ("t", "T"));
        assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM T"), T, "{line}");
        assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM other"), ["1"], "{line}");
    }
    let told = server.scene.run("mirror env:PG b.db");
    assert!((told.out + &told.err).contains("--rename 't=t_2'"));
    let planned = server.scene.run("plan mirror env:PG b.db --json");
    is_told("plan", &planned, "TABLE_NAME_SHARED");
    for line in ["diff env:PG b.db --json", "verify env:PG b.db --json"] {
        let said = server.scene.run(line);
        assert!(said.out.contains("t and T of the source"), "{line}\n{}{}", said.out, said.err);
    }
    // What is advised helps, and is taken back in the right tables.
    server.scene.ok_with("mirror env:PG b.db", &["--rename", "t=t_2"]);
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM t_2"), ["7|x", "8|y"]);
    server.scene.ok_with("verify env:PG b.db", &["--rename", "t=t_2"]);
    server.database.psql(r#"UPDATE "T" SET v = 'new' WHERE id = 1; DELETE FROM t WHERE id = 7"#);
    server.scene.ok_with("mirror env:PG b.db --max-delete 5", &["--rename", "t=t_2"]);
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM t_2"), ["8|y"]);
    server.scene.ok("undo --yes");
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM T"), T);
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM t_2"), ["7|x", "8|y"]);
}

#[test]
fn where_no_table_is_spelled_like_it_all_are_refused() {
    let server = server();
    // Nothing is there yet, and a file has room for one of them.
    for line in ["copy env:PG b.db", "mirror env:PG b.db"] {
        let said = refuses(&server, line, ("t", "T"));
        assert!(!said.out.contains("by hand"), "{}", said.out);
        refuses(&server, line, ("T", "t"));
        assert_eq!(
            server.by_sqlite3("b.db", "SELECT name FROM sqlite_schema WHERE type = 'table'"),
            ["other"],
            "{line}"
        );
    }
    server.scene.ok_with("copy env:PG b.db", &["--rename", "t=t_2"]);
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM T"), T);
    // A third spelling.
    server.database.psql(r#"CREATE TABLE "Tab" (id int PRIMARY KEY); CREATE TABLE "TAB" (id int PRIMARY KEY)"#);
    server.scene.sql("c.db", "CREATE TABLE tab (id INTEGER PRIMARY KEY); INSERT INTO tab VALUES (5)");
    for names in [("Tab", "TAB"), ("TAB", "Tab")] {
        refuses(&server, "mirror env:PG c.db --tables tab --allow-empty-source", names);
    }
    assert_eq!(server.by_sqlite3("c.db", "SELECT * FROM tab"), ["5"]);
}

#[test]
fn an_engine_that_heeds_the_case_of_letters_has_both() {
    let server = server();
    let other = Server::new();
    let scene = &server.scene;
    let url = other.database.url();
    let to = |verb: &str| Said::from(scene.command(&[verb, "env:PG", &url]).output().unwrap());
    assert_eq!(to("copy").code, Some(0));
    assert_eq!(other.by_psql("SELECT * FROM t ORDER BY 1"), ["7|x", "8|y"]);
    // One that came later is made beside the other.
    other.database.psql("DROP TABLE t");
    assert_eq!(to("mirror").code, Some(0));
    assert_eq!(other.by_psql("SELECT * FROM t ORDER BY 1"), ["7|x", "8|y"]);
    assert_eq!(other.by_psql(r#"SELECT * FROM "T" ORDER BY 1"#), T);
    assert_eq!(to("verify").code, Some(0));
}

#[test]
fn two_columns_do_not_share_one_of_the_target() {
    let server = Server::new();
    server
        .database
        .psql(r#"CREATE TABLE x (id int PRIMARY KEY, "A" text, a text); INSERT INTO x VALUES (1, 'large', 'small')"#);
    server.scene.sql("b.db", "CREATE TABLE x (id INTEGER PRIMARY KEY, a TEXT)");
    let line = "copy env:PG b.db";
    let said = server.scene.run(&format!("{line} --json"));
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    let error = is_told(line, &said, "SCHEMA_COLUMN_MISSING");
    assert!(error["what"].as_str().unwrap().contains("A and a of x"), "{error}");
    assert!(error["next"].to_string().contains("--rename 'x.A=A_2'"), "{error}");
    let diff = server.scene.run("diff env:PG b.db");
    assert!(diff.out.contains("A and a of x"), "{}", diff.out);
    server.scene.ok_with("copy env:PG b.db --schema add", &["--rename", "x.A=A_2"]);
    assert_eq!(server.by_sqlite3("b.db", "SELECT a, A_2 FROM x"), ["small|large"]);
    // A table that is yet to be made would have the same two.
    let said = server.scene.run("copy env:PG c.db --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let error = is_told(line, &said, "TABLE_NAME_SHARED");
    assert!(error["next"].to_string().contains("--rename 'x.a=a_2'"), "{error}");
    assert!(!said.out.contains("by hand"), "{}", said.out);
}

#[test]
fn a_table_without_columns_is_not_to_be_made_by_hand() {
    let server = Server::new();
    server.database.psql("CREATE TABLE nothing (); CREATE TABLE t (id int PRIMARY KEY)");
    let error = fails(&server.scene, "copy env:PG b.db", 3, "TABLE_NOT_CREATED");
    assert_eq!(error["where"], "nothing");
    assert!(!error.to_string().contains("by hand"), "{error}");
    assert!(error["next"].to_string().contains("--tables '*,!nothing'"), "{error}");
}

#[test]
fn a_search_path_that_leads_nowhere_is_told_as_that() {
    let server = Server::new();
    server.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let name = server.database.name();
    server.database.psql(&format!("ALTER DATABASE {name} SET search_path = nowhere"));
    let error = fails(&server.scene, "copy a.db env:PG", 5, "STORE_MISSING");
    assert!(!error.to_string().contains("file"), "{error}");
    assert!(error["why"].as_str().unwrap().contains("search_path"), "{error}");
}

/// What references `"T"` has nothing to do with `t`: neither in a plan, nor among rows that are held.
#[test]
fn references_are_to_the_table_that_is_spelled_like_them() {
    let made = r#"CREATE TABLE "T" (id int PRIMARY KEY, v text); CREATE TABLE t (id int PRIMARY KEY, v text);
        CREATE TABLE a (id int PRIMARY KEY, p int REFERENCES "T");"#;
    let (mut server, second) = (Server::new(), fresh_database());
    server.scene = server.scene.with_variable("PG2", &second.url());
    server.database.psql(&format!(r#"{made} INSERT INTO "T" VALUES (1, 'x'); INSERT INTO a VALUES (1, 1)"#));
    second.psql(&format!(
        r#"{made} INSERT INTO "T" VALUES (1, 'x'); INSERT INTO a VALUES (1, 1); INSERT INTO t VALUES (1, 'y')"#
    ));
    let planned = server.scene.run("plan mirror env:PG env:PG2 --allow-empty-source --max-delete 9");
    assert!(planned.code == Some(0) && !planned.out.contains("will be held"), "{}{}", planned.out, planned.err);
    server
        .database
        .psql(r#"INSERT INTO "T" VALUES (2, 'bad'); INSERT INTO t VALUES (2, 'bad'); INSERT INTO a VALUES (2, 2)"#);
    second.psql(r#"ALTER TABLE "T" ADD CHECK (v <> 'bad'); ALTER TABLE t ADD CHECK (v <> 'bad')"#);
    assert_eq!(server.scene.run("copy env:PG env:PG2").code, Some(3));
    let listed = server.scene.json("conflicts list --json");
    let entries = listed["data"].as_array().unwrap();
    assert_eq!(entries.len(), 3, "{listed}");
    for entry in entries {
        let shown = server.scene.json(&format!("conflicts show {} --json", entry["id"].as_str().unwrap()));
        let waiting = shown["awaited_by"].as_array().unwrap().len();
        assert_eq!(waiting, usize::from(entry["table"] == "T"), "{shown}");
    }
}
