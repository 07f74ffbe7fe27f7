//! Cells as the server takes and gives them, without any code of a store.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Params, Value as Sql};
use syncline_core::value::{Value, calendar};

/// Placeholders and bytes of one statement: the server takes 65,535 of the one, and packets that the other fills halfway at
/// most.
const PLACES: usize = 20_000;
const BYTES: usize = 4 << 20;

/// The character set of what is no text.
const BINARY: u16 = 63;

/// What the server says of the column that cells come from or go to. For the value of an expression that is nothing.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// `varchar`, `enum`, `point`.
    data_type: String,
    /// `varchar(60)`, `enum('a','b')`, `point`.
    column_type: String,
    is_json: bool,
}

/// MariaDB's JSON is a text with a condition, in which names stand as this session quotes them. To MySQL, whose catalog is
/// another one, that is a comment.
const DECLARED: &str = "SELECT data_type, column_type, data_type = 'json' /*M! OR EXISTS (
        SELECT 1 FROM information_schema.check_constraints k
        WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name
        AND k.check_clause = concat('json_valid(\"', c.column_name, '\")')) */
    FROM information_schema.columns c WHERE table_schema = database() AND table_name = ?";

impl Declared {
    /// Of the column that one of a result shows.
    pub(super) async fn of(conn: &mut Conn, shown: &Column) -> Self {
        let sql = format!("{DECLARED} AND column_name = ?");
        let named = (shown.org_table_str().into_owned(), shown.org_name_str().into_owned());
        let found: Option<(String, String, bool)> = conn.exec_first(sql, named).await.unwrap();
        found.map(Self::from).unwrap_or_default()
    }

    /// Of all columns of a table.
    async fn all(conn: &mut Conn, table: &str) -> Vec<Self> {
        let found: Vec<(String, String, bool)> =
            conn.exec(format!("{DECLARED} ORDER BY ordinal_position"), (table,)).await.unwrap();
        found.into_iter().map(Self::from).collect()
    }
}

impl From<(String, String, bool)> for Declared {
    fn from((data_type, column_type, is_json): (String, String, bool)) -> Self {
        Self { data_type, column_type, is_json }
    }
}

/// A name as the suite's statements write it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Puts rows into a table, many with each statement.
pub(super) async fn insert(conn: &mut Conn, table: &str, mut rows: &[Vec<Value>]) {
    let declared = Declared::all(conn, table).await;
    while let Some(first) = rows.first() {
        let (mut count, mut bytes) = (0, 0);
        while count < rows.len() && (count == 0 || bytes < BYTES) && (count + 1) * first.len() <= PLACES {
            bytes += rows[count].iter().map(size).sum::<usize>();
            count += 1;
        }
        let (now, later) = rows.split_at(count);
        let places = vec![format!("({})", vec!["?"; first.len()].join(", ")); count].join(", ");
        let sql = format!("INSERT INTO {} VALUES {places}", identifier(table));
        let cells =
            now.iter().flat_map(|row| row.iter().zip(&declared)).map(|(value, column)| parameter(value, column));
        let cells = Params::Positional(cells.collect());
        conn.exec_drop(sql, cells).await.unwrap_or_else(|why| panic!("{table}: {why}"));
        rows = later;
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(bytes) | Value::Bytes(bytes) => bytes.len(),
        Value::Decimal(text) | Value::Json(text) | Value::Other { text, .. } => text.len(),
        _ => 8,
    }
}

fn parameter(value: &Value, column: &Declared) -> Sql {
    match value {
        Value::Null => Sql::NULL,
        Value::Bool(truth) => Sql::Int(i64::from(*truth)),
        Value::Int(number) => Sql::Int(*number),
        // The greatest of 32 bits in its shortest digits is a little too much for the column.
        Value::Real(number) if column.data_type == "float" => Sql::Float(*number as f32),
        Value::Real(number) => Sql::Double(*number),
        Value::Decimal(text) | Value::Json(text) => Sql::from(text.as_str()),
        Value::Text(bytes) | Value::Bytes(bytes) => Sql::Bytes(bytes.clone()),
        Value::Date(days) => Sql::from(date(i64::from(*days))),
        Value::Time(micros) => Sql::from(calendar::time(*micros)),
        // The session's zone is UTC.
        Value::Timestamp(micros) | Value::Instant(micros) => {
            let (days, time) = (micros.div_euclid(calendar::DAY_MICROS), micros.rem_euclid(calendar::DAY_MICROS));
            Sql::from(format!("{} {}", date(days), calendar::time(time)))
        }
        Value::Uuid(bytes) => Sql::from(uuid(bytes)),
        Value::Other { text, .. } => match &*column.data_type {
            "bit" => Sql::UInt(u64::from_str_radix(text, 2).unwrap()),
            kind if is_geometry(kind) => Sql::Bytes(geometry(text)),
            _ => Sql::from(text.as_str()),
        },
    }
}

/// The server has a year 0, which is that before the year 1, and none before that.
fn date(days: i64) -> String {
    let calendar::Civil { year, month, day } = calendar::civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// What the server has sent as a value.
pub(super) fn value(cell: Sql, column: &Column, declared: &Declared) -> Value {
    let other = |text: String| Value::Other { type_name: declared.column_type.clone(), text };
    match cell {
        Sql::NULL => Value::Null,
        Sql::Int(number) if is_unsigned_bigint(declared) => Value::Decimal(number.to_string()),
        Sql::UInt(number) if is_unsigned_bigint(declared) => Value::Decimal(number.to_string()),
        Sql::Int(number) => Value::Int(number),
        Sql::UInt(number) => i64::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), Value::Int),
        // The shortest digits that are read as the same number.
        Sql::Float(number) => Value::Real(number.to_string().parse().unwrap()),
        Sql::Double(number) => Value::Real(number),
        Sql::Date(..) => moment(&cell, column.column_type()),
        Sql::Time(negative, days, hours, minutes, seconds, micros) => {
            let hours = i64::from(days) * 24 + i64::from(hours);
            let seconds = (hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
            let micros = seconds * 1_000_000 + i64::from(micros);
            Value::Time(if negative { -micros } else { micros })
        }
        Sql::Bytes(bytes) => match (&*declared.data_type, column.column_type()) {
            ("bit", _) => other(bits(&bytes, &declared.column_type)),
            ("set" | "inet4" | "inet6", _) => other(text(bytes)),
            ("uuid", _) => Value::Uuid(unhex(&text(bytes).replace('-', "")).try_into().unwrap()),
            (kind, _) if is_geometry(kind) => other(geometry_text(&bytes)),
            _ if declared.is_json => Value::Json(text(bytes)),
            (_, ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL) => Value::Decimal(text(bytes)),
            _ if column.character_set() == BINARY => Value::Bytes(bytes),
            _ => Value::Text(bytes),
        },
    }
}

fn is_unsigned_bigint(column: &Declared) -> bool {
    column.column_type.starts_with("bigint") && column.column_type.contains("unsigned")
}

/// A day or a moment. What is none on the calendar stays as the server would print it.
fn moment(cell: &Sql, kind: ColumnType) -> Value {
    let Sql::Date(year, month, day, hour, minute, second, micros) = *cell else {
        unreachable!("{cell:?} is no moment")
    };
    let civil = calendar::Civil { year: year.into(), month: month.into(), day: day.into() };
    let time = ((i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second)) * 1_000_000 + i64::from(micros);
    let date = format!("{year:04}-{month:02}-{day:02}");
    let other = |name: &str, text: String| Value::Other { type_name: name.to_owned(), text };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    let clock = format!("{date} {hour:02}:{minute:02}:{second:02}{fraction}");
    let at = calendar::days(civil).map(|days| days * calendar::DAY_MICROS + time);
    match (kind, at) {
        (ColumnType::MYSQL_TYPE_DATE, Some(at)) => Value::Date((at / calendar::DAY_MICROS) as i32),
        (ColumnType::MYSQL_TYPE_DATE, None) => other("date", date),
        (ColumnType::MYSQL_TYPE_TIMESTAMP, Some(at)) => Value::Instant(at),
        (ColumnType::MYSQL_TYPE_TIMESTAMP, None) => other("timestamp", clock),
        (_, Some(at)) => Value::Timestamp(at),
        (_, None) => other("datetime", clock),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// As many binary digits as the type has: `bit(3)`.
fn bits(bytes: &[u8], column_type: &str) -> String {
    let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let digits: usize = column_type.trim_start_matches("bit(").trim_end_matches(')').parse().unwrap();
    all[all.len() - digits..].to_owned()
}

fn is_geometry(data_type: &str) -> bool {
    let flat = ["geometry", "point", "linestring", "polygon", "geometrycollection", "geomcollection"];
    flat.contains(&data_type) || data_type.starts_with("multi")
}

/// The server's own form has the number of the reference system in four bytes, lowest first, before the well-known one.
fn geometry_text(bytes: &[u8]) -> String {
    let (srid, shape) = bytes.split_first_chunk::<4>().unwrap();
    let hex: String = shape.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("SRID={};{hex}", u32::from_le_bytes(*srid))
}

fn geometry(text: &str) -> Vec<u8> {
    let (srid, shape) = text.strip_prefix("SRID=").unwrap().split_once(';').unwrap();
    [&srid.parse::<u32>().unwrap().to_le_bytes()[..], &unhex(shape)].concat()
}

fn uuid(bytes: &[u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
