//! What a view shows of values and tables, whatever they hold and however they are called.

use futures_util::StreamExt;
use syncline_core::error::Code;
use syncline_core::limits::BATCH_BYTES;
use syncline_core::store::{Flow, Snapshot};
use syncline_core::value::{Value, calendar};

use super::desk::{Desk, cells, digests, fetch, scan};

/// A type of every sort, and texts of values. Those with `~` are what only PostgreSQL has.
const VALUES: [(&str, &[&str]); 36] = [
    ("boolean", &["t", "f"]),
    ("smallint", &["-32768"]),
    ("integer", &["2147483647"]),
    ("bigint", &["-9223372036854775808"]),
    ("oid", &["4294967295"]),
    ("real", &["0.1", "-1.5e-07", "NaN", "Infinity", "-0"]),
    ("double precision", &["0.1", "5e-324", "-Infinity", "NaN"]),
    ("numeric", &["10.50", "-0.00", "1e3", "NaN", "-Infinity", "0.000001"]),
    ("text", &["", "äöü 🦀", "a\tb\nc"]),
    ("varchar(10)", &["x "]),
    ("char(5)", &["ab"]),
    ("name", &["n"]),
    ("bytea", &["\\x00ff5c"]),
    ("date", &["2024-02-29", "0044-03-15 BC", "infinity", "5874897-12-31"]),
    ("time", &["24:00:00", "12:00:00.000001"]),
    ("timestamp", &["2024-02-29 12:00:00.5", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "-infinity"]),
    ("timestamptz", &["2024-02-29 12:00:00.5+00", "infinity"]),
    ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("json", &["{\"b\": 1.0,  \"a\": [null]}"]),
    ("jsonb", &["{\"a\": [null], \"b\": 1.0}"]),
    ("public.mood", &["o'k"]),
    ("public.positive", &["7"]),
    ("integer[]", &["{1,NULL,3}"]),
    ("int4range", &["[1,10)"]),
    ("public.pair", &["(1,\"a b\")", "(,)"]),
    ("inet", &["10.0.0.1", "10.0.0.0/8", "::1", "::ffff:1.2.3.4"]),
    ("public.address", &["10.0.0.1"]),
    ("inet[]", &["{10.0.0.1,::1/64}"]),
    ("cidr", &["10.0.0.1/32", "10.0.0.0/8"]),
    ("\"char\"", &["x", ""]),
    ("boolean[]", &["{t,f}"]),
    ("character(3)[]", &["{\"a  \"}"]),
    ("interval", &["1 year 2 mons -3 days 04:05:06.5"]),
    ("bit(3)", &["101"]),
    ("xml", &["<a>x</a>"]),
    ("tsvector", &["'a':1 'b':2"]),
];

const TYPES: &str = "CREATE TYPE mood AS ENUM ('o''k'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0); \
    CREATE DOMAIN address AS inet; \
    CREATE TYPE pair AS (a integer, b text);";

/// A cell as PostgreSQL prints it.
fn printed(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Real(value) if value.is_nan() => "NaN".to_owned(),
        Value::Real(value) if value.is_infinite() => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Real(value) if *value != 0.0 && value.abs() < 1e-4 => {
            let (digits, exponent) =
                format!("{value:e}").split_once('e').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let exponent: i32 = exponent.parse().unwrap();
            format!("{digits}e-{:02}", -exponent)
        }
        Value::Real(value) => value.to_string(),
        Value::Text(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        Value::Bytes(bytes) => format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Value::Date(days) => calendar::date(*days),
        Value::Time(micros) => calendar::time(*micros),
        Value::Timestamp(micros) => calendar::timestamp(*micros),
        Value::Instant(micros) => calendar::instant(*micros).replace("+00:00", "+00"),
        Value::Uuid(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
        }
        Value::Decimal(text) | Value::Json(text) | Value::Other { text, .. } => text.clone(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_are_what_the_server_prints() {
    let columns: Vec<String> =
        VALUES.iter().enumerate().map(|(at, (declared, _))| format!("c{at} {declared}")).collect();
    let mut sql = format!("{TYPES} CREATE TABLE t (id integer PRIMARY KEY, {});", columns.join(", "));
    for row in 0..8 {
        let values = VALUES.iter().map(|(_, values)| match values.get(row) {
            Some(value) => format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
            None => "NULL".to_owned(),
        });
        sql.push_str(&format!("INSERT INTO t VALUES ({row}, {});", values.collect::<Vec<_>>().join(", ")));
    }
    let desk = Desk::with(&sql);
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let found = scan(&mut view, &task).await;
    let expected = desk.database.rows(
        "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET extra_float_digits = 1; SELECT * FROM t",
    );
    assert_eq!(found.len(), 8);
    for (found, expected) in found.iter().zip(&expected) {
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            let declared = if at == 0 { "integer" } else { VALUES[at - 1].0 };
            assert_eq!(printed(found), *expected, "{declared}: {found:?}");
        }
    }
    let far = &found[2][16];
    assert!(matches!(far, Value::Other { type_name, .. } if type_name == "timestamp"), "{far:?}");
    assert!(matches!(&found[0][21], Value::Text(_)), "an enumeration is text");
    assert!(matches!(&found[0][22], Value::Int(7)), "a domain is what lies beneath");
    assert!(matches!(&found[0][23], Value::Other { type_name, .. } if type_name == "integer[]"));
}

/// Cells that travel as text are what the server prints. For nearly all types a cast makes that; of those whose cast is a
/// function of its own it has to be known.
#[test]
fn casts_that_may_make_another_text_are_known() {
    let casts = Desk::with("").database.psql(
        "SELECT format_type(castsource, NULL) FROM pg_cast WHERE casttarget = 'text'::regtype AND castfunc <> 0 ORDER BY 1",
    );
    // Truth values, padded texts and names travel as themselves; of networks and single letters the cast is what is printed.
    assert_eq!(casts.lines().collect::<Vec<_>>(), ["\"char\"", "boolean", "character", "cidr", "inet", "name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_may_be_anything() {
    let desk = Desk::with(
        r#"CREATE TABLE "a "".b'; DROP TABLE x" ("select" integer PRIMARY KEY, "c ""; --" text, "É%s$1" integer);
           INSERT INTO "a "".b'; DROP TABLE x" VALUES (2, 'x', 3), (1, 'y', 4)"#,
    );
    let task = desk.task("a \".b'; DROP TABLE x").await;
    let mut view = desk.view().await;
    assert_eq!(view.count(&task).await.unwrap(), 2);
    assert_eq!(digests(&mut view, &task).await.len(), 2);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(1)]]).await[0][1], Value::text("y"));
    assert!(view.estimate(&task).await.unwrap().rows > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_columns_as_there_can_be() {
    let columns: Vec<String> = (0..1_599).map(|at| format!("c{at} boolean")).collect();
    let ones = vec!["true"; 1_599].join(", ");
    let desk = Desk::with(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, {}); INSERT INTO t SELECT i, {ones} FROM generate_series(1, 3) i",
        columns.join(", ")
    ));
    let mut task = desk.task("t").await;
    let mut view = desk.view().await;
    view.set_flow(Flow::shared_by(2));
    assert_eq!(scan(&mut view, &task).await.iter().map(Vec::len).collect::<Vec<_>>(), [1_600; 3]);
    assert_eq!(digests(&mut view, &task).await.len(), 3);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(3)]]).await.len(), 1);
    assert!(view.estimate(&task).await.unwrap().bytes > 3 * 1_600);
    task.key.clear();
    assert_eq!(digests(&mut view, &task).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_in_one_value() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, b bytea, s text); \
         INSERT INTO t SELECT i, convert_to(repeat('ab', 25 << 20), 'UTF8'), repeat('é', 10 << 20) FROM generate_series(1, 2) i; \
         INSERT INTO t VALUES (3, '', '')",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let mut stream = view.scan(&task).await.unwrap();
    let mut lens = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(batch.bytes() <= BATCH_BYTES || batch.len() == 1, "one that is huge is alone");
        for row in cells(&batch) {
            let [_, Value::Bytes(bytes), Value::Text(text)] = &row[..] else { panic!("another row") };
            assert!(bytes.iter().step_by(2).all(|byte| *byte == b'a'));
            lens.push((bytes.len(), text.len()));
        }
    }
    drop(stream);
    assert_eq!(lens, [(50 << 20, 20 << 20), (50 << 20, 20 << 20), (0, 0)]);
    assert_eq!(digests(&mut view, &task).await.len(), 3);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(2)], vec![Value::Int(3)]]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_large_stays_with_the_server() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, b bytea, j jsonb, a text[]); \
         INSERT INTO t VALUES (1, repeat('x', 1000)::bytea, '1', NULL), (2, repeat('x', 1001)::bytea, '2', NULL), (3, NULL, NULL, NULL), \
         (4, NULL, to_jsonb(repeat('x', 1000)), NULL), (5, NULL, NULL, ARRAY[repeat('x', 1000)])",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    view.set_flow(Flow { rows: 1, value_bytes: Some(1_000), ..Flow::default() });
    for (id, fits) in [(1, true), (2, false), (3, true), (4, false), (5, false)] {
        let mut batch = syncline_core::value::RowBatch::new(1);
        batch.push(syncline_core::value::ValueRef::Int(id)).unwrap();
        let mut stream = view.fetch(&task, &batch).await.unwrap();
        match stream.next().await.unwrap() {
            Ok(batch) => assert!(fits && batch.len() == 1, "{id}"),
            Err(error) => assert!(!fits && error.code() == Code::ValueTooLarge, "{id}: {error:?}"),
        }
    }
    view.set_flow(Flow::default());
    assert_eq!(scan(&mut view, &task).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_given_out_are_those_of_the_tables_sequence() {
    let desk = Desk::with(
        "CREATE TABLE plain (id integer PRIMARY KEY); CREATE TABLE s (id serial, n integer); \
         CREATE TABLE i (a text, id bigint GENERATED ALWAYS AS IDENTITY); INSERT INTO s (n) VALUES (1), (2); INSERT INTO s VALUES (9, 9); \
         CREATE SCHEMA other; CREATE TABLE other.s (id serial, n integer); SELECT setval('other.s_id_seq', 77)",
    );
    let mut view = desk.view().await;
    for (table, last) in [("plain", None), ("s", Some(2)), ("i", None), ("other.s", Some(77)), ("no such", None)] {
        assert_eq!(view.sequence(table).await.unwrap(), last, "{table}");
    }
}
