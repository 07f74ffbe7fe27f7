//! Cells as the protocol brings them, and as `LOAD DATA` takes them, without a connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `cell` | one cell of a row as a value |
//! | `field` | one value as a field of a file, or why it cannot be one |
//! | `times` | dates and times of the engine, those that do not exist included |

mod cell;
mod field;
mod times;

use std::sync::Arc;

pub use cell::cell;
pub(super) use field::sent;
pub use field::{Field, Refused, write_field};
pub(crate) use times::{date, timestamp};

/// How the values of one column travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Whole numbers.
    Int,
    /// `year`: as text, a number of fewer than four digits would be a year of our century.
    Year,
    /// Decimal numbers, and unsigned ones of 64 bits.
    Decimal,
    /// `float` and `double`.
    Real {
        /// Of 32 bits: the [`Real`](syncline_core::value::Value::Real) is the shortest decimal that reads back as the same float.
        single: bool,
    },
    /// Text, and labels of an enumeration.
    Text,
    /// Bytes.
    Bytes {
        /// Shorter ones are filled up with zeros (`binary(n)`).
        filled_to: Option<usize>,
    },
    /// `date`. One that does not exist is text of a type `date`.
    Date,
    /// `time`.
    Time,
    /// `datetime`. One that does not exist is text of a type `datetime`.
    Timestamp,
    /// `timestamp`. The zero one is text of a type `timestamp`.
    Instant,
    /// `uuid` of MariaDB.
    Uuid,
    /// `json`.
    Json,
    /// `bit(n)`.
    Bits(u32),
    /// Geometries, with the name of their type.
    Geometry(Arc<str>),
    /// A type without a form of ours, as the server prints it, with its name.
    Other(Arc<str>),
}

impl Codec {
    /// Whether the column can be one that is given numbers.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Codec::Int | Codec::Decimal | Codec::Real { .. })
    }

    /// What a column is set to where `variable` holds the field of a file; `None` where the field is the column's value.
    pub fn received(&self, variable: &str) -> Option<String> {
        match self {
            Codec::Bytes { .. } | Codec::Geometry(_) => Some(format!("UNHEX({variable})")),
            // As text it would be the bits themselves.
            Codec::Bits(_) => Some(format!("CAST(CONV({variable}, 2, 10) AS UNSIGNED)")),
            _ => None,
        }
    }
}
