//! Rows that a server refuses are held with its own words; their neighbours arrive, and they follow once it is mended.

use serde_json::Value;

use super::{Server, is_told};

/// Held rows of a table: what the server said about each, in the order of their keys.
fn held(server: &Server) -> Vec<Value> {
    let mut held = server.scene.json("conflicts list --json --limit 1000")["data"].as_array().unwrap().clone();
    held.sort_by_key(|entry| entry["key"].to_string());
    held
}

/// What a target has against a row, what it says about it, and how it is mended. The row at fault is the second of three.
const REFUSALS: [(&str, &str, &str, &str, &str); 9] = [
    (
        "CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v <> 'bad'))",
        "bad",
        "check",
        "violates check constraint \"t_v_check\"",
        "ALTER TABLE t DROP CONSTRAINT t_v_check",
    ),
    (
        "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL)",
        "NULL",
        "not-null",
        "null value in column \"v\"",
        "ALTER TABLE t ALTER v DROP NOT NULL",
    ),
    (
        "CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE)",
        "x",
        "unique",
        "Key (v)=(x) already exists",
        "ALTER TABLE t DROP CONSTRAINT t_v_key",
    ),
    (
        "CREATE TABLE t (id int PRIMARY KEY, v text, EXCLUDE USING btree (v WITH =))",
        "x",
        "refused",
        "conflicts with existing key",
        "ALTER TABLE t DROP CONSTRAINT t_v_excl",
    ),
    (
        "CREATE DOMAIN word AS text CHECK (VALUE <> 'bad'); CREATE TABLE t (id int PRIMARY KEY, v word)",
        "bad",
        "check",
        "violates check constraint \"word_check\"",
        "ALTER DOMAIN word DROP CONSTRAINT word_check",
    ),
    ("CREATE TABLE t (id int PRIMARY KEY, v varchar(3))", "long", "type", "3", "ALTER TABLE t ALTER v TYPE text"),
    ("CREATE TABLE t (id int PRIMARY KEY, v numeric(4,2))", "1000", "type", "", "ALTER TABLE t ALTER v TYPE numeric"),
    ("CREATE TABLE t (id int PRIMARY KEY, v smallint)", "70000", "type", "", "ALTER TABLE t ALTER v TYPE int"),
    (
        "CREATE TABLE p (id text PRIMARY KEY); INSERT INTO p VALUES ('x'), ('z'); CREATE TABLE t (id int PRIMARY KEY, v text REFERENCES p)",
        "bad",
        "foreign",
        "",
        "INSERT INTO p VALUES ('bad')",
    ),
];

/// The second row of three is refused, by a load into an empty table or among differences; then it is mended.
fn refused_and_carried(at: usize, is_new: bool) {
    let (target, value, kind, words, mended) = REFUSALS[at];
    let server = Server::new();
    let number = target.contains("numeric") || target.contains("smallint");
    let (first, last, declared) = if number { ("1", "2", "NUMERIC") } else { ("'x'", "'z'", "TEXT") };
    let value = if number || value == "NULL" { value.to_owned() } else { format!("'{value}'") };
    server.scene.sql(
        "a.db",
        &format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}); INSERT INTO t VALUES (1, {first}), (2, {value}), (3, {last})"
        ),
    );
    server.database.psql(target);
    if !is_new {
        server.database.psql("INSERT INTO t VALUES (9, NULL)");
    }
    let line = "copy a.db env:PG --tables t";
    let said = server.scene.run(&format!("{line} --json"));
    assert_eq!(said.code, Some(3), "{target}: {}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["held"], 1, "{target}: {}", said.out);
    assert_eq!(server.by_psql("SELECT id FROM t WHERE id < 9 ORDER BY 1"), ["1", "3"], "{target}");
    let held = held(&server);
    assert_eq!(held.len(), 1, "{target}: {held:?}");
    let told = held[0].to_string().to_lowercase().replace("\\\"", "\"");
    assert!(told.contains(kind) && told.contains(&words.to_lowercase()), "{target}: {told}");
    // Mended, it is carried, and nothing waits any more.
    server.database.psql(mended);
    let said = server.scene.run("conflicts retry --json");
    assert_eq!(said.code, Some(0), "{target}: {}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT id FROM t WHERE id < 9 ORDER BY 1"), ["1", "2", "3"], "{target}");
    server.scene.ok("copy a.db env:PG --tables t");
}

macro_rules! refusals {
    ($($name:ident $at:literal)*) => {
        $(
            #[test]
            fn $name() {
                refused_and_carried($at, true);
                if $at != 1 {
                    refused_and_carried($at, false);
                }
            }
        )*
    };
}

refusals! {
    a_check 0
    a_missing_value 1
    a_value_taken 2
    an_exclusion 3
    a_domain 4
    a_text_too_long 5
    a_number_too_long 6
    a_number_too_large 7
    a_reference_to_nothing 8
}

/// A row that is new and one that has changed want values of a row that the target alone has.
#[test]
fn values_that_others_have_in_a_filled_table() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
         INSERT INTO t VALUES (1, 'a', 1), (2, 'taken', 1), (3, 'c', 1), (4, 'too', 1), (5, 'e', 1)",
    );
    server.database.psql(
        "CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE, n int);
         INSERT INTO t VALUES (1, 'a', 0), (4, 'd', 0), (5, 'e', 0), (8, 'taken', 0), (9, 'too', 0)",
    );
    let said = server.scene.run("copy a.db env:PG --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let table = &said.last()["tables"][0];
    assert_eq!((&table["inserted"], &table["updated"], &table["held"]), (&1.into(), &2.into(), &2.into()), "{table}");
    let there = || server.by_psql("SELECT * FROM t ORDER BY id");
    assert_eq!(there(), ["1|a|1", "3|c|1", "4|d|0", "5|e|1", "8|taken|0", "9|too|0"]);
    let held = held(&server);
    assert_eq!(held.len(), 2, "{held:?}");
    for (entry, words) in held.iter().zip(["Key (v)=(taken) already exists", "Key (v)=(too) already exists"]) {
        assert!(entry["kind"] == "unique" && entry.to_string().contains(words), "{entry}");
    }
    // A mirror has no use for those that have them.
    let said = server.scene.run("mirror a.db env:PG --max-delete 9 --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(there(), ["1|a|1", "2|taken|1", "3|c|1", "4|too|1", "5|e|1"]);
    assert_eq!(self::held(&server), Vec::<Value>::new());
}

#[test]
fn a_trigger_that_objects_is_not_asked() {
    let server = Server::new();
    server
        .scene
        .sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    server.database.psql(
        "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE log (id int);
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER no BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION no();
         CREATE TRIGGER never AFTER INSERT ON t EXECUTE FUNCTION no();
         ALTER TABLE t ENABLE ALWAYS TRIGGER never",
    );
    server.scene.ok("copy a.db env:PG");
    assert_eq!(server.by_psql("SELECT * FROM t ORDER BY 1"), ["1|a", "2|b"]);
    let enabled = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1";
    assert_eq!(server.by_psql(enabled), ["never|A", "no|O"]);
}

#[test]
fn what_a_function_of_a_check_raises_is_held_as_well() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    server.database.psql(
        "CREATE FUNCTION good(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
             IF $1 = 'b' THEN RAISE EXCEPTION 'this is no %', $1; END IF; RETURN true; END $$;
         CREATE TABLE t (id int PRIMARY KEY, v text CHECK (good(v)))",
    );
    let said = server.scene.run("copy a.db env:PG --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT id FROM t ORDER BY 1"), ["1", "3"]);
    assert!(held(&server)[0].to_string().contains("this is no b"));
}

#[test]
fn a_table_that_cannot_be_created_does_not_stop_the_others() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE v (id INTEGER PRIMARY KEY); INSERT INTO v VALUES (1)",
    );
    server.database.psql("CREATE VIEW v AS SELECT 1 AS id");
    let said = server.scene.run("copy a.db env:PG --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    is_told("copy", &said, "TABLE_NOT_CREATED");
    assert_eq!(server.by_psql("SELECT id FROM a"), ["1"]);
}

/// No index takes a key so large, and the table is made by the run.
#[test]
fn a_key_that_no_index_takes_holds_its_row_and_no_other() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, v INTEGER);
         INSERT INTO t VALUES ('a', 1), (hex(randomblob(20000)), 2), ('z', 3);",
    );
    assert_eq!(server.scene.run("mirror a.db env:PG").code, Some(3));
    assert_eq!(server.by_psql("SELECT id, v FROM t ORDER BY id"), ["a|1", "z|3"]);
    let held = held(&server);
    assert_eq!((held.len(), &held[0]["kind"]), (1, &Value::from("refused")), "{held:?}");
}
