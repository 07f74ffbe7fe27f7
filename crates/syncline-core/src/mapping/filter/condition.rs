//! A filter, parsed: what stores make their own SQL from.

use crate::value::{Kind, Value};

/// A condition on the row of one table.
///
/// It is nested at most [`crate::limits::FILTER_DEPTH_MAX`] deep, give or take a level that BETWEEN and NOT IN add, so walking it by
/// recursion is safe.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them hold; at least one is there.
    All(Vec<Condition>),
    /// One of them holds; at least one is there.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two values compared.
    Compare {
        /// The value on the left.
        left: Operand,
        /// How they are compared.
        comparison: Comparison,
        /// The value on the right.
        right: Operand,
    },
    /// A value is equal to one of these, none of which is NULL.
    In {
        /// The value.
        operand: Operand,
        /// The list.
        values: Vec<Value>,
    },
    /// A text has this shape.
    Like {
        /// The text.
        operand: Operand,
        /// The shape, from its start to its end.
        pattern: Vec<Part>,
        /// ASCII letters match in either case.
        ignores_case: bool,
    },
    /// A value is NULL.
    IsNull(Operand),
    /// Neither holds nor does not: what it is asked about is NULL, or no point in time. There is no way to type it.
    Unknown(Box<Condition>),
}

/// One value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// What a column holds.
    Column(String),
    /// What a column holds, seen as of a kind that it is not of by itself: so both sides of a pair mean the same.
    Seen {
        /// The column's name.
        column: String,
        /// What its cells are seen as.
        kind: Kind,
    },
    /// A literal; never NULL. A number that is no 64-bit integer is a [`Value::Decimal`].
    Value(Value),
    /// The present moment and this many seconds, as it was typed.
    Now(i64),
    /// A point in time, in milliseconds since 1970: what [`Operand::Now`] has become in a run.
    Instant(i64),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what it is called")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These characters; never empty, never with NUL.
    Text(String),
    /// Any one character.
    One,
    /// Any characters, or none.
    Any,
}

impl Condition {
    /// The condition with every operand replaced.
    ///
    /// # Errors
    /// The first one of `replace`.
    pub fn replaced<E>(&self, replace: &mut impl FnMut(&Operand) -> Result<Operand, E>) -> Result<Condition, E> {
        let mut all = |conditions: &[Condition]| -> Result<Vec<Condition>, E> {
            conditions.iter().map(|condition| condition.replaced(replace)).collect()
        };
        Ok(match self {
            Condition::All(conditions) => Condition::All(all(conditions)?),
            Condition::Any(conditions) => Condition::Any(all(conditions)?),
            Condition::Not(condition) => Condition::Not(Box::new(condition.replaced(replace)?)),
            Condition::Compare { left, comparison, right } => {
                Condition::Compare { left: replace(left)?, comparison: *comparison, right: replace(right)? }
            }
            Condition::In { operand, values } => Condition::In { operand: replace(operand)?, values: values.clone() },
            Condition::Like { operand, pattern, ignores_case } => {
                Condition::Like { operand: replace(operand)?, pattern: pattern.clone(), ignores_case: *ignores_case }
            }
            Condition::IsNull(operand) => Condition::IsNull(replace(operand)?),
            Condition::Unknown(condition) => Condition::Unknown(Box::new(condition.replaced(replace)?)),
        })
    }
}

impl Operand {
    /// The name of the column that this is about.
    pub fn column(&self) -> Option<&str> {
        match self {
            Operand::Column(name) | Operand::Seen { column: name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Comparison {
    /// The comparison with its sides exchanged.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }
}
