//! Declared types of SQLite as the kinds that other engines make of them.

use syncline_core::schema::Column;
use syncline_core::value::{Coercion, Kind};

/// What a column of SQLite is where types are kept to.
pub(crate) fn kind(column: &Column) -> Kind {
    let Declared { name, arguments } = Declared::of(&column.declared_type);
    let chars = match arguments[..] {
        [chars] => u32::try_from(chars).ok(),
        _ => None,
    };
    let digits = match arguments[..] {
        [digits] => u8::try_from(digits).map_or(6, |digits| digits.min(6)),
        _ => 6,
    };
    match name.as_str() {
        "SMALLINT" => Kind::Int { bits: 16 },
        "BOOLEAN" | "BOOL" => Kind::Bool,
        "DECIMAL" | "NUMERIC" | "DEC" | "DECIMAL TEXT" | "NUMERIC TEXT" => Kind::Decimal { limit: limit(&arguments) },
        "FLOAT4" => Kind::Real { single: true },
        "REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT" | "FLOAT8" => Kind::Real { single: false },
        "CHAR" => Kind::Text { max_chars: chars, padded: chars.is_some() },
        "VARCHAR" | "NVARCHAR" | "CHARACTER VARYING" | "VARYING CHARACTER" | "VARCHAR2" | "NCHAR" | "CHARACTER"
        | "NATIVE CHARACTER" => Kind::Text { max_chars: chars, padded: false },
        "TEXT" | "CLOB" | "" => Kind::Text { max_chars: None, padded: false },
        "DATE" => Kind::Date,
        "TIME" => Kind::Time { digits },
        "DATETIME" | "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => Kind::Timestamp { digits },
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => Kind::Instant { digits },
        "UUID" => Kind::Uuid,
        "JSON" | "JSON TEXT" => Kind::Json { normalised: false },
        "JSONB" | "JSONB TEXT" => Kind::Json { normalised: true },
        _ => by_coercion(column),
    }
}

fn by_coercion(column: &Column) -> Kind {
    match column.kind.coercion() {
        Some(Coercion::Integer) => Kind::Int { bits: 64 },
        Some(Coercion::Real) => Kind::Real { single: false },
        Some(Coercion::Numeric) => Kind::Decimal { limit: None },
        Some(Coercion::None) if !column.declared_type.is_empty() => Kind::Bytes,
        _ => Kind::Text { max_chars: None, padded: false },
    }
}

/// A declared type, taken apart.
struct Declared {
    /// In capitals, with one space between words.
    name: String,
    arguments: Vec<i64>,
}

impl Declared {
    fn of(declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let (head, inside, tail) = match upper.split_once('(') {
            Some((head, rest)) => match rest.split_once(')') {
                Some((inside, tail)) => (head, inside, tail),
                None => (upper.as_str(), "", ""),
            },
            None => (upper.as_str(), "", ""),
        };
        let words: Vec<&str> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        let arguments = inside.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        Self { name: words.join(" "), arguments }
    }
}

fn limit(arguments: &[i64]) -> Option<(u32, i32)> {
    let (digits, behind) = match arguments[..] {
        [digits] => (digits, 0),
        [digits, behind] => (digits, behind),
        _ => return None,
    };
    let limit = (u32::try_from(digits).ok()?, i32::try_from(behind).ok()?);
    // What no engine would take as a limit is none.
    (limit.0 >= 1 && limit.0 <= 1_000 && limit.1 >= 0 && limit.1.unsigned_abs() <= limit.0).then_some(limit)
}
