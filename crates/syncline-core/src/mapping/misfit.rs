//! Rules for values that do not fit the column of the target: `'orders.total=clamp'`.

use super::columns::table_and_column;
use super::names::Reader;
use crate::schema::TableSchema;
use crate::value::{Bend, Coercion, Kind};

/// What was typed about one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MisfitRule {
    pub(super) table: String,
    pub(super) column: String,
    /// `None` to hold the row, as without a rule.
    pub(super) bend: Option<Bend>,
}

/// Reads a rule.
pub(super) fn parse(text: &str) -> Result<MisfitRule, String> {
    let mut reader = Reader::new(text);
    let (table, column) = table_and_column(&mut reader)?;
    let column = column.ok_or("the rule is about a column: TABLE.COLUMN=CHOICE")?;
    let word = reader.rest().trim().to_ascii_lowercase();
    let bend = Bend::ALL.into_iter().find(|bend| bend.name() == word);
    if bend.is_none() && word != "hold" {
        return Err("the choices are hold, null, clamp and text".to_owned());
    }
    Ok(MisfitRule { table, column, bend })
}

/// Refuses a choice that can help no value of the column.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn check(target: &TableSchema, position: usize, bend: Bend) -> Result<(), String> {
    let column = &target.columns[position];
    let is_text = matches!(column.kind, Kind::Text { .. } | Kind::Flexible(Coercion::Text | Coercion::None));
    match bend {
        Bend::Null if !column.nullable => Err("the column must not be NULL".to_owned()),
        Bend::Text if !is_text => Err(format!("the column takes no text ({})", column.declared_type)),
        _ => Ok(()),
    }
}
