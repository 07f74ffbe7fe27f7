//! What the conditions of a mapping become in every dialect alike.

use std::cmp::Ordering;

use syncline_core::error::{Code, Error};
use syncline_core::mapping::filter::{Comparison, Part};

/// The operator.
pub(crate) fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// Whether two things in this order compare so.
pub(crate) fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// A pattern of LIKE, with a backslash before what is to stand for itself.
pub(crate) fn like_pattern(parts: &[Part]) -> String {
    let mut pattern = String::new();
    for part in parts {
        match part {
            Part::Any => pattern.push('%'),
            Part::One => pattern.push('_'),
            Part::Text(text) => text.chars().for_each(|c| match c {
                '%' | '_' | '\\' => pattern.extend(['\\', c]),
                c => pattern.push(c),
            }),
        }
    }
    pattern
}

/// The error for a filter that was not read as one: its parser lets none of these through.
pub(crate) fn misplaced() -> Error {
    Error::new(Code::Internal, "a filter holds a value where none can stand")
}
