//! Names that are longer than the target takes.

use super::Server;
use super::mariadb::Maria;
use crate::scene::Scene;

/// A table with a short name, one with a name of 71 bytes in 36 characters, one with such a column, and one whose name leaves
/// no room for what is called after it.
fn fill(scene: &Scene) {
    let (table, column, near) = (table(), column(), "n".repeat(60));
    scene.sql(
        "a.db",
        &format!(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);
             CREATE TABLE {table} (id INTEGER PRIMARY KEY); INSERT INTO {table} VALUES (1);
             CREATE TABLE c (id INTEGER PRIMARY KEY, {column} TEXT); INSERT INTO c VALUES (1, 'x');
             CREATE TABLE {near} (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT UNIQUE); INSERT INTO {near} VALUES (1, 'x');
             CREATE INDEX {near}_by_v_and_more ON {near} (v, id)"
        ),
    );
}

fn table() -> String {
    format!("t{}", "ä".repeat(35))
}

fn column() -> String {
    "k".repeat(70)
}

#[test]
fn their_tables_are_left_out_and_named_before_anything_is_written() {
    let server = Server::new();
    fill(&server.scene);
    let plan = server.scene.run("plan copy a.db env:PG");
    for words in ["has 71 bytes, and PostgreSQL takes 63", "has 70 bytes, and PostgreSQL takes 63"] {
        assert!(format!("{}{}", plan.out, plan.err).contains(words), "{words}\n{}{}", plan.out, plan.err);
    }
    let said = server.scene.run("copy a.db env:PG");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    let short = format!("--rename '{}=t{}'", table(), "ä".repeat(28));
    for words in ["TABLE_NOT_CREATED", &table(), &column(), &short, &format!("--columns 'c: !{}'", column())] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    let near = "n".repeat(60);
    assert!(all.contains(&format!("the name of the index {near}_by_v_and_more, nnn")), "{all}");
    let tables =
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    assert_eq!(server.by_psql(tables), ["a", &near]);
    // What was said helps.
    let rules = ["--rename".to_owned(), format!("{}=t", table()), "--rename".to_owned(), format!("c.{}=k", column())];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let said = server.scene.run_with("copy a.db env:PG", &rules);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT k FROM c"), ["x"]);
    let said = server.scene.run_with("copy a.db env:PG --tables c", &["--rename", &format!("c={}", "z".repeat(64))]);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
}

#[test]
fn mariadb_counts_characters() {
    let maria = Maria::new();
    fill(&maria.scene);
    let said = maria.scene.run("copy a.db env:MY");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(&format!("{} of c has 70 characters, and MySQL takes 64", column())), "{all}");
    assert_eq!(maria.tables().len(), 3, "{:?}", maria.tables());
}

/// A column that the target's table is to get is refused as well, before others get theirs.
#[test]
fn columns_that_are_to_be_added_too() {
    let server = Server::new();
    fill(&server.scene);
    server.database.psql("CREATE TABLE c (id bigint PRIMARY KEY)");
    let said = server.scene.run("copy a.db env:PG --tables a,c --schema add");
    assert!(said.err.contains(&column()) && said.err.contains("63"), "{}{}", said.out, said.err);
    let tables =
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    assert_eq!(server.by_psql(tables), ["c"], "{}{}", said.out, said.err);
}
