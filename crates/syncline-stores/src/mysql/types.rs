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

mod declared;
mod own;

use syncline_core::schema::Column;
use syncline_core::value::Kind;

use super::codec::Codec;
use super::connect::{Product, Version};

pub(super) use self::declared::{CHAR_BYTES, JSON_COLLATION, KEY_BYTES, has_uuid, key_bytes};
pub use self::declared::{Declared, declared};
pub(super) use self::own::fitter;

/// Digits of the largest unsigned whole number of 64 bits.
const UNSIGNED_DIGITS: u32 = 20;

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

/// The lowest and the highest whole number of a type, by the way the catalog writes it, where it holds fewer than its kind.
pub fn span(full: &str) -> Option<(i128, i128)> {
    let is_unsigned = full.contains("unsigned");
    let name = full.split(['(', ' ']).next().unwrap_or_default();
    let bits = match name {
        "tinyint" => 8,
        "mediumint" => 24,
        "smallint" if is_unsigned => 16,
        "int" if is_unsigned => 32,
        "bigint" if is_unsigned => 64,
        _ => return None,
    };
    let half = 1_i128 << (bits - 1);
    Some(if is_unsigned { (0, 2 * half - 1) } else { (-half, half - 1) })
}

/// How the cells of a column are read.
pub fn codec(column: &Column) -> Codec {
    match &column.kind {
        Kind::Int { .. } if column.declared_type.starts_with("year") => Codec::Year,
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
    fn spans_are_those_of_types_that_hold_less_than_their_kinds() {
        assert_eq!(span("tinyint(1)"), Some((-128, 127)));
        assert_eq!(span("tinyint(3) unsigned"), Some((0, 255)));
        assert_eq!(span("smallint unsigned"), Some((0, 65_535)));
        assert_eq!(span("mediumint(9)"), Some((-8_388_608, 8_388_607)));
        assert_eq!(span("int(10) unsigned zerofill"), Some((0, 4_294_967_295)));
        assert_eq!(span("bigint unsigned"), Some((0, u64::MAX.into())));
        for whole in ["int(11)", "smallint", "bigint(20)", "decimal(10,2) unsigned", "enum('tinyint')", "year(4)"] {
            assert_eq!(span(whole), None, "{whole}");
        }
    }

    #[test]
    fn labels_are_read_as_the_catalog_writes_them() {
        assert_eq!(labels("enum('a','it''s','b,c)','')"), ["a", "it's", "b,c)", ""]);
        assert_eq!(labels("set('x')"), ["x"]);
        assert!(labels("int(11)").is_empty());
    }

    #[test]
    fn bits_are_those_of_both_engines() {
        assert_eq!([bits("bit(1)"), bits("bit(64)")], [Some(1), Some(64)]);
        assert_eq!([bits("bit(65)"), bits("bit(0)"), bits("bit varying(3)"), bits("bit")], [None; 4]);
    }
}
