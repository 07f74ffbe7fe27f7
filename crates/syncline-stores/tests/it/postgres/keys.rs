//! Keys of every type: the order they come in, and the rows that are found by them.

use futures_util::TryStreamExt;
use proptest::prelude::*;
use syncline_core::change::{TableTask, copies};
use syncline_core::error::Code;
use syncline_core::store::{Share, Snapshot};
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Equality, Forms, Kind, SumPart, TableSum, Value, exact};

use super::desk::{Desk, digests, failure, fetch, scan};

/// Types of keys, and texts of keys that are told apart.
const KEYS: [(&str, &[&str]); 22] = [
    ("boolean", &["t", "f"]),
    ("smallint", &["-32768", "0", "32767"]),
    ("bigint", &["-9223372036854775808", "-1", "9223372036854775807"]),
    ("oid", &["0", "4294967295", "2147483648"]),
    ("numeric", &["NaN", "-Infinity", "Infinity", "-0.50", "1e400", "10.50", "9", "0"]),
    ("numeric(8,3)", &["10.500", "-3.125", "99"]),
    ("real", &["NaN", "-Infinity", "Infinity", "0.1", "-1.5", "16777216", "1e-37"]),
    ("double precision", &["NaN", "-Infinity", "Infinity", "0.1", "0.30000000000000004", "-0"]),
    ("text", &["", "a", "B", "ab", "a b", "é", "z", "Z", "a\"b\\c", "{x,y}", "NULL", "'", "10", "9"]),
    ("varchar(5)", &["a", "B", "é", "abcde"]),
    ("char(4)", &["a", "a\u{1}", "b", "B", "abcd"]),
    ("name", &["a", "B"]),
    ("public.folded", &["a", "B", "_"]),
    ("bytea", &["\\x", "\\x00", "\\xff", "\\x7f", "\\x80", "\\x5c22"]),
    ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"]),
    ("date", &["infinity", "-infinity", "2024-02-29", "4714-11-24 BC", "1970-01-01"]),
    ("time", &["00:00", "24:00:00", "12:00:00.5"]),
    (
        "timestamp",
        &[
            "infinity",
            "-infinity",
            "294276-12-31 23:59:59.5",
            "294247-01-10 04:00:54.775807",
            "0044-03-15 BC",
            "2024-01-01",
        ],
    ),
    ("timestamptz(0)", &["infinity", "294276-12-31 23:59:59", "2024-01-01 00:00:00+00"]),
    ("public.mood", &["sad", "ok", "happy"]),
    ("jsonb", &["{\"a\": 1}", "1", "\"x\"", "[]"]),
    ("inet", &["10.0.0.1", "9.0.0.0/8", "::1"]),
];

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); \
    CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
    CREATE DOMAIN folded AS text COLLATE folding; CREATE DOMAIN positive AS integer CHECK (VALUE > 0)";

/// Reads all by their digests, and holds them against what is scanned: each once, in order, and found again by its key.
pub(super) async fn check(desk: &Desk, task: &TableTask) {
    let mut view = desk.view().await;
    let mut all = scan(&mut view, task).await;
    let key = |row: &[Value]| task.key.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
    all.sort_by(|a, b| compare_keys(key(a).iter().map(Into::into), key(b).iter().map(Into::into)));
    let found = digests(&mut view, task).await;
    let mut scratch = Vec::new();
    let expected: Vec<_> =
        all.iter().map(|row| (key(row), task.digest(row.iter().map(Into::into), &mut scratch))).collect();
    assert_eq!(found, expected, "{}", task.table.columns[task.columns[task.key[0]]].declared_type);
    let mut keys: Vec<Vec<Value>> = all.iter().map(|row| key(row)).collect();
    assert_eq!(fetch(&mut view, task, &keys).await, all);
    keys.reverse();
    keys.pop();
    all.reverse();
    all.pop();
    assert_eq!(fetch(&mut view, task, &keys).await, all, "in the order of the keys");
}

pub(super) fn table(name: &str, declared: &str, keys: &[&str]) -> String {
    let rows: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| format!("(E'{}', {n})", key.replace('\\', "\\\\").replace('\'', "''")))
        .collect();
    format!(
        "CREATE TABLE \"{name}\" (k {declared} PRIMARY KEY, n integer); INSERT INTO \"{name}\" VALUES {};",
        rows.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_type_come_in_the_one_order() {
    let mut sql = format!("{TYPES};");
    for (number, (declared, keys)) in KEYS.iter().enumerate() {
        sql.push_str(&table(&format!("t{number}"), declared, keys));
    }
    let desk = Desk::with(&sql);
    for number in 0..KEYS.len() {
        check(&desk, &desk.task(&format!("t{number}")).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_order_of_the_database_and_another_encoding_change_nothing() {
    for words in ["LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", "ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C'"] {
        let database = syncline_testkit::postgres::Cluster::shared().database_with(words);
        let keys = if words.contains("EUC") { &["a", "B", "é", "漢", "ア", "亜", "Ω"][..] } else { KEYS[8].1 };
        database.psql(&format!("SET client_encoding = 'UTF8'; {}", table("t", "text", keys)));
        let desk = Desk { database };
        check(&desk, &desk.task("t").await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_several_columns_are_read_in_any_order() {
    let desk = Desk::with(&format!(
        "{TYPES}; CREATE TABLE t (x positive, m public.mood, s text, n integer, PRIMARY KEY (s, x, m)); \
         INSERT INTO t SELECT x, m::public.mood, s, x FROM generate_series(1, 20) x, unnest('{{sad,ok}}'::text[]) m, \
         unnest('{{a,B,\"\"}}'::text[]) s"
    ));
    let mut task = desk.task("t").await;
    assert_eq!(task.key, [2, 0, 1]);
    check(&desk, &task).await;
    task.key = vec![0, 1, 2];
    check(&desk, &task).await;
    let mut view = desk.view().await;
    let key = |x: i64, m: &str, s: &str| vec![Value::Int(x), Value::text(m), Value::text(s)];
    // What no column can hold is in no row, and spoils nothing.
    let asked =
        [key(-1, "sad", "a"), key(1, "glad", "a"), key(1, "sad", "a"), key(1 << 40, "ok", "a"), key(99, "ok", "a")];
    assert_eq!(fetch(&mut view, &task, &asked).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_through_its_index_however_little_the_server_knows() {
    let desk = Desk::with(
        "CREATE TABLE t (k bigint PRIMARY KEY, s text); INSERT INTO t SELECT i, i FROM generate_series(1, 50000) i",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let before =
        desk.database.psql("SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = 't'");
    let keys: Vec<Vec<Value>> = (1..5_000).map(|n| vec![Value::Int(n * 10)]).collect();
    assert_eq!(fetch(&mut view, &task, &keys).await.len(), 4_999);
    drop(view);
    let seen =
        || desk.database.psql("SELECT idx_tup_fetch >= 4999 FROM pg_stat_user_tables WHERE relname = 't'") == "t\n";
    // The session tells its figures when it ends.
    for _ in 0..1_000 {
        if seen() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let after =
        desk.database.psql("SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = 't'");
    assert!(seen() && before == after, "{before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_and_keys_are_seen_in_their_forms() {
    let desk = Desk::with(
        "CREATE TABLE t (k char(4) PRIMARY KEY, s text, n numeric); INSERT INTO t VALUES ('b', 'x  ', 1.50), ('a', '2024-01-01', 2)",
    );
    let text = Kind::Text { max_chars: None, padded: true };
    let kinds = vec![Some(text.clone()), Some(Kind::Timestamp { digits: 6 }), None];
    let task = TableTask { forms: Forms { kinds, equality: Equality::Canonical }, ..desk.task("t").await };
    let mut view = desk.view().await;
    let row = |k: &str, s: Value, n: &str| vec![Value::text(k), s, Value::Decimal(n.to_owned())];
    let expected = [row("a", Value::Timestamp(1_704_067_200_000_000), "2"), row("b", Value::text("x  "), "1.50")];
    check(&desk, &task).await;
    assert_eq!(fetch(&mut view, &task, &[vec![Value::text("a")], vec![Value::text("b")]]).await, expected);
    let mut scratch = Vec::new();
    let found = digests(&mut view, &task).await;
    let half = row("b", Value::text("x  "), "1.5");
    assert_eq!(found[1].1, task.digest(half.iter().map(Into::into), &mut scratch), "by what it means");
    let native = task.native();
    assert_eq!(fetch(&mut view, &native, &[vec![Value::text("a   ")]]).await[0][0], Value::text("a   "));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_are_found_at_their_places() {
    let desk = Desk::with(
        "CREATE TABLE t (n integer, s text); INSERT INTO t SELECT i % 7, repeat('x', i) FROM generate_series(1, 2000) i; \
         INSERT INTO t SELECT * FROM t WHERE n = 3; DELETE FROM t WHERE n = 5; \
         CREATE TABLE parts (n integer) PARTITION BY LIST (n); CREATE TABLE part PARTITION OF parts DEFAULT; \
         CREATE TABLE base (n integer); CREATE TABLE heir () INHERITS (base); INSERT INTO heir VALUES (1)",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let mut expected: Vec<_> = scan(&mut view, &task)
        .await
        .iter()
        .map(|row| exact::digest_row(row.iter().map(Into::into), &mut Vec::new()))
        .collect();
    expected.sort_unstable();
    let found = digests(&mut view, &task).await;
    assert_eq!(found.iter().map(|(_, digest)| digest.0).collect::<Vec<_>>(), expected);
    let keys: Vec<_> = found.iter().map(|(key, _)| key.clone()).collect();
    let fetched = fetch(&mut view, &task, &keys).await;
    let again: Vec<_> =
        fetched.iter().map(|row| exact::digest_row(row.iter().map(Into::into), &mut Vec::new())).collect();
    assert_eq!(again, expected);
    assert_eq!(keys[0].len(), copies::WIDTH);
    let parts = desk.task("parts").await;
    assert_eq!(view.check_key(&parts).await.unwrap_err().code(), Code::TableNoKey);
    assert_eq!(failure(view.digest(&parts).await.unwrap()).await.code(), Code::TableNoKey);
    assert!(scan(&mut view, &desk.task("base").await).await.is_empty(), "rows of an heir are its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_make_up_the_whole_of_tables_of_all_kinds() {
    let desk = Desk::with(
        "CREATE TABLE t (n integer PRIMARY KEY, s text); INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 3000) i; \
         DELETE FROM t WHERE n % 3 = 0; CREATE TABLE parts (n integer PRIMARY KEY) PARTITION BY RANGE (n); \
         CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (50); CREATE TABLE high PARTITION OF parts DEFAULT; \
         INSERT INTO parts SELECT generate_series(1, 100); CREATE TABLE hollow (n integer)",
    );
    for (table, rows) in [("t", 2_000), ("parts", 100), ("hollow", 0)] {
        let task = desk.task(table).await;
        let mut views = vec![Box::new(desk.view().await) as Box<dyn Snapshot>];
        for _ in 0..2 {
            let twin = views[0].twin().await.unwrap().unwrap();
            views.push(twin);
            // It may grow between two views of one instant that are asked for their shares.
            if table == "t" {
                desk.database.psql("INSERT INTO t SELECT i, repeat('y', 1000) FROM generate_series((SELECT max(n) + 1 FROM t), (SELECT max(n) + 5000 FROM t)) i");
            }
        }
        let mut sums = Vec::new();
        for of in 1..=3 {
            let mut all = TableSum::default();
            for index in 0..of {
                let sum: Vec<SumPart> =
                    views[index as usize].sum(&task, Share { index, of }).await.unwrap().try_collect().await.unwrap();
                sum.into_iter().for_each(|part| all.merge(part.sum));
            }
            sums.push(all);
        }
        assert_eq!(sums[0].rows, rows, "{table}");
        assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        assert_eq!(views[0].count(&task).await.unwrap(), rows);
        assert_eq!(views[0].estimate(&task).await.unwrap().rows == 0, rows == 0);
    }
}

#[test]
fn no_key_escapes_from_its_statement() {
    let desk = Desk::with("CREATE TABLE t (k text PRIMARY KEY, n integer)");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task = runtime.block_on(desk.task("t"));
    proptest!(ProptestConfig::with_cases(40), |(keys in prop::collection::btree_set("[a'\"\\\\{},é🦀\n\t %$;-]{0,6}", 1..20))| {
        let keys: Vec<&String> = keys.iter().collect();
        let values: Vec<String> = keys.iter().map(|key| format!("(E'{}', 0)", key.replace('\\', "\\\\").replace('\'', "''"))).collect();
        desk.database.psql(&format!("TRUNCATE t; INSERT INTO t VALUES {}", values.join(", ")));
        let asked: Vec<Vec<Value>> = keys.iter().map(|key| vec![Value::text(key.as_str())]).collect();
        let found = runtime.block_on(async { fetch(&mut desk.view().await, &task, &asked).await });
        let found: Vec<Value> = found.into_iter().map(|mut row| row.remove(0)).collect();
        prop_assert_eq!(found, asked.into_iter().flatten().collect::<Vec<_>>());
    });
}
