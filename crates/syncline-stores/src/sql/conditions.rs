//! Conditions of tables in the words of another engine.
//!
//! An expression is never handed on as text: it is read as a filter is, and written anew, or not at all. What the engines
//! could take differently is not written: text that is ordered by rules of its own, values of another sort than their column,
//! patterns, functions.

mod printed;
mod words;

use syncline_core::mapping::filter::{self, Comparison, Condition, Operand};
use syncline_core::value::{Value, ValueRef, calendar};

use self::words::{Word, normalised, words};
use super::Dialect;
use super::predicates::sign;

/// What the values of a column are compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Truth values.
    Truth,
    /// Numbers.
    Number,
    /// Text, ordered by its bytes.
    Text,
    /// Text that is ordered in another way: it can only be the same or not.
    UnorderedText,
    /// Days.
    Day,
}

/// The condition of an engine in the words of another; `None` where it has none that surely mean the same. `column` gives a
/// column of the expression the name it has there and what it is compared as.
pub(crate) fn translated<'n>(
    expression: &str,
    from: Dialect,
    dialect: Dialect,
    column: &dyn Fn(&str) -> Option<(&'n str, Sort)>,
) -> Option<String> {
    let condition = filter::condition(&normalised(words(expression, from)?)?)?;
    let translator = Translator { dialect, column };
    if dialect == Dialect::Mysql { translator.printed(&condition) } else { translator.condition(&condition) }
}

/// The value that a text of SQL is the literal of; `None` for any other.
pub(crate) fn literal(text: &str, from: Dialect) -> Option<Value> {
    value_of(&words(text, from)?)
}

/// The same where the literal stands in parentheses or is told its type.
pub(crate) fn constant(text: &str, from: Dialect) -> Option<Value> {
    value_of(&words(&normalised(words(text, from)?)?, Dialect::Postgres)?)
}

fn value_of(words: &[Word]) -> Option<Value> {
    match words {
        // SQLite takes a word in double quotes for text where it is the name of nothing.
        [Word::Text(text) | Word::Name(text)] => Some(Value::text(text.clone())),
        [Word::Bytes(bytes)] => Some(Value::Bytes(bytes.clone())),
        [Word::Number(digits)] => number(digits),
        [Word::Sign("-"), Word::Number(digits)] => number(&format!("-{digits}")),
        [Word::Sign("+"), Word::Number(digits)] => number(digits),
        [Word::Bare(word)] => match word.to_ascii_lowercase().as_str() {
            "null" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

/// The two names in a name with its schema, as PostgreSQL prints it.
pub(crate) fn qualified(text: &str) -> Option<(String, String)> {
    match words(text, Dialect::Postgres)?.as_slice() {
        [Word::Bare(schema) | Word::Name(schema), Word::Sign("."), Word::Bare(name) | Word::Name(name)] => {
            Some((schema.clone(), name.clone()))
        }
        _ => None,
    }
}

fn number(digits: &str) -> Option<Value> {
    match digits.parse() {
        Ok(whole) => Some(Value::Int(whole)),
        Err(_) => digits.parse::<f64>().ok().filter(|real| real.is_finite()).map(Value::Real),
    }
}

struct Translator<'c, 'n> {
    dialect: Dialect,
    column: &'c dyn Fn(&str) -> Option<(&'n str, Sort)>,
}

impl Translator<'_, '_> {
    fn condition(&self, condition: &Condition) -> Option<String> {
        match condition {
            Condition::All(conditions) => self.joined(conditions, "AND"),
            Condition::Any(conditions) => self.joined(conditions, "OR"),
            Condition::Not(condition) => Some(format!("NOT ({})", self.condition(condition)?)),
            Condition::Compare { left: Operand::Column(name), comparison, right } => {
                self.compare(name, *comparison, right)
            }
            Condition::Compare { left, comparison, right: Operand::Column(name) } => {
                self.compare(name, comparison.reversed(), left)
            }
            Condition::In { operand: Operand::Column(name), values } => {
                let (column, sort) = self.column(name)?;
                let values = values.iter().map(|value| self.value(value, sort)).collect::<Option<Vec<_>>>()?;
                Some(format!("{column} IN ({})", values.join(", ")))
            }
            Condition::IsNull(Operand::Column(name)) => Some(format!("{} IS NULL", self.column(name)?.0)),
            _ => None,
        }
    }

    fn joined(&self, conditions: &[Condition], word: &str) -> Option<String> {
        let parts = conditions.iter().map(|condition| Some(format!("({})", self.condition(condition)?)));
        Some(parts.collect::<Option<Vec<_>>>()?.join(&format!(" {word} ")))
    }

    fn compare(&self, name: &str, comparison: Comparison, right: &Operand) -> Option<String> {
        let (column, sort) = self.column(name)?;
        let (right, right_sort) = match right {
            Operand::Column(other) => self.column(other)?,
            Operand::Value(value) => (self.value(value, sort)?, sort),
            _ => return None,
        };
        let is_ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let is_same = sort == right_sort;
        if !is_same || is_ordered && matches!(sort, Sort::UnorderedText | Sort::Truth) {
            return None;
        }
        let by_bytes = is_ordered && sort == Sort::Text && self.dialect == Dialect::Postgres;
        let collation = if by_bytes { " COLLATE \"C\"" } else { "" };
        Some(format!("{column}{collation} {} {right}", sign(comparison)))
    }

    fn column(&self, name: &str) -> Option<(String, Sort)> {
        let (name, sort) = (self.column)(name)?;
        Some((self.dialect.identifier(name).ok()?, sort))
    }

    fn value(&self, value: &Value, sort: Sort) -> Option<String> {
        let value = match (sort, value) {
            (Sort::Truth, Value::Bool(_)) => value.clone(),
            (Sort::Truth, Value::Int(number @ 0..=1)) => Value::Bool(*number == 1),
            (Sort::Number, Value::Int(_)) => value.clone(),
            // Digits as they are: engines read them as a number of their own.
            (Sort::Number, Value::Decimal(digits)) => return Some(digits.clone()),
            (Sort::Text | Sort::UnorderedText, Value::Text(_)) => value.clone(),
            (Sort::Day, Value::Text(text)) => {
                let day = calendar::parse_date(std::str::from_utf8(text).ok()?)?;
                // Before the year 1 and beyond 9999 text is not in the order of the days.
                return (-719_162..=2_932_896).contains(&day).then(|| self.dialect.literal(ValueRef::Text(text)));
            }
            _ => return None,
        };
        if self.dialect == Dialect::Mysql {
            // Text that is not UTF-8 has no such form.
            let is_text = !matches!(&value, Value::Text(bytes) if std::str::from_utf8(bytes).is_err());
            return is_text.then(|| printed::value(&value, sort));
        }
        Some(self.dialect.literal(value.as_ref()))
    }
}

#[cfg(test)]
mod tests;
