//! A table with a column of every kind MariaDB and MySQL have, and what its cells are as portable values.

use syncline_core::value::Value;

/// Cells of one type: how SQL writes each, and the value it is.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The column's type as SQL writes it.
    pub column: &'static str,
    /// Literals that the type takes, in a session that lets zero and impossible dates in, and what they are. NULL is not
    /// among them.
    pub cells: Vec<(String, Value)>,
}

/// Creates the table `odd`, which has an integer key `id` and for each of [`samples`] a column `c0`, `c1` and so on. Its
/// row 0 holds NULL everywhere, row `n` the `n`th cell of each type that has so many and NULL for others.
pub fn odd_table(is_mariadb: bool) -> String {
    let samples = samples(is_mariadb);
    let columns: String = samples.iter().enumerate().map(|(at, s)| format!(", c{at} {}", s.column)).collect();
    let longest = samples.iter().map(|sample| sample.cells.len()).max().unwrap_or(0);
    let cell = |sample: &Sample, row: usize| match row.checked_sub(1).and_then(|at| sample.cells.get(at)) {
        Some((literal, _)) => format!(", {literal}"),
        None => ", NULL".to_owned(),
    };
    let row = |row: usize| samples.iter().map(|sample| cell(sample, row)).collect::<String>();
    let rows: String = (0..=longest).map(|at| format!("INSERT INTO odd VALUES ({at}{});\n", row(at))).collect();
    format!("{SETTINGS}CREATE TABLE odd (id integer PRIMARY KEY{columns}) CHARACTER SET utf8mb4;\n{rows}")
}

/// Under these every literal is what it looks like.
const SETTINGS: &str = "\
SET time_zone = '+00:00';
SET sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES';
";

/// Every type with the cells that are easily bent: extremes, unsigned numbers, zero dates, scales, padding, case.
pub fn samples(is_mariadb: bool) -> Vec<Sample> {
    let alone = if is_mariadb { of_mariadb() } else { of_mysql() };
    [numbers(), texts(), times(), others(), alone].concat()
}

fn numbers() -> Vec<Sample> {
    let decimal = |text: &str| (text.to_owned(), Value::Decimal(text.to_owned()));
    // Without an exponent it would be a decimal number first.
    let real = |text: &str| (format!("{text}e0"), Value::Real(text.parse().unwrap()));
    let large = |text: &str| (text.to_owned(), Value::Real(text.parse().unwrap()));
    // All the digits: the greatest in its shortest ones is a little too much for the column.
    let single =
        |text: &str| (format!("{:e}", f64::from(text.parse::<f32>().unwrap())), Value::Real(text.parse().unwrap()));
    // MariaDB takes the sign of a zero away, MySQL does not, so it is not among them.
    let reals = ["0", "0.1", "-7", "16777216"];
    let (nines, threes) = ("9".repeat(35), "3".repeat(30));
    let (whole, long) = ("9".repeat(65), format!("-{nines}.{threes}"));
    vec![
        // It is a truth value to nobody who looks at its cells.
        sample("tinyint(1)", [0, 1, 2, -1].map(int)),
        sample("tinyint", [0, i8::MIN, i8::MAX].map(int)),
        sample("smallint", [0, i16::MIN, i16::MAX].map(int)),
        sample("mediumint", [0, -8_388_608, 8_388_607].map(int)),
        sample("int", [0, i32::MIN, i32::MAX].map(int)),
        sample("bigint", [0, i64::MIN, i64::MAX, 9_007_199_254_740_993].map(int)),
        sample("tinyint unsigned", [0, u8::MAX].map(int)),
        sample("smallint unsigned", [0, u16::MAX].map(int)),
        sample("mediumint unsigned", [0, 16_777_215].map(int)),
        sample("int unsigned", [0, u32::MAX].map(int)),
        sample("bigint unsigned", ["0", "9223372036854775808", "18446744073709551615"].map(decimal)),
        sample("year", [0, 1901, 2024, 2155].map(int)),
        // The shortest decimal that reads back as the same number: 0.1, not 0.10000000149011612.
        sample("float", reals.map(real).into_iter().chain(["3.4028235e38", "1e-45", "1.1754944e-38"].map(single))),
        sample("double", reals.map(real).into_iter().chain(["1.7976931348623157e308", "5e-324", "1e300"].map(large))),
        sample("decimal(12,4)", ["0.0000", "99999999.9999", "-0.0001", "5.0000"].map(decimal)),
        sample("decimal(65,30)", [&*long, "0.000000000000000000000000000001"].map(decimal)),
        sample("decimal(65,0)", [&*whole, "-1"].map(decimal)),
        sample("decimal(20,2) unsigned", ["0.00", "999999999999999999.99"].map(decimal)),
    ]
}

fn texts() -> Vec<Sample> {
    let text = |text: &str| (quoted(text), Value::text(text));
    let awkward = crate::fixtures::AWKWARD_TEXTS;
    let bytes = |bytes: &[u8]| (hex(bytes), Value::Bytes(bytes.to_vec()));
    let all: Vec<u8> = (0..=255).collect();
    vec![
        sample("varchar(60)", awkward.iter().map(|t| text(t))),
        // The server takes the padding away again.
        sample("char(5)", ["", "a", "\u{fc}", " abc", "\u{1f600}bcde"].map(text)),
        sample("tinytext", awkward.iter().map(|t| text(t))),
        sample("longtext", ["", "\\N\t\\", "nul\0inside", "\u{1}\u{7f}\u{85}\u{2028}\u{10ffff}", "  "].map(text)),
        sample("varchar(20) CHARACTER SET latin1", ["", "Z\u{fc}rich \u{20ac}", "a  "].map(text)),
        sample("enum('sad','it''s ok','H\u{e4}ppy','x,y')", ["H\u{e4}ppy", "it's ok", "x,y", "sad"].map(text)),
        sample("binary(4)", [&b"\0\0\0\0"[..], b"ab\0\0", b"\xff\x5c\x27\x0a"].map(bytes)),
        sample("varbinary(300)", [&b""[..], b"\0", b"a ", &all].map(bytes)),
        sample("longblob", [&b""[..], &all, &[b'\\'; 3]].map(bytes)),
    ]
}

fn times() -> Vec<Sample> {
    const DAY: i64 = 86_400_000_000;
    let days = |(text, days)| (quoted(text), Value::Date(days));
    let odd =
        |name: &str, text: &str| (quoted(text), Value::Other { type_name: name.to_owned(), text: text.to_owned() });
    let moments = |zero: i64| {
        [
            ("1970-01-01 00:00:00".to_owned(), 0),
            ("0001-01-01 00:00:00".to_owned(), -719_162 * DAY),
            ("9999-12-31 23:59:59".to_owned(), 2_932_897 * DAY - 1_000_000),
        ]
        .map(|(text, micros)| (quoted(&text), Value::Timestamp(micros + zero)))
    };
    let fine = [("1969-12-31 23:59:59.999999", -1), ("2024-02-29 12:00:00.5", 1_709_208_000_500_000)];
    let fine = fine.map(|(text, micros)| (quoted(text), Value::Timestamp(micros)));
    let instants = [("1970-01-01 00:00:01", 1_000_000), ("2038-01-19 03:14:07", 2_147_483_647_000_000)];
    let instant = |(text, micros): (&str, i64)| (quoted(text), Value::Instant(micros));
    let spans = [
        ("00:00:00", 0),
        ("-00:00:01", -1_000_000),
        ("838:59:59", 3_020_399_000_000),
        ("-838:59:59", -3_020_399_000_000),
    ];
    let span = |(text, micros): (&str, i64)| (quoted(text), Value::Time(micros));
    let dates = [("1970-01-01", 0), ("1969-12-31", -1), ("2024-02-29", 19_782), ("9999-12-31", 2_932_896)];
    // There is a year 0, which to the servers is no leap year.
    let early = [("0001-01-01", -719_162), ("0000-12-31", -719_163)];
    let no_dates = ["0000-00-00", "2024-00-10", "2024-02-31"].map(|text| odd("date", text));
    let no_moments = ["0000-00-00 00:00:00", "2024-02-31 12:00:00"].map(|text| odd("datetime", text));
    vec![
        sample("date", dates.into_iter().chain(early).map(days).chain(no_dates)),
        sample("datetime", moments(0).into_iter().chain(no_moments.clone())),
        sample("datetime(6)", moments(0).into_iter().chain(fine)),
        sample("datetime(3)", [(quoted("2024-02-29 12:00:00.125"), Value::Timestamp(1_709_208_000_125_000))]),
        sample("timestamp", instants.map(instant).into_iter().chain([odd("timestamp", "0000-00-00 00:00:00")])),
        sample(
            "timestamp(6)",
            instants.into_iter().chain([("2024-02-29 12:00:00.000001", 1_709_208_000_000_001)]).map(instant),
        ),
        sample("time", spans.map(span)),
        sample(
            "time(6)",
            [("23:59:59.999999", DAY - 1), ("-00:00:00.000001", -1), ("25:00:00.5", DAY + 3_600_500_000)].map(span),
        ),
    ]
}

fn others() -> Vec<Sample> {
    let bits = |column, texts: &[&str]| other(column, column, texts, |text| format!("b'{text}'"));
    let shape = |column, texts: &[&str]| other(column, column, texts, |text| format!("X'{}'", stored(text)));
    // Lowest byte first, a point, 1.5 and -2.
    let point = "0101000000000000000000F83F00000000000000C0";
    let (somewhere, on_earth) = (format!("SRID=0;{point}"), format!("SRID=4326;{point}"));
    let line = "SRID=0;010200000002000000000000000000F03F000000000000F03F00000000000000400000000000000040";
    vec![
        bits("bit(1)", &["0", "1"]),
        bits("bit(3)", &["101", "000"]),
        bits("bit(64)", &[&"1".repeat(64), &format!("{:064b}", 1)]),
        other("set('a','it''s','c')", "set('a','it''s','c')", &["", "a", "a,it's,c"], quoted),
        shape("point", &[&somewhere, &on_earth]),
        shape("geometry", &[&somewhere, line]),
        shape("linestring", &[line]),
    ]
}

fn of_mariadb() -> Vec<Sample> {
    let json = |text: &str| (quoted(text), Value::Json(text.to_owned()));
    let uuid = |text: &str, bytes| (quoted(text), Value::Uuid(bytes));
    vec![
        sample("json", ["null", "{\"b\":1, \"a\" :1.0,\"b\":2}", " [1] ", "\"\\u00e9\""].map(json)),
        sample(
            "uuid",
            [
                uuid("00000000-0000-0000-0000-000000000000", [0; 16]),
                uuid("00112233-4455-6677-8899-aabbccddeeff", std::array::from_fn(|at| at as u8 * 0x11)),
            ],
        ),
        other("inet6", "inet6", &["::", "::ffff:1.2.3.4", "fe80::1"], quoted),
    ]
}

fn of_mysql() -> Vec<Sample> {
    // As the server prints it: by the length of names, then by their bytes.
    let json = |text: &str| (quoted(text), Value::Json(text.to_owned()));
    vec![sample("json", ["null", "{\"a\": 1.0, \"b\": 2, \"aa\": []}", "[1]", "\"\u{e9}\""].map(json))]
}

fn sample(column: &'static str, cells: impl IntoIterator<Item = (String, Value)>) -> Sample {
    Sample { column, cells: cells.into_iter().collect() }
}

fn other(column: &'static str, type_name: &str, texts: &[&str], literal: impl Fn(&str) -> String) -> Sample {
    let value = |text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    sample(column, texts.iter().map(|text| (literal(text), value(text))))
}

fn int(number: impl Into<i64>) -> (String, Value) {
    let number = number.into();
    (number.to_string(), Value::Int(number))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("X'{digits}'")
}

/// A geometry's bytes as the server stores them, in hexadecimal digits.
fn stored(text: &str) -> String {
    let (srid, shape) = text.strip_prefix("SRID=").and_then(|rest| rest.split_once(';')).unwrap();
    let srid: String = srid.parse::<u32>().unwrap().to_le_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    srid + shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mariadb::fresh_database;

    /// What SQL finds out about a cell of this kind, and what it must print: no code of ours reads the cell.
    fn check(value: &Value, column: &str, is_single: bool) -> (String, String) {
        let cell = format!("CAST({column} AS char)");
        let hexed = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        match value {
            Value::Int(number) => (format!("{column} + 0"), number.to_string()),
            Value::Real(number) => {
                let stored = if is_single { f64::from(*number as f32) } else { *number };
                (format!("{column} = {stored:e}"), "1".to_owned())
            }
            Value::Decimal(text) | Value::Json(text) => (cell, text.clone()),
            Value::Text(bytes) => (format!("hex(CONVERT({column} USING utf8mb4))"), hexed(bytes)),
            Value::Bytes(bytes) => (format!("hex({column})"), hexed(bytes)),
            Value::Uuid(bytes) => (format!("replace({column}, '-', '')"), hexed(bytes).to_lowercase()),
            Value::Date(days) => (format!("to_days({column}) - 719528"), days.to_string()),
            Value::Time(micros) => {
                let seconds = format!("CAST(truncate(time_to_sec({column}), 0) AS signed) * 1000000");
                (format!("{seconds} + microsecond({column}) * if({column} < 0, -1, 1)"), micros.to_string())
            }
            Value::Timestamp(micros) | Value::Instant(micros) => {
                (format!("timestampdiff(microsecond, '1970-01-01 00:00:00', {column})"), micros.to_string())
            }
            Value::Other { type_name, text } if type_name.starts_with("bit") => {
                (format!("lpad(bin({column} + 0), {}, '0')", text.len()), text.clone())
            }
            Value::Other { text, .. } if text.starts_with("SRID=") => (format!("hex({column})"), stored(text)),
            Value::Other { text, .. } => (cell, text.clone()),
            Value::Null | Value::Bool(_) => unreachable!("no sample is {value:?}"),
        }
    }

    #[test]
    fn the_server_says_of_every_sample_that_it_is_that_value() {
        let database = fresh_database();
        let is_mariadb = database.server().is_mariadb();
        database.mariadb(&odd_table(is_mariadb));
        let mut wrong = Vec::new();
        for (column, sample) in samples(is_mariadb).iter().enumerate() {
            for (row, (literal, value)) in (1..).zip(&sample.cells) {
                let (sql, expected) = check(value, &format!("c{column}"), sample.column == "float");
                let found = database.rows(&format!("{SETTINGS} SELECT {sql} FROM odd WHERE id = {row}"));
                if found != [[Some(expected.clone())]] {
                    wrong.push(format!("{} {literal}: {found:?} is not {expected}", sample.column));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
