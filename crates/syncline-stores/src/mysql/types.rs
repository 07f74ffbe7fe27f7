//! The types of MySQL and MariaDB: what kind each is, how its cells travel, and how a kind is declared.
//!
//! | type | kind | travels as |
//! |---|---|---|
//! | `tinyint`, `smallint`, `mediumint`, `int`, `bigint`, `year` | whole number | itself; `tinyint(1)` may hold 2 and is no truth value |
//! | the same, unsigned | whole number of the next size, of `bigint` a decimal number of 20 digits | itself |
//! | `decimal`, `float`, `double` | decimal, floating point | itself |
//! | `varchar`, `tinytext`, …, `longtext` | text | itself, in UTF-8 |
//! | `char` | padded text | itself: the server takes the padding away |
//! | `binary`, `varbinary`, `tinyblob`, …, `longblob` | bytes | itself |
//! | `date`, `time`, `datetime` | date, time, timestamp | itself; dates that do not exist as the engine's own text |
//! | `timestamp` | instant | itself, in UTC |
//! | `json` of MySQL | JSON, its meaning only | text |
//! | `json` of MariaDB, text that is checked to be JSON | JSON as it is written | text |
//! | `enum` | enumeration | its label |
//! | `uuid` of MariaDB | UUID | text |
//! | `bit(n)` | what only some engines have | its digits, as PostgreSQL's `bit(n)` |
//! | geometry | what only one engine has | `SRID=4326;` and its well-known binary in hexadecimal digits |
//! | `set`, `inet4`, `inet6` and all else | what only one engine has | text, as the server prints it |

use syncline_core::schema::Column;
use syncline_core::value::{Kind, ValueRef};

use super::codec::Codec;
use super::connect::{Product, Version};

/// Digits of the largest unsigned whole number of 64 bits.
const UNSIGNED_DIGITS: u32 = 20;

/// The most digits that `decimal` takes, and behind the point.
const DIGITS_MAX: u32 = 65;
const SCALE_MAX: i32 = 38;

/// Bytes of the longest key of InnoDB, and of a character in it.
const KEY_BYTES: u32 = 3_072;
const CHAR_BYTES: u32 = 4;

/// The most characters that `char` takes.
const CHAR_MAX: u32 = 255;

/// The most characters of `varchar` that are not worth a `longtext`: a row of such columns has 65,535 bytes in all.
const VARCHAR_MAX: u32 = 4_000;

/// What the catalog says about the type of a column.
#[derive(Clone, Debug, Default)]
pub struct Catalogued<'c> {
    /// `DATA_TYPE`: `varchar`.
    pub name: &'c str,
    /// `COLUMN_TYPE`: `varchar(20)`, `int(10) unsigned`, `enum('a','b')`.
    pub full: &'c str,
    /// The longest text, in characters.
    pub chars: Option<u64>,
    /// Digits of a number, in all and behind the point.
    pub digits: Option<u64>,
    /// Digits behind the point.
    pub scale: Option<u64>,
    /// Digits of a second.
    pub second_digits: Option<u64>,
    /// The column has a condition that it be JSON (MariaDB).
    pub is_checked_json: bool,
}

/// The kind of a type.
pub fn kind(of: &Catalogued<'_>) -> Kind {
    let is_unsigned = of.full.contains("unsigned");
    let digits = of.second_digits.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0);
    let chars = of.chars.and_then(|chars| u32::try_from(chars).ok());
    let int = |bits, wider| Kind::Int { bits: if is_unsigned { wider } else { bits } };
    match of.name {
        "tinyint" => Kind::Int { bits: 16 },
        "smallint" => int(16, 32),
        "mediumint" => Kind::Int { bits: 32 },
        "int" => int(32, 64),
        "bigint" if is_unsigned => Kind::Decimal { limit: Some((UNSIGNED_DIGITS, 0)) },
        "bigint" => Kind::Int { bits: 64 },
        "year" => Kind::Int { bits: 16 },
        "decimal" => {
            Kind::Decimal { limit: of.digits.zip(of.scale).map(|(digits, scale)| (digits as u32, scale as i32)) }
        }
        "float" => Kind::Real { single: true },
        "double" => Kind::Real { single: false },
        "longtext" if of.is_checked_json => Kind::Json { normalised: false },
        "char" => Kind::Text { max_chars: chars, padded: true },
        "varchar" => Kind::Text { max_chars: chars, padded: false },
        "tinytext" | "text" | "mediumtext" | "longtext" => Kind::Text { max_chars: None, padded: false },
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes,
        "date" => Kind::Date,
        "time" => Kind::Time { digits },
        "datetime" => Kind::Timestamp { digits },
        "timestamp" => Kind::Instant { digits },
        "json" => Kind::Json { normalised: true },
        "enum" => Kind::Enum { labels: labels(of.full) },
        "uuid" => Kind::Uuid,
        "bit" => Kind::Other { type_name: of.full.to_owned() },
        _ => Kind::Other { type_name: of.full.to_owned() },
    }
}

/// How the cells of a column are read.
pub fn codec(column: &Column) -> Codec {
    match &column.kind {
        Kind::Bool | Kind::Int { .. } => Codec::Int,
        Kind::Decimal { .. } => Codec::Decimal,
        Kind::Real { single } => Codec::Real { single: *single },
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Flexible(_) => Codec::Text,
        Kind::Bytes => Codec::Bytes { filled_to: filled_to(&column.declared_type) },
        Kind::Date => Codec::Date,
        Kind::Time { .. } => Codec::Time,
        Kind::Timestamp { .. } => Codec::Timestamp,
        Kind::Instant { .. } => Codec::Instant,
        Kind::Uuid => Codec::Uuid,
        Kind::Json { .. } => Codec::Json,
        Kind::Other { type_name } => match bits(type_name) {
            Some(bits) => Codec::Bits(bits),
            None if is_spatial(type_name) => Codec::Geometry(type_name.as_str().into()),
            None => Codec::Other(type_name.as_str().into()),
        },
    }
}

/// How a column of this kind is declared. What only another engine has is text. `is_key` is for columns of a key or an index:
/// they have a longest value, and text in them takes spaces at its end and the case of its letters for what they are.
pub fn declared(kind: &Kind, version: &Version, is_key: bool) -> String {
    match kind {
        Kind::Bool => "tinyint(1)".to_owned(),
        Kind::Int { bits: 16 } => "smallint".to_owned(),
        Kind::Int { bits: 32 } => "int".to_owned(),
        Kind::Int { .. } => "bigint".to_owned(),
        Kind::Decimal { limit } => decimal(*limit),
        Kind::Real { single: true } => "float".to_owned(),
        Kind::Real { single: false } => "double".to_owned(),
        Kind::Text { max_chars, padded } => text(*max_chars, *padded, is_key),
        Kind::Bytes if is_key => format!("varbinary({KEY_BYTES})"),
        Kind::Bytes => "longblob".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time { digits } => timed("time", *digits),
        Kind::Timestamp { digits } => timed("datetime", *digits),
        Kind::Instant { digits } => timed("timestamp", *digits),
        Kind::Uuid if version.product == Product::MariaDb && version.number >= (10, 7) => "uuid".to_owned(),
        Kind::Uuid => "char(36)".to_owned(),
        Kind::Json { .. } => "json".to_owned(),
        Kind::Enum { labels } if is_enumerable(labels) => enumeration(labels),
        Kind::Other { type_name } if bits(type_name).is_some() => type_name.clone(),
        Kind::Flexible(_) | Kind::Enum { .. } | Kind::Other { .. } => text(None, false, is_key),
    }
}

/// The collation of text that Syncline declares: by bytes, and spaces at the end count.
pub fn collation(version: &Version) -> &'static str {
    match version.product {
        Product::MariaDb => "utf8mb4_nopad_bin",
        Product::MySql => "utf8mb4_0900_bin",
    }
}

/// The labels of an enumeration or a set as the catalog writes its type.
pub fn labels(full: &str) -> Vec<String> {
    let inside = full.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(inside, _)| inside);
    let (mut labels, mut label, mut is_inside) = (Vec::new(), String::new(), false);
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if is_inside && chars.peek() == Some(&'\'') => {
                chars.next();
                label.push('\'');
            }
            '\'' if is_inside => {
                labels.push(std::mem::take(&mut label));
                is_inside = false;
            }
            '\'' => is_inside = true,
            c if is_inside => label.push(c),
            _ => {}
        }
    }
    labels
}

/// How many digits `bit(n)` has, where the type is that and one that the engine takes.
pub fn bits(type_name: &str) -> Option<u32> {
    let bits = type_name.strip_prefix("bit(")?.strip_suffix(')')?.parse().ok()?;
    (1..=64).contains(&bits).then_some(bits)
}

fn is_spatial(type_name: &str) -> bool {
    let name = type_name.split_once(' ').map_or(type_name, |(name, _)| name);
    matches!(
        name,
        "geometry"
            | "point"
            | "linestring"
            | "polygon"
            | "multipoint"
            | "multilinestring"
            | "multipolygon"
            | "geomcollection"
            | "geometrycollection"
    )
}

/// To how many bytes `binary(n)` fills its values up.
fn filled_to(declared: &str) -> Option<usize> {
    declared.strip_prefix("binary(")?.strip_suffix(')')?.parse().ok()
}

fn decimal(limit: Option<(u32, i32)>) -> String {
    match limit {
        // Whole numbers that an unsigned column may have been.
        Some((digits @ 1..=DIGITS_MAX, scale @ 0..=SCALE_MAX)) if scale as u32 <= digits => {
            format!("decimal({digits},{scale})")
        }
        // As much as there can be on both sides of the point; what does not fit is held.
        _ => format!("decimal({DIGITS_MAX},30)"),
    }
}

fn text(max_chars: Option<u32>, padded: bool, is_key: bool) -> String {
    match max_chars {
        Some(chars @ 0..=CHAR_MAX) if padded => format!("char({chars})"),
        Some(chars) if is_key && chars <= KEY_BYTES / CHAR_BYTES => format!("varchar({chars})"),
        _ if is_key => format!("varchar({})", KEY_BYTES / CHAR_BYTES),
        Some(chars @ 0..=VARCHAR_MAX) => format!("varchar({chars})"),
        _ => "longtext".to_owned(),
    }
}

fn timed(name: &str, digits: u8) -> String {
    if digits == 0 { name.to_owned() } else { format!("{name}({})", digits.min(6)) }
}

/// Whether an enumeration can have these labels: no two that only the engine takes for the same, and none that it would write
/// otherwise.
fn is_enumerable(labels: &[String]) -> bool {
    const LABELS_MAX: usize = 65_535;
    let is_plain = |label: &String| !label.is_empty() && label.trim_end() == label && label.chars().count() <= 255;
    !labels.is_empty() && labels.len() <= LABELS_MAX && labels.iter().all(is_plain)
}

fn enumeration(labels: &[String]) -> String {
    let quoted: Vec<_> =
        labels.iter().map(|label| crate::sql::Dialect::Mysql.literal(ValueRef::Text(label.as_bytes()))).collect();
    format!("enum({})", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, full: &str) -> Kind {
        kind(&Catalogued { name, full, ..Catalogued::default() })
    }

    #[test]
    fn unsigned_numbers_get_a_kind_that_holds_them() {
        assert_eq!(of("tinyint", "tinyint(1)"), Kind::Int { bits: 16 });
        assert_eq!(of("tinyint", "tinyint(3) unsigned"), Kind::Int { bits: 16 });
        assert_eq!(of("smallint", "smallint unsigned"), Kind::Int { bits: 32 });
        assert_eq!(of("mediumint", "mediumint unsigned"), Kind::Int { bits: 32 });
        assert_eq!(of("int", "int(10) unsigned zerofill"), Kind::Int { bits: 64 });
        assert_eq!(of("bigint", "bigint(20) unsigned"), Kind::Decimal { limit: Some((20, 0)) });
    }

    #[test]
    fn labels_are_read_as_the_catalog_writes_them() {
        assert_eq!(labels("enum('a','it''s','b,c)','')"), ["a", "it's", "b,c)", ""]);
        assert_eq!(labels("set('x')"), ["x"]);
        assert!(labels("int(11)").is_empty());
    }

    #[test]
    fn a_key_has_a_longest_value() {
        let version = Version::parse("10.11.2-MariaDB");
        let text = |chars| Kind::Text { max_chars: chars, padded: false };
        let of = |kind: &Kind, is_key| declared(kind, &version, is_key);
        assert_eq!([of(&text(None), true), of(&text(None), false)], ["varchar(768)", "longtext"]);
        assert_eq!([of(&text(Some(20)), true), of(&text(Some(5_000)), true)], ["varchar(20)", "varchar(768)"]);
        assert_eq!([of(&Kind::Bytes, true), of(&Kind::Bytes, false)], ["varbinary(3072)", "longblob"]);
        assert_eq!(of(&Kind::Uuid, true), "uuid");
        assert_eq!(declared(&Kind::Uuid, &Version::parse("8.0.36"), true), "char(36)");
    }

    #[test]
    fn bits_are_those_of_both_engines() {
        assert_eq!([bits("bit(1)"), bits("bit(64)")], [Some(1), Some(64)]);
        assert_eq!([bits("bit(65)"), bits("bit(0)"), bits("bit varying(3)"), bits("bit")], [None; 4]);
    }
}
