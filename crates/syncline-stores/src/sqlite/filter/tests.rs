//! The SQL of a filter against an evaluator of its own, which knows nothing of SQLite: random filters, written as people
//! write them, over random rows, in databases of both encodings.

use std::cmp::Ordering;
use std::fmt::{self, Display, Write};
use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::mapping::{Mapping, MappingRequest, Resolved};

use super::super::snapshot::{register_functions, select};
use super::super::types::{self, Encoding};
use super::super::{connect::failure::Attempt, schema};
use super::*;

const TABLE: &str =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, n NUMERIC, s TEXT COLLATE NOCASE, o, at)";

/// The present moment of these tests: 2024-05-06T07:08:09.500Z.
const NOW_MS: i64 = 1_714_979_289_500;

#[derive(Clone, Debug)]
enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Compare(&'static str, &'static str, Value),
    Reversed(Value, &'static str, &'static str),
    Columns(&'static str, &'static str, &'static str),
    In(&'static str, Vec<Value>),
    Between(&'static str, Value, Value),
    Like(&'static str, bool, String),
    IsNull(&'static str),
    Time(&'static str, i64),
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |parts: &[Expr], word: &str| {
            parts.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(&format!(" {word} "))
        };
        match self {
            Expr::All(parts) => f.write_str(&joined(parts, "AND")),
            Expr::Any(parts) => f.write_str(&joined(parts, "or")),
            Expr::Not(part) => write!(f, "NOT ({part})"),
            Expr::Compare(column, sign, value) => write!(f, "{column} {sign} {}", shown(value)),
            Expr::Reversed(value, sign, column) => write!(f, "{} {sign} {column}", shown(value)),
            Expr::Columns(a, sign, b) => write!(f, "\"{a}\" {sign} {b}"),
            Expr::In(column, values) => {
                write!(f, "{column} IN ({})", values.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
            Expr::Between(column, low, high) => write!(f, "{column} BETWEEN {} AND {}", shown(low), shown(high)),
            Expr::Like(column, ignores_case, pattern) => {
                let word = if *ignores_case { "ILIKE" } else { "LIKE" };
                write!(f, "{column} {word} {}", shown(&Value::text(pattern.as_str())))
            }
            Expr::IsNull(column) => write!(f, "{column} IS NULL"),
            Expr::Time(sign, seconds) => {
                let direction = if *seconds < 0 { '-' } else { '+' };
                write!(f, "at {sign} now() {direction} interval '{} seconds'", seconds.abs())
            }
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Decimal(digits) => digits.clone(),
        Value::Text(bytes) => format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', "''")),
        Value::Bytes(bytes) => {
            let mut text = "x'".to_owned();
            bytes.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text + "'"
        }
        other => panic!("no literal for {other:?}"),
    }
}

type Stored = Vec<(&'static str, Value)>;

fn cell<'r>(row: &'r Stored, column: &str) -> &'r Value {
    &row.iter().find(|(name, _)| *name == column).unwrap().1
}

/// Whether the row takes part; `None` where NULL leaves it open.
fn holds(expr: &Expr, row: &Stored) -> Option<bool> {
    match expr {
        Expr::All(parts) => {
            let all: Vec<_> = parts.iter().map(|part| holds(part, row)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else {
                all.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
            }
        }
        Expr::Any(parts) => {
            let all: Vec<_> = parts.iter().map(|part| holds(part, row)).collect();
            if all.contains(&Some(true)) {
                Some(true)
            } else {
                all.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
            }
        }
        Expr::Not(part) => holds(part, row).map(|held| !held),
        Expr::Compare(column, sign, value) => Some(is(sign, order(cell(row, column), value)?)),
        Expr::Reversed(value, sign, column) => Some(is(sign, order(value, cell(row, column))?)),
        Expr::Columns(a, sign, b) => Some(is(sign, order(cell(row, a), cell(row, b))?)),
        Expr::In(column, values) => {
            let found = cell(row, column);
            (*found != Value::Null).then(|| values.iter().any(|value| order(found, value) == Some(Ordering::Equal)))
        }
        Expr::Between(column, low, high) => {
            let found = cell(row, column);
            Some(order(found, low)? != Ordering::Less && order(found, high)? != Ordering::Greater)
        }
        Expr::Like(column, ignores_case, pattern) => match cell(row, column) {
            Value::Null => None,
            Value::Text(text) => {
                let fold = |text: &str| if *ignores_case { text.to_ascii_lowercase() } else { text.to_owned() };
                let (text, pattern) = (fold(std::str::from_utf8(text).unwrap()), fold(pattern));
                Some(matches(&text.chars().collect::<Vec<_>>(), &pattern.chars().collect::<Vec<_>>()))
            }
            _ => Some(false),
        },
        Expr::IsNull(column) => Some(*cell(row, column) == Value::Null),
        Expr::Time(sign, seconds) => Some(is(sign, instant(cell(row, "at"))?.cmp(&(NOW_MS + seconds * 1_000)))),
    }
}

fn is(sign: &str, order: Ordering) -> bool {
    match sign {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        other => panic!("no sign {other}"),
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let rank = |value: &Value| match value {
        Value::Int(_) | Value::Real(_) | Value::Decimal(_) => 1,
        Value::Text(_) => 2,
        _ => 3,
    };
    // The numbers of these tests are small, so a double holds each of them.
    let number = |value: &Value| match value {
        Value::Int(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Decimal(digits) => digits.parse().unwrap(),
        other => panic!("no number: {other:?}"),
    };
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Text(a), Value::Text(b)) | (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        _ if rank(a) == 1 && rank(b) == 1 => number(a).partial_cmp(&number(b)),
        _ => Some(rank(a).cmp(&rank(b))),
    }
}

fn matches(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skipped| matches(&text[skipped..], rest)),
        Some(('_', rest)) => !text.is_empty() && matches(&text[1..], rest),
        Some((c, rest)) => text.first() == Some(c) && matches(&text[1..], rest),
    }
}

/// Milliseconds since 1970 of what is a point in time.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) if number.abs() < 100_000_000_000 => Some(number * 1_000),
        Value::Int(number) => Some(*number),
        Value::Real(days) => Some(((days - 2_440_587.5) * 86_400_000.0).round() as i64),
        Value::Text(text) => written_instant(std::str::from_utf8(text).unwrap()),
        _ => None,
    }
}

/// Reads the forms that the rows of these tests are written in.
fn written_instant(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // Days from civil, after Howard Hinnant.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let mut millis = days * 86_400_000;
    if text.len() > 10 {
        let hour = number(11..13).filter(|hour| *hour < 24)?;
        millis += hour * 3_600_000 + number(14..16)? * 60_000 + number(17..19)? * 1_000;
        let mut rest = &text[19..];
        if let Some(fraction) = rest.strip_prefix('.') {
            millis += fraction[..3].parse::<i64>().ok()?;
            rest = &fraction[3..];
        }
        millis -= match rest {
            "" | "Z" => 0,
            zone => {
                let minutes = zone[1..3].parse::<i64>().ok()? * 60 + zone[4..6].parse::<i64>().ok()?;
                if zone.starts_with('-') { -minutes * 60_000 } else { minutes * 60_000 }
            }
        };
    }
    Some(millis)
}

const SIGNS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
const COLUMNS: [&str; 5] = ["i", "r", "n", "s", "o"];

fn any_string() -> impl Strategy<Value = String> {
    // Mostly from few characters, so that texts and patterns often meet.
    prop_oneof![3 => "[aA\\[]{0,2}", 3 => "[aA%_*?\\[\\]]{0,3}", 2 => "[aAbzéÉ€😀%_*?\\[\\]\\\\'\"^!-]{0,5}"]
}

fn any_literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3_i64..4).prop_map(Value::Int),
        (-30_i64..31).prop_map(|tenths| Value::Decimal(format!("{:.1}", tenths as f64 / 10.0))),
        any_string().prop_map(Value::text),
        prop::sample::select(vec!["1", " 2 ", "-3.0", "1e0", "A"]).prop_map(Value::text),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::Bytes),
    ]
}

fn any_cell() -> impl Strategy<Value = Value> {
    let stored = |value| match value {
        Value::Decimal(digits) => Value::Real(digits.parse().unwrap()),
        other => other,
    };
    prop_oneof![1 => Just(Value::Null), 6 => any_literal().prop_map(stored)]
}

fn any_time() -> impl Strategy<Value = Value> {
    // By steps that meet the whole seconds that filters are typed in.
    let near = (-8_i64..9).prop_map(|steps| NOW_MS + steps * 500 + (steps % 3));
    prop_oneof![
        Just(Value::Null),
        any_cell(),
        near.clone().prop_map(Value::Int),
        near.clone().prop_map(|ms| Value::Int(ms / 1_000)),
        near.prop_map(|ms| Value::Real(ms as f64 / 86_400_000.0 + 2_440_587.5)),
        prop::sample::select(vec![
            "2024-05-06",
            "2024-05-07",
            "2024-05-06 07:08:09",
            "2024-05-06T07:08:09.500",
            "2024-05-06 07:08:09.499Z",
            "2024-05-06T09:08:09.500+02:00",
            "2024-05-06 01:38:09.501-05:30",
            "0001-01-01",
            "9999-12-31 23:59:59",
            "now",
            "12:00",
            "2024-5-6",
            "yesterday",
            "2024-05-06 25:00:00",
            "",
        ])
        .prop_map(Value::text),
    ]
}

/// A literal that the column could be equal to: others are refused, which has tests of its own.
fn fitting(column: &str, value: Value) -> Value {
    match (column, &value) {
        ("s", Value::Int(_) | Value::Decimal(_)) => Value::text(shown(&value)),
        ("i" | "r" | "n", Value::Text(text)) if text.iter().any(u8::is_ascii_digit) => Value::Int(2),
        _ => value,
    }
}

fn all_fitting(column: &str, values: Vec<Value>) -> Vec<Value> {
    values.into_iter().map(|value| fitting(column, value)).collect()
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let column = || prop::sample::select(COLUMNS.to_vec());
    let sign = || prop::sample::select(SIGNS.to_vec());
    let leaf = prop_oneof![
        (column(), sign(), any_literal()).prop_map(|(column, sign, value)| Expr::Compare(
            column,
            sign,
            fitting(column, value)
        )),
        (any_literal(), sign(), column()).prop_map(|(value, sign, column)| Expr::Reversed(
            fitting(column, value),
            sign,
            column
        )),
        (column(), sign(), column()).prop_map(|(a, sign, b)| Expr::Columns(a, sign, b)),
        (column(), prop::collection::vec(any_literal(), 1..4))
            .prop_map(|(column, values)| Expr::In(column, all_fitting(column, values))),
        (column(), any_literal(), any_literal()).prop_map(|(column, low, high)| Expr::Between(
            column,
            fitting(column, low),
            fitting(column, high)
        )),
        (prop::sample::select(vec!["n", "s", "o"]), any::<bool>(), any_string())
            .prop_map(|(column, fold, text)| Expr::Like(column, fold, text)),
        column().prop_map(Expr::IsNull),
        (sign(), -4_i64..5).prop_map(|(sign, seconds)| Expr::Time(sign, seconds)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 1..5).prop_map(Expr::Any),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

fn filled(encoding: &str, rows: &[[Value; 6]]) -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!("PRAGMA encoding = '{encoding}'; {TABLE}")).unwrap();
    let registered: Attempt<()> = register_functions(&mut conn);
    assert!(registered.is_ok());
    for row in rows {
        let cells: Vec<String> = row.iter().map(|value| Dialect::Sqlite.literal(value.as_ref())).collect();
        conn.execute_batch(&format!("INSERT INTO t (i, r, n, s, o, at) VALUES ({})", cells.join(", "))).unwrap();
    }
    conn
}

/// The rows as the columns have turned them, in the order of their keys.
fn stored(conn: &Connection) -> Vec<Stored> {
    let mut statement = conn.prepare("SELECT i, r, n, s, o, at FROM t ORDER BY id").unwrap();
    let names = ["i", "r", "n", "s", "o", "at"];
    let read = |row: &rusqlite::Row<'_>| {
        Ok(names
            .into_iter()
            .enumerate()
            .map(|(at, name)| (name, types::value(row.get_ref(at).unwrap()).to_owned()))
            .collect())
    };
    statement.query_map([], read).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn selected(conn: &Connection, text: &str) -> Result<Vec<usize>> {
    let Ok(schema) = schema::read(conn) else { panic!("the schema cannot be read") };
    let typed = MappingRequest { filters: vec![format!("t: {text}")], ..MappingRequest::default() };
    let resolved = Resolved::new(&Mapping::parse(&typed)?, &schema, &|_| true, NOW_MS, None)?;
    let table = schema.table("t").unwrap();
    let mut task = TableTask::whole(Arc::clone(table));
    task.mapped.filter = resolved.view(table).filter.map(Arc::new);
    let Ok(encoding) = Encoding::of(conn) else { panic!("no encoding") };
    let sql = format!("SELECT id - 1 FROM t{} ORDER BY id", select::filtered(&task, encoding)?);
    let mut statement = conn.prepare(&sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let found = statement.query_map([], |row| row.get::<_, u32>(0)).unwrap();
    Ok(found.map(|at| at.unwrap() as usize).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn sqlite_and_the_evaluator_agree(
        rows in prop::collection::vec((any_cell(), any_cell(), any_cell(), any_cell(), any_cell(), any_time()), 1..12),
        expr in any_expr(),
        encoding in prop::sample::select(vec!["UTF-8", "UTF-16le", "UTF-16be"]),
    ) {
        let rows: Vec<[Value; 6]> = rows.into_iter().map(|(a, b, c, d, e, f)| [a, b, c, d, e, f]).collect();
        let conn = filled(encoding, &rows);
        let text = expr.to_string();
        let found = selected(&conn, &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let all = stored(&conn);
        let expected: Vec<usize> = (0..all.len()).filter(|at| holds(&expr, &all[*at]) == Some(true)).collect();
        prop_assert_eq!(found, expected, "{}\n{:#?}", text, all);
    }
}

#[test]
fn a_column_never_converts_what_it_is_compared_with() {
    let conn =
        filled("UTF-8", &[[Value::text("5"), Value::Null, Value::Null, Value::text("5"), Value::Null, Value::Null]]);
    let Ok(schema) = schema::read(&conn) else { panic!("the schema cannot be read") };
    // Refused when typed, because it can never hold; written all the same it does not.
    for (column, value) in [("s", Value::Int(5)), ("i", Value::text("5"))] {
        let equal = |value: &Value| Condition::Compare {
            left: Operand::Column(column.to_owned()),
            comparison: Comparison::Equal,
            right: Operand::Value(value.clone()),
        };
        let listed = Condition::In { operand: Operand::Column(column.to_owned()), values: vec![value.clone()] };
        for condition in [equal(&value), listed] {
            let mut task = TableTask::whole(Arc::clone(schema.table("t").unwrap()));
            task.mapped.filter = Some(Arc::new(condition));
            let sql = format!("SELECT count(*) FROM t{}", select::filtered(&task, Encoding::Utf8).unwrap());
            assert_eq!(conn.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{sql}");
        }
    }
}

#[test]
fn a_long_chain_is_no_deep_expression() {
    let conn = filled("UTF-8", &[[Value::Int(1), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null]]);
    assert_eq!(selected(&conn, &format!("i = 2{}", " OR i = 1".repeat(4_000))).unwrap(), [0]);
}

#[test]
fn an_index_serves_a_plain_comparison() {
    let conn = filled("UTF-8", &[]);
    conn.execute_batch("CREATE INDEX by_i ON t (i)").unwrap();
    let task_of = |text: &str| {
        let Ok(schema) = schema::read(&conn) else { panic!("the schema cannot be read") };
        let typed = MappingRequest { filters: vec![format!("t: {text}")], ..MappingRequest::default() };
        let resolved = Resolved::new(&Mapping::parse(&typed).unwrap(), &schema, &|_| true, 0, None).unwrap();
        let mut task = TableTask::whole(Arc::clone(schema.table("t").unwrap()));
        task.mapped.filter = resolved.view(&task.table).filter.map(Arc::new);
        task
    };
    let plan = |text: &str| {
        let sql =
            format!("EXPLAIN QUERY PLAN SELECT * FROM t{}", select::filtered(&task_of(text), Encoding::Utf8).unwrap());
        conn.query_row(&sql, [], |row| row.get::<_, String>(3)).unwrap()
    };
    assert!(plan("id > 7").contains("PRIMARY KEY"), "{}", plan("id > 7"));
    assert!(plan("i IN (7, 8)").contains("by_i"), "{}", plan("i IN (7, 8)"));
}
