//! A table with a column of every kind PostgreSQL has, and what its cells are as portable values.

use syncline_core::value::Value;

/// Cells of one type: how SQL writes each, and the value it is.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The column's type as SQL writes it.
    pub column: &'static str,
    /// Literals that the type takes, and what they are. NULL is not among them.
    pub cells: Vec<(String, Value)>,
}

/// The types of [`samples`] that are not PostgreSQL's own, in the schema `public`.
pub const USER_TYPES: &str = "\
CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'H\u{e4}ppy', '');
CREATE DOMAIN public.positive AS integer CHECK (value > 0);
CREATE TYPE public.pair AS (a integer, b text);
CREATE TYPE public.span AS RANGE (subtype = timestamp);
";

/// Creates the table `odd`, which has an integer key `id` and for each of [`samples`] a column `c0`, `c1` and so on. Its
/// row 0 holds NULL everywhere, row `n` the `n`th cell of each type that has so many and NULL for others.
pub fn odd_table() -> String {
    let samples = samples();
    let columns: String = samples.iter().enumerate().map(|(at, s)| format!(", c{at} {}", s.column)).collect();
    let longest = samples.iter().map(|sample| sample.cells.len()).max().unwrap_or(0);
    let cell = |sample: &Sample, row: usize| match row.checked_sub(1).and_then(|at| sample.cells.get(at)) {
        Some((literal, _)) => format!(", {}", quoted(literal)),
        None => ", NULL".to_owned(),
    };
    let row = |row: usize| samples.iter().map(|sample| cell(sample, row)).collect::<String>();
    let rows: String = (0..=longest).map(|at| format!("INSERT INTO odd VALUES ({at}{});\n", row(at))).collect();
    format!("{USER_TYPES}CREATE TABLE odd (id integer PRIMARY KEY{columns});\n{rows}")
}

/// Every type with the cells that are easily bent: extremes, infinities, years before Christ, scales, padding, case.
pub fn samples() -> Vec<Sample> {
    [numbers(), texts(), times(), others()].concat()
}

fn numbers() -> Vec<Sample> {
    let real = |text: &str| (text.to_owned(), Value::Real(text.parse().unwrap()));
    let decimal = |text: &str| (text.to_owned(), Value::Decimal(text.to_owned()));
    let long = format!("-1{}.{}1", "0".repeat(400), "0".repeat(60));
    let reals = ["0", "-0", "0.1", "NaN", "Infinity", "-Infinity", "-7"];
    vec![
        sample("boolean", [("true".to_owned(), Value::Bool(true)), ("false".to_owned(), Value::Bool(false))]),
        sample("smallint", [0, i16::MIN, i16::MAX].map(int)),
        sample("integer", [0, i32::MIN, i32::MAX].map(int)),
        sample("bigint", [0, i64::MIN, i64::MAX, 9_007_199_254_740_993].map(int)),
        sample("oid", [0, u32::MAX].map(int)),
        sample("public.positive", [1, i32::MAX].map(int)),
        // The shortest decimal that reads back as the same number: 0.1, not 0.10000000149011612.
        sample("real", reals.iter().chain(&["3.4028235e38", "1e-45", "1.1754944e-38", "16777216"]).map(|t| real(t))),
        sample("double precision", reals.iter().chain(&["1.7976931348623157e308", "5e-324"]).map(|t| real(t))),
        sample("numeric", ["0", "0.00", "10.50", "0.000000001", "NaN", "Infinity", "-Infinity", &long].map(decimal)),
        // A zero has no sign.
        sample("numeric", [("-0.00".to_owned(), decimal("0.00").1)]),
        sample("numeric(12,4)", ["99999999.9999", "-0.0001", "5.0000", "NaN"].map(decimal)),
    ]
}

fn texts() -> Vec<Sample> {
    let text = |text: &str| (text.to_owned(), Value::text(text));
    let json = |text: &str| (text.to_owned(), Value::Json(text.to_owned()));
    let awkward = crate::fixtures::AWKWARD_TEXTS;
    let uuid = |text: &str, bytes| (text.to_owned(), Value::Uuid(bytes));
    vec![
        sample("text", awkward.iter().map(|t| text(t))),
        sample("character varying(60)", awkward.iter().map(|t| text(t))),
        sample("character(5)", ["", "a", "\u{fc}  ", "abcde"].map(|t| (t.to_owned(), Value::text(format!("{t:<5}"))))),
        sample("name", ["", "O'Brien \"x\""].map(text)),
        sample("public.mood", ["H\u{e4}ppy", "it's ok", "", "sad"].map(text)),
        sample(
            "bytea",
            [("\\x", vec![]), ("\\x00ff5c27", vec![0, 255, 92, 39])].map(|(t, b)| (t.to_owned(), Value::Bytes(b))),
        ),
        sample(
            "uuid",
            [
                uuid("00000000-0000-0000-0000-000000000000", [0; 16]),
                uuid("00112233-4455-6677-8899-aabbccddeeff", std::array::from_fn(|at| at as u8 * 0x11)),
            ],
        ),
        sample("json", ["null", "{\"b\":1, \"a\" :1.0,\"b\":2}", " [1] ", "\"\\u00e9\""].map(json)),
        sample("jsonb", ["null", "{\"a\": 1.0, \"b\": 2}", "[1e400]"].map(|t| (t.to_owned(), jsonb(t)))),
    ]
}

fn times() -> Vec<Sample> {
    const DAY: i64 = 86_400_000_000;
    let cell = |(text, value): (&str, Value)| (text.to_owned(), value);
    let moments = |offset: &str| {
        let finite = [
            ("1970-01-01 00:00:00", 0),
            ("1969-12-31 23:59:59.999999", -1),
            ("2024-02-29 12:00:00.5", 1_709_208_000_500_000),
        ];
        let finite = finite.map(|(text, micros)| (format!("{text}{offset}"), micros));
        // The first instant PostgreSQL knows, Julian day 0.
        let first = (format!("4714-11-24 00:00:00{offset} BC"), -2_440_588 * DAY);
        let infinite = [("infinity".to_owned(), i64::MAX), ("-infinity".to_owned(), i64::MIN)];
        finite.into_iter().chain([first]).chain(infinite)
    };
    let dates = [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2024-02-29", 19_782),
        ("0001-12-31 BC", -719_163),
        ("4714-11-24 BC", -2_440_588),
        ("5874897-12-31", 2_145_042_905),
        ("infinity", i32::MAX),
        ("-infinity", i32::MIN),
    ];
    let clock = [("00:00:00", 0), ("23:59:59.999999", DAY - 1), ("24:00:00", DAY)];
    vec![
        sample("date", dates.map(|(text, days)| cell((text, Value::Date(days))))),
        sample("time", clock.map(|(text, micros)| cell((text, Value::Time(micros))))),
        sample("timestamp", moments("").map(|(text, micros)| (text, Value::Timestamp(micros)))),
        sample("timestamptz", moments("+00").map(|(text, micros)| (text, Value::Instant(micros)))),
    ]
}

fn others() -> Vec<Sample> {
    vec![
        other("integer[]", "integer[]", &["{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[0:1]={1,2}"]),
        other("text[]", "text[]", &["{\"a,b\",\"\",NULL,\"NULL\",\"q\\\"\"}"]),
        other("int4range", "int4range", &["empty", "[1,5)", "(,)"]),
        other("public.span", "public.span", &["[\"2024-01-01 00:00:00\",infinity)"]),
        other("public.pair", "public.pair", &["(1,\"a,\"\"b\")", "(,)"]),
        // A cast to text would always show the width of the network; the type's own output does not.
        other("inet", "inet", &["10.0.0.1", "10.0.0.1/8", "::1"]),
        other("cidr", "cidr", &["10.0.0.0/8"]),
        other("macaddr", "macaddr", &["08:00:2b:01:02:03"]),
        other("interval", "interval", &["00:00:00", "1 mon -1 days +00:00:00.5", "-178000000 years"]),
        other("bit(3)", "bit(3)", &["101"]),
        other("bit varying", "bit varying", &["", "10101"]),
        other("timetz", "time with time zone", &["12:00:00+00", "23:59:59.999999-15:59"]),
        other("tsvector", "tsvector", &["'a':1 'cat':2A,3"]),
        other("xml", "xml", &["<a>&amp;</a>"]),
        other("money", "money", &["$1.00", "-$92,233,720,368,547,758.08"]),
        other("point", "point", &["(0.1,-2)"]),
        other("\"char\"", "\"char\"", &["x"]),
    ]
}

fn sample(column: &'static str, cells: impl IntoIterator<Item = (String, Value)>) -> Sample {
    Sample { column, cells: cells.into_iter().collect() }
}

fn other(column: &'static str, type_name: &str, texts: &[&str]) -> Sample {
    let value = |text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    sample(column, texts.iter().map(|text| ((*text).to_owned(), value(text))))
}

fn int(number: impl Into<i64>) -> (String, Value) {
    let number = number.into();
    (number.to_string(), Value::Int(number))
}

/// jsonb spells numbers out.
fn jsonb(text: &str) -> Value {
    Value::Json(text.replace("1e400", &format!("1{}", "0".repeat(400))))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::fresh_database;

    /// What SQL finds out about a cell of this kind, and what it must print: no code of ours reads the cell.
    fn check(value: &Value, column: &str) -> (String, String) {
        let (cell, epoch) = (format!("{column}::text"), format!("trunc(extract(epoch FROM {column}) * 1000000)"));
        match value {
            Value::Bool(value) => (cell, value.to_string()),
            Value::Int(number) => (cell, number.to_string()),
            Value::Real(number) => {
                // By its bytes: 0 and -0 are equal.
                let bytes = format!("float8send({column}::text::float8) = float8send('{number:e}')");
                (format!("({bytes})::text"), "true".to_owned())
            }
            Value::Decimal(text) | Value::Json(text) => (cell, text.clone()),
            Value::Other { text, .. } => (format!("format('%s', {column})"), text.clone()),
            // The cast to text takes the padding away, concatenation likewise; format() does not.
            Value::Text(text) => (format!("format('%s', {column})"), String::from_utf8(text.clone()).unwrap()),
            Value::Bytes(bytes) => {
                (format!("encode({column}, 'hex')"), bytes.iter().map(|b| format!("{b:02x}")).collect())
            }
            Value::Uuid(bytes) => {
                (format!("replace({column}::text, '-', '')"), bytes.iter().map(|b| format!("{b:02x}")).collect())
            }
            Value::Date(i32::MAX) | Value::Timestamp(i64::MAX) | Value::Instant(i64::MAX) => {
                (cell, "infinity".to_owned())
            }
            Value::Date(i32::MIN) | Value::Timestamp(i64::MIN) | Value::Instant(i64::MIN) => {
                (cell, "-infinity".to_owned())
            }
            Value::Date(days) => (format!("({column} - date '1970-01-01')::text"), days.to_string()),
            Value::Time(micros) | Value::Timestamp(micros) | Value::Instant(micros) => (epoch, micros.to_string()),
            Value::Null => unreachable!("no sample is NULL"),
        }
    }

    #[test]
    fn the_server_says_of_every_sample_that_it_is_that_value() {
        let database = fresh_database();
        database.psql(&odd_table());
        let pinned =
            "SET search_path = pg_catalog; SET timezone = 'UTC'; SET extra_float_digits = 1; SET lc_monetary = 'C';";
        let mut wrong = Vec::new();
        for (column, sample) in samples().iter().enumerate() {
            for (row, (literal, value)) in (1..).zip(&sample.cells) {
                let (sql, expected) = check(value, &format!("c{column}"));
                let found = database.rows(&format!("{pinned} SELECT {sql} FROM public.odd WHERE id = {row}"));
                if found != [[Some(expected.clone())]] {
                    wrong.push(format!("{} {literal}: {found:?} is not {expected}", sample.column));
                }
            }
            if let Some((_, Value::Other { type_name, .. })) = sample.cells.first() {
                let sql = format!(
                    "{pinned} SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
                     WHERE attrelid = 'public.odd'::regclass AND attname = 'c{column}'"
                );
                assert_eq!(database.rows(&sql), [[Some(type_name.clone())]]);
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
