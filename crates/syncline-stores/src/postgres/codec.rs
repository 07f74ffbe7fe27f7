//! Rows as `COPY … (FORMAT binary)` carries them, in and out, without a connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `decode` | what the server sends, cut into rows |
//! | `cell` | one field as a value |
//! | `encode` | rows for the server |
//! | `field` | one value as a field, or why it cannot be one |
//! | `numeric` | decimal digits and groups of four of them |
//! | `epoch` | days and microseconds, counted from 2000 there and from 1970 here |
//!
//! The stream is a signature, flags and an extension, then rows, then a row with -1 fields. A row is the number of its fields
//! (16 bits) and each field's length (32 bits, -1 for NULL) and bytes. All numbers are big-endian. The forms of the fields are
//! those of PostgreSQL's `…_send` and `…_recv` functions.

mod cell;
mod decode;
mod encode;
mod epoch;
mod field;
mod numeric;

use std::sync::Arc;

pub use decode::{Cells, Decoder};
pub use encode::{Encoder, RowRefused};
pub use field::Refused;

/// What a stream begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Where a header ends that has no extension.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;

/// What each `jsonb` begins with.
const JSONB_VERSION: u8 = 1;

/// How the values of one column lie in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// `boolean`.
    Bool,
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`.
    Int8,
    /// `oid`.
    Oid,
    /// `real`: a [`Real`](syncline_core::value::Value::Real) of the shortest decimal that reads back as the same float.
    Float4,
    /// `double precision`.
    Float8,
    /// `numeric`, with its scale.
    Numeric,
    /// All that is text on the wire and is to be text: `text`, `varchar`, `bpchar`, `name`, `citext`, labels of an enum,
    /// and what is selected as `column::text` to be seen as text.
    Text,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// `bytea`.
    Bytea,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `timestamp`. One beyond what 64 bits hold from 1970 on is text of a type `timestamp`.
    Timestamp,
    /// `timestamptz`. One beyond what 64 bits hold from 1970 on is text of a type `timestamptz`.
    Timestamptz,
    /// `uuid`.
    Uuid,
    /// A type without a form of ours, selected as `column::text`: text that keeps the name of its type.
    OtherText(Arc<str>),
}

impl Codec {
    /// The codec of a type that travels as text, with the name its values are to bear.
    pub fn other(type_name: &str) -> Self {
        Codec::OtherText(type_name.into())
    }

    /// Whether the column is selected as what the server [prints](Self::printed) of it, and is text where it is written.
    pub fn is_cast(&self) -> bool {
        matches!(self, Codec::OtherText(_))
    }

    /// A value of the type, as it stands in SQL, as it is selected: where it travels as text, that is what the server prints of
    /// it. For all types but one a cast makes that.
    pub fn printed(&self, value: &str) -> String {
        match self {
            // The cast adds the width of the network where the type leaves it out.
            Codec::OtherText(name) if &**name == "inet" => format!("pg_catalog.textin(pg_catalog.inet_out({value}))"),
            Codec::OtherText(_) => format!("{value}::text"),
            _ => value.to_owned(),
        }
    }

    /// What PostgreSQL calls the type.
    pub fn type_name(&self) -> &str {
        match self {
            Codec::Bool => "boolean",
            Codec::Int2 => "smallint",
            Codec::Int4 => "integer",
            Codec::Int8 => "bigint",
            Codec::Oid => "oid",
            Codec::Float4 => "real",
            Codec::Float8 => "double precision",
            Codec::Numeric => "numeric",
            Codec::Text => "text",
            Codec::Json => "json",
            Codec::Jsonb => "jsonb",
            Codec::Bytea => "bytea",
            Codec::Date => "date",
            Codec::Time => "time",
            Codec::Timestamp => "timestamp",
            Codec::Timestamptz => "timestamptz",
            Codec::Uuid => "uuid",
            Codec::OtherText(type_name) => type_name,
        }
    }
}

#[cfg(test)]
mod tests;
