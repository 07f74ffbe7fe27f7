//! What is rare or huge, beside [`samples`](crate::postgres::samples).

use syncline_core::value::Value;

/// Column types and cells. `version` is the server's, as `server_version_num` has it.
pub(super) fn extremes(version: u32) -> Vec<(&'static str, Vec<Value>)> {
    let decimals = |texts: &[&str]| texts.iter().map(|text| Value::Decimal((*text).to_owned())).collect::<Vec<_>>();
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::text(*text)).collect::<Vec<_>>();
    // As many digits as there can be on either side of the point.
    let longest = format!("-{}.{}7", "9".repeat(131_072), "0".repeat(16_382));
    let mut all = vec![
        ("numeric", decimals(&[&longest])),
        ("numeric(30,0)", decimals(&["0", "123456789012345678901234567890", "NaN"])),
        ("character varying(3)", texts(&["\u{1f600}\u{1f600}\u{1f600}", "a  ", ""])),
        ("character(1)", texts(&["\u{1f600}", " ", "\\"])),
        ("text", texts(&["\\N", "\\.", "\\x41", "{}", "\u{1}\u{7f}\u{85}\u{2028}\u{10ffff}", "\t", "null"])),
        ("bytea", vec![Value::Bytes((0..=255).collect()), Value::Bytes(vec![b'\\'; 3])]),
        ("time(3)", vec![Value::Time(1_001_000), Value::Time(86_400_000_000)]),
        ("timestamp(0)", vec![Value::Timestamp(-1_000_000), Value::Timestamp(i64::MAX)]),
        ("timestamptz(2)", vec![Value::Instant(10_000), Value::Instant(i64::MIN)]),
        // Beyond what 64 bits hold, counted from 1970.
        ("timestamp", vec![Value::Timestamp(i64::MAX - 1), other("timestamp", "294276-12-31 23:59:59.999999")]),
        ("timestamptz", vec![Value::Instant(i64::MAX - 1), other("timestamptz", "294276-12-31 23:59:59.999999+00")]),
    ];
    all.extend(by_text(OTHERS));
    if version >= 140_000 {
        all.extend(by_text(&[("int4multirange", &["{}", "{[1,3),[5,8)}"])]));
    }
    if version >= 150_000 {
        all.push(("numeric(5,-2)", decimals(&["0", "12300", "-9999900", "NaN"])));
    }
    all
}

/// Types that only PostgreSQL has, by the names that their values bear, and cells as it prints them.
const OTHERS: &[(&str, &[&str])] = &[
    ("interval", &["178000000 years", "-1 years -2 mons +3 days -04:05:06.789", "240:00:00"]),
    ("interval(0)", &["00:00:01"]),
    ("numeric(10,2)[]", &["{1.00,NULL,NaN}"]),
    ("double precision[]", &["{0.1,-0,NaN,-Infinity}"]),
    ("timestamp with time zone[]", &["{\"2024-02-29 12:00:00.5+00\",infinity,NULL}"]),
    ("bytea[]", &["{\"\\\\x00ff\",\"\\\\x\"}"]),
    ("public.mood[]", &["{sad,\"it's ok\",\"\"}"]),
    ("public.pair[]", &["{\"(1,x)\",\"(,)\"}"]),
    ("integer[]", &["[-1:0][2:3]={{1,2},{3,NULL}}"]),
    ("json[]", &["{\"{\\\"a\\\" :1}\"}"]),
    ("tstzrange", &["(,\"2024-01-01 00:00:00+00\"]"]),
    ("numrange", &["[-1.50,)"]),
    ("bit varying(4)", &["", "1010"]),
    ("tsquery", &["'a' & !'b':*"]),
    ("jsonpath", &["$.\"a\"[*]"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05"]),
    ("box", &["(2,2),(1,1)"]),
    ("path", &["[(0,0),(1,1)]", "((0,0),(1,1))"]),
    ("circle", &["<(0,0),5>"]),
    ("pg_lsn", &["16/B374D848"]),
    ("time(2) with time zone", &["12:00:00.01+05:30"]),
    ("inet", &["::ffff:1.2.3.4", "fe80::1/10"]),
    ("xml", &["a &lt; <b/>"]),
];

fn by_text<'a>(
    types: &'a [(&'static str, &'a [&'a str])],
) -> impl Iterator<Item = (&'static str, Vec<Value>)> + use<'a> {
    types.iter().map(|(name, texts)| (*name, texts.iter().map(|text| other(name, text)).collect()))
}

fn other(type_name: &str, text: &str) -> Value {
    Value::Other { type_name: type_name.to_owned(), text: text.to_owned() }
}
