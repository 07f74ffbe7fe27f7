//! Odd things are carried exactly: into a new file, into an existing one, and back by undo. What one value or one name can
//! be is tried in `type_traps`; here are whole tables, many of them, and large ones.

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use crate::scene::Scene;

/// Every cell with its storage class and bytes, by a driver that has no part in carrying them.
fn cells(scene: &Scene, database: &str, table: &str) -> Vec<Vec<Value>> {
    let connection = Connection::open(scene.path(database)).unwrap();
    let quoted = format!("\"{}\"", table.replace('"', "\"\""));
    let mut statement = connection.prepare(&format!("SELECT * FROM {quoted}")).unwrap();
    let width = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut cells = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        cells.push((0..width).map(|column| owned(row.get_ref(column).unwrap())).collect::<Vec<_>>());
    }
    cells.sort_by_key(|row| format!("{row:?}"));
    cells
}

/// Text that is not UTF-8 has no owned form of its own: its bytes are marked.
fn owned(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Text(format!("text of bytes {bytes:?}")),
        },
        ValueRef::Real(real) => Value::Text(format!("real of bits {:x}", real.to_bits())),
        other => Value::try_from(other).unwrap(),
    }
}

fn table_names(scene: &Scene, database: &str) -> Vec<String> {
    let connection = Connection::open(scene.path(database)).unwrap();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Mirrors the statements' database into a new file and into one with the same tables and other rows.
fn assert_carried(statements: &str, other_rows: &str) {
    let scene = Scene::with_pair(statements, &format!("{statements}; {other_rows}"));
    for target in ["new.db", "b.db"] {
        let said = scene.run(&format!("mirror a.db {target} --max-delete 100% --json"));
        assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
        let names = table_names(&scene, "a.db");
        assert_eq!(table_names(&scene, target), names);
        for name in names {
            assert_eq!(cells(&scene, target, &name), cells(&scene, "a.db", &name), "{target} {name:?}");
        }
        assert_eq!(scene.run(&format!("diff a.db {target} --exit-code --rows")).code, Some(0));
    }
}

#[test]
fn hostile_names() {
    let long = "n".repeat(1000);
    let names = [
        "it's",
        "a\"b",
        "a]b",
        "`x`",
        "two words",
        "new\nline",
        "tab\t",
        "select",
        "ünï 🦀",
        "Robert'); DROP TABLE x;--",
        "a,b",
        "%s",
        "*",
        long.as_str(),
    ];
    let mut statements = String::new();
    for name in names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        statements += &format!(
            "CREATE TABLE {quoted} ({quoted} TEXT, \"id\" INTEGER PRIMARY KEY, \"x\"\"y\" UNIQUE); CREATE INDEX \"index of {}\" ON {quoted} ({quoted}); INSERT INTO {quoted} VALUES ('v', 1, 2), (NULL, 2, 3);",
            name.replace('"', "\"\"")
        );
    }
    let edits: String = names
        .iter()
        .map(|name| format!("UPDATE \"{}\" SET \"id\" = \"id\" + 1 WHERE \"id\" = 2;", name.replace('"', "\"\"")))
        .collect();
    assert_carried(&statements, &edits);
}

#[test]
fn cells_of_any_kind_in_columns_of_any_type() {
    let columns = ["i INTEGER", "r REAL", "n NUMERIC", "t TEXT", "b BLOB", "u"];
    let values = [
        "NULL",
        "''",
        "X''",
        "'abc'",
        "X'616263'",
        "'12'",
        "CAST('12' AS BLOB)",
        "12",
        "12.0",
        "12.5",
        "-0.0",
        "9e999",
        "-9e999",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808.0",
        "1e-320",
        "0.1",
        "'a' || char(0) || 'b'",
        "CAST(X'ff00fe' AS TEXT)",
        "char(0x1f980)",
        "'  1 '",
        "'1e5'",
        "'0x10'",
        "zeroblob(3)",
        "'\u{7f}\u{1b}[31m'",
    ];
    let mut statements = format!("CREATE TABLE cells (id INTEGER PRIMARY KEY, {});", columns.join(", "));
    for value in values {
        let row = [value; 6].join(", ");
        statements += &format!("INSERT INTO cells (i, r, n, t, b, u) VALUES ({row});");
    }
    assert_carried(
        &statements,
        "UPDATE cells SET i = u, r = u, n = u, t = u, b = i, u = t; DELETE FROM cells WHERE id % 20 = 0",
    );
}

#[test]
fn tables_of_every_kind() {
    let statements = "
        CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO counted VALUES (5, 'x'), (9, 'y'); DELETE FROM counted WHERE id = 9;
        CREATE TABLE strict (id INTEGER PRIMARY KEY, a ANY, t TEXT) STRICT; INSERT INTO strict VALUES (1, '1', 'x'), (2, 1, NULL), (3, 1.5, 'z');
        CREATE TABLE composite (a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO composite VALUES ('x', 1, 1), ('X', 1, 2), ('x', -1, 3);
        CREATE TABLE nocase (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v); INSERT INTO nocase VALUES ('B', 1), ('a', 2), ('C', 3);
        CREATE TABLE generated (id INTEGER PRIMARY KEY, a INT, twice INT AS (a * 2) STORED, thrice INT AS (a * 3)); INSERT INTO generated (id, a) VALUES (1, 10), (2, 20);
        CREATE TABLE mixed (k PRIMARY KEY NOT NULL, v); INSERT INTO mixed VALUES (1, 'int'), ('1', 'text'), (X'31', 'blob'), (1.5, 'real'), ('', 'empty');
        CREATE TABLE unique_only (v TEXT, k TEXT NOT NULL UNIQUE); INSERT INTO unique_only VALUES ('v', 'k'), (NULL, 'l');
        CREATE TABLE checked (id INTEGER PRIMARY KEY, v CHECK (v IN ('(', ')', 'it''s')) DEFAULT '('); INSERT INTO checked VALUES (1, ')'), (2, 'it''s');
        CREATE TABLE partial (id INTEGER PRIMARY KEY, v, live); CREATE UNIQUE INDEX one_live ON partial (v) WHERE live; CREATE INDEX lowered ON partial (lower(v)); INSERT INTO partial VALUES (1, 'a', 1), (2, 'a', 0), (3, 'b', 1);
        CREATE TABLE rowid (rowid TEXT PRIMARY KEY NOT NULL, oid TEXT, v); INSERT INTO rowid VALUES ('a', 'b', 1);
        CREATE TABLE one_column (id INTEGER PRIMARY KEY); INSERT INTO one_column VALUES (-1), (0), (7);";
    let edits = "DELETE FROM counted; INSERT INTO counted VALUES (50, 'later'); UPDATE strict SET a = NULL; DELETE FROM composite WHERE v = 2; UPDATE nocase SET v = v + 1;
        UPDATE generated SET a = 0; UPDATE mixed SET v = k; UPDATE unique_only SET k = 'z' WHERE k = 'k'; UPDATE checked SET v = '('; UPDATE partial SET live = 1 - live; DELETE FROM one_column;";
    assert_carried(statements, edits);
}

#[test]
fn values_that_change_places() {
    // Whole circles are exchanged, which an application does with enforcement off or deferred.
    let statements = "PRAGMA foreign_keys = OFF; CREATE TABLE ring (id INTEGER PRIMARY KEY, place INTEGER UNIQUE, name TEXT NOT NULL);
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO ring SELECT i, i, 'n' || i FROM n;
        CREATE TABLE people (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES people(id), email TEXT UNIQUE);
        INSERT INTO people VALUES (1, 3, 'a'), (2, 1, 'b'), (3, NULL, 'c');
        CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER REFERENCES hen(id)); CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES egg(id));
        INSERT INTO egg VALUES (1, 2); INSERT INTO hen VALUES (2, 1);";
    let edits = "UPDATE ring SET place = -place; UPDATE ring SET place = 1 + (-place) % 12000;
        UPDATE people SET email = email || '#', boss = 2; UPDATE people SET email = CASE id WHEN 1 THEN 'b' WHEN 2 THEN 'c' ELSE 'a' END;
        DELETE FROM people WHERE id = 3; INSERT INTO people VALUES (4, 4, 'a'); DELETE FROM egg; DELETE FROM hen; INSERT INTO egg VALUES (9, 9); INSERT INTO hen VALUES (9, 9)";
    assert_carried(statements, edits);
}

#[test]
fn two_thousand_tables() {
    let tables: String = (0..2000)
        .map(|table| {
            format!("CREATE TABLE t{table} (id INTEGER PRIMARY KEY, v); INSERT INTO t{table} VALUES (1, {table});")
        })
        .collect();
    let scene = Scene::with_pair(&format!("BEGIN; {tables} COMMIT"), "");
    assert_eq!(scene.run("mirror a.db new.db --json --progress none").last()["tables"].as_array().unwrap().len(), 2000);
    assert_eq!(scene.number("new.db", "SELECT count(*) FROM sqlite_master WHERE type = 'table'"), 2000);
    scene.sql("a.db", "UPDATE t1234 SET v = -1");
    let summary = scene.run("mirror a.db new.db --json --progress none").last();
    let updated: u64 =
        summary["tables"].as_array().unwrap().iter().map(|table| table["updated"].as_u64().unwrap()).sum();
    assert_eq!((updated, summary["verified"].as_str()), (1, Some("equal")));
}

#[test]
fn a_hundred_megabytes_in_one_cell() {
    let statements = "CREATE TABLE large (id INTEGER PRIMARY KEY, v); INSERT INTO large VALUES (1, zeroblob(100000000)), (2, 'small')";
    let scene = Scene::with_pair(
        statements,
        "CREATE TABLE large (id INTEGER PRIMARY KEY, v); INSERT INTO large VALUES (1, 'old')",
    );
    for target in ["new.db", "b.db"] {
        scene.ok(&format!("mirror a.db {target}"));
        assert_eq!(scene.number(target, "SELECT length(v) FROM large WHERE id = 1"), 100_000_000);
    }
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM large WHERE v = 'old'"), 1);
}

#[test]
fn text_that_is_stored_as_utf_16() {
    let statements = |encoding: &str| {
        format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE words (k TEXT PRIMARY KEY NOT NULL, v TEXT);
             INSERT INTO words VALUES ('z', 'é'), ('é', 'z'), (char(0xffff), 'last of the plane'), (char(0x1f980), 'crab'), ('Z', NULL)"
        )
    };
    for (a, b) in [("UTF-8", "UTF-16le"), ("UTF-16be", "UTF-8"), ("UTF-16le", "UTF-16be")] {
        let scene =
            Scene::with_pair(&statements(a), &format!("{}; UPDATE words SET v = 'old' WHERE k > 'a'", statements(b)));
        let said = scene.run("mirror a.db b.db --json");
        assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}", said.out);
        assert_eq!(cells(&scene, "a.db", "words"), cells(&scene, "b.db", "words"));
    }
}

#[test]
fn the_applications_triggers_and_cascades_stay_out_of_it() {
    let tables = "CREATE TABLE p (id INTEGER PRIMARY KEY, v); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE ON UPDATE CASCADE);";
    let trigger = "CREATE TABLE log (id INTEGER PRIMARY KEY, what); CREATE TRIGGER t AFTER UPDATE ON p BEGIN INSERT INTO log (what) VALUES ('fired'); UPDATE p SET v = v || '!' WHERE id = new.id; END;";
    let scene = Scene::with_pair(
        &format!("{tables} INSERT INTO p VALUES (1, 'new'); INSERT INTO c VALUES (1, 1)"),
        &format!(
            "{tables} {trigger} INSERT INTO p VALUES (1, 'old'), (2, 'gone'); INSERT INTO c VALUES (1, 1), (2, 2), (3, 2)"
        ),
    );
    // Deleting the parent alone would reach children that take no part: it is held.
    let said = scene.run("mirror a.db b.db --tables p --json");
    let table = &said.last()["tables"][0];
    assert_eq!((said.code, &table["updated"], &table["held"]), (Some(3), &1.into(), &1.into()), "{}", said.out);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM p WHERE id = 2"), 1);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), 3);
    let summary = scene.run("mirror a.db b.db --json").last();
    assert_eq!(
        summary["tables"].as_array().unwrap().iter().map(|t| t["deleted"].as_u64().unwrap()).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM log"), 0, "a trigger fired");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM p WHERE v = 'new'"), 1);
}
