//! Cells of every type, to the ends of what each can hold.

use syncline_core::value::calendar::{self, Civil};
use syncline_core::value::{Kind, Value};

use super::desk::{Desk, digests, fetch, scan};

fn other(type_name: &str, text: &str) -> Value {
    Value::Other { type_name: type_name.to_owned(), text: text.to_owned() }
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.to_owned())
}

fn json(text: &str) -> Value {
    Value::Json(text.to_owned())
}

/// Days since 1970 of a date.
fn day(text: &str) -> i64 {
    let parts: Vec<i64> = text.split('-').map(|part| part.parse().unwrap()).collect();
    calendar::days(Civil { year: parts[0], month: parts[1] as u32, day: parts[2] as u32 }).unwrap()
}

/// Microseconds since 1970.
fn moment(date: &str, micros: i64) -> i64 {
    day(date) * calendar::DAY_MICROS + micros
}

/// A type, what is written into a column of it, and what is read.
type Case = (&'static str, Vec<(&'static str, Value)>);

const HOUR: i64 = 3_600_000_000;

fn numbers() -> Vec<Case> {
    use Value::{Int, Real};
    vec![
        ("tinyint(1)", vec![("2", Int(2)), ("-128", Int(-128)), ("TRUE", Int(1))]),
        ("tinyint unsigned", vec![("255", Int(255))]),
        ("smallint", vec![("-32768", Int(-32_768))]),
        ("smallint unsigned", vec![("65535", Int(65_535))]),
        ("mediumint", vec![("-8388608", Int(-8_388_608))]),
        ("mediumint unsigned", vec![("16777215", Int(16_777_215))]),
        ("int", vec![("-2147483648", Int(-2_147_483_648))]),
        ("int(5) unsigned zerofill", vec![("7", Int(7)), ("4294967295", Int(4_294_967_295))]),
        ("bigint", vec![("-9223372036854775808", Int(i64::MIN)), ("9223372036854775807", Int(i64::MAX))]),
        ("bigint unsigned", vec![("18446744073709551615", decimal("18446744073709551615")), ("0", decimal("0"))]),
        ("decimal(10,2)", vec![("10.5", decimal("10.50")), ("-0.00", decimal("0.00"))]),
        (
            "decimal(65,30)",
            vec![(
                "-12345678901234567890123456789012345.123456789012345678901234567890",
                decimal("-12345678901234567890123456789012345.123456789012345678901234567890"),
            )],
        ),
        ("decimal(5,0) unsigned", vec![("99999", decimal("99999"))]),
        (
            "float",
            vec![
                ("0.1", Real(0.1)),
                ("16777217", Real(16_777_216.0)),
                ("-3.4028234e38", Real(-3.402_823_5e38)),
                ("1.4e-45", Real(1e-45)),
            ],
        ),
        (
            "double",
            vec![
                ("0.1e0", Real(0.1)),
                ("0.30000000000000004e0", Real(0.300_000_000_000_000_04)),
                ("1.7976931348623157e308", Real(f64::MAX)),
                ("5e-324", Real(5e-324)),
            ],
        ),
        ("double(8,3)", vec![("1.5", Real(1.5))]),
        ("year", vec![("2155", Int(2155)), ("0", Int(0)), ("1901", Int(1901))]),
        ("bit(1)", vec![("b'1'", other("bit(1)", "1"))]),
        ("bit(9)", vec![("b'100000001'", other("bit(9)", "100000001")), ("0", other("bit(9)", "000000000"))]),
        ("bit(64)", vec![("18446744073709551615", other("bit(64)", &"1".repeat(64)))]),
    ]
}

fn texts() -> Vec<Case> {
    let text = Value::text;
    vec![
        ("char(5)", vec![("'ab   '", text("ab")), ("''", text("")), ("'🦀'", text("🦀"))]),
        ("char(3) CHARACTER SET latin1", vec![("'é'", text("é")), ("'€'", text("€"))]),
        (
            "varchar(9)",
            vec![("'ab '", text("ab ")), ("_utf8mb4 X'610062'", text("a\0b")), ("'a\\\\b''c'", text("a\\b'c"))],
        ),
        ("varchar(9) CHARACTER SET utf8mb3", vec![("'漢'", text("漢"))]),
        ("varchar(9) CHARACTER SET utf16", vec![("'🦀'", text("🦀"))]),
        ("varchar(9) CHARACTER SET sjis", vec![("'表'", text("表"))]),
        ("varchar(9) CHARACTER SET ascii", vec![("'~'", text("~"))]),
        ("tinytext", vec![("'é'", text("é"))]),
        ("text CHARACTER SET latin1", vec![("'ü'", text("ü"))]),
        ("mediumtext", vec![("''", text(""))]),
        ("longtext", vec![("'x'", text("x"))]),
        ("binary(4)", vec![("X'00FF'", Value::Bytes(vec![0, 255, 0, 0]))]),
        ("varbinary(4)", vec![("X'00FF'", Value::Bytes(vec![0, 255])), ("''", Value::Bytes(Vec::new()))]),
        ("tinyblob", vec![("X'80'", Value::Bytes(vec![128]))]),
        ("longblob", vec![("X'0A0D00'", Value::Bytes(vec![10, 13, 0]))]),
        ("enum('a','it''s','é')", vec![("'it''s'", text("it's")), ("'é'", text("é"))]),
        (
            "set('a','b','c d')",
            vec![("'c d,a'", other("set('a','b','c d')", "a,c d")), ("''", other("set('a','b','c d')", ""))],
        ),
        (
            "json",
            vec![
                ("'{\"b\": 1.0,  \"a\": [null]}'", json("{\"b\": 1.0,  \"a\": [null]}")),
                ("'\"\\\\u0000\"'", json("\"\\u0000\"")),
            ],
        ),
    ]
}

fn times() -> Vec<Case> {
    use Value::{Date, Instant, Time, Timestamp};
    let date = |text| Date(day(text) as i32);
    vec![
        (
            "date",
            vec![
                ("'2024-02-29'", date("2024-02-29")),
                ("'9999-12-31'", date("9999-12-31")),
                ("'0001-01-01'", date("0001-01-01")),
                ("'0000-00-00'", other("date", "0000-00-00")),
                ("'2024-00-10'", other("date", "2024-00-10")),
                ("'2024-02-31'", other("date", "2024-02-31")),
            ],
        ),
        (
            "time",
            vec![("'-01:00:00'", Time(-HOUR)), ("'838:59:59'", Time(838 * HOUR + 3_599_000_000)), ("'00:00'", Time(0))],
        ),
        (
            "time(6)",
            vec![
                ("'-838:59:58.999999'", Time(-(838 * HOUR + 3_598_999_999))),
                ("'25:00:00.5'", Time(25 * HOUR + 500_000)),
            ],
        ),
        (
            "datetime",
            vec![
                ("'2024-02-29 23:59:59'", Timestamp(moment("2024-02-29", 24 * HOUR - 1_000_000))),
                ("'0000-00-00'", other("datetime", "0000-00-00 00:00:00")),
                ("'2024-02-30 01:02:03'", other("datetime", "2024-02-30 01:02:03")),
            ],
        ),
        (
            "datetime(6)",
            vec![
                ("'9999-12-31 23:59:59.999999'", Timestamp(moment("9999-12-31", 24 * HOUR - 1))),
                ("'0000-01-01 00:00:00.000001'", Timestamp(moment("0001-01-01", 1) - 366 * 24 * HOUR)),
                ("'2024-06-00 00:00:00.5'", other("datetime", "2024-06-00 00:00:00.500000")),
            ],
        ),
        (
            "timestamp(6) NULL",
            vec![
                ("'1970-01-01 00:00:01'", Instant(1_000_000)),
                ("'2038-01-19 03:14:07.999999'", Instant(2_147_483_647_999_999)),
                ("'0000-00-00'", other("timestamp", "0000-00-00 00:00:00")),
            ],
        ),
    ]
}

fn places(is_mariadb: bool) -> Vec<Case> {
    let mut cases = vec![
        (
            "geometry",
            vec![
                (
                    "ST_GeomFromText('POINT(1 2)', 4326)",
                    other("geometry", "SRID=4326;0101000000000000000000F03F0000000000000040"),
                ),
                ("ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')", other("geometry", "SRID=0;010700000000000000")),
            ],
        ),
        (
            "point",
            vec![(
                "ST_GeomFromText('POINT(0 0)')",
                other("point", "SRID=0;010100000000000000000000000000000000000000"),
            )],
        ),
    ];
    if is_mariadb {
        cases.extend([
            ("inet4", vec![("'10.0.0.1'", other("inet4", "10.0.0.1"))]),
            ("inet6", vec![("'::1'", other("inet6", "::1")), ("'::ffff:10.0.0.1'", other("inet6", "::ffff:10.0.0.1"))]),
            (
                "uuid",
                vec![(
                    "'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'",
                    Value::Uuid(*b"\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11"),
                )],
            ),
            ("text COMPRESSED", vec![("'zzzzzz'", Value::text("zzzzzz"))]),
        ]);
    }
    cases
}

const ANY: &str = "SET NAMES utf8mb4; SET time_zone = '+00:00', explicit_defaults_for_timestamp = 1, \
    sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';";

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_what_the_column_holds() {
    let is_mariadb = syncline_testkit::mariadb::Server::shared().is_mariadb();
    let cases: Vec<Case> = [numbers(), texts(), times(), places(is_mariadb)].into_iter().flatten().collect();
    let mut sql = ANY.to_owned();
    for (number, (declared, values)) in cases.iter().enumerate() {
        sql.push_str(&format!("CREATE TABLE t{number} (id integer PRIMARY KEY, c {declared});"));
        sql.push_str(&format!("INSERT INTO t{number} VALUES (-1, NULL);"));
        for (row, (literal, _)) in values.iter().enumerate() {
            sql.push_str(&format!("INSERT INTO t{number} VALUES ({row}, {literal});"));
        }
    }
    let desk = Desk::with(&sql);
    let mut view = desk.view().await;
    let schema = syncline_core::store::Snapshot::schema(&mut view).await.unwrap();
    for (number, (declared, values)) in cases.iter().enumerate() {
        let table = schema.table(&format!("t{number}")).unwrap().clone();
        let task = syncline_core::change::TableTask::whole(table);
        let mut expected = vec![vec![Value::Int(-1), Value::Null]];
        expected.extend(values.iter().enumerate().map(|(row, (_, value))| vec![Value::Int(row as i64), value.clone()]));
        let found = scan(&mut view, &task).await;
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{declared}");
        // What is measured before it is sent is the same.
        let flow = syncline_core::store::Flow::shared_by(2);
        syncline_core::store::Snapshot::set_flow(&mut view, flow);
        let keys: Vec<Vec<Value>> = expected.iter().map(|row| vec![row[0].clone()]).collect();
        assert_eq!(format!("{:?}", fetch(&mut view, &task, &keys).await), format!("{expected:?}"), "{declared}");
        assert_eq!(digests(&mut view, &task).await.len(), expected.len(), "{declared}");
        syncline_core::store::Snapshot::set_flow(&mut view, syncline_core::store::Flow::default());
    }
}

/// What a column holds that is not among the labels of its enumeration, because somebody has written it without strictness.
#[tokio::test(flavor = "multi_thread")]
async fn the_value_of_an_enumeration_that_stands_for_an_error_is_empty_text() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, e enum('a', 'b')); CREATE TABLE k (e enum('a', 'b') PRIMARY KEY); \
         SET sql_mode = ''; INSERT INTO t VALUES (1, 'nonsense'), (2, 'b'); INSERT INTO k VALUES ('nonsense'), ('b')",
    );
    let mut view = desk.view().await;
    let task = desk.task("t").await;
    let rows = scan(&mut view, &task).await;
    assert_eq!(rows, [vec![Value::Int(1), Value::text("")], vec![Value::Int(2), Value::text("b")]]);
    let task = desk.task("k").await;
    let keys = [vec![Value::text("")], vec![Value::text("a")], vec![Value::text("b")]];
    assert_eq!(fetch(&mut view, &task, &keys).await, [keys[0].clone(), keys[2].clone()]);
}

/// Columns that are yet to be added are read as if they were there.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_for_a_column_to_come_is_of_its_kind() {
    let cases: Vec<Case> =
        [numbers(), texts(), times(), places(syncline_testkit::mariadb::Server::shared().is_mariadb())]
            .into_iter()
            .flatten()
            .collect();
    let columns: Vec<String> =
        cases.iter().enumerate().map(|(at, (declared, _))| format!("c{at} {declared}")).collect();
    let desk = Desk::with(&format!(
        "{ANY} CREATE TABLE t (id integer PRIMARY KEY, {}); INSERT INTO t (id) VALUES (1)",
        columns.join(", ")
    ));
    let mut task = desk.task("t").await;
    let fills = cases.iter().enumerate().filter_map(|(at, (_, values))| {
        let is_odd = |value: &Value| matches!(value, Value::Other { .. });
        let kind = &task.table.columns[at + 1].kind;
        let odd_day = matches!(kind, Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. });
        let value = values.iter().map(|(_, value)| value).find(|value| !(odd_day && is_odd(value)))?;
        Some((at + 1, value.clone()))
    });
    let fills: Vec<_> = fills.collect();
    task.mapped.fills = fills.clone();
    let found = scan(&mut desk.view().await, &task).await;
    for (at, value) in fills {
        assert_eq!(format!("{:?}", found[0][at]), format!("{value:?}"), "{}", cases[at - 1].0);
    }
    task.mapped.fills.iter_mut().for_each(|(_, value)| *value = Value::Null);
    assert!(scan(&mut desk.view().await, &task).await[0][1..].iter().all(|cell| *cell == Value::Null));
}
