//! Names and values that look like something else.

use syncline_testkit::postgres::{Options, SUPERUSER};

use super::{Server, scene_with};

/// As a name, in both engines' notation, between its quotes.
const NAMES: [&str; 6] = [
    "a\"\"; DROP TABLE victim; --",
    "b''; DROP TABLE victim; --",
    "line\nbreak",
    "$$ $1 %s \\x",
    "Ünïcode 🦀",
    "select",
];

/// As values.
const VALUES: [&str; 5] = ["'); DROP TABLE victim; --", "\\N", "\\.", "a\tb\nc\\", "$1 ${HOME} {{x}} %n"];

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn tables() -> String {
    let values: String = VALUES.iter().enumerate().map(|(at, value)| format!("({at}, {}),", quoted(value))).collect();
    let values = values.trim_end_matches(',');
    let table = |name: &str| {
        format!(
            "CREATE TABLE \"{name}\" (id INTEGER PRIMARY KEY, \"{name}\" TEXT); INSERT INTO \"{name}\" VALUES {values};"
        )
    };
    format!("CREATE TABLE victim (id INTEGER PRIMARY KEY); {}", NAMES.map(table).concat())
}

/// All rows of all tables are there, by the server's own client.
fn check(server: &Server, prefix: &str) {
    server.by_psql("SELECT * FROM victim");
    for name in NAMES {
        let rows = server.database.rows(&format!("SELECT \"{name}\" FROM {prefix}\"{name}\" ORDER BY id"));
        let rows: Vec<String> = rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
        assert_eq!(rows, VALUES, "{name}");
    }
}

#[test]
fn names_and_values_that_look_like_statements_are_carried_as_they_are() {
    let server = Server::new();
    server.scene.sql("a.db", &tables());
    server.scene.ok("copy a.db env:PG");
    check(&server, "");
    server.scene.ok("verify a.db env:PG");
    server.scene.ok("copy env:PG b.db");
    server.scene.ok("diff a.db b.db --exit-code");
    for name in NAMES {
        server.scene.sql(
            "a.db",
            &format!(
                "UPDATE \"{name}\" SET \"{name}\" = \"{name}\" || 'x' WHERE id = 1; DELETE FROM \"{name}\" WHERE id = 2"
            ),
        );
    }
    server.scene.ok("mirror a.db env:PG");
    server.scene.ok("diff a.db env:PG --exit-code");
    server.scene.ok("undo --yes");
    check(&server, "");
    // Rows that are refused are told with their names.
    let name = NAMES[0];
    server.database.psql(&format!("ALTER TABLE \"{name}\" ADD CONSTRAINT no CHECK (\"{name}\" <> 'no')"));
    server.scene.sql("a.db", &format!("UPDATE \"{name}\" SET \"{name}\" = 'no' WHERE id = 1"));
    assert_eq!(server.scene.run("mirror a.db env:PG").code, Some(3));
    server.scene.ok("conflicts list");
    server.database.psql(&format!("ALTER TABLE \"{name}\" DROP CONSTRAINT no"));
    server.scene.ok("conflicts retry");
    server.scene.ok("diff a.db env:PG --exit-code");
}

#[test]
fn a_schema_with_an_odd_name_is_carried() {
    let server = Server::new();
    for schema in ["s\"\"; DROP SCHEMA public; --", "s.t", "Ünï\ncode"] {
        server.database.psql(&format!("CREATE SCHEMA \"{schema}\"; SET search_path = \"{schema}\"; {}", tables()));
    }
    server.scene.ok("copy env:PG b.db");
    server.scene.ok("verify env:PG b.db");
    server.scene.ok("diff b.db env:PG --exit-code");
}

#[test]
fn a_database_and_a_role_with_odd_names_are_reached() {
    let cluster = Options::default().without_fsync().start();
    let name = "d\"'; DROP DATABASE x; -- /?#%&= \n🦀";
    let ident = name.replace('"', "\"\"");
    cluster.psql("postgres", &format!("CREATE DATABASE \"{ident}\""));
    cluster.psql("postgres", &format!("CREATE ROLE \"{ident}\" SUPERUSER LOGIN PASSWORD 'p'"));
    let url = cluster.url_as(name, "p", name);
    let database = cluster.fresh_database();
    let scene = scene_with(&database, &tables()).with_variable("ODD", &url);
    scene.ok("copy a.db env:ODD");
    scene.ok("verify env:ODD a.db");
    scene.ok("copy env:ODD env:PG");
    assert_eq!(database.psql("SELECT count(*) FROM victim").trim(), "0");
    assert_ne!(SUPERUSER, name);
}

/// Found from outside: no message showed the quotes that the table of another schema needs.
#[test]
fn a_table_of_another_schema_is_renamed_as_the_error_says() {
    let server = Server::new();
    server.database.psql(
        "CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY); INSERT INTO sales.orders VALUES (1)",
    );
    let tried = |rule: &str| server.scene.command(&["copy", "env:PG", "b.db", "--rename", rule]).output().unwrap();
    for (typed, meant) in [
        ("sales.orders=bills", r#"--rename '"sales.orders"=bills'"#),
        ("sales.orders=old.bills", r#"--rename '"sales.orders"="old.bills"'"#),
        ("sale.orders=bills", "--rename"),
    ] {
        let said = tried(typed);
        let said = (said.status.code(), String::from_utf8(said.stderr).unwrap());
        assert!(said.0 == Some(2) && said.1.contains(meant), "{typed}: {said:?}");
    }
    assert!(tried(r#""sales.orders"=bills"#).status.success());
    assert_eq!(server.scene.number("b.db", "SELECT count(*) FROM bills"), 1);
}
