//! The same filter over the same rows picks the same ones in PostgreSQL and in SQLite, whose filter is held against an
//! evaluator of its own.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::mapping::{Mapping, MappingRequest, Resolved};
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::{Snapshot, Store};
use syncline_core::value::Value;
use syncline_stores::{Access, SqliteStore};

use super::desk::{Desk, scan};

/// 2024-05-06T07:08:09.500Z.
const NOW_MS: i64 = 1_714_979_289_500;

const TABLE: &str =
    "CREATE TABLE t (id integer PRIMARY KEY, i bigint, r double precision, d numeric, s text, w varchar(9), b $bytes)";

const TEXTS: [&str; 14] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "é",
    "É",
    "%",
    "_a",
    "b\\",
    "2024-05-06",
    "2024-05-06 07:08:09.500",
    "2024-02-30",
    "2024-05-06T09:08:09.501+02:00",
];

fn literal(column: &str) -> BoxedStrategy<String> {
    match column {
        "i" | "r" | "d" => prop_oneof![
            (-3_i64..4).prop_map(|n| n.to_string()),
            (-30_i64..31).prop_map(|n| format!("{:.1}", n as f64 / 10.0)),
            Just("1714979289".to_owned()),
        ]
        .boxed(),
        "b" => prop::sample::select(vec!["x''", "x'00'", "x'ff'", "x'6161'"]).prop_map(str::to_owned).boxed(),
        _ => prop::sample::select(TEXTS.to_vec()).prop_map(|text| format!("'{text}'")).boxed(),
    }
}

fn filters() -> impl Strategy<Value = String> {
    let column = || prop::sample::select(vec!["i", "r", "d", "s", "w", "b"]);
    let sign = || prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (column(), sign())
            .prop_flat_map(|(column, sign)| literal(column).prop_map(move |value| format!("{column} {sign} {value}"))),
        (column(), sign())
            .prop_flat_map(|(column, sign)| literal(column).prop_map(move |value| format!("{value} {sign} {column}"))),
        (column(), sign(), column()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        column().prop_flat_map(
            |column| (literal(column), literal(column)).prop_map(move |(a, b)| format!("{column} IN ({a}, {b})"))
        ),
        column().prop_flat_map(|column| (literal(column), literal(column))
            .prop_map(move |(a, b)| format!("{column} NOT BETWEEN {a} AND {b}"))),
        (prop::sample::select(vec!["s", "w"]), prop::sample::select(vec!["LIKE", "ILIKE"]), "[aAbé%_\\\\]{0,3}")
            .prop_map(|(column, word, pattern)| format!("{column} {word} '{pattern}'")),
        column().prop_map(|column| format!("{column} IS NULL")),
        (prop::sample::select(vec!["i", "r", "s", "w"]), sign(), -2_i64..3)
            .prop_map(|(column, sign, seconds)| format!("{column} {sign} now() + interval '{seconds} seconds'")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

/// Rows, as literals that both engines read.
fn rows() -> Vec<String> {
    let mut rows = Vec::new();
    for id in 0..140_usize {
        let or_null = |cell: String, at: usize| if (id + at).is_multiple_of(9) { "NULL".to_owned() } else { cell };
        let number = |at: usize| ((id * at) % 7) as i64 - 3;
        let times = ["1714979289", "1714979289500", "1714979290", "-5"];
        let whole = if id.is_multiple_of(3) { times[id % 4].to_owned() } else { number(5).to_string() };
        let julian = if id.is_multiple_of(4) {
            "2460436.797332176".to_owned()
        } else {
            format!("{:.1}", number(3) as f64 / 2.0)
        };
        let text = |at: usize| format!("'{}'", TEXTS[(id * at + at) % TEXTS.len()]);
        let short = |at: usize| format!("'{}'", TEXTS[(id * at + at) % 10]);
        let cells = [whole, julian, format!("{:.1}", number(2) as f64 / 2.0), text(3), short(5)];
        let mut cells: Vec<String> = cells.into_iter().enumerate().map(|(at, cell)| or_null(cell, at)).collect();
        cells.push(or_null(["", "00", "ff", "6161"][id % 4].to_owned(), 5));
        cells.insert(0, id.to_string());
        rows.push(cells.join("\u{1}"));
    }
    rows
}

fn script(bytes: fn(&str) -> String) -> String {
    rows()
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.split('\u{1}').map(str::to_owned).collect();
            let last = cells.pop().unwrap();
            cells.push(if last == "NULL" { last } else { bytes(&last) });
            format!("INSERT INTO t VALUES ({});", cells.join(", "))
        })
        .collect()
}

fn task(table: &Arc<TableSchema>, filter: &str) -> syncline_core::error::Result<TableTask> {
    let schema = Schema { tables: vec![Arc::clone(table)], ..Schema::default() };
    let typed = MappingRequest { filters: vec![format!("t: {filter}")], ..MappingRequest::default() };
    let resolved = Resolved::new(&Mapping::parse(&typed)?, &schema, &|_| true, NOW_MS, None)?;
    let mut task = TableTask::whole(Arc::clone(table));
    task.mapped.filter = resolved.view(table).filter.map(Arc::new);
    Ok(task)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_pick_the_same_rows() {
    let desk = Desk::with(&format!("{}; {}", TABLE.replace("$bytes", "bytea"), script(|hex| format!("'\\x{hex}'"))));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(&format!("{}; {}", TABLE.replace("$bytes", "blob"), script(|hex| format!("x'{hex}'"))))
        .unwrap();
    let store = SqliteStore::open(&path, Access::Read).await.unwrap();
    let mut sqlite = store.snapshot().await.unwrap();
    let there = sqlite.schema().await.unwrap().table("t").unwrap().clone();
    let here = desk.task("t").await.table;
    let mut view = desk.view().await;
    let mut runner = TestRunner::deterministic();
    let (mut some, mut refused) = (0, 0);
    for _ in 0..1_500 {
        let filter = filters().new_tree(&mut runner).unwrap().current();
        let (Ok(ours), Ok(theirs)) = (task(&here, &filter), task(&there, &filter)) else {
            refused += 1;
            continue;
        };
        let ids = |rows: Vec<Vec<Value>>| {
            let mut ids: Vec<String> = rows.iter().map(|row| format!("{:?}", row[0])).collect();
            ids.sort();
            ids
        };
        let found = ids(scan(&mut view, &ours).await);
        let expected = ids(super::desk::rows(sqlite.scan(&theirs).await.unwrap()).await);
        assert_eq!(found, expected, "{filter}");
        assert_eq!(view.count(&ours).await.unwrap(), found.len() as u64);
        some += usize::from(!found.is_empty() && found.len() < 140);
    }
    assert!(some > 700 && refused < 500, "{some} of use, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_its_own_are_compared_by_what_they_mean() {
    let desk = Desk::with(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a integer, b integer); \
         CREATE TABLE t (id integer PRIMARY KEY, f real, c char(5), m mood, u uuid, d date, z timestamptz, j jsonb, a inet, o boolean, p pair); \
         INSERT INTO t VALUES (1, 0.1, 'ab', 'sad', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-05-06', '2024-05-06 07:08:09.5004+00', '{\"a\":1}', \
         '10.0.0.1', true, ROW(NULL, NULL)), (2, NULL, NULL, 'ok', NULL, 'infinity', NULL, NULL, NULL, NULL, NULL)",
    );
    let table = desk.task("t").await.table;
    let mut view = desk.view().await;
    let cases: [(&str, &[i64]); 17] = [
        ("f = 0.1", &[1]),
        ("f > 0.1", &[]),
        ("c = 'ab'", &[1]),
        ("c LIKE 'ab'", &[1]),
        ("m > 'ok'", &[1]),
        ("m = 'ok'", &[2]),
        ("u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", &[1]),
        ("d >= '2024-05-06'", &[1, 2]),
        ("d < now()", &[1]),
        ("z = now()", &[1]),
        ("z > now()", &[]),
        ("z > now() - interval '1 second'", &[1]),
        ("j = '{\"a\": 1}'", &[1]),
        ("a = '10.0.0.1'", &[1]),
        ("o = TRUE", &[1]),
        ("p IS NULL", &[2]),
        ("u < c AND d < z", &[1]),
    ];
    for (filter, expected) in cases {
        let task = task(&table, filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
        let found: Vec<Value> = scan(&mut view, &task).await.into_iter().map(|mut row| row.remove(0)).collect();
        assert_eq!(found, expected.iter().map(|id| Value::Int(*id)).collect::<Vec<_>>(), "{filter}");
    }
}
