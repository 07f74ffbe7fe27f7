//! Keys in the forms of another engine: their order, and what they find.

use proptest::prelude::*;
use syncline_core::store::Store;
use syncline_core::value::fit::fit;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Kind, Value};

use super::desk::{Desk, batch, digest_keys, fetch, int, text};
use super::forms::{MONEY, TIMESTAMP, decimal, seen};

fn kinds() -> Vec<Kind> {
    vec![
        Kind::Bool,
        Kind::Int { bits: 64 },
        Kind::Int { bits: 16 },
        MONEY,
        Kind::Decimal { limit: None },
        Kind::Real { single: false },
        Kind::Real { single: true },
        Kind::Text { max_chars: Some(3), padded: true },
        Kind::Bytes,
        Kind::Date,
        Kind::Time { digits: 6 },
        TIMESTAMP,
        Kind::Instant { digits: 3 },
        Kind::Uuid,
        Kind::Json { normalised: true },
        Kind::Enum { labels: vec!["low".to_owned(), "10".to_owned()] },
        Kind::Other { type_name: "inet".to_owned() },
    ]
}

/// Texts that some column takes for something else, in many notations.
fn odd_text() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "0",
        "1",
        "-1",
        "2",
        "10",
        "9",
        "007",
        "-0",
        "1.0",
        "1.00",
        "1.5",
        "1.50",
        "10.50",
        "-0.0",
        "0.00",
        "1e3",
        "1e300",
        "NaN",
        "Infinity",
        "-Infinity",
        "infinity",
        "-infinity",
        "true",
        "false",
        "t",
        "2024-01-01",
        "2023-12-31",
        "12024-01-01",
        "0044-03-15 BC",
        "2024-01-01 00:00:00",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00.5",
        "2024-01-01 00:00:00.55",
        "2024-01-01 00:00:00+00:00",
        "2024-01-01 02:00:00+02:00",
        "0044-03-15 12:00:00 BC",
        "12024-01-01 00:00:00",
        "12:00:00",
        "12:00",
        "24:00:00",
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE",
        "00000000-0000-0000-0000-000000000001",
        "{}",
        "{ }",
        "[1]",
        "a",
        "a ",
        "aaaa",
        "low",
        "",
        "9223372036854775807",
        "9223372036854775808",
        "0.1",
        "::1",
        "zz",
        "é",
    ]);
    prop_oneof![
        3 => fixed.prop_map(str::to_owned),
        1 => "-?[0-9]{1,20}(\\.[0-9]{1,3})?",
        1 => "[0-9]{4}-0[0-9]-[0-2][0-9]",
        1 => "[0-9a-f]{8}-0000-0000-0000-[0-9a-f]{12}",
    ]
}

fn cell() -> impl Strategy<Value = rusqlite::types::Value> {
    use rusqlite::types::Value as Cell;
    prop_oneof![
        4 => odd_text().prop_map(Cell::Text),
        1 => (-3_i64..12).prop_map(Cell::Integer),
        1 => any::<i64>().prop_map(Cell::Integer),
        1 => (-30_i32..120).prop_map(|tenths| Cell::Real(f64::from(tenths) / 10.0)),
        1 => any::<f64>().prop_filter("NULL is no key", |real| !real.is_nan()).prop_map(Cell::Real),
        1 => prop::sample::select(vec![1.152_921_504_606_847e18, 9.3e18, 0.1, -0.0, 0.123, f64::INFINITY]).prop_map(Cell::Real),
        1 => prop::collection::vec(any::<u8>(), 0..3).prop_map(Cell::Blob),
    ]
}

/// Reads the keys, and looks each of them up. Tells which of the cells were seen in their form.
async fn check(
    declared: &str,
    encoding: &str,
    kind: &Kind,
    cells: &[rusqlite::types::Value],
) -> Vec<rusqlite::types::Value> {
    let desk = Desk::with(&format!(
        "PRAGMA encoding = '{encoding}'; CREATE TABLE t (k {declared} NOT NULL, m INT NOT NULL, n, PRIMARY KEY (k, m))"
    ));
    let conn = desk.other();
    conn.execute_batch("BEGIN").unwrap();
    for (cell, n) in cells.iter().zip(1..) {
        for m in [2, 1] {
            conn.execute("INSERT OR IGNORE INTO t VALUES (?1, ?2, ?3)", rusqlite::params![cell, m, n]).unwrap();
        }
    }
    conn.execute_batch("COMMIT").unwrap();
    let there = desk.query("SELECT count(*) FROM t");
    let task = seen(&desk, &[Some(kind.clone()), Some(Kind::Int { bits: 64 }), None]).await;
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let keys = digest_keys(&mut snapshot, &task).await;
    assert_eq!(there, [[int(keys.len() as i64)]]);
    for pair in keys.windows(2) {
        let order = compare_keys(pair[0].iter().map(Value::as_ref), pair[1].iter().map(Value::as_ref));
        assert!(order.is_lt(), "{declared} as {kind:?}: {:?} comes before {:?}", pair[0], pair[1]);
    }
    let found = fetch(&mut snapshot, &task, &batch(&keys)).await;
    let shown: Vec<_> = found.iter().map(|row| row[..2].to_vec()).collect();
    assert_eq!(shown, keys, "{declared} as {kind:?}");
    let is_in_form = |row: &&Vec<Value>| fit(row[0].as_ref(), kind, &mut String::new()) == Ok(row[0].as_ref());
    let cell = |row: &Vec<Value>| match row[2] {
        Value::Int(n) => cells[n as usize - 1].clone(),
        _ => panic!("the number of a cell"),
    };
    found.iter().filter(is_in_form).map(cell).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn keys_come_in_the_order_of_their_forms_and_find_their_rows(
        declared in prop::sample::select(vec!["", "TEXT", "INT", "NUMERIC", "REAL"]),
        encoding in prop::sample::select(vec!["UTF-8", "UTF-8", "UTF-16le"]),
        kind in prop::sample::select(kinds()),
        cells in prop::collection::vec(cell(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let in_form = runtime.block_on(check(declared, encoding, &kind, &cells));
        // Where all are, SQLite's own order may do.
        runtime.block_on(check(declared, encoding, &kind, &in_form));
    }
}

#[tokio::test]
async fn what_fits_and_is_not_in_the_order_of_text_is_sorted() {
    let days = ["0044-03-15 BC", "0001-01-01", "2024-01-01", "9999-12-31", "12024-01-01", "infinity", "-infinity"];
    let times = ["0044-03-15 12:00:00 BC", "2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-01 00:00:00.55"];
    let later = ["12024-01-01 00:00:00", "infinity", "-infinity"];
    let zoned =
        times.map(|time| time.strip_suffix(" BC").map_or(format!("{time}+00:00"), |at| format!("{at}+00:00 BC")));
    let zoned = zoned.iter().map(String::as_str).chain(["12024-01-01 00:00:00+00:00", "-infinity", "infinity"]);
    let cases: [(&str, Kind, Vec<&str>); 6] = [
        ("DATE", Kind::Date, days.to_vec()),
        ("TIMESTAMP", TIMESTAMP, times.into_iter().chain(later).collect()),
        ("TEXT", Kind::Instant { digits: 6 }, zoned.collect()),
        ("TEXT", Kind::Int { bits: 64 }, vec!["9", "10", "-1", "-2", "0"]),
        ("TEXT", Kind::Decimal { limit: None }, vec!["9", "10", "-1.5", "-2", "0", "NaN", "-Infinity", "Infinity"]),
        ("REAL", Kind::Real { single: false }, vec!["9", "10.5", "NaN", "-2"]),
    ];
    for (declared, kind, texts) in cases {
        // In order among each other two by two, too: then fewer of them give it away.
        for (at, first) in texts.iter().enumerate() {
            for second in &texts[at..] {
                let cells = [*first, *second].map(|text| rusqlite::types::Value::Text(text.to_owned()));
                let in_form = check(declared, "UTF-8", &kind, &cells).await;
                assert!(in_form.contains(&cells[0]) && in_form.contains(&cells[1]), "{first} {second} as {kind:?}");
            }
        }
    }
}

/// The one row that is found by a key.
async fn lookup(declared: &str, cell: &str, kind: Kind, key: Value) -> Vec<Vec<Value>> {
    let desk = Desk::with(&format!("CREATE TABLE t (k {declared} PRIMARY KEY); INSERT INTO t VALUES ({cell})"));
    let task = seen(&desk, &[Some(kind)]).await;
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    fetch(&mut snapshot, &task, &batch(&[vec![key]])).await
}

#[tokio::test]
async fn a_key_of_the_other_engine_finds_the_row_that_stands_for_it() {
    let uuid = Value::Uuid([0xaa; 16]);
    let written = "'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'";
    assert_eq!(lookup("UUID", written, Kind::Uuid, uuid.clone()).await, [[uuid.clone()]]);
    let time = Value::Timestamp(super::forms::NEW_YEAR);
    assert_eq!(lookup("TIMESTAMP", "'2024-01-01 00:00:00'", TIMESTAMP, time.clone()).await, [[time]]);
    assert_eq!(lookup("BOOLEAN", "1", Kind::Bool, Value::Bool(true)).await, [[Value::Bool(true)]]);
    let free = Kind::Decimal { limit: None };
    assert_eq!(lookup("TEXT", "'1.5'", free.clone(), decimal("1.500")).await, [[decimal("1.5")]]);
    assert_eq!(lookup("TEXT", "'1.50'", MONEY, decimal("1.50")).await, [[decimal("1.50")]]);
    assert_eq!(lookup("NUMERIC", "1.5", MONEY, decimal("1.50")).await, [[decimal("1.5")]]);
    assert_eq!(lookup("", "1", free.clone(), decimal("1.0")).await, [[int(1)]]);
    let nan = lookup("REAL", "'NaN'", Kind::Real { single: false }, Value::Real(f64::NAN)).await;
    assert!(matches!(nan[..], [ref row] if matches!(row[0], Value::Real(nan) if nan.is_nan())), "{nan:?}");

    // Another notation of a key is another key.
    assert!(lookup("UUID", &written.to_uppercase(), Kind::Uuid, uuid).await.is_empty());
    let capitals = text(written.to_uppercase().trim_matches('\''));
    assert_eq!(lookup("UUID", &written.to_uppercase(), Kind::Uuid, capitals.clone()).await, [[capitals]]);
    assert!(lookup("TEXT", "'1.50'", free.clone(), decimal("1.5")).await.is_empty());
    // What the column could not hold is not there.
    assert!(lookup("NUMERIC", "1", free, decimal("12345678901234567890.123")).await.is_empty());
    assert!(lookup("INT", "12", Kind::Text { max_chars: None, padded: false }, text("12")).await.is_empty());
}
