//! Cells in the forms of a task: as what a cell is seen, and which cell is stored for what is seen.

mod notation;

use syncline_core::change::TableTask;
use syncline_core::value::fit::{Misfit, fit, see};
use syncline_core::value::{Coercion, Kind, ValueRef};

/// The form that the cells of one column are seen in.
///
/// In a key it is strict: a cell is seen in its form only if it is what would be stored for it. So two notations of one key
/// stay two keys, and looking one up finds the very row.
#[derive(Clone, Debug)]
pub(in crate::sqlite) struct Form {
    seen_as: Kind,
    stored_as: Kind,
    is_strict: bool,
}

/// Room for values that are written anew, kept from cell to cell.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct Scratch {
    seen: String,
    stored: String,
}

impl Form {
    /// That of a column of the task; `None` where its cells are seen as they are.
    pub(in crate::sqlite) fn of(task: &TableTask, column: usize) -> Option<Self> {
        let seen_as = task.forms.kind(column)?.clone();
        let stored_as = task.table.columns[task.columns[column]].kind.clone();
        Some(Self { seen_as, stored_as, is_strict: task.key.contains(&column) })
    }

    /// Those of all columns; `None` where all cells are seen as they are, so that this costs nothing then.
    pub(in crate::sqlite) fn all_of(task: &TableTask) -> Option<Vec<Option<Self>>> {
        let forms = || (0..task.columns.len()).map(|column| Self::of(task, column)).collect();
        (!task.forms.are_native()).then(forms)
    }

    /// Those of the key, likewise.
    pub(in crate::sqlite) fn of_key(task: &TableTask) -> Option<Vec<Option<Self>>> {
        let forms = || task.key.iter().map(|column| Self::of(task, *column)).collect();
        (!task.forms.are_native()).then(forms)
    }

    /// The same, as cells of a key are seen.
    pub(in crate::sqlite) fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    /// What cells that fit are seen as.
    pub(in crate::sqlite) fn kind(&self) -> &Kind {
        &self.seen_as
    }

    /// What the column does to what it stores.
    pub(in crate::sqlite) fn coercion(&self) -> Coercion {
        self.stored_as.coercion().unwrap_or(Coercion::None)
    }

    /// The cell in its form; as it is where it does not fit.
    pub(in crate::sqlite) fn show<'v>(&'v self, cell: ValueRef<'v>, scratch: &'v mut Scratch) -> ValueRef<'v> {
        let Scratch { seen, stored } = scratch;
        match see(cell, &self.seen_as, seen) {
            shown if !self.is_strict || self.store(shown, stored) == Ok(cell) => shown,
            _ => cell,
        }
    }

    /// Whether most cells have to be written anew to be stored, which takes time.
    pub(in crate::sqlite) fn writes_anew(&self) -> bool {
        match self.seen_as {
            Kind::Decimal { .. } | Kind::Uuid => true,
            Kind::Date | Kind::Time { .. } | Kind::Timestamp { .. } | Kind::Instant { .. } => true,
            Kind::Bool | Kind::Int { .. } | Kind::Real { .. } => self.coercion() == Coercion::Text,
            _ => false,
        }
    }

    /// Whether the column keeps the value as it is, whatever it is seen as. Not every value that is kept is known.
    #[inline]
    pub(in crate::sqlite) fn keeps(&self, value: ValueRef<'_>) -> bool {
        let Kind::Flexible(coercion) = self.stored_as else { return false };
        match value {
            ValueRef::Null | ValueRef::Bytes(_) => true,
            ValueRef::Int(_) => matches!(coercion, Coercion::Integer | Coercion::Numeric),
            ValueRef::Text(_) => matches!(coercion, Coercion::Text | Coercion::None),
            _ => false,
        }
    }

    /// The cell that is stored for a value.
    ///
    /// # Errors
    /// Why the column cannot hold it.
    pub(in crate::sqlite) fn store<'v>(
        &'v self,
        value: ValueRef<'v>,
        scratch: &'v mut String,
    ) -> Result<ValueRef<'v>, Misfit> {
        match (&self.seen_as, self.coercion()) {
            // A cell may be infinite, and is the same key then.
            (Kind::Decimal { .. }, coercion) if self.is_strict && coercion != Coercion::Text && is_infinite(value) => {
                Ok(ValueRef::Real(if value == ValueRef::Decimal("Infinity") {
                    f64::INFINITY
                } else {
                    f64::NEG_INFINITY
                }))
            }
            (Kind::Decimal { limit }, coercion @ (Coercion::Text | Coercion::None)) if self.is_strict => {
                Ok(notation::key_of_decimal(value, *limit, coercion, scratch))
            }
            // Of zero there is one notation.
            (Kind::Real { .. }, Coercion::Text) if self.is_strict && matches!(value, ValueRef::Real(0.0)) => {
                fit(ValueRef::Real(0.0), &self.stored_as, scratch)
            }
            _ => fit(value, &self.stored_as, scratch),
        }
    }
}

fn is_infinite(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Decimal("Infinity" | "-Infinity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_would_be_stored() {
        let coercions = [Coercion::Integer, Coercion::Real, Coercion::Numeric, Coercion::Text, Coercion::None];
        let kinds = [Kind::Decimal { limit: None }, Kind::Real { single: false }, Kind::Int { bits: 64 }, Kind::Date];
        let values = [
            ValueRef::Null,
            ValueRef::Bytes(b"1"),
            ValueRef::Int(7),
            ValueRef::Text(b"7"),
            ValueRef::Text(b"x"),
            ValueRef::Real(7.0),
            ValueRef::Decimal("7.0"),
            ValueRef::Bool(true),
        ];
        let mut kept = 0;
        for (coercion, seen_as, is_strict) in coercions.into_iter().flat_map(|coercion| {
            kinds.iter().flat_map(move |kind| [true, false].map(|is_strict| (coercion, kind.clone(), is_strict)))
        }) {
            let form = Form { seen_as, stored_as: Kind::Flexible(coercion), is_strict };
            for value in values.into_iter().filter(|value| form.keeps(*value)) {
                assert_eq!(form.store(value, &mut String::new()), Ok(value), "{form:?}");
                kept += 1;
            }
        }
        assert!(kept > 0);
    }
}
