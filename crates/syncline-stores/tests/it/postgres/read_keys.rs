//! Keys of types that travel as text: they are looked up through their index, and what is no value of the type spoils nothing.

use syncline_core::change::TableTask;
use syncline_core::value::{Equality, Forms, Kind, Value};

use super::desk::{Desk, fetch};
use super::keys::{check, table};

/// Types of keys, and keys of them as the server prints them.
const KEYS: [(&str, &[&str]); 12] = [
    ("inet", &["10.0.0.1", "10.0.0.1/8", "9.0.0.0/8", "::1"]),
    ("public.address", &["10.0.0.1", "::1"]),
    ("cidr", &["10.0.0.1/32", "9.0.0.0/8"]),
    ("interval", &["1 day", "-00:00:01", "1 mon", "00:00:00"]),
    ("interval(0)", &["1 day", "00:00:01"]),
    ("integer[]", &["{}", "{1,NULL}", "{1,2}", "{{1,2},{3,4}}", "[0:1]={1,2}"]),
    ("text[]", &["{\"a,b\"}", "{\"\"}", "{NULL}", "{b}"]),
    ("bit(3)", &["101", "010"]),
    ("time with time zone", &["12:00:00+00", "12:00:00+01"]),
    ("int4range", &["empty", "[1,5)", "(,)"]),
    ("public.pair", &["(1,\"a b\")", "(1,b)"]),
    ("\"char\"", &["x", "B"]),
];

const TYPES: &str = "CREATE DOMAIN address AS inet; CREATE TYPE pair AS (a integer, b text);";

fn other(type_name: &str, text: &str) -> Value {
    Value::Other { type_name: type_name.to_owned(), text: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_finds_its_row() {
    let mut sql = TYPES.to_owned();
    for (number, (declared, keys)) in KEYS.iter().enumerate() {
        sql.push_str(&table(&format!("t{number}"), declared, keys));
    }
    let desk = Desk::with(&sql);
    for number in 0..KEYS.len() {
        check(&desk, &desk.task(&format!("t{number}")).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_go_through_their_index() {
    let desk = Desk::with(
        "CREATE TABLE i (k inet PRIMARY KEY); INSERT INTO i SELECT '10.0.0.0'::inet + n FROM generate_series(1, 20000) n; \
         CREATE TABLE a (k integer[] PRIMARY KEY); INSERT INTO a SELECT ARRAY[n] FROM generate_series(1, 20000) n; \
         CREATE TABLE d (k interval PRIMARY KEY); INSERT INTO d SELECT make_interval(days => n) FROM generate_series(1, 20000) n",
    );
    let read = || {
        let sql = "SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables";
        desk.database.psql(sql)
    };
    let before = read();
    let mut view = desk.view().await;
    for (name, type_name, key) in [("i", "inet", "10.0.0.77"), ("a", "integer[]", "{77}"), ("d", "interval", "77 days")]
    {
        let key = vec![other(type_name, key)];
        let keys = vec![key.clone(); 500];
        assert_eq!(fetch(&mut view, &desk.task(name).await, &keys).await, keys, "{name}");
    }
    drop(view);
    // The session tells its figures when it ends.
    let told = "SELECT count(*) FROM pg_stat_user_tables WHERE idx_tup_fetch >= 500";
    for _ in 0..1_000 {
        if desk.database.psql(told) == "3\n" {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!((desk.database.psql(told).as_str(), read()), ("3\n", before));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_value_of_the_type_finds_nothing_and_spoils_nothing() {
    let desk = Desk::with(
        "CREATE TABLE i (k inet PRIMARY KEY, n integer); INSERT INTO i VALUES ('10.0.0.1', 1), ('10.0.0.1/8', 2); \
         CREATE TABLE b (k bit(3) PRIMARY KEY); INSERT INTO b VALUES ('101')",
    );
    let mut view = desk.view().await;
    let task = desk.task("i").await;
    let key = |text: &str| vec![other("inet", text)];
    let asked = [key("nowhere"), key("10.0.0.1/8"), key(""), key("10.0.0.1/32"), key("10.0.0.1")];
    let found = fetch(&mut view, &task, &asked).await;
    assert_eq!(found.iter().map(|row| row[1].clone()).collect::<Vec<_>>(), [Value::Int(2), Value::Int(1)]);
    assert_eq!(fetch(&mut view, &task, &asked[3..]).await.len(), 1, "another notation is another key");
    // What is cut to the type's width is another key, too.
    let task = desk.task("b").await;
    assert_eq!(fetch(&mut view, &task, &[vec![other("bit(3)", "1011")], vec![other("bit(3)", "101")]]).await.len(), 1);
    // Text that is seen as of such a type is compared as text.
    desk.database.psql("CREATE TABLE x (k text PRIMARY KEY); INSERT INTO x VALUES ('nowhere'), ('10.0.0.1/32')");
    let forms =
        Forms { kinds: vec![Some(Kind::Other { type_name: "inet".to_owned() })], equality: Equality::Canonical };
    let task = TableTask { forms, ..desk.task("x").await };
    assert_eq!(fetch(&mut desk.view().await, &task, &asked).await.len(), 2);
}
