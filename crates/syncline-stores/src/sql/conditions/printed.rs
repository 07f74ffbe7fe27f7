//! Conditions as MariaDB prints them: with as few parentheses as can be, and no NOT before what has an opposite.

use syncline_core::mapping::filter::{Comparison, Condition, Operand};
use syncline_core::value::{Value, ValueRef};

use super::super::mysql;
use super::{Sort, Translator};

/// What a condition stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    And,
}

impl Translator<'_, '_> {
    /// The condition; `None` where it has no words that surely mean the same.
    pub(super) fn printed(&self, condition: &Condition) -> Option<String> {
        self.print(condition, false, Within::Nothing)
    }

    /// The condition, or its opposite.
    fn print(&self, condition: &Condition, is_not: bool, within: Within) -> Option<String> {
        match condition {
            Condition::All(conditions) => self.print_joined(conditions, (is_not, !is_not), within),
            Condition::Any(conditions) => self.print_joined(conditions, (is_not, is_not), within),
            Condition::Not(condition) => self.print(condition, !is_not, within),
            Condition::Compare { left, comparison, right } => {
                let comparison = if is_not { opposite(*comparison) } else { *comparison };
                self.condition(&Condition::Compare { left: left.clone(), comparison, right: right.clone() })
            }
            Condition::In { operand, values } => match &values[..] {
                [only] => {
                    let comparison = if is_not { Comparison::NotEqual } else { Comparison::Equal };
                    let right = Operand::Value(only.clone());
                    self.condition(&Condition::Compare { left: operand.clone(), comparison, right })
                }
                values => {
                    let Operand::Column(name) = operand else { return None };
                    let (column, sort) = self.column(name)?;
                    let values = values.iter().map(|value| self.value(value, sort)).collect::<Option<Vec<_>>>()?;
                    Some(format!("{column}{} in ({})", if is_not { " not" } else { "" }, values.join(",")))
                }
            },
            Condition::IsNull(Operand::Column(name)) => {
                Some(format!("{} is{} null", self.column(name)?.0, if is_not { " not" } else { "" }))
            }
            _ => None,
        }
    }

    fn print_joined(&self, conditions: &[Condition], (is_not, is_and): (bool, bool), within: Within) -> Option<String> {
        let (word, inner) = if is_and { (" and ", Within::And) } else { (" or ", Within::Nothing) };
        let parts = conditions.iter().map(|condition| self.print(condition, is_not, inner));
        let joined = parts.collect::<Option<Vec<_>>>()?.join(word);
        let needs_parentheses = !is_and && conditions.len() > 1 && within == Within::And;
        Some(if needs_parentheses { format!("({joined})") } else { joined })
    }
}

/// A value as it is printed in a condition.
pub(super) fn value(value: &Value, sort: Sort) -> String {
    match value.as_ref() {
        ValueRef::Bool(truth) if sort == Sort::Truth => u8::from(truth).to_string(),
        ValueRef::Text(bytes) => mysql::printed(&String::from_utf8_lossy(bytes)),
        value => super::Dialect::Mysql.literal(value),
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}
