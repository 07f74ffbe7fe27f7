//! Rows that differ, one by one, as `diff --rows` names them.

use syncline_core::change::{Operation, Reason};
use syncline_core::error::Result;
use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

/// One row that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDifference {
    /// The table's name.
    pub table: String,
    /// What would make the target's row equal to the source's: insert for a row only the source has, delete for one
    /// only the target has, update for one that differs.
    pub operation: Operation,
    /// The columns compared, in order.
    pub columns: Vec<String>,
    /// Positions of the key in `columns`. Empty where the table has none: the row is one copy of those that are like it.
    pub key: Vec<usize>,
    /// The source's row, when it has one.
    pub source: Option<Vec<Value>>,
    /// The target's row, when it has one.
    pub target: Option<Vec<Value>>,
    /// How the target writes names and values.
    pub dialect: Dialect,
    /// How a mapping makes the target's table another than the source's; `None` where it is the same.
    pub in_target: Option<InTarget>,
    /// What the target calls the place of a row, where the table has no key.
    pub place: Option<String>,
    /// Positions in `columns` of those whose values the target gives out and lets nobody change.
    pub given: Vec<usize>,
    /// Why a run would hold the row, where that is known without trying.
    pub held: Option<Reason>,
}

/// The target's side of a row seen through a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTarget {
    /// The table's name there.
    pub table: String,
    /// The columns' names there, in the order of the row.
    pub columns: Vec<String>,
    /// Rows or columns of that table take no part and must stay as they are.
    pub is_partial: bool,
}

/// Takes rows that differ, table by table, in key order.
pub trait RowSink: Send {
    /// Takes one.
    ///
    /// # Errors
    /// When it cannot be passed on, such as to a closed pipe; that ends the comparison.
    fn row(&mut self, row: RowDifference) -> Result<()>;

    /// Whether tables should come after those that they reference, instead of in the order of their names.
    fn wants_parents_first(&self) -> bool {
        false
    }
}

impl RowDifference {
    /// Whether there may be others like it.
    pub fn is_copy(&self) -> bool {
        self.key.is_empty()
    }

    /// The key's columns and values; all of the row where it has no key.
    pub fn key_cells(&self) -> impl Iterator<Item = (&str, &Value)> {
        let row = self.source.as_ref().or(self.target.as_ref());
        let columns = if self.is_copy() { (0..self.columns.len()).collect() } else { self.key.clone() };
        columns.into_iter().filter_map(move |column| Some((self.columns[column].as_str(), row?.get(column)?)))
    }

    /// Why a run would hold the row, for people.
    pub fn why_held(&self) -> Option<&'static str> {
        match self.held {
            Some(Reason::OutOfFilter) => Some("the target's row with this key lies outside the filter"),
            Some(other) => Some(other.name()),
            None if self.given.iter().any(|column| !self.is_same(*column)) => {
                Some("the value of a column GENERATED ALWAYS AS IDENTITY cannot be changed in a row that is there")
            }
            None => None,
        }
    }

    /// Whether both sides have the row, if they both have it, with the same value in this column.
    pub(crate) fn is_same(&self, column: usize) -> bool {
        match (&self.source, &self.target) {
            (Some(source), Some(target)) => source.get(column) == target.get(column),
            _ => true,
        }
    }

    /// The columns whose values differ, with both; empty unless both sides have the row.
    pub fn changed_cells(&self) -> Vec<(&str, &Value, &Value)> {
        let (Some(source), Some(target)) = (&self.source, &self.target) else { return Vec::new() };
        let pairs = self.columns.iter().zip(source.iter().zip(target));
        pairs.filter(|(_, (a, b))| a != b).map(|(name, (a, b))| (name.as_str(), a, b)).collect()
    }
}
