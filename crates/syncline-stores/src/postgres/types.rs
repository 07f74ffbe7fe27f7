//! PostgreSQL's types: what kind each is, how its cells travel, and how a kind is declared.
//!
//! | type | kind | travels as |
//! |---|---|---|
//! | `boolean` | truth value | itself |
//! | `smallint`, `integer`, `bigint`, `oid` | whole number | itself |
//! | `numeric`, `real`, `double precision` | decimal, floating point | itself |
//! | `text`, `varchar`, `citext`, `name` | text | itself |
//! | `character` | padded text | itself: a cast would take the padding away |
//! | `bytea`, `uuid`, `json`, `jsonb` | of the same name | itself |
//! | `date`, `time`, `timestamp`, `timestamptz` | date, time, timestamp, instant | itself |
//! | an enumeration | enumeration | its label |
//! | a domain | that of its base type | as its base type |
//! | all else | what only one engine has | text, as the server prints it |

use syncline_core::schema::Column;
use syncline_core::value::Kind;

use super::codec::Codec;

/// The most characters that `varchar` and `char` take as their limit.
const CHARS_MAX: u32 = 10_485_760;

/// The most digits that `numeric` takes as its limit.
const DIGITS_MAX: u32 = 1_000;

/// Bytes that the modifier of a type counts before what it says.
const MODIFIER_HEAD: i32 = 4;

/// How the cells of a column are selected and how they lie in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The form of its fields.
    pub codec: Codec,
}

impl Reading {
    /// How this column of a PostgreSQL table is read, and written.
    pub fn of(column: &Column) -> Self {
        let codec = match &column.kind {
            Kind::Bool => Codec::Bool,
            Kind::Int { bits: 16 } => Codec::Int2,
            Kind::Int { bits: 32 } => Codec::Int4,
            // It has 32 bits and no sign.
            Kind::Int { .. } if column.declared_type == "oid" => Codec::Oid,
            Kind::Int { .. } => Codec::Int8,
            Kind::Decimal { .. } => Codec::Numeric,
            Kind::Real { single: true } => Codec::Float4,
            Kind::Real { single: false } => Codec::Float8,
            Kind::Text { .. } | Kind::Enum { .. } | Kind::Flexible(_) => Codec::Text,
            Kind::Bytes => Codec::Bytea,
            Kind::Date => Codec::Date,
            Kind::Time { .. } => Codec::Time,
            Kind::Timestamp { .. } => Codec::Timestamp,
            Kind::Instant { .. } => Codec::Timestamptz,
            Kind::Uuid => Codec::Uuid,
            Kind::Json { normalised: false } => Codec::Json,
            Kind::Json { normalised: true } => Codec::Jsonb,
            Kind::Other { type_name } => Codec::other(type_name),
        };
        Self { codec }
    }

    /// The column, already in quotes, as it stands in a select list.
    pub fn selected(&self, column: &str) -> String {
        self.codec.printed(column)
    }
}

/// What the catalog says about the type of a column. Of a domain it is what lies beneath, but for `declared`.
#[derive(Clone, Debug, Default)]
pub struct Catalogued {
    /// The name of the type.
    pub name: String,
    /// It is one of PostgreSQL's own.
    pub is_builtin: bool,
    /// `typtype`: `b` for a base type, `e` for an enumeration, and so on.
    pub sort: String,
    /// `typmod`: -1 where the type has no modifier.
    pub modifier: i32,
    /// Labels of an enumeration, in its order.
    pub labels: Vec<String>,
    /// The type in full.
    pub full_name: String,
    /// The type the column is declared with, in full: the domain, where it is one.
    pub declared: String,
}

/// The kind of a type.
pub fn kind(of: Catalogued) -> Kind {
    if of.sort == "e" {
        return Kind::Enum { labels: of.labels };
    }
    let digits = u8::try_from(of.modifier).map_or(6, |digits| digits.min(6));
    let chars = behind_head(of.modifier);
    let own = match of.name.as_str() {
        "bool" => Some(Kind::Bool),
        "int2" => Some(Kind::Int { bits: 16 }),
        "int4" => Some(Kind::Int { bits: 32 }),
        "int8" => Some(Kind::Int { bits: 64 }),
        // A domain over it would not be known for what lies beneath.
        "oid" if of.declared == "oid" => Some(Kind::Int { bits: 64 }),
        "numeric" => Some(Kind::Decimal { limit: numeric_limit(of.modifier) }),
        "float4" => Some(Kind::Real { single: true }),
        "float8" => Some(Kind::Real { single: false }),
        "text" => Some(Kind::Text { max_chars: None, padded: false }),
        "varchar" => Some(Kind::Text { max_chars: chars, padded: false }),
        "bpchar" => Some(Kind::Text { max_chars: chars, padded: true }),
        "name" => Some(Kind::Text { max_chars: Some(63), padded: false }),
        "bytea" => Some(Kind::Bytes),
        "date" => Some(Kind::Date),
        "time" => Some(Kind::Time { digits }),
        "timestamp" => Some(Kind::Timestamp { digits }),
        "timestamptz" => Some(Kind::Instant { digits }),
        "uuid" => Some(Kind::Uuid),
        "json" => Some(Kind::Json { normalised: false }),
        "jsonb" => Some(Kind::Json { normalised: true }),
        _ => None,
    };
    match own {
        Some(kind) if of.is_builtin => kind,
        _ if of.name == "citext" && of.sort == "b" => Kind::Text { max_chars: None, padded: false },
        _ => Kind::Other { type_name: of.full_name },
    }
}

/// How a column of this kind is declared, in the words that PostgreSQL itself uses for it. What only another engine has is
/// text, and so is an enumeration: its values are held to nothing then.
pub fn declared(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "boolean".to_owned(),
        Kind::Int { bits: 16 } => "smallint".to_owned(),
        Kind::Int { bits: 32 } => "integer".to_owned(),
        Kind::Int { .. } => "bigint".to_owned(),
        Kind::Decimal { limit } => numeric(*limit),
        Kind::Real { single: true } => "real".to_owned(),
        Kind::Real { single: false } => "double precision".to_owned(),
        Kind::Text { max_chars, padded } => text(*max_chars, *padded),
        Kind::Flexible(_) | Kind::Enum { .. } | Kind::Other { .. } => "text".to_owned(),
        Kind::Bytes => "bytea".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time { digits } => timed("time", *digits, "without time zone"),
        Kind::Timestamp { digits } => timed("timestamp", *digits, "without time zone"),
        Kind::Instant { digits } => timed("timestamp", *digits, "with time zone"),
        Kind::Uuid => "uuid".to_owned(),
        Kind::Json { normalised: false } => "json".to_owned(),
        Kind::Json { normalised: true } => "jsonb".to_owned(),
    }
}

/// The digits that a modifier of `numeric` allows. Those behind the point are kept in 11 bits, with a sign.
fn numeric_limit(modifier: i32) -> Option<(u32, i32)> {
    let packed = behind_head(modifier)?;
    let behind = ((packed & 0x7ff) ^ 1024) as i32 - 1024;
    Some((packed >> 16, behind))
}

fn behind_head(modifier: i32) -> Option<u32> {
    u32::try_from(modifier.checked_sub(MODIFIER_HEAD)?).ok()
}

fn numeric(limit: Option<(u32, i32)>) -> String {
    match limit {
        // Servers before 15 take no more digits behind the point than there are in all, and no fewer than none.
        Some((digits @ 1..=DIGITS_MAX, behind)) if u32::try_from(behind).is_ok_and(|behind| behind <= digits) => {
            format!("numeric({digits},{behind})")
        }
        _ => "numeric".to_owned(),
    }
}

fn text(max_chars: Option<u32>, padded: bool) -> String {
    match (max_chars, padded) {
        (Some(chars @ 1..=CHARS_MAX), true) => format!("character({chars})"),
        (Some(chars @ 1..=CHARS_MAX), false) => format!("character varying({chars})"),
        (None, true) => "bpchar".to_owned(),
        _ => "text".to_owned(),
    }
}

fn timed(name: &str, digits: u8, zone: &str) -> String {
    if digits >= 6 { format!("{name} {zone}") } else { format!("{name}({digits}) {zone}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin(name: &str, modifier: i32) -> Kind {
        let (name, full_name) = (name.to_owned(), name.to_owned());
        let declared = full_name.clone();
        kind(Catalogued { name, is_builtin: true, sort: "b".to_owned(), modifier, full_name, declared, labels: vec![] })
    }

    #[test]
    fn modifiers_are_read_as_the_server_packs_them() {
        let numeric = |digits: i32, behind: i32| ((digits << 16) | (behind & 0x7ff)) + 4;
        let cases = [
            ("numeric", -1, Kind::Decimal { limit: None }),
            ("numeric", numeric(12, 4), Kind::Decimal { limit: Some((12, 4)) }),
            ("numeric", numeric(1000, 1000), Kind::Decimal { limit: Some((1000, 1000)) }),
            ("numeric", numeric(2, -3), Kind::Decimal { limit: Some((2, -3)) }),
            ("varchar", 64, Kind::Text { max_chars: Some(60), padded: false }),
            ("varchar", -1, Kind::Text { max_chars: None, padded: false }),
            ("bpchar", 5, Kind::Text { max_chars: Some(1), padded: true }),
            ("bpchar", -1, Kind::Text { max_chars: None, padded: true }),
            ("timestamp", -1, Kind::Timestamp { digits: 6 }),
            ("timestamptz", 0, Kind::Instant { digits: 0 }),
            ("time", 3, Kind::Time { digits: 3 }),
            ("inet", -1, Kind::Other { type_name: "inet".to_owned() }),
        ];
        for (name, modifier, expected) in cases {
            assert_eq!(builtin(name, modifier), expected, "{name} {modifier}");
        }
    }

    #[test]
    fn a_type_of_others_is_not_ours_because_of_its_name() {
        let theirs = Catalogued {
            name: "uuid".to_owned(),
            sort: "b".to_owned(),
            full_name: "app.uuid".to_owned(),
            ..Catalogued::default()
        };
        assert_eq!(kind(theirs), Kind::Other { type_name: "app.uuid".to_owned() });
    }

    #[test]
    fn a_limit_that_no_server_takes_is_none() {
        let decimal = |digits, behind| declared(&Kind::Decimal { limit: Some((digits, behind)) });
        assert_eq!(decimal(10, 2), "numeric(10,2)");
        assert_eq!([decimal(1_001, 2), decimal(2, 5), decimal(5, -2), decimal(0, 0)], ["numeric"; 4]);
        let text = |chars| declared(&Kind::Text { max_chars: Some(chars), padded: false });
        assert_eq!(text(CHARS_MAX), "character varying(10485760)");
        assert_eq!([text(CHARS_MAX + 1), text(0)], ["text"; 2]);
    }
}
