//! The same filter over the same rows picks the same ones in MySQL and in SQLite, whose filter is held against an evaluator
//! of its own.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::mapping::{Mapping, MappingRequest, Resolved};
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::{Snapshot, Store};
use syncline_core::value::Value;
use syncline_stores::{Access, SqliteStore};

use super::desk::{Desk, scan};

/// 2024-05-06T07:08:09.500Z.
const NOW_MS: i64 = 1_714_979_289_500;

/// Text is in a collation that takes nearly everything for equal, or in another character set.
const HERE: &str = "CREATE TABLE t (id integer PRIMARY KEY, i bigint, r double, d decimal(20,6), \
    s varchar(99) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, w varchar(9) CHARACTER SET utf16, b varbinary(9), KEY (s), KEY (i))";

const THERE: &str =
    "CREATE TABLE t (id integer PRIMARY KEY, i bigint, r double precision, d numeric, s text, w varchar(9), b blob)";

const TEXTS: [&str; 15] = [
    "",
    "a",
    "A",
    "a ",
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
            prop::sample::select(vec!["1714979289", "1e30", "-1e30", "1e-30", "99999999999999999999"])
                .prop_map(str::to_owned),
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
fn script() -> String {
    let mut script = String::new();
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
        let short = |at: usize| format!("'{}'", TEXTS[(id * at + at) % 11]);
        let bytes = ["x''", "x'00'", "x'ff'", "x'6161'"][id % 4].to_owned();
        let cells = [whole, julian, format!("{:.1}", number(2) as f64 / 2.0), text(4), short(5), bytes];
        let cells: Vec<String> = cells.into_iter().enumerate().map(|(at, cell)| or_null(cell, at)).collect();
        script.push_str(&format!("INSERT INTO t VALUES ({id}, {});", cells.join(", ")));
    }
    script
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
    let desk = Desk::with(&format!("SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'; {HERE}; {}", script()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch(&format!("{THERE}; {}", script())).unwrap();
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

/// Filters of kinds that only this engine has, and the rows they let in.
const KINDS_OF_ITS_OWN: [(&str, &[i64]); 48] = [
    ("f = 0.1", &[1]),
    ("f > 0.1", &[]),
    ("f >= 0.1", &[1]),
    ("f < 0.1000001", &[1]),
    ("f <> 0.1", &[]),
    ("f IN (0.1, 7)", &[1]),
    ("f < g", &[1]),
    ("f < 1e300", &[1]),
    ("c = 'ab'", &[1]),
    ("c LIKE 'ab'", &[1]),
    ("m > 'ok'", &[1]),
    ("m = 'ok'", &[2]),
    ("m LIKE 'S%'", &[]),
    ("m ILIKE 'S%'", &[1]),
    ("d >= '2024-05-06'", &[1]),
    ("d < now()", &[1]),
    ("NOT (d > now())", &[1]),
    ("d < '99999-01-01'", &[1, 2]),
    ("z = now()", &[1]),
    ("z > now()", &[]),
    ("z > now() - interval '1 second'", &[1]),
    ("at = now()", &[1]),
    ("NOT (at <> now())", &[1]),
    ("h = '13:00:00.5'", &[1]),
    ("y = 70", &[]),
    ("y = 1970", &[1]),
    ("y > 99", &[1, 2]),
    ("o = 2", &[1]),
    ("o = 1", &[]),
    ("o = 2.00000000000000000000001", &[]),
    ("o < 2.00000000000000000000001", &[1, 2]),
    ("u > 9223372036854775807", &[1]),
    ("u >= 18446744073709551615", &[1]),
    ("u > 99999999999999999999999", &[]),
    ("u > -1", &[1, 2]),
    ("u > o", &[1]),
    ("e = '100000001'", &[1]),
    ("k = 'a,b'", &[1]),
    ("k <> 'a,b'", &[2]),
    ("p = 'SRID=7;010100000000000000000000000000000000000000'", &[1]),
    ("p IS NULL", &[2]),
    ("bin = x'610000'", &[1]),
    ("n < 1000", &[1, 2]),
    ("n > 999.985", &[1]),
    ("n >= -0.015", &[1, 2]),
    ("n = 999.991", &[]),
    ("c < bin AND d < z", &[1]),
    ("id IN (1, 2.5, 1e400)", &[1]),
];

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_its_own_are_compared_by_what_they_mean() {
    let desk = Desk::with(
        "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'; \
         CREATE TABLE t (id integer PRIMARY KEY, f float, g float, c char(5), m enum('sad', 'ok'), d date, z timestamp(6) NULL, \
         at datetime(3), h time(6), y year, o tinyint(1), u bigint unsigned, e bit(9), k set('a', 'b'), p point, bin binary(3), n decimal(5,2)); \
         INSERT INTO t VALUES (1, 0.1, 0.2, 'ab', 'sad', '2024-05-06', '2024-05-06 07:08:09.5004', '2024-05-06 07:08:09.5', '13:00:00.5', 1970, 2, \
         18446744073709551615, b'100000001', 'a,b', ST_GeomFromText('POINT(0 0)', 7), 'a', 999.99), \
         (2, NULL, NULL, NULL, 'ok', '0000-00-00', NULL, '2024-02-31', NULL, 2070, 0, 0, 0, '', NULL, NULL, -0.01)",
    );
    let table = desk.task("t").await.table;
    let mut view = desk.view().await;
    for (filter, expected) in KINDS_OF_ITS_OWN {
        let task = match task(&table, filter) {
            Ok(task) => task,
            // A number without end is none.
            Err(error) if filter.contains("1e400") => {
                assert_eq!(error.code(), Code::FilterInvalid);
                continue;
            }
            Err(error) => panic!("{filter}: {error:?}"),
        };
        let found: Vec<Value> = scan(&mut view, &task).await.into_iter().map(|mut row| row.remove(0)).collect();
        assert_eq!(found, expected.iter().map(|id| Value::Int(*id)).collect::<Vec<_>>(), "{filter}");
    }
    let error = super::desk::failure(view.scan(&task(&table, "f = n").unwrap()).await.unwrap()).await;
    assert_eq!(error.code(), Code::FilterInvalid, "{error:?}");
}

/// Text that is equal goes through its index, and so do times.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_goes_through_an_index() {
    let desk = Desk::alone(
        "CREATE TABLE t (id integer PRIMARY KEY, s varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, z timestamp NULL, KEY (s), KEY (z)); \
         INSERT INTO t SELECT seq, concat('s', seq), from_unixtime(1000000 + seq) FROM seq_1_to_20000",
    );
    let table = desk.task("t").await.table;
    let mut view = desk.view().await;
    let read = || {
        let sql =
            "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Handler_read_rnd_next'";
        desk.database.mariadb(sql).trim().parse::<u64>().unwrap()
    };
    for (filter, rows) in [("s = 's77'", 1), ("s IN ('s78', 's79', 'S80')", 2), ("z > now() - interval '3650 days'", 0)]
    {
        let task = task(&table, filter).unwrap();
        let before = read();
        assert_eq!(scan(&mut view, &task).await.len(), rows, "{filter}");
        // What the server tells of itself are rows, too.
        assert!(read() - before < 10_000, "{filter}: {} rows", read() - before);
    }
}
