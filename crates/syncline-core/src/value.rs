//! The canonical value that loses nothing, and the forms it travels in.
//!
//! A cell read from any engine becomes a [`ValueRef`]; rows of cells travel in a [`RowBatch`]; owned [`Value`]s exist only
//! for keys and conflicts. Two encodings give values as bytes: [`exact`] is reversible bit for bit, [`canonical`] makes
//! equal what engines write differently; [`Equality`] says by which of them rows are compared. [`key_order`] is the one
//! order in which both sides of a comparison are read, [`memcomparable`] the same as bytes. A [`Kind`] is what values a
//! column holds, and [`fit`] gives a value the form that a column of some kind holds it in.

pub mod batch;
mod bend;
pub mod calendar;
pub mod canonical;
mod digits;
pub mod equality;
pub mod exact;
pub mod fit;
mod forms;
pub mod key_order;
mod kind;
pub mod memcomparable;
mod number;
mod numeric;
mod short;
pub mod single;
mod sketch;
pub mod sum;

pub use batch::{Row, RowBatch};
pub use bend::{Bend, bent};
pub use equality::Equality;
pub use forms::Forms;
pub use kind::{Coercion, Kind};
pub use numeric::looks_numeric;
pub use sketch::{Remainder, Sketch, Sketched};
pub use sum::{SumPart, TableSum};

/// One value, owned.
///
/// Equality is exact: `Int(1)`, `Real(1.0)` and `Decimal("1")` are three different values, NaN equals a NaN with the
/// same bits, and 0.0 differs from -0.0. Ask [`canonical`] or [`key_order`] for other notions of sameness.
#[derive(Clone, Debug)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A truth value, where the engine has a type for it.
    Bool(bool),
    /// A whole number within 64 bits.
    Int(i64),
    /// A number as decimal digits, of any length: `-12.50`, `1e400` spelled out, `NaN`, `Infinity`, `-Infinity`.
    Decimal(String),
    /// An IEEE 754 double, with its NaN, infinities and sign of zero.
    Real(f64),
    /// Text. Usually UTF-8, but some engines let any bytes in, NUL included.
    Text(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01 in the proleptic Gregorian calendar. The highest and the lowest number are infinity and minus
    /// infinity, here and in a timestamp and an instant.
    Date(i32),
    /// Microseconds since midnight; negative and beyond 24 hours where the engine allows it.
    Time(i64),
    /// A date and time without a zone: microseconds since 1970-01-01T00:00:00 on that calendar.
    Timestamp(i64),
    /// A point in time: microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// A UUID, in the byte order it is printed in.
    Uuid([u8; 16]),
    /// JSON, as it was written.
    Json(String),
    /// A value of a type that only one engine has, in that engine's own text form.
    Other {
        /// The engine's name for the type.
        type_name: String,
        /// The value as the engine prints it.
        text: String,
    },
}

/// One value, borrowed from a batch, a driver or a [`Value`].
// A tag as wide as what follows: a narrow one has the rest copied in pieces across the borders of what was just stored there,
// for which the processor waits.
#[repr(u64)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each variant means what the variant of the same name in Value means")]
pub enum ValueRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(&'a str),
    Real(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    Instant(i64),
    Uuid([u8; 16]),
    Json(&'a str),
    Other { type_name: &'a str, text: &'a str },
}

impl Value {
    /// Borrows the value.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Bool(*value),
            Value::Int(value) => ValueRef::Int(*value),
            Value::Decimal(digits) => ValueRef::Decimal(digits),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(bytes) => ValueRef::Text(bytes),
            Value::Bytes(bytes) => ValueRef::Bytes(bytes),
            Value::Date(days) => ValueRef::Date(*days),
            Value::Time(micros) => ValueRef::Time(*micros),
            Value::Timestamp(micros) => ValueRef::Timestamp(*micros),
            Value::Instant(micros) => ValueRef::Instant(*micros),
            Value::Uuid(bytes) => ValueRef::Uuid(*bytes),
            Value::Json(text) => ValueRef::Json(text),
            Value::Other { type_name, text } => ValueRef::Other { type_name, text },
        }
    }

    /// Text from a Rust string.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into().into_bytes())
    }
}

impl ValueRef<'_> {
    /// Copies the value out of what it was borrowed from.
    pub fn to_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(value) => Value::Bool(value),
            ValueRef::Int(value) => Value::Int(value),
            ValueRef::Decimal(digits) => Value::Decimal(digits.to_owned()),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(bytes) => Value::Text(bytes.to_vec()),
            ValueRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Date(days) => Value::Date(days),
            ValueRef::Time(micros) => Value::Time(micros),
            ValueRef::Timestamp(micros) => Value::Timestamp(micros),
            ValueRef::Instant(micros) => Value::Instant(micros),
            ValueRef::Uuid(bytes) => Value::Uuid(bytes),
            ValueRef::Json(text) => Value::Json(text.to_owned()),
            ValueRef::Other { type_name, text } => {
                Value::Other { type_name: type_name.to_owned(), text: text.to_owned() }
            }
        }
    }

    /// Whether the value is NULL.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        use ValueRef as V;
        match (self, other) {
            (V::Null, V::Null) => true,
            (V::Bool(a), V::Bool(b)) => a == b,
            (V::Int(a), V::Int(b)) => a == b,
            (V::Decimal(a), V::Decimal(b)) => a == b,
            (V::Real(a), V::Real(b)) => a.to_bits() == b.to_bits(),
            (V::Text(a), V::Text(b)) | (V::Bytes(a), V::Bytes(b)) => a == b,
            (V::Date(a), V::Date(b)) => a == b,
            (V::Time(a), V::Time(b)) | (V::Timestamp(a), V::Timestamp(b)) | (V::Instant(a), V::Instant(b)) => a == b,
            (V::Uuid(a), V::Uuid(b)) => a == b,
            (V::Json(a), V::Json(b)) => a == b,
            (V::Other { type_name: a, text: x }, V::Other { type_name: b, text: y }) => a == b && x == y,
            _ => false,
        }
    }
}

impl Eq for ValueRef<'_> {}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Value {}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        value.as_ref()
    }
}

#[cfg(test)]
pub(crate) mod strategies {
    //! Values of every kind for property tests, odd ones included.

    use proptest::prelude::*;

    use super::Value;

    /// Any value at all.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any_int(),
            any_decimal(),
            any_real(),
            any_text(),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            any::<i32>().prop_map(Value::Date),
            any::<i64>().prop_map(Value::Time),
            any::<i64>().prop_map(Value::Timestamp),
            any::<i64>().prop_map(Value::Instant),
            any::<[u8; 16]>().prop_map(Value::Uuid),
            any::<String>().prop_map(Value::Json),
            ("[a-z]{1,8}", any::<String>()).prop_map(|(type_name, text)| Value::Other { type_name, text }),
        ]
    }

    /// Values that SQLite can hold: its five storage classes.
    pub(crate) fn any_int() -> impl Strategy<Value = Value> {
        prop_oneof![any::<i64>(), -3_i64..3, Just(i64::MIN), Just(i64::MAX)].prop_map(Value::Int)
    }

    pub(crate) fn any_real() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<f64>(),
            (-300_i32..300).prop_map(|tenths| f64::from(tenths) / 10.0),
            Just(f64::NAN),
            Just(-0.0),
            Just(f64::INFINITY),
            Just(9_007_199_254_740_993.0),
        ]
        .prop_map(Value::Real)
    }

    pub(crate) fn any_decimal() -> impl Strategy<Value = Value> {
        prop_oneof!["-?[0-9]{1,40}(\\.[0-9]{1,20})?", Just("NaN".to_owned()), Just("-Infinity".to_owned())]
            .prop_map(Value::Decimal)
    }

    pub(crate) fn any_text() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..40),
            "[ab\u{0}]{0,4}".prop_map(String::into_bytes),
        ]
        .prop_map(Value::Text)
    }
}
