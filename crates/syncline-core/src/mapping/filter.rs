//! Filters: which rows of a table take part.
//!
//! ```text
//! condition  = both { OR both }
//! both       = unary { AND unary }
//! unary      = NOT unary | '(' condition ')' | predicate
//! predicate  = operand ( = | == | <> | != | < | <= | > | >= ) operand
//!            | operand [NOT] IN '(' literal { ',' literal } ')'
//!            | operand [NOT] BETWEEN operand AND operand
//!            | operand [NOT] ( LIKE | ILIKE ) 'pattern' [ ESCAPE 'c' ]
//!            | operand IS [NOT] NULL
//! operand    = column | literal | now() [ ( + | - ) interval '30 days' ]
//! literal    = 12 | -1.5 | 1e3 | 'text' | x'ff' | TRUE | FALSE
//! ```
//!
//! A filter is never handed on as text: it becomes a [`Condition`], from which each store writes its own SQL. The meaning
//! is the same in all of them:
//!
//! - NULL in a comparison makes it neither true nor false, and only rows for which the filter is true take part.
//! - Numbers are compared as numbers, text by its bytes, bytes as bytes. Values of different kinds are never equal;
//!   numbers come before text, text before bytes.
//! - LIKE and ILIKE match text only. `%` stands for any characters, `_` for one; nothing escapes them unless ESCAPE says
//!   so. LIKE heeds case, ILIKE disregards that of ASCII letters.
//! - A column compared with `now()` holds points in time: text as `2024-05-06`, with or without a time, `T`, fraction and
//!   zone, UTC where none is given; whole numbers as seconds since 1970, or as milliseconds from a hundred thousand
//!   million on; other numbers as Julian days. Both are compared in whole milliseconds. What is no point in time is
//!   neither before nor after one.
//! - `now()` is one instant for a whole run, the same for both ends.
//! - Where the columns of a pair hold one value differently, the filter is about what both are seen as. A side whose own words
//!   would mean something else gets [`Operand::Seen`].

mod bind;
mod condition;
mod lexer;
mod paired;
mod parser;
pub mod seen;
#[cfg(test)]
mod tests;

pub(super) use self::bind::bind;
pub use self::condition::{Comparison, Condition, Operand, Part};
pub(super) use self::paired::{Met, Unlike, paired};
pub(super) use self::parser::parse;

/// The condition that a text is, where it is one as filters have them.
pub fn condition(text: &str) -> Option<Condition> {
    parse(text).ok()
}
