//! What values a column holds, in words that every engine shares.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What values a column holds.
///
/// NULL aside, a column of any kind but [`Kind::Flexible`] holds values of one variant of [`super::Value`] only: the one
/// of the same name, for numbers that of their kind, and text for an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Each cell has a type of its own, and the column may turn one into another (SQLite).
    Flexible(Coercion),
    /// Truth values.
    Bool,
    /// Whole numbers with a sign.
    Int {
        /// 16, 32 or 64.
        bits: u8,
    },
    /// Numbers in decimal digits; NaN too.
    Decimal {
        /// Digits in all, and how many of them stand behind the point, fewer than none included; `None` where neither is
        /// limited. Without a limit there are infinities too.
        limit: Option<(u32, i32)>,
    },
    /// IEEE 754 numbers.
    Real {
        /// Of 32 bits: each stands for the shortest digits that are read as it, so that 0.1 is 0.1.
        single: bool,
    },
    /// Text in Unicode, without the character NUL.
    Text {
        /// Characters, at most.
        max_chars: Option<u32>,
        /// Filled up with spaces, which do not count.
        padded: bool,
    },
    /// Bytes.
    Bytes,
    /// Days; before Christ and infinity too.
    Date,
    /// Times of a day.
    Time {
        /// Digits of a second, up to 6.
        digits: u8,
    },
    /// Days and times without a zone; infinity too.
    Timestamp {
        /// Digits of a second, up to 6.
        digits: u8,
    },
    /// Points in time; infinity too.
    Instant {
        /// Digits of a second, up to 6.
        digits: u8,
    },
    /// UUIDs.
    Uuid,
    /// JSON.
    Json {
        /// The engine keeps the meaning only: not the order of names, nor the spacing.
        normalised: bool,
    },
    /// One of these texts.
    Enum {
        /// All there are, in the engine's order.
        labels: Vec<String>,
    },
    /// What only one engine has, in that engine's own text form.
    Other {
        /// What the engine calls the type.
        type_name: String,
    },
}

/// What an engine does to a value it stores in a column of kind [`Kind::Flexible`]. Two columns with the same coercion hold
/// exactly the same values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Coercion {
    /// Text that looks like a number becomes one; whole doubles become integers (SQLite's INTEGER affinity).
    Integer,
    /// Numbers become doubles; text that looks like a number becomes one (REAL affinity).
    Real,
    /// Text that looks like a number becomes one (NUMERIC affinity).
    Numeric,
    /// Numbers become text (TEXT affinity).
    Text,
    /// Nothing is changed (BLOB affinity, or no declared type).
    None,
}

impl Coercion {
    /// Whether two columns store every value alike. SQLite's INTEGER and NUMERIC differ in casts only.
    pub fn stores_like(self, other: Coercion) -> bool {
        let alike = |coercion| if coercion == Coercion::Integer { Coercion::Numeric } else { coercion };
        alike(self) == alike(other)
    }
}

impl Kind {
    /// Whether the column holds numbers, and what else it is given becomes one where it can.
    pub fn is_numeric(&self) -> bool {
        match self {
            Kind::Flexible(coercion) => matches!(coercion, Coercion::Integer | Coercion::Real | Coercion::Numeric),
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } => true,
            _ => false,
        }
    }

    /// Whether every number that the column is given becomes text.
    pub fn is_textual(&self) -> bool {
        matches!(self, Kind::Flexible(Coercion::Text) | Kind::Text { .. } | Kind::Enum { .. })
    }

    /// Whether these are decimals of so few digits that a double gives each of them back.
    pub fn is_decimal_within_a_double(&self) -> bool {
        const DIGITS_OF_A_DOUBLE: u32 = 15;
        matches!(self, Kind::Decimal { limit: Some((digits, behind)) } if *digits <= DIGITS_OF_A_DOUBLE && *behind >= 0)
    }

    /// What the engine does to values, where each has a type of its own.
    pub fn coercion(&self) -> Option<Coercion> {
        match self {
            Kind::Flexible(coercion) => Some(*coercion),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Flexible(_) => f.write_str("any value"),
            Kind::Bool => f.write_str("a truth value"),
            Kind::Int { bits } => write!(f, "a whole number of {bits} bits"),
            Kind::Decimal { limit: None } => f.write_str("a decimal number"),
            Kind::Decimal { limit: Some((digits, behind)) } => {
                write!(f, "a decimal number of {digits} digits, {behind} of them behind the point")
            }
            Kind::Real { single: true } => f.write_str("a floating-point number of 32 bits"),
            Kind::Real { single: false } => f.write_str("a floating-point number of 64 bits"),
            Kind::Text { max_chars: None, .. } => f.write_str("text"),
            Kind::Text { max_chars: Some(chars), .. } => write!(f, "text of at most {chars} characters"),
            Kind::Bytes => f.write_str("bytes"),
            Kind::Date => f.write_str("a date"),
            Kind::Time { digits } => write!(f, "a time{}", fraction(*digits)),
            Kind::Timestamp { digits } => write!(f, "a date and time without a zone{}", fraction(*digits)),
            Kind::Instant { digits } => write!(f, "a point in time{}", fraction(*digits)),
            Kind::Uuid => f.write_str("a UUID"),
            Kind::Json { .. } => f.write_str("JSON"),
            Kind::Enum { .. } => f.write_str("one of the values of an enumeration"),
            Kind::Other { type_name } => f.write_str(type_name),
        }
    }
}

fn fraction(digits: u8) -> String {
    match digits {
        6 => String::new(),
        0 => " in whole seconds".to_owned(),
        digits => format!(" with {digits} digits of a second"),
    }
}
