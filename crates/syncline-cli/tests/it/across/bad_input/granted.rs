//! What `syncline doctor` says of rights on a server, and the script of rights that it prints.

use super::Server;
use super::rights::{APPLICATION, Limited, TRIGGER, works};
use crate::doctor::about;
use crate::scene::{Said, Scene};

/// A table called `x"; DROP TABLE p; --` with a sequence, an enumeration of another schema in it.
const ODD: &str = "CREATE SCHEMA \"kinds of\"; CREATE TYPE \"kinds of\".mood AS ENUM ('sad', 'ok');
    CREATE SCHEMA sales;
    CREATE TABLE sales.\"x\"\"; DROP TABLE p; --\" (id serial PRIMARY KEY, m \"kinds of\".mood);";

/// A role with an odd name that a script of `doctor` has made, and a scene whose binary is that role in `env:PG`.
fn granted(statements: &str, side: &str) -> Limited {
    granted_on(&[], statements, side)
}

/// The same, of a script for some of the tables.
fn granted_on(tables: &[&str], statements: &str, side: &str) -> Limited {
    let mut server = Server::new();
    server.database.psql(statements);
    let role = format!("{} \"gr'anted\"", server.database.name());
    let args = ["doctor", "env:PG", "--grants", "--as", side, "--role", &role];
    let said = Said::from(server.scene.command(&[&args, tables].concat()).output().unwrap());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    server.database.psql(&said.out);
    let written = format!("\"{}\"", role.replace('"', "\"\""));
    server.database.psql(&format!("ALTER ROLE {written} PASSWORD 'p'"));
    // Made after the script.
    server
        .database
        .psql("CREATE TABLE later (id int PRIMARY KEY); CREATE SCHEMA private; CREATE TABLE private.t (id int)");
    server.scene = Scene::new().with_variable("PG", &server.database.url_as(&role, "p"));
    Limited { server, role: written }
}

/// Statements that the role may not carry out.
fn may_not(limited: &Limited, statements: &[&str]) {
    for statement in statements {
        let tried = limited.server.database.try_psql(&format!("SET ROLE {}; {statement}", limited.role));
        let is_denied = tried.stderr.contains("permission denied") || tried.stderr.contains("must be owner");
        assert!(tried.code != Some(0) && is_denied, "{statement}: {}", tried.stderr);
    }
}

const NOBODYS: &[&str] = &[
    "ALTER TABLE p ADD COLUMN more int",
    "DROP TABLE c",
    "TRUNCATE c",
    "ALTER TABLE c DISABLE TRIGGER ALL",
    "CREATE SCHEMA another",
    "CREATE TABLE private.another (id int)",
    "SELECT * FROM later",
    "SELECT * FROM private.t",
    "INSERT INTO later VALUES (1)",
    "CREATE ROLE another",
];

#[test]
fn a_script_for_a_target_gives_what_a_mirror_needs_and_no_more() {
    let is_grantable =
        |server: &Server| server.by_psql("SELECT current_setting('server_version_num')::int >= 150000")[0] == "t";
    let limited = granted(&format!("{APPLICATION} {ODD}"), "target");
    works(&limited, false);
    may_not(&limited, NOBODYS);
    may_not(&limited, &["SET session_replication_role = replica"]);
    // Numbers that are given out are moved past those of the rows.
    let scene = &limited.server.scene;
    scene.sql("odd.db", "CREATE TABLE \"sales.x\"\"; DROP TABLE p; --\" (id INTEGER PRIMARY KEY, m TEXT)");
    scene.sql("odd.db", "INSERT INTO \"sales.x\"\"; DROP TABLE p; --\" VALUES (41, 'sad')");
    scene.ok("copy odd.db env:PG");
    let next = "SELECT nextval(pg_get_serial_sequence('sales.\"x\"\"; DROP TABLE p; --\"', 'id'))";
    assert_eq!(limited.server.by_psql(next), ["42"]);
    // Where triggers would fire, the right to keep them from it is part of the script.
    if is_grantable(&limited.server) {
        let limited = granted(&format!("{APPLICATION} {TRIGGER}"), "target");
        works(&limited, true);
        may_not(&limited, NOBODYS);
    }
}

#[test]
fn a_script_for_a_source_lets_nothing_be_written() {
    let rows = "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1, 'x');";
    let limited = granted(&format!("{APPLICATION} {ODD} {rows}"), "source");
    let scene = &limited.server.scene;
    assert_eq!(scene.run("mirror env:PG b.db --tables !later,!private.*").code, Some(0));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), 1);
    let denied = [
        "INSERT INTO p VALUES (2, 'b')",
        "UPDATE p SET v = 'b'",
        "DELETE FROM c",
        "CREATE TABLE public.another (id int)",
        "SELECT nextval('sales.\"x\"\"; DROP TABLE p; --_id_seq\"')",
    ];
    may_not(&limited, NOBODYS);
    may_not(&limited, &denied[..4]);
    limited.psql("DROP TABLE later; DROP SCHEMA private CASCADE");
    let report = scene.json("doctor env:PG --as source --json");
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["verdict"] != "problem"), "{report}");
}

#[test]
fn a_script_for_some_tables_gives_the_others_no_more_than_a_look() {
    let others = "CREATE SCHEMA kin; CREATE TABLE kin.d (id int PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE);
        CREATE TABLE alien (id int PRIMARY KEY); INSERT INTO p VALUES (1, 'a'), (2, 'b');";
    let limited = granted_on(&["--tables", "c"], &format!("{APPLICATION} {others}"), "target");
    let (server, scene) = (&limited.server, &limited.server.scene);
    let rows =
        |rows: &str| format!("{APPLICATION} INSERT INTO p VALUES (1, 'a'), (2, 'b'); INSERT INTO c VALUES {rows}");
    scene.sql("a.db", &rows("(1, 1, 'x'), (2, 2, 'y'), (3, NULL, 'z')"));
    scene.ok("copy a.db env:PG --tables c");
    server.database.psql("INSERT INTO kin.d VALUES (1, 1)");
    scene.sql("b.db", &rows("(1, 2, 'changed'), (4, 1, 'new')"));
    for line in [
        "mirror b.db env:PG --tables c",
        "mirror a.db env:PG --tables c",
        "mirror b.db env:PG --tables c --strategy full",
    ] {
        let said = scene.run(&format!("{line} --max-delete 9 --json"));
        assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    }
    // The row that another table references stays, and is held.
    scene.sql("c.db", &rows("(4, 1, 'new')"));
    let said = scene.run("mirror c.db env:PG --tables c --json");
    assert_eq!((said.code, &said.last()["tables"][0]["held"]), (Some(3), &1.into()), "{}{}", said.out, said.err);
    may_not(
        &limited,
        &[
            "INSERT INTO p VALUES (7, 'x')",
            "UPDATE p SET v = 'x'",
            "DELETE FROM p",
            "DELETE FROM kin.d",
            "SELECT * FROM alien",
        ],
    );
    // Of a source nothing but the table itself is read.
    let limited = granted_on(&["--tables", "c"], &format!("{APPLICATION} {others}"), "source");
    limited.server.scene.ok("mirror env:PG d.db --tables c");
    may_not(&limited, &["SELECT * FROM p", "SELECT * FROM kin.d", "SELECT * FROM alien", "DELETE FROM c"]);
}

#[test]
fn a_script_for_a_table_with_triggers_lets_what_it_references_be_kept() {
    let server = Server::new();
    if server.by_psql("SELECT current_setting('server_version_num')::int >= 150000")[0] != "t" {
        return;
    }
    let limited =
        granted_on(&["--tables", "c"], &format!("{APPLICATION} {TRIGGER} INSERT INTO p VALUES (1, 'a')"), "target");
    let scene = &limited.server.scene;
    scene.sql("a.db", &format!("{APPLICATION} INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1, 'x')"));
    scene.ok("copy a.db env:PG --tables c");
    scene.sql("a.db", "INSERT INTO c VALUES (2, 1, 'y')");
    scene.ok("mirror a.db env:PG --tables c");
    assert_eq!(limited.server.by_psql("SELECT count(*) FROM log"), ["0"]);
    may_not(&limited, &["DELETE FROM p", "INSERT INTO p VALUES (7, 'x')", "INSERT INTO log VALUES (1)"]);
}

#[test]
fn a_script_for_tables_that_are_not_there_is_none() {
    let server = Server::new();
    server.database.psql(APPLICATION);
    for (tables, code) in [("nowhere", "TABLE_NOT_FOUND"), ("x*", "NO_TABLES"), ("[", "USAGE_INVALID")] {
        let said = server.scene.run(&format!("doctor env:PG --grants --tables {tables} --json"));
        assert!(said.code != Some(0) && said.out.contains(code), "{tables}: {}{}", said.out, said.err);
    }
    assert_eq!(server.scene.run("doctor env:PG --tables c").code, Some(2), "tables of no script");
}

#[test]
fn doctor_finds_what_is_missing_and_what_it_advises_mends_it() {
    let tables = "CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE \"t\"\"wo\" (id serial PRIMARY KEY);
        CREATE SCHEMA s; CREATE TABLE s.three (id int PRIMARY KEY); REVOKE CREATE ON SCHEMA public FROM PUBLIC;";
    let limited = Limited::new(&format!("{tables} GRANT SELECT ON one TO {{role}}"));
    let scene = &limited.server.scene;
    let said = scene.run("doctor env:PG --as target --json");
    assert_eq!(said.code, Some(4), "{}{}", said.out, said.err);
    let report = said.last();
    assert_eq!(report["verdict"], "problem");
    assert_eq!(about(&report, "create")[0]["code"], "PERMISSION_DENIED");
    let of = |table: &str| about(&report, "rights").into_iter().filter(|one| one["table"] == table).count();
    assert_eq!((of("one"), of("t\"wo"), of("s.three")), (1, 3, 3), "{report}");
    // As a source only reading counts, and without a word what a target needs is good to know.
    let source = scene.run("doctor env:PG --as source --json");
    assert_eq!(source.code, Some(3), "{}", source.out);
    assert_eq!(about(&source.last(), "rights").len(), 3, "{}", source.out);
    // Every problem goes by what is advised first.
    for finding in report["findings"].as_array().unwrap().iter().filter(|finding| finding["verdict"] == "problem") {
        limited.psql(finding["next"][0]["action"].as_str().unwrap());
    }
    let report = scene.json("doctor env:PG --as target --json");
    assert_eq!(report["verdict"], "note", "the login cannot replicate: {report}");
    let text = scene.ok("doctor env:PG --as target");
    // Two are about the tests' server, which need not survive a crash of its machine.
    assert!(text.contains("the login may write all tables (3)") && text.contains("no problem, 3 notes"), "{text}");
    assert!(text.contains("fsync is off") && text.contains("full_page_writes is off"), "{text}");
    limited.psql("REVOKE SELECT ON one FROM {role}");
    assert_eq!(scene.run("doctor env:PG").code, Some(3));
}

#[test]
fn doctor_knows_standstills_policies_triggers_and_keys() {
    let tables = format!(
        "{APPLICATION} {TRIGGER}
         CREATE TABLE hidden (id int PRIMARY KEY); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
         CREATE TABLE parts (n int) PARTITION BY RANGE (n);
         CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE words (word text COLLATE blurred PRIMARY KEY);
         GRANT ALL ON ALL TABLES IN SCHEMA public TO {{role}}; GRANT CREATE ON SCHEMA public TO {{role}};
         ALTER ROLE {{role}} SET statement_timeout = '1min';"
    );
    let limited = Limited::new(&tables);
    let scene = &limited.server.scene;
    let said = scene.run("doctor env:PG --as target --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let report = said.last();
    let of = |topic: &str, table: &str| {
        let found = about(&report, topic).into_iter().find(|finding| finding["table"] == table);
        found.unwrap_or_else(|| panic!("no {topic} of {table} in {report}"))
    };
    assert!(of("rights", "hidden")["what"].to_string().contains("policies"));
    assert!(of("rights", "c")["what"].to_string().contains("triggers"));
    assert_eq!(of("key", "parts")["code"], "TABLE_NO_KEY");
    assert_eq!(of("key", "log")["verdict"], "note");
    assert_eq!(of("collation", "words")["verdict"], "note");
    assert!(about(&report, "timeouts")[0]["why"].to_string().contains("statement_timeout = 60000 ms"), "{report}");
    assert_eq!(about(&report, "superuser")[0]["verdict"], "ok");
    limited.psql("ALTER ROLE {role} SET default_transaction_read_only = on");
    assert_eq!(scene.run("doctor env:PG --as target").code, Some(4));
}

#[test]
fn rights_are_not_given_to_everybody() {
    let server = Server::new();
    let args = |role: &str| server.scene.command(&["doctor", "env:PG", "--grants", "--role", role]).output().unwrap();
    for role in ["public", "", &"x".repeat(64)] {
        let said = Said::from(args(role));
        assert_ne!(said.code, Some(0), "{role}: {}", said.out);
        assert_eq!(said.out, "", "{role}");
    }
    let report = server.scene.json("doctor env:PG --json");
    assert_eq!(about(&report, "superuser")[0]["verdict"], "note", "{report}");
    let script = server.scene.json("doctor env:PG --grants --json");
    assert_eq!((&script["type"], &script["role"]), (&"grants".into(), &"syncline".into()));
}
