//! Tables with types that somebody has made, and that the target lacks.

use syncline_testkit::postgres::{Database, fresh_database};

use super::Server;

const TYPES: &str = "
    CREATE SCHEMA app;
    CREATE TYPE app.pair AS (a int, b text);
    CREATE TYPE app.span AS RANGE (subtype = float8);
    CREATE TYPE app.mood AS ENUM ('sad', 'it''s');
    CREATE TYPE app.\"od\"\"d(x\" AS ENUM ('a');
    CREATE DOMAIN app.positive AS integer CHECK (value > 0);
    CREATE DOMAIN app.host AS inet;
    CREATE DOMAIN app.couple AS app.pair;";

const TABLES: &str = "
    CREATE TABLE parents (id app.couple PRIMARY KEY, n app.positive UNIQUE, at app.host);
    CREATE TABLE t (id int PRIMARY KEY, pair app.pair DEFAULT '(1,x)' CHECK ((pair).a < 100), span app.span, host app.host,
        positives app.positive[] DEFAULT '{1}', moods app.mood[], pairs app.pair[] NOT NULL, mood app.mood DEFAULT 'sad',
        odd app.\"od\"\"d(x\"[], first int GENERATED ALWAYS AS ((pair).a) STORED, n app.positive DEFAULT 7::app.positive,
        CHECK (id < 1000), parent app.couple REFERENCES parents, parent_n app.positive REFERENCES parents (n));
    CREATE INDEX by_span ON t USING gist (span);
    CREATE INDEX by_first ON t (((pair).a));
    CREATE UNIQUE INDEX by_pairs ON t (pairs);
    CREATE INDEX by_n ON t (n);
    CREATE TABLE plain (id int PRIMARY KEY);
    INSERT INTO parents VALUES ('(1,a)', 5, '10.0.0.1'), ('(2,)', 6, NULL);
    INSERT INTO t (id, pair, span, host, positives, moods, pairs, mood, odd, parent, parent_n) VALUES
        (1, '(1,\"x y\")', '[1,2.5)', '10.0.0.1/8', '{1,2}', '{sad,it''s}', '{\"(1,a)\",\"(2,)\"}', 'it''s', '{a}', '(1,a)', 5),
        (2, NULL, 'empty', '::1', '{NULL}', NULL, '{}', NULL, '{}', '(2,)', 6),
        (3, '(,\"\")', NULL, NULL, NULL, '{}', '{NULL}', 'sad', NULL, NULL, NULL);
    INSERT INTO plain VALUES (1)";

/// All cells as the server prints them.
const CELLS: &str = "SELECT id, pair::text, span::text, host::text, positives::text, moods::text, pairs::text, mood::text, \
    odd::text, first, n, parent::text, parent_n FROM t ORDER BY id";

fn types_of(database: &Database<'_>, table: &str) -> String {
    database.psql(&format!(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = '{table}'::regclass AND attnum > 0"
    ))
}

/// A server with such tables, and an empty database as `env:INTO`.
fn own_types() -> (Server, Database<'static>) {
    let (mut server, into) = (Server::new(), fresh_database());
    server.scene = server.scene.with_variable("INTO", &into.url());
    server.database.psql(TYPES);
    server.database.psql(TABLES);
    (server, into)
}

#[test]
fn become_what_lies_beneath_or_text_and_nothing_is_lost() {
    let (server, into) = own_types();
    let said = server.scene.run("copy env:PG env:INTO --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(
        types_of(&into, "t"),
        "id integer, pair text, span text, host inet, positives text, moods app.mood[], pairs text, mood app.mood, \
         odd text, first integer, n integer, parent text, parent_n integer\n"
    );
    assert_eq!(types_of(&into, "parents"), "id text, n integer, at inet\n");
    assert_eq!(into.psql(CELLS), server.database.psql(CELLS));
    let notes = said.last()["notes"].clone();
    let note = |head: &str| {
        let notes = notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap());
        notes.filter_map(|note| note.strip_prefix(head)).collect::<String>()
    };
    assert_eq!(
        note("parents is created without "),
        "the type app.couple of id, text here, the type app.positive of n, integer here, the type app.host of at, inet here"
    );
    assert_eq!(
        server.by_psql("SELECT 1 FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f'").len(),
        into.rows("SELECT 1 FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f'").len(),
        "references stay"
    );
    let told = note("t is created without ");
    assert!(told.starts_with("the type app.pair of pair, text here, the type app.span of span, text here"), "{told}");
    // Everything is the same from then on, both ways, and whatever is edited goes back into the types it came from.
    server.scene.ok("verify env:PG env:INTO");
    server.scene.ok("diff env:PG env:INTO --exit-code");
    into.psql("UPDATE t SET pair = '(7,back)', span = '[3,4)', pairs = '{\"(9,z)\"}', odd = '{a,a}' WHERE id = 3; UPDATE t SET first = 7 WHERE id = 3");
    server.scene.ok_with("mirror env:INTO env:PG --tables t", &["--columns", "t: !first"]);
    let edited = server.by_psql("SELECT pair, span, pairs, odd, first FROM t WHERE id = 3");
    assert_eq!(edited, ["(7,back)|[3,4)|{\"(9,z)\"}|{a,a}|7"]);
}

#[test]
fn stay_where_the_target_has_them() {
    let (server, into) = own_types();
    into.psql(TYPES);
    let said = server.scene.run("copy env:PG env:INTO --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    for table in ["t", "parents"] {
        assert_eq!(types_of(&into, table), types_of(&server.database, table));
    }
    assert_eq!(into.psql(CELLS), server.database.psql(CELLS));
    assert!(!said.out.contains("is created without"), "{}", said.out);
}

#[test]
fn are_one_type_in_every_row() {
    let (server, into) = own_types();
    server.scene.ok("copy env:PG env:INTO");
    // Text that is no value of the type is held, and the others arrive.
    into.psql("UPDATE t SET span = 'what', pair = '(8,ok)' WHERE id = 1; UPDATE t SET pair = '(9,ok)' WHERE id = 2");
    let said = server.scene.run_with("mirror env:INTO env:PG --tables t --json", &["--columns", "t: !first"]);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT id, pair FROM t WHERE pair::text LIKE '%ok%'"), ["2|(9,ok)"]);
}
