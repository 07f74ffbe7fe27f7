//! Keys of every type: the order they come in, and the rows that are found by them.

use futures_util::TryStreamExt;
use proptest::prelude::*;
use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::store::{Share, Snapshot};
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Equality, Forms, Kind, SumPart, TableSum, Value};

use super::desk::{Desk, digests, failure, fetch, scan};

/// Types of keys, and keys that are told apart.
const KEYS: [(&str, &[&str]); 31] = [
    ("tinyint(1)", &["-128", "0", "2", "127"]),
    ("smallint unsigned", &["0", "65535"]),
    ("bigint", &["-9223372036854775808", "-1", "9223372036854775807"]),
    ("bigint unsigned", &["18446744073709551615", "0", "9223372036854775808", "7"]),
    ("decimal(8,3)", &["10.500", "-3.125", "99"]),
    ("decimal(65,30)", &["12345678901234567890123456789012345.000000000000000000000000000001", "-1", "0.5"]),
    ("float", &["0.1", "-1.5", "16777216", "1e-37", "3.4e38", "0"]),
    ("double", &["0.1e0", "0.30000000000000004e0", "-1e300", "5e-324"]),
    ("year", &["1970", "0", "2155"]),
    ("bit(1)", &["b'0'", "b'1'"]),
    ("bit(64)", &["18446744073709551615", "0", "70"]),
    (
        "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        &["''", "'a'", "'B'", "'a b'", "'é'", "'Z'", "'a''b'", "'10'", "'9'", "_utf8mb4 X'610062'", "'🦀'"],
    ),
    ("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", &["'a'", "'a '", "'a  '", "' a'"]),
    (
        "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        &["'a'", "'B'", "'c'", "'Z'", "'é'", "'_'", "'[' "],
    ),
    ("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_nopad_ci", &["'a'", "'a '", "'B'", "'ß'", "'漢'"]),
    ("varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci", &["'a'", "'B'", "'ö'", "'€'", "'ÿ'", "'~'"]),
    ("varchar(20) CHARACTER SET utf16", &["'a'", "'🦀'", "'漢'", "'\u{FB01}'"]),
    ("varchar(20) CHARACTER SET sjis", &["'a'", "'表'", "'ア'"]),
    ("char(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", &["'a'", "_utf8mb4 X'6101'", "'b'", "'Cd'"]),
    ("varbinary(20)", &["''", "X'00'", "X'FF'", "X'7F'", "X'80'", "X'0000'", "'a'"]),
    ("binary(3)", &["X'00'", "X'FF'", "X'61'"]),
    ("enum('z', 'a', 'B')", &["'a'", "'B'", "'z'"]),
    ("set('z', 'a', 'B')", &["'a'", "'z,a'", "'B'", "''"]),
    ("date", &["'2024-02-29'", "'1970-01-01'", "'0001-01-01'", "'9999-12-31'"]),
    ("date", &["'2024-02-29'", "'0000-00-00'", "'2024-02-31'", "'2024-00-01'", "'2024-12-01'"]),
    ("time(6)", &["'-838:59:59'", "'00:00:00'", "'25:00:00.5'", "'-00:00:00.000001'"]),
    ("datetime(3)", &["'2024-02-29 00:00:00.5'", "'0001-01-01'", "'9999-12-31 23:59:59.999'"]),
    ("datetime", &["'2024-02-29 00:00:01'", "'0000-00-00'", "'2024-02-31 01:02:03'"]),
    ("timestamp(6)", &["'2024-02-29 00:00:00.5'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"]),
    (
        "uuid",
        &[
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
            "'00000000-0000-0000-0000-000000000000'",
            "'5e8a1b2c-1111-11ee-8000-000000000000'",
            "'00000001-2222-11ff-8000-000000000000'",
        ],
    ),
    ("inet6", &["'::ffff:10.0.0.1'", "'::1'", "'ffff::'"]),
];

const ANY: &str = "SET NAMES utf8mb4; SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES';";

/// Reads all by their digests, and holds them against what is scanned: each once, in order, and found again by its key.
async fn check(desk: &Desk, task: &TableTask) {
    let mut view = desk.view().await;
    let declared = &task.table.columns[task.columns[task.key[0]]].declared_type;
    let mut all = scan(&mut view, task).await;
    let key = |row: &[Value]| task.key.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
    all.sort_by(|a, b| compare_keys(key(a).iter().map(Into::into), key(b).iter().map(Into::into)));
    let found = digests(&mut view, task).await;
    let mut scratch = Vec::new();
    let expected: Vec<_> =
        all.iter().map(|row| (key(row), task.digest(row.iter().map(Into::into), &mut scratch))).collect();
    assert_eq!(found, expected, "{declared}");
    let mut keys: Vec<Vec<Value>> = all.iter().map(|row| key(row)).collect();
    assert_eq!(fetch(&mut view, task, &keys).await, all, "{declared}");
    keys.reverse();
    keys.pop();
    all.reverse();
    all.pop();
    assert_eq!(fetch(&mut view, task, &keys).await, all, "{declared}: in the order of the keys");
    let one: Vec<_> = keys.into_iter().take(1).collect();
    assert_eq!(fetch(&mut view, task, &one).await, all[..one.len()], "{declared}: alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_type_come_in_the_one_order() {
    let is_mariadb = syncline_testkit::mariadb::Server::shared().is_mariadb();
    let mut sql = ANY.to_owned();
    let is_there = |declared: &str| {
        let is_only_theirs = ["uuid", "inet6"].contains(&declared) || declared.contains("nopad");
        is_mariadb || !is_only_theirs
    };
    for (number, (declared, keys)) in KEYS.iter().enumerate().filter(|(_, (declared, _))| is_there(declared)) {
        sql.push_str(&format!("CREATE TABLE t{number} (n integer, k {declared} PRIMARY KEY);"));
        keys.iter()
            .enumerate()
            .for_each(|(n, key)| sql.push_str(&format!("INSERT INTO t{number} VALUES ({n}, {key});")));
    }
    let desk = Desk::with(&sql);
    for number in (0..KEYS.len()).filter(|number| is_there(KEYS[*number].0)) {
        check(&desk, &desk.task(&format!("t{number}")).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_several_columns_are_read_in_any_order() {
    let desk = Desk::with(
        "CREATE TABLE t (x integer, m enum('sad', 'ok'), s varchar(9) COLLATE utf8mb4_general_ci, n integer, PRIMARY KEY (s, x DESC, m)); \
         INSERT INTO t SELECT seq, m, s, seq FROM seq_1_to_20, (SELECT 'sad' AS m UNION ALL SELECT 'ok') m, \
         (SELECT 'a' AS s UNION ALL SELECT 'B' UNION ALL SELECT '') s",
    );
    let mut task = desk.task("t").await;
    assert_eq!(task.key, [2, 0, 1]);
    check(&desk, &task).await;
    task.key = vec![0, 1, 2];
    check(&desk, &task).await;
    let mut view = desk.view().await;
    let key = |x: i64, m: &str, s: &str| vec![Value::Int(x), Value::text(m), Value::text(s)];
    // What no column can hold is in no row, and spoils nothing; nor does what only the server takes for the same.
    let asked = [
        key(-1, "sad", "a"),
        key(1, "glad", "a"),
        key(1, "sad", "a"),
        key(1, "sad", "A"),
        key(1 << 40, "ok", "a"),
        key(99, "ok", "a"),
    ];
    assert_eq!(
        fetch(&mut view, &task, &asked).await,
        [vec![Value::Int(1), Value::text("sad"), Value::text("a"), Value::Int(1)]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_through_its_index_however_little_the_server_knows() {
    // What a server counts is what all do there.
    let desk = Desk::alone(
        "CREATE TABLE i (k bigint unsigned PRIMARY KEY, s text); INSERT INTO i SELECT seq, seq FROM seq_1_to_50000; \
         CREATE TABLE t (k varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY); \
         INSERT INTO t SELECT seq FROM seq_1_to_50000; \
         CREATE TABLE l (k varchar(40) CHARACTER SET latin1 PRIMARY KEY); INSERT INTO l SELECT seq FROM seq_1_to_50000; \
         CREATE TABLE d (k datetime(3) PRIMARY KEY); INSERT INTO d SELECT from_unixtime(seq) FROM seq_1_to_50000; \
         CREATE TABLE f (k float PRIMARY KEY); INSERT INTO f SELECT seq FROM seq_1_to_50000; \
         CREATE TABLE u (k uuid PRIMARY KEY); INSERT INTO u SELECT concat('00000000-0000-4000-8000-', lpad(seq, 12, '0')) FROM seq_1_to_50000; \
         CREATE TABLE b (k varbinary(40) PRIMARY KEY); INSERT INTO b SELECT seq FROM seq_1_to_50000; \
         CREATE TABLE n (k decimal(20,2) PRIMARY KEY); INSERT INTO n SELECT seq FROM seq_1_to_50000; \
         CREATE TABLE p (a integer, k varchar(20) COLLATE utf8mb4_general_ci, PRIMARY KEY (a, k)); INSERT INTO p SELECT seq % 7, seq FROM seq_1_to_50000",
    );
    let mut view = desk.view().await;
    let read = || {
        let sql = "SELECT variable_value FROM information_schema.global_status WHERE variable_name IN \
            ('Handler_read_rnd_next', 'Handler_read_next') ORDER BY variable_name";
        desk.database.mariadb(sql).lines().map(|line| line.parse::<u64>().unwrap()).sum::<u64>()
    };
    for name in ["i", "t", "l", "d", "f", "u", "b", "n", "p"] {
        let task = desk.task(name).await;
        let all = scan(&mut view, &task).await;
        let keys: Vec<Vec<Value>> = all
            .iter()
            .step_by(1_000)
            .cloned()
            .map(|mut row| {
                if name == "i" {
                    row.truncate(1);
                }
                row
            })
            .collect();
        let before = read();
        assert_eq!(fetch(&mut view, &task, &keys).await.len(), 50, "{name}");
        assert!(read() - before < 10_000, "{name}: {} rows were gone through", read() - before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_keys_than_go_into_one_question_are_found_in_their_order() {
    let desk = Desk::with("CREATE TABLE t (k bigint PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_20000");
    let task = desk.task("t").await;
    let keys: Vec<Vec<Value>> = (0..6_000).map(|n| vec![Value::Int((n * 7_919) % 20_001)]).collect();
    let expected: Vec<_> = keys.iter().filter(|key| key[0] != Value::Int(0)).cloned().collect();
    assert_eq!(fetch(&mut desk.view().await, &task, &keys).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_that_lets_in_no_null_is_a_key() {
    let desk = Desk::with(
        "CREATE TABLE t (a integer NULL, b varchar(9) NOT NULL, UNIQUE KEY z (a), UNIQUE KEY y (b)); INSERT INTO t VALUES (NULL, 'x'), (1, 'y')",
    );
    let task = desk.task("t").await;
    assert_eq!(task.key, [1]);
    check(&desk, &task).await;
    // One that has been chosen may hold NULL.
    let nullable = TableTask { key: vec![0], ..task };
    let mut view = desk.view().await;
    assert_eq!(view.check_key(&nullable).await.unwrap_err().code(), Code::KeyNull);
    assert_eq!(failure(view.digest(&nullable).await.unwrap()).await.code(), Code::KeyNull);
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_and_keys_are_seen_in_their_forms() {
    let desk = Desk::with(
        "CREATE TABLE t (k char(4) PRIMARY KEY, s text, n decimal(5,2)); INSERT INTO t VALUES ('b', 'x  ', 1.50), ('a', '2024-01-01', 2)",
    );
    let text = Kind::Text { max_chars: None, padded: true };
    let kinds = vec![Some(text), Some(Kind::Timestamp { digits: 6 }), None];
    let task = TableTask { forms: Forms { kinds, equality: Equality::Canonical }, ..desk.task("t").await };
    let mut view = desk.view().await;
    let row = |k: &str, s: Value, n: &str| vec![Value::text(k), s, Value::Decimal(n.to_owned())];
    let expected = [row("a", Value::Timestamp(1_704_067_200_000_000), "2.00"), row("b", Value::text("x  "), "1.50")];
    check(&desk, &task).await;
    assert_eq!(fetch(&mut view, &task, &[vec![Value::text("a")], vec![Value::text("b")]]).await, expected);
    let mut scratch = Vec::new();
    let found = digests(&mut view, &task).await;
    let half = row("b", Value::text("x  "), "1.5");
    assert_eq!(found[1].1, task.digest(half.iter().map(Into::into), &mut scratch), "by what it means");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_share_is_the_whole_table() {
    let desk = Desk::with(
        "CREATE TABLE t (n integer PRIMARY KEY, s text); INSERT INTO t SELECT seq, repeat('x', 100) FROM seq_1_to_3000",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let mut sums = Vec::new();
    for of in 1..=3 {
        let mut all = TableSum::default();
        for index in 0..of {
            let sum: Vec<SumPart> = view.sum(&task, Share { index, of }).await.unwrap().try_collect().await.unwrap();
            sum.into_iter().for_each(|part| all.merge(part.sum));
        }
        sums.push(all);
    }
    assert_eq!(sums[0].rows, 3_000);
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn no_key_escapes_from_its_statement() {
    let desk = Desk::with(
        "CREATE TABLE t (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY, n integer)",
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task = runtime.block_on(desk.task("t"));
    proptest!(ProptestConfig::with_cases(40), |(keys in prop::collection::btree_set("[a'\"\\\\`{},é🦀\0\n\t\u{1a} %$;-]{0,6}", 1..20))| {
        let keys: Vec<&String> = keys.iter().collect();
        let hex = |key: &str| key.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let values: Vec<String> = keys.iter().map(|key| format!("(_utf8mb4 X'{}', 0)", hex(key))).collect();
        desk.database.mariadb(&format!("DELETE FROM t; INSERT INTO t VALUES {}", values.join(", ")));
        let asked: Vec<Vec<Value>> = keys.iter().map(|key| vec![Value::text(key.as_str())]).collect();
        let (found, ordered) = runtime.block_on(async {
            let mut view = desk.view().await;
            (fetch(&mut view, &task, &asked).await, digests(&mut view, &task).await)
        });
        let found: Vec<Vec<Value>> = found.into_iter().map(|row| vec![row[0].clone()]).collect();
        prop_assert_eq!(&found, &asked);
        prop_assert_eq!(ordered.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), asked);
    });
}

/// Whatever collation a key has, it comes in the order of its bytes in UTF-8, and each finds its own row and no other.
#[test]
fn text_in_any_collation_comes_in_the_order_of_its_bytes() {
    const COLLATIONS: [&str; 7] = [
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "CHARACTER SET utf8mb3 COLLATE utf8mb3_swedish_ci",
        "CHARACTER SET latin1 COLLATE latin1_german2_ci",
        "CHARACTER SET utf16 COLLATE utf16_general_ci",
        "CHARACTER SET ucs2 COLLATE ucs2_bin",
    ];
    let tables: Vec<String> = COLLATIONS
        .iter()
        .enumerate()
        .map(|(at, collation)| format!("CREATE TABLE t{at} (k varchar(20) {collation}, n integer, PRIMARY KEY (k, n))"))
        .collect();
    let desk = Desk::with(&tables.join(";"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let names: Vec<String> = (0..COLLATIONS.len()).map(|at| format!("t{at}")).collect();
    let tasks = runtime.block_on(desk.tasks(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let keys = prop::collection::vec(("[aAbBzZéÉßöœ€ \u{1}~\u{FB01}漢𝒳]{0,5}", 0..3_i64), 1..30);
    proptest!(ProptestConfig::with_cases(12), |(keys in keys)| {
        for (at, task) in tasks.iter().enumerate() {
            let rows: Vec<String> = keys.iter().map(|(key, n)| format!("('{key}', {n})")).collect();
            // What a character set has not becomes a question mark, and what a collation takes for the same is passed over.
            desk.database.mariadb(&format!("SET NAMES utf8mb4, sql_mode = ''; DELETE FROM t{at}; INSERT IGNORE INTO t{at} VALUES {}", rows.join(", ")));
            runtime.block_on(check(&desk, task));
            let asked: Vec<Vec<Value>> = keys.iter().map(|(key, n)| vec![Value::text(key.as_str()), Value::Int(*n)]).collect();
            let found = runtime.block_on(async { fetch(&mut desk.view().await, task, &asked).await });
            for row in found {
                prop_assert!(asked.contains(&row), "{row:?} was not asked for");
            }
        }
    });
}
