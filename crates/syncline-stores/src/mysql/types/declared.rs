//! How a kind is declared, and what it is from then on.

use syncline_core::value::{Kind, ValueRef};

use super::{bits, collation, labels};
use crate::mysql::connect::{Product, Version};
use crate::sql::Dialect;

/// Bytes of the longest key of InnoDB, all of its columns together.
pub(crate) const KEY_BYTES: u32 = 3_072;

/// Bytes of a character in a key.
pub(crate) const CHAR_BYTES: u32 = 4;

/// The most digits that `decimal` takes, and behind the point.
const DIGITS_MAX: u32 = 65;
const SCALE_MAX_OF_MARIADB: i32 = 38;
const SCALE_MAX_OF_MYSQL: i32 = 30;

/// A number of which no limit is known: as much as there can be on both sides of the point.
const WIDEST: (u32, i32) = (DIGITS_MAX, 30);

/// The most characters that `char` takes.
const CHAR_MAX: u32 = 255;

/// The most characters of `varchar` that are not worth a `longtext`: a row of such columns has 65,535 bytes in all.
const VARCHAR_MAX: u32 = 4_000;

/// The most labels of an enumeration, and characters of one.
const LABELS_MAX: usize = 65_535;
const LABEL_CHARS_MAX: usize = 255;

/// What MariaDB compares JSON by, whatever anybody says.
pub(crate) const JSON_COLLATION: &str = "utf8mb4_bin";

/// A column as the engine describes it once it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What it is declared as.
    pub declared_type: String,
    /// What kind it is then.
    pub kind: Kind,
    /// What its text is compared by; empty where it is no text.
    pub collation: String,
}

/// How a column of this kind is declared. What only another engine has is text. In a key it has a longest value, of so many
/// bytes; and text that Syncline declares takes spaces at its end and the case of its letters for what they are.
pub fn declared(kind: &Kind, version: &Version, longest: Option<u32>) -> Declared {
    let int = |name: &str, width: u8| match version.product {
        Product::MariaDb => format!("{name}({width})"),
        Product::MySql => name.to_owned(),
    };
    let plain = |declared_type: String, kind: Kind| Declared { declared_type, kind, collation: String::new() };
    match kind {
        Kind::Bool => plain("tinyint(1)".to_owned(), Kind::Int { bits: 16 }),
        Kind::Int { bits: 16 } => plain(int("smallint", 6), kind.clone()),
        Kind::Int { bits: 32 } => plain(int("int", 11), kind.clone()),
        Kind::Int { .. } => plain(int("bigint", 20), kind.clone()),
        Kind::Decimal { limit } => {
            let limit = digits(*limit, version.product);
            plain(format!("decimal({},{})", limit.0, limit.1), Kind::Decimal { limit: Some(limit) })
        }
        Kind::Real { single: true } => plain("float".to_owned(), kind.clone()),
        Kind::Real { single: false } => plain("double".to_owned(), kind.clone()),
        Kind::Text { max_chars, padded } => text(*max_chars, *padded, version, longest),
        Kind::Bytes => match longest {
            Some(bytes) => plain(format!("varbinary({bytes})"), Kind::Bytes),
            None => plain("longblob".to_owned(), Kind::Bytes),
        },
        Kind::Date => plain("date".to_owned(), kind.clone()),
        Kind::Time { digits } => plain(timed("time", *digits), kind.clone()),
        Kind::Timestamp { digits } => plain(timed("datetime", *digits), kind.clone()),
        Kind::Instant { digits } => plain(timed("timestamp", *digits), kind.clone()),
        Kind::Uuid if has_uuid(version) => plain("uuid".to_owned(), Kind::Uuid),
        Kind::Uuid => text(Some(36), false, version, longest),
        Kind::Json { .. } if longest.is_none() => json(version),
        Kind::Enum { labels } if is_enumerable(labels) => enumeration(labels, version),
        Kind::Other { type_name } if bits(type_name).is_some() => plain(type_name.clone(), kind.clone()),
        Kind::Flexible(_) | Kind::Json { .. } | Kind::Enum { .. } | Kind::Other { .. } => {
            text(None, false, version, longest)
        }
    }
}

/// Whether the server has a type for UUIDs.
pub(crate) fn has_uuid(version: &Version) -> bool {
    version.product == Product::MariaDb && version.number >= (10, 7)
}

/// Bytes that a value takes in a key; `None` where that is a matter of how long it may be.
pub(crate) fn key_bytes(kind: &Kind) -> Option<u32> {
    Some(match kind {
        Kind::Int { .. } | Kind::Real { .. } | Kind::Time { .. } | Kind::Timestamp { .. } | Kind::Instant { .. } => 8,
        Kind::Date | Kind::Enum { .. } => 4,
        Kind::Decimal { .. } => 32,
        Kind::Uuid => 16,
        Kind::Other { type_name } if bits(type_name).is_some() => 8,
        _ => return None,
    })
}

fn digits(limit: Option<(u32, i32)>, product: Product) -> (u32, i32) {
    let scale_max = if product == Product::MariaDb { SCALE_MAX_OF_MARIADB } else { SCALE_MAX_OF_MYSQL };
    match limit {
        Some((digits @ 1..=DIGITS_MAX, scale)) if (0..=scale_max).contains(&scale) && scale as u32 <= digits => {
            (digits, scale)
        }
        _ => WIDEST,
    }
}

fn text(max_chars: Option<u32>, padded: bool, version: &Version, longest: Option<u32>) -> Declared {
    let room = longest.map(|bytes| bytes / CHAR_BYTES);
    let within = |chars: u32| room.map_or(chars, |room| chars.min(room));
    let (declared_type, max_chars, padded) = match max_chars {
        Some(chars @ 0..=CHAR_MAX) if padded => (format!("char({})", within(chars)), Some(within(chars)), true),
        Some(chars) if chars <= VARCHAR_MAX => (format!("varchar({})", within(chars)), Some(within(chars)), false),
        _ => match room {
            Some(room) => (format!("varchar({room})"), Some(room), false),
            None => ("longtext".to_owned(), None, false),
        },
    };
    Declared { declared_type, kind: Kind::Text { max_chars, padded }, collation: collation(version).to_owned() }
}

fn timed(name: &str, digits: u8) -> String {
    if digits == 0 { name.to_owned() } else { format!("{name}({})", digits.min(6)) }
}

/// In MariaDB it is text with a condition.
fn json(version: &Version) -> Declared {
    let (declared_type, normalised, collation) = match version.product {
        Product::MariaDb => ("longtext", false, JSON_COLLATION),
        Product::MySql => ("json", true, ""),
    };
    let (declared_type, collation) = (declared_type.to_owned(), collation.to_owned());
    Declared { declared_type, kind: Kind::Json { normalised }, collation }
}

/// Whether an enumeration can have these labels: none that the engine would write otherwise, or take for something else.
fn is_enumerable(labels: &[String]) -> bool {
    let is_plain = |label: &String| {
        let is_kept = !label.is_empty() && label.trim_end_matches(' ') == label && !label.contains('\\');
        is_kept && !label.chars().any(|c| c.is_ascii_control()) && label.chars().count() <= LABEL_CHARS_MAX
    };
    !labels.is_empty() && labels.len() <= LABELS_MAX && labels.iter().all(is_plain)
}

fn enumeration(of: &[String], version: &Version) -> Declared {
    let quoted: Vec<_> = of.iter().map(|label| Dialect::Mysql.literal(ValueRef::Text(label.as_bytes()))).collect();
    let declared_type = format!("enum({})", quoted.join(","));
    let kind = Kind::Enum { labels: labels(&declared_type) };
    Declared { declared_type, kind, collation: collation(version).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &Kind, longest: Option<u32>) -> String {
        declared(kind, &Version::parse("10.11.2-MariaDB"), longest).declared_type
    }

    #[test]
    fn a_key_has_a_longest_value() {
        let text = |chars| Kind::Text { max_chars: chars, padded: false };
        assert_eq!([of(&text(None), Some(KEY_BYTES)), of(&text(None), None)], ["varchar(768)", "longtext"]);
        assert_eq!(of(&text(Some(20)), Some(KEY_BYTES)), "varchar(20)");
        assert_eq!(of(&text(Some(900)), Some(KEY_BYTES)), "varchar(768)");
        assert_eq!([of(&Kind::Bytes, Some(10)), of(&Kind::Bytes, None)], ["varbinary(10)", "longblob"]);
        assert_eq!(of(&Kind::Json { normalised: true }, Some(80)), "varchar(20)");
        assert_eq!(of(&Kind::Text { max_chars: Some(300), padded: true }, None), "varchar(300)");
        assert_eq!(of(&text(Some(4_001)), None), "longtext");
    }

    #[test]
    fn each_product_has_words_of_its_own() {
        let mysql = Version::parse("8.0.36");
        let of_mysql = |kind: &Kind| declared(kind, &mysql, None);
        assert_eq!([of(&Kind::Uuid, None), of_mysql(&Kind::Uuid).declared_type], ["uuid", "varchar(36)"]);
        assert_eq!(
            [of(&Kind::Int { bits: 32 }, None), of_mysql(&Kind::Int { bits: 32 }).declared_type],
            ["int(11)", "int"]
        );
        assert_eq!(of_mysql(&Kind::Json { normalised: false }).kind, Kind::Json { normalised: true });
        let deep = Kind::Decimal { limit: Some((40, 35)) };
        assert_eq!([of(&deep, None), of_mysql(&deep).declared_type], ["decimal(40,35)", "decimal(65,30)"]);
        assert_eq!(of(&Kind::Decimal { limit: Some((5, -2)) }, None), "decimal(65,30)");
    }

    #[test]
    fn labels_that_would_be_changed_are_text() {
        let of_labels = |labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            of(&Kind::Enum { labels }, None)
        };
        assert_eq!(of_labels(&["a", "it's", "b,c"]), "enum('a','it''s','b,c')");
        for labels in [&["a "][..], &[""], &[], &["a\\b"], &["a\nb"]] {
            assert_eq!(of_labels(labels), "longtext", "{labels:?}");
        }
    }
}
