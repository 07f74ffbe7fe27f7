//! Defaults of other engines' columns in the words of MySQL and MariaDB, as the server prints them.

use syncline_core::value::{Kind, Value, ValueRef, fit};

use crate::mysql::connect::{Product, Version};
use crate::sql::conditions::constant;
use crate::sql::{Dialect, mysql};

/// The default for a column of this type, none for NULL; `None` where it has no words for it.
pub(super) fn translated(
    default: &str,
    from: Dialect,
    (declared, kind): (&str, &Kind),
    version: &Version,
) -> Option<Option<String>> {
    if let Some(moment) = Moment::of(default, from) {
        return moment.written(kind, version.product).map(Some);
    }
    match constant(default, from)? {
        Value::Null => Some(None),
        value => literal(&value, declared, kind, version).map(Some),
    }
}

/// A present time, and of which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Where the session is.
    Now,
    Today,
    Clock,
    /// In Greenwich.
    UtcNow,
    UtcToday,
    UtcClock,
}

impl Moment {
    /// SQLite's present moment is that of Greenwich, and so is what becomes of it in PostgreSQL; that of PostgreSQL is the
    /// session's.
    pub(crate) fn of(default: &str, from: Dialect) -> Option<Self> {
        let squeezed: String = default.chars().filter(|c| !matches!(c, '(' | ')' | ' ')).collect();
        // Of MySQL the digits of a second are said once more.
        let squeezed =
            if from == Dialect::Mysql { squeezed.trim_end_matches(|c: char| c.is_ascii_digit()) } else { &squeezed };
        Some(match squeezed.to_ascii_lowercase().as_str() {
            "utc_timestamp" => Moment::UtcNow,
            "utc_date" => Moment::UtcToday,
            "utc_time" => Moment::UtcClock,
            "curdate" => Moment::Today,
            "curtime" => Moment::Clock,
            "current_timestamp" if from == Dialect::Sqlite => Moment::UtcNow,
            "current_date" if from == Dialect::Sqlite => Moment::UtcToday,
            "current_time" if from == Dialect::Sqlite => Moment::UtcClock,
            "now" | "current_timestamp" | "localtimestamp" => Moment::Now,
            "current_date" => Moment::Today,
            "current_time" | "localtime" => Moment::Clock,
            "datetime'now'" | "nowattimezone'utc'::text" => Moment::UtcNow,
            "date'now'" | "nowattimezone'utc'::text::date" => Moment::UtcToday,
            "time'now'" | "nowattimezone'utc'::text::timewithouttimezone" => Moment::UtcClock,
            _ => return None,
        })
    }

    fn written(self, kind: &Kind, product: Product) -> Option<String> {
        let of_utc = |name: &str, digits: u8| Some(called(name, digits));
        match (self, kind) {
            // A point in time is the same everywhere.
            (Moment::Now | Moment::UtcNow, Kind::Instant { digits }) | (Moment::Now, Kind::Timestamp { digits }) => {
                let name = if product == Product::MariaDb { "current_timestamp" } else { "CURRENT_TIMESTAMP" };
                let bare = product == Product::MySql && *digits == 0;
                Some(if bare { name.to_owned() } else { called(name, *digits) })
            }
            (Moment::UtcNow, Kind::Timestamp { digits }) => of_utc("utc_timestamp", *digits),
            (Moment::Today, Kind::Date) => Some("curdate()".to_owned()),
            (Moment::UtcToday, Kind::Date) => Some("utc_date()".to_owned()),
            (Moment::Clock, Kind::Time { digits }) => of_utc("curtime", *digits),
            (Moment::UtcClock, Kind::Time { digits }) => of_utc("utc_time", *digits),
            (Moment::UtcNow, Kind::Text { .. }) => formatted("utc_timestamp()", "%Y-%m-%d %H:%i:%s"),
            (Moment::UtcToday, Kind::Text { .. }) => formatted("utc_date()", "%Y-%m-%d"),
            (Moment::UtcClock, Kind::Text { .. }) => formatted("utc_time()", "%H:%i:%s"),
            _ => None,
        }
    }
}

fn called(name: &str, digits: u8) -> String {
    if digits == 0 { format!("{name}()") } else { format!("{name}({digits})") }
}

fn formatted(moment: &str, form: &str) -> Option<String> {
    Some(format!("date_format({moment},'{form}')"))
}

/// A constant as a column of this type holds it. SQLite makes text of a number that a column of text is given.
fn literal(value: &Value, declared: &str, kind: &Kind, version: &Version) -> Option<String> {
    let given = match (value, kind) {
        (Value::Int(number), Kind::Text { .. }) => Value::text(number.to_string()),
        (Value::Bool(truth), Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. }) => {
            Value::Int((*truth).into())
        }
        (Value::Text(text), Kind::Int { .. }) if declared == "tinyint(1)" => {
            let mut scratch = String::new();
            fit::fit(ValueRef::Text(text), &Kind::Bool, &mut scratch).ok().and_then(|fitted| match fitted {
                ValueRef::Bool(truth) => Some(Value::Int(truth.into())),
                _ => None,
            })?
        }
        (value, _) => value.clone(),
    };
    let mut scratch = String::new();
    let fitted = fit::fit(given.as_ref(), kind, &mut scratch).ok()?;
    match (fitted, kind) {
        (ValueRef::Int(number), Kind::Decimal { limit }) => padded(&number.to_string(), *limit),
        (ValueRef::Decimal(digits), Kind::Decimal { limit }) => padded(digits, *limit),
        (ValueRef::Real(number), _) => real(number),
        (ValueRef::Bytes(bytes), _) if declared == "longblob" => {
            Some(format!("X'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        (ValueRef::Bytes(_), _) => None,
        (ValueRef::Text(text), _) => written_text(std::str::from_utf8(text).ok()?, declared, version),
        (ValueRef::Json(text), _) => written_text(text, declared, version),
        (
            ValueRef::Timestamp(micros) | ValueRef::Instant(micros),
            Kind::Timestamp { digits } | Kind::Instant { digits },
        ) => {
            let text = crate::mysql::codec::timestamp(micros)?;
            Some(format!("'{}'", with_fraction(&text, *digits)))
        }
        (ValueRef::Time(_), Kind::Time { digits }) => {
            let mut text = String::new();
            fit::write_notation(fitted, &mut text);
            Some(format!("'{}'", with_fraction(&text, *digits)))
        }
        (ValueRef::Other { .. }, _) => None,
        (ValueRef::Date(days), _) => crate::mysql::codec::date(i64::from(days)).map(|date| format!("'{date}'")),
        (fitted, _) => Some(Dialect::Mysql.literal(fitted)),
    }
}

/// Digits with as many behind the point as the column has.
fn padded(digits: &str, limit: Option<(u32, i32)>) -> Option<String> {
    let scale = usize::try_from(limit?.1).ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = whole.strip_prefix('-').unwrap_or(whole).bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    let is_written = is_number && fraction.len() <= scale;
    is_written.then(|| if scale == 0 { whole.to_owned() } else { format!("{whole}.{fraction:0<scale$}") })
}

/// As many digits of a second as the column has.
fn with_fraction(text: &str, digits: u8) -> String {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = usize::from(digits);
    if digits == 0 { seconds.to_owned() } else { format!("{seconds}.{:.digits$}", format!("{fraction:0<digits$}")) }
}

/// With an exponent where that is shorter by much.
fn real(number: f64) -> Option<String> {
    let exponent = number.abs().log10();
    let is_long = number != 0.0 && !(-7.0..15.0).contains(&exponent);
    number.is_finite().then(|| if is_long { format!("{number:e}") } else { format!("{number}") })
}

/// MariaDB prints the quotes of a text in one way where the default is an expression inside, as those of large texts are, and in
/// another where it is a value.
fn written_text(text: &str, declared: &str, version: &Version) -> Option<String> {
    match version.product {
        Product::MariaDb if declared.ends_with("text") => Some(mysql::printed(text)),
        Product::MariaDb => {
            let parts: Vec<String> = text.split('\'').map(mysql::printed).collect();
            let inside = parts.iter().map(|part| &part[1..part.len() - 1]).collect::<Vec<_>>().join("''");
            Some(format!("'{inside}'"))
        }
        Product::MySql => Some(Dialect::Mysql.literal(ValueRef::Text(text.as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_the_server_prints_them() {
        let decimal = Kind::Decimal { limit: Some((10, 2)) };
        let text = Kind::Text { max_chars: None, padded: false };
        let (stamp, instant) = (Kind::Timestamp { digits: 3 }, Kind::Instant { digits: 6 });
        let int = Kind::Int { bits: 32 };
        let real = Kind::Real { single: false };
        let cases = [
            ("5", "int(11)", &int, Some("5")),
            ("'-5'::integer", "int(11)", &int, Some("-5")),
            ("(7)", "int(11)", &int, Some("7")),
            ("true", "tinyint(1)", &Kind::Int { bits: 16 }, Some("1")),
            ("1.5", "decimal(10,2)", &decimal, Some("1.50")),
            ("'-2'::numeric", "decimal(10,2)", &decimal, Some("-2.00")),
            ("1.555", "decimal(10,2)", &decimal, None),
            ("1e300", "double", &real, Some("1e300")),
            ("'1.5'::double precision", "double", &real, Some("1.5")),
            ("'it''s; \\new'::text", "longtext", &text, Some("'it\\'s; \\\\new'")),
            ("'it''s; \\new'::text", "varchar(9)", &text, Some("'it''s; \\\\new'")),
            ("'now'::text", "longtext", &text, Some("'now'")),
            ("now()", "timestamp(6)", &instant, Some("current_timestamp(6)")),
            ("CURRENT_TIMESTAMP", "datetime(3)", &stamp, Some("current_timestamp(3)")),
            ("(now() AT TIME ZONE 'UTC'::text)", "datetime(3)", &stamp, Some("utc_timestamp(3)")),
            (
                "'2024-02-29 10:00:00'::timestamp without time zone",
                "datetime(3)",
                &stamp,
                Some("'2024-02-29 10:00:00.000'"),
            ),
            ("'2024-02-29'::date", "date", &Kind::Date, Some("'2024-02-29'")),
            ("'0044-03-15 BC'::date", "date", &Kind::Date, None),
            ("'10:00:00'::time without time zone", "time", &Kind::Time { digits: 0 }, Some("'10:00:00'")),
            ("CURRENT_DATE", "date", &Kind::Date, Some("curdate()")),
            ("gen_random_uuid()", "uuid", &Kind::Uuid, None),
            ("('a'::text || 'b'::text)", "longtext", &text, None),
            ("X'00ff'", "longblob", &Kind::Bytes, Some("X'00ff'")),
        ];
        for (default, declared, kind, expected) in cases {
            let version = Version::parse("10.11.2-MariaDB");
            let found = translated(default, Dialect::Postgres, (declared, kind), &version);
            let expected = expected.map(|expected| Some(expected.to_owned()));
            assert_eq!(found, expected, "{default}");
        }
    }
}
