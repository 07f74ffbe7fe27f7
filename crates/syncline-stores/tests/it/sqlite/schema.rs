//! Tables of every odd kind, and what the store makes of them.

use std::fmt::Write;
use std::time::{Duration, Instant};

use syncline_core::schema::{Generated, TableSchema, Unique};
use syncline_core::value::Coercion;

use super::desk::Desk;

async fn table(sql: &str) -> TableSchema {
    let desk = Desk::with(sql);
    let schema = desk.schema().await;
    TableSchema::clone(schema.table("t").unwrap())
}

/// Key columns by name with their collations, and whether it is the row number.
fn key(table: &TableSchema) -> Option<(Vec<(&str, &str)>, bool)> {
    let key = table.key.as_ref()?;
    let names = key.columns.iter().map(|column| table.columns[*column].name.as_str());
    Some((names.zip(key.collations.iter().map(String::as_str)).collect(), key.is_rowid))
}

#[tokio::test]
async fn keys_are_chosen_by_one_rule() {
    type Expected = Option<(&'static [(&'static str, &'static str)], bool)>;
    let cases: [(&str, Expected); 19] = [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", Some((&[("id", "BINARY")], true))),
        ("CREATE TABLE t (a, id INTEGER, PRIMARY KEY (id))", Some((&[("id", "BINARY")], true))),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)", Some((&[("id", "BINARY")], true))),
        ("CREATE TABLE t (id INT PRIMARY KEY)", Some((&[("id", "BINARY")], false))),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)", Some((&[("id", "BINARY")], false))),
        ("CREATE TABLE t (id INTEGER, PRIMARY KEY (id DESC))", Some((&[("id", "BINARY")], true))),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY) WITHOUT ROWID", Some((&[("id", "BINARY")], false))),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT", Some((&[("id", "BINARY")], true))),
        ("CREATE TABLE t (a TEXT, b, PRIMARY KEY (b, a))", Some((&[("b", "BINARY"), ("a", "BINARY")], false))),
        ("CREATE TABLE t (a TEXT COLLATE NOCASE PRIMARY KEY)", Some((&[("a", "NOCASE")], false))),
        ("CREATE TABLE t (a TEXT, PRIMARY KEY (a COLLATE RTRIM))", Some((&[("a", "RTRIM")], false))),
        ("CREATE TABLE t (a, b, PRIMARY KEY (a, b, a))", Some((&[("a", "BINARY"), ("b", "BINARY")], false))),
        ("CREATE TABLE t (a UNIQUE, b NOT NULL UNIQUE)", Some((&[("b", "BINARY")], false))),
        (
            "CREATE TABLE t (a NOT NULL, b NOT NULL UNIQUE); CREATE UNIQUE INDEX a ON t (a)",
            Some((&[("b", "BINARY")], false)),
        ),
        (
            "CREATE TABLE t (a NOT NULL, b NOT NULL); CREATE UNIQUE INDEX z ON t (a); CREATE UNIQUE INDEX y ON t (b)",
            Some((&[("b", "BINARY")], false)),
        ),
        ("CREATE TABLE t (a NOT NULL); CREATE UNIQUE INDEX i ON t (a) WHERE a > 0", None),
        ("CREATE TABLE t (a NOT NULL); CREATE UNIQUE INDEX i ON t (lower(a))", None),
        ("CREATE TABLE t (a NOT NULL, b NOT NULL AS (a) UNIQUE)", None),
        ("CREATE TABLE t (a, b UNIQUE)", None),
    ];
    for (sql, expected) in cases {
        let expected = expected.map(|(columns, is_rowid)| (columns.to_vec(), is_rowid));
        assert_eq!(key(&table(sql).await), expected, "{sql}");
    }
}

#[tokio::test]
async fn columns_are_described_in_full() {
    let table = table(
        "CREATE TABLE t (
             id INTEGER PRIMARY KEY AUTOINCREMENT,
             \"na\"\"me\" VARCHAR(10) NOT NULL DEFAULT 'it''s' COLLATE NOCASE,
             price DECIMAL(10, 2) DEFAULT (1 + 1),
             twice AS (price * 2),
             thrice REAL GENERATED ALWAYS AS (price * 3) STORED,
             untyped,
             made DEFAULT CURRENT_TIMESTAMP
         )",
    )
    .await;
    let seen: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let default = column.default.as_deref().unwrap_or("-");
            (
                &*column.name,
                &*column.declared_type,
                column.kind.coercion().unwrap(),
                column.nullable,
                default,
                column.generated,
            )
        })
        .collect();
    let expected = [
        ("id", "INTEGER", Coercion::Integer, false, "-", Generated::No),
        ("na\"me", "VARCHAR(10)", Coercion::Text, false, "'it''s'", Generated::No),
        ("price", "DECIMAL(10, 2)", Coercion::Numeric, true, "1 + 1", Generated::No),
        ("twice", "", Coercion::None, true, "-", Generated::Virtual),
        ("thrice", "REAL", Coercion::Real, true, "-", Generated::Stored),
        ("untyped", "", Coercion::None, true, "-", Generated::No),
        ("made", "", Coercion::None, true, "CURRENT_TIMESTAMP", Generated::No),
    ];
    assert_eq!(seen, expected);
    let collations: Vec<_> = table.columns.iter().map(|column| column.collation.as_str()).collect();
    assert_eq!(collations, ["BINARY", "NOCASE", "BINARY", "BINARY", "BINARY", "BINARY", "BINARY"]);
    assert!(table.autoincrement && !table.strict && !table.without_rowid);
    assert!(table.definition.starts_with("CREATE TABLE t ("));
}

#[tokio::test]
async fn strict_tables_know_any_and_forbid_null_in_keys() {
    let table = table("CREATE TABLE t (a TEXT, b ANY, c INT, PRIMARY KEY (a)) STRICT").await;
    assert!(table.strict);
    let coercions: Vec<_> =
        table.columns.iter().map(|column| (column.kind.coercion().unwrap(), column.nullable)).collect();
    assert_eq!(coercions, [(Coercion::Text, false), (Coercion::None, true), (Coercion::Integer, true)]);
}

#[tokio::test]
async fn constraints_and_indexes_are_told_apart() {
    let table = table(
        "CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE, b, c CHECK (c > 0), UNIQUE (b, c), CHECK (a <> b));
         CREATE UNIQUE INDEX part ON t (a) WHERE b IS NULL;
         CREATE UNIQUE INDEX expr ON t (lower(a), b);
         CREATE INDEX plain ON t (c DESC)",
    )
    .await;
    let unique = |name: &str, columns: &[Option<&str>], partial| Unique {
        name: name.to_owned(),
        columns: columns.iter().map(|column| column.map(str::to_owned)).collect(),
        partial,
        deferrable: false,
    };
    let expected = [
        unique("sqlite_autoindex_t_2", &[Some("a")], false),
        unique("sqlite_autoindex_t_3", &[Some("b"), Some("c")], false),
        unique("part", &[Some("a")], true),
        unique("expr", &[None, Some("b")], false),
    ];
    assert_eq!(table.uniques, expected);
    let indexes: Vec<_> = table.indexes.iter().map(|index| (&*index.name, index.unique, &*index.definition)).collect();
    let expected = [
        ("part", true, "CREATE UNIQUE INDEX part ON t (a) WHERE b IS NULL"),
        ("expr", true, "CREATE UNIQUE INDEX expr ON t (lower(a), b)"),
        ("plain", false, "CREATE INDEX plain ON t (c DESC)"),
    ];
    assert_eq!(indexes, expected);
    let checks: Vec<_> = table.checks.iter().map(|check| check.expression.as_str()).collect();
    assert_eq!(checks, ["c > 0", "a <> b"]);
}

#[tokio::test]
async fn references_are_resolved_to_columns() {
    let desk = Desk::with(
        "CREATE TABLE pair (x, y, PRIMARY KEY (y, x));
         CREATE TABLE plain (id INTEGER PRIMARY KEY, code UNIQUE);
         CREATE TABLE t (
             a REFERENCES plain,
             b REFERENCES Plain (code) ON DELETE CASCADE ON UPDATE SET NULL,
             c, d, e REFERENCES nowhere,
             FOREIGN KEY (c, d) REFERENCES pair DEFERRABLE INITIALLY DEFERRED
         )",
    );
    let schema = desk.schema().await;
    let keys: Vec<_> = schema
        .table("t")
        .unwrap()
        .foreign_keys
        .iter()
        .map(|key| {
            (key.columns.join(","), &*key.parent, key.parent_columns.join(","), &*key.on_delete, &*key.on_update)
        })
        .collect();
    let expected = [
        ("a".to_owned(), "plain", "id".to_owned(), "NO ACTION", "NO ACTION"),
        ("b".to_owned(), "Plain", "code".to_owned(), "CASCADE", "SET NULL"),
        ("e".to_owned(), "nowhere", String::new(), "NO ACTION", "NO ACTION"),
        ("c,d".to_owned(), "pair", "y,x".to_owned(), "NO ACTION", "NO ACTION"),
    ];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn what_is_not_carried_is_listed_and_what_is_ours_is_not_seen() {
    let desk = Desk::with(
        "CREATE TABLE t (a); CREATE TABLE _syncline_checkpoint (run); CREATE TABLE _SyncLine_x (a);
         CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE INDEX i ON t (a); ANALYZE;
         CREATE VIEW v AS SELECT a FROM t; CREATE VIEW broken AS SELECT no FROM nowhere;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE TRIGGER _syncline_tr AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE search USING fts5 (words)",
    );
    let schema = desk.schema().await;
    let tables: Vec<_> = schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["auto", "t"]);
    let left: Vec<_> = schema.not_carried.iter().map(|it| (it.kind, &*it.name, it.table.as_deref())).collect();
    let expected = [
        ("shadow table", "search_config", None),
        ("shadow table", "search_content", None),
        ("shadow table", "search_data", None),
        ("shadow table", "search_docsize", None),
        ("shadow table", "search_idx", None),
        ("trigger", "tr", Some("t")),
        ("view", "broken", None),
        ("view", "v", None),
        ("virtual table", "search", None),
    ];
    assert_eq!(left, expected);
}

#[tokio::test]
async fn two_thousand_tables_and_a_thousand_columns_are_read_quickly() {
    let mut sql = "BEGIN;".to_owned();
    for at in 0..2_000 {
        write!(sql, "CREATE TABLE t{at} (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b REFERENCES t0, UNIQUE (a, b));")
            .unwrap();
    }
    let columns: Vec<_> = (0..1_000).map(|at| format!("c{at}")).collect();
    write!(sql, "CREATE TABLE wide ({}); COMMIT", columns.join(", ")).unwrap();
    let desk = Desk::with(&sql);
    let started = Instant::now();
    let schema = desk.schema().await;
    assert_eq!(schema.tables.len(), 2_001);
    assert_eq!(schema.table("wide").unwrap().columns.len(), 1_000);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
