//! What a real server sends is read as it prints it, and what we send is stored as it was.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use syncline_core::value::{RowBatch, ValueRef, calendar};
use syncline_stores::postgres::codec::{Codec, Decoder, Encoder};
use syncline_testkit::postgres::{Database, fresh_database};
use tokio_postgres::{Client, NoTls};

const DATES: &[&str] = &["1970-01-01", "2024-02-29", "4714-11-24 BC", "0044-03-15 BC", "5874897-12-31"];
const TIMES: &[&str] = &["00:00", "23:59:59.999999", "24:00:00", "12:00:00.5", "12:00:00.00001"];
const MOMENTS: &[&str] = &[
    "1970-01-01 00:00:00",
    "1969-12-31 23:59:59.999999",
    "2024-02-29 12:00:00.5",
    "4714-11-24 00:00:00 BC",
    "294247-01-10 04:00:54.775806",
    "294247-01-10 04:00:54.775807",
    "294276-12-31 23:59:59.999999",
    "infinity",
    "-infinity",
];
const NUMERICS: &[&str] = &[
    "0",
    "-0.00",
    "10.50",
    "-12345.678",
    "1e400",
    "1e-400",
    "0.00001",
    "100000000",
    "9999.9999",
    "NaN",
    "Infinity",
    "-Infinity",
];
const FLOATS: &[&str] = &[
    "0",
    "-0",
    "0.1",
    "-1.5e-7",
    "1e15",
    "1e16",
    "123456.79",
    "16777216",
    "1e-37",
    "3e38",
    "NaN",
    "Infinity",
    "-Infinity",
];
const DOUBLES: &[&str] = &["5e-324", "1.7976931348623157e308", "0.30000000000000004"];

/// One type, its codec, and texts of values.
fn cases() -> Vec<(&'static str, Codec, Vec<&'static str>)> {
    let with = |more: &[&'static str], values: &[&'static str]| [more, values].concat();
    vec![
        ("boolean", Codec::Bool, vec!["true", "false"]),
        ("smallint", Codec::Int2, vec!["-32768", "32767"]),
        ("integer", Codec::Int4, vec!["-2147483648", "2147483647"]),
        ("bigint", Codec::Int8, vec!["-9223372036854775808", "9223372036854775807"]),
        ("oid", Codec::Oid, vec!["0", "4294967295"]),
        ("real", Codec::Float4, FLOATS.to_vec()),
        ("double precision", Codec::Float8, with(DOUBLES, FLOATS)),
        ("numeric", Codec::Numeric, NUMERICS.to_vec()),
        ("text", Codec::Text, vec!["", "a", "äöü 🦀", "a\tb"]),
        ("char(5)", Codec::Text, vec!["ab"]),
        ("name", Codec::Text, vec!["ab"]),
        ("json", Codec::Json, vec![r#"{"b": 1.0,  "a": [null]}"#]),
        ("jsonb", Codec::Jsonb, vec![r#"{"b": 1.0,  "a": [null]}"#, "1e2"]),
        ("bytea", Codec::Bytea, vec!["", r"\x00ff5c"]),
        ("date", Codec::Date, with(&["infinity", "-infinity"], DATES)),
        ("time", Codec::Time, TIMES.to_vec()),
        ("timestamp", Codec::Timestamp, MOMENTS.to_vec()),
        ("timestamptz", Codec::Timestamptz, MOMENTS.to_vec()),
        ("uuid", Codec::Uuid, vec!["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ]
}

#[tokio::test]
async fn values_of_every_type_are_read_as_printed_and_stored_as_read() {
    let database = fresh_database();
    let client = connected(&database).await;
    for (type_name, codec, texts) in cases() {
        let values: Vec<_> = texts.iter().enumerate().map(|(id, text)| format!("({id}, '{text}')")).collect();
        let made = format!("INSERT INTO a VALUES {}, (-1, NULL)", values.join(", "));
        assert_travels(&database, &client, type_name, codec, &made).await;
    }
}

#[tokio::test]
async fn numbers_of_any_length_and_scale_travel() {
    let database = fresh_database();
    let client = connected(&database).await;
    let longest = "repeat('9', 131072) || '.' || repeat('7', 16383)";
    let made = format!(
        "INSERT INTO a VALUES (1, ({longest})::numeric), (2, -({longest})::numeric), (3, 12345::numeric(3, -2)),
         (4, ('0.' || repeat('0', 16382) || '1')::numeric), (5, 1::numeric / 3), (6, 10000::numeric ^ 20)"
    );
    assert_travels(&database, &client, "numeric", Codec::Numeric, &made).await;
    let random = "INSERT INTO a SELECT id, ((random() - 0.5) * 10 ^ (random() * 30 - 15))::numeric::numeric(40, 9)
                  FROM generate_series(1, 2000) AS id";
    assert_travels(&database, &client, "numeric", Codec::Numeric, random).await;
}

#[tokio::test]
async fn random_days_moments_and_floats_travel() {
    let database = fresh_database();
    let client = connected(&database).await;
    for (type_name, codec, value) in [
        ("date", Codec::Date, "'4714-11-24 BC'::date + (random() * 2147483493)::int"),
        ("timestamp", Codec::Timestamp, "'4714-11-24 BC'::timestamp + random() * 109200000 * interval '1 day'"),
        ("timestamptz", Codec::Timestamptz, "'4714-11-24 BC'::timestamptz + random() * 109200000 * interval '1 day'"),
        ("real", Codec::Float4, "((random() - 0.5) * 10 ^ (random() * 70 - 35))::real"),
        ("double precision", Codec::Float8, "(random() - 0.5) * 10 ^ (random() * 500 - 250)"),
    ] {
        let made = format!("INSERT INTO a SELECT id, {value} FROM generate_series(1, 2000) AS id");
        assert_travels(&database, &client, type_name, codec, &made).await;
    }
}

/// Fills a table, reads it, writes what was read into another, and compares all with what the server prints.
async fn assert_travels(database: &Database<'_>, client: &Client, type_name: &str, codec: Codec, made: &str) {
    database.psql(&format!(
        "DROP TABLE IF EXISTS a, b; CREATE TABLE a (id int, v {type_name}); CREATE TABLE b (id int, v {type_name}); {made}"
    ));
    let codecs = vec![Codec::Int4, codec];
    let rows = copied_out(client, &codecs).await;
    let printed = texts(database, "a");
    assert_eq!(rows.len(), printed.len());
    for (row, printed) in rows.rows().zip(&printed) {
        let value = row.get(1);
        assert!(is_printed(value, printed.as_deref()), "{type_name}: {value:?} is printed as {printed:?}");
    }
    copied_in(client, &codecs, &rows).await;
    assert!(texts(database, "b") == printed, "{type_name}: other values were stored");
}

fn texts(database: &Database<'_>, table: &str) -> Vec<Option<String>> {
    let query = format!("SELECT v::text COLLATE \"C\" FROM {table} ORDER BY id");
    database.rows(&query).into_iter().map(|mut row| row.remove(0)).collect()
}

async fn connected(database: &Database<'_>) -> Client {
    database.psql(&format!("ALTER DATABASE {} SET timezone = 'UTC'", database.name()));
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn copied_out(client: &Client, codecs: &[Codec]) -> RowBatch {
    let copy = "COPY (SELECT id, v FROM a ORDER BY id) TO STDOUT (FORMAT binary)";
    let mut stream = pin!(client.copy_out(copy).await.unwrap());
    let mut decoder = Decoder::new(codecs.to_vec());
    let mut rows = RowBatch::new(codecs.len());
    while let Some(chunk) = stream.try_next().await.unwrap() {
        decoder.read_into(&chunk, &mut rows).unwrap();
    }
    decoder.finish().unwrap();
    rows
}

async fn copied_in(client: &Client, codecs: &[Codec], rows: &RowBatch) {
    let mut sink = pin!(client.copy_in::<_, Bytes>("COPY b FROM STDIN (FORMAT binary)").await.unwrap());
    let mut encoder = Encoder::new(codecs.to_vec());
    for row in rows.rows() {
        encoder.push_row(row.iter()).unwrap();
        if encoder.len() > 128 << 10 {
            sink.send(encoder.take()).await.unwrap();
        }
    }
    sink.send(encoder.finish()).await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), rows.len() as u64);
}

/// Whether this is what is printed. Of two doubles that are as short and as near, the server prints another one than Rust, so
/// they are compared by what the text is read as.
fn is_printed(value: ValueRef<'_>, printed: Option<&str>) -> bool {
    match (value, printed) {
        (ValueRef::Real(value), Some(printed)) => printed.parse().map(f64::to_bits) == Ok(value.to_bits()),
        (value, printed) => shown(value).as_deref() == printed,
    }
}

/// The value as PostgreSQL prints it.
fn shown(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Decimal(digits) => digits.to_owned(),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec()).unwrap().trim_end_matches(' ').to_owned(),
        ValueRef::Bytes(bytes) => bytes.iter().fold("\\x".to_owned(), |hex, byte| hex + &format!("{byte:02x}")),
        ValueRef::Date(days) => calendar::date(days),
        ValueRef::Time(micros) => calendar::time(micros),
        ValueRef::Timestamp(micros) => calendar::timestamp(micros),
        ValueRef::Instant(micros) => calendar::instant(micros).replace("+00:00", "+00"),
        ValueRef::Uuid(bytes) => {
            let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        ValueRef::Json(text) => text.to_owned(),
        ValueRef::Other { text, .. } => text.to_owned(),
    })
}
