//! Values that only the database knows it does not take, where a person chose what becomes of values that do not fit.
//!
//! Reading bends what a column's kind rules out. What is left shows when the row is refused: then the database is asked which
//! of its values it refuses by themselves. Those become NULL where that was chosen, and the row is written once more. What a
//! row breaks as a whole is never bent.

use std::collections::{BTreeMap, HashMap};

use super::TableWork;
use crate::change::{Reason, Refusal};
use crate::error::{Code, Error, Result};
use crate::mapping::Mask;
use crate::store::Transaction;
use crate::value::{Bend, RowBatch, ValueRef, exact};

/// Rows that were refused and are tried once more, by their keys: as they were, and why they were refused.
#[derive(Debug, Default)]
pub(super) struct Retried(HashMap<Vec<u8>, Refusal>);

/// Rows to try once more.
pub(super) struct Bent {
    /// With NULL in the places of what the database refuses.
    pub(super) rows: RowBatch,
    /// Their keys, in the exact encoding.
    pub(super) keys: Vec<Vec<u8>>,
    /// The same rows as they were refused, likewise.
    pub(super) before: Vec<Vec<u8>>,
}

impl Retried {
    /// Takes those off the list of refused rows that can be tried once more, which each is at most once.
    pub(super) async fn again(
        &mut self,
        tx: &mut dyn Transaction,
        work: &TableWork,
        refused: &mut Vec<Refusal>,
    ) -> Result<Option<Bent>> {
        let masks = &work.source.mapped.masks;
        let columns: Vec<usize> =
            masks.iter().filter(|(_, mask)| mask.bend().is_some()).map(|(column, _)| *column).collect();
        // Rows without a key are told apart by all their values, so none of these may become another on the way.
        if columns.is_empty() || work.source.is_multiset() {
            return Ok(None);
        }
        let may_be_bent = |refusal: &Refusal| {
            let is_of_values = matches!(refusal.reason, Reason::Type | Reason::Check);
            is_of_values && refusal.row.is_some() && !self.0.contains_key(&refusal.key)
        };
        let asked: Vec<usize> = (0..refused.len()).filter(|at| may_be_bent(&refused[*at])).collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let mut rows = RowBatch::new(work.source.columns.len());
        for at in &asked {
            rows.push_row(cells(&refused[*at])?)?;
        }
        // By their place on the list, so that they leave it from behind.
        let mut bent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for cell in tx.misfits(&work.target, &columns, &rows).await? {
            let of_column = |(column, _): &&(usize, Mask)| *column == cell.column;
            let Some((_, mask)) = masks.iter().find(of_column) else { continue };
            let (at, value) = (asked[cell.row], rows.row(cell.row).get(cell.column));
            if mask.learn(value, &cell.words) {
                bent.entry(at).or_default().push(cell.column);
            } else if let Some(why) = no_help(work, cell.column, mask).filter(|_| fits(mask, value)) {
                refused[at].words += &why;
            }
        }
        self.take(refused, &bent)
    }

    fn take(&mut self, refused: &mut Vec<Refusal>, bent: &BTreeMap<usize, Vec<usize>>) -> Result<Option<Bent>> {
        let mut taken = Vec::with_capacity(bent.len());
        for (at, columns) in bent.iter().rev() {
            taken.push((refused.remove(*at), columns));
        }
        let Some((first, _)) = taken.first() else { return Ok(None) };
        let mut rows = RowBatch::new(cells(first)?.len());
        let (mut keys, mut before) = (Vec::new(), Vec::new());
        for (refusal, columns) in taken.into_iter().rev() {
            let mut row = cells(&refusal)?;
            columns.iter().for_each(|column| row[*column] = ValueRef::Null);
            rows.push_row(row)?;
            keys.push(refusal.key.clone());
            before.extend(refusal.row.clone());
            self.0.insert(refusal.key.clone(), refusal);
        }
        Ok(Some(Bent { rows, keys, before }))
    }

    /// Of rows that were tried once more in vain, what they were at first.
    pub(super) fn restore(&self, refused: &mut [Refusal]) {
        for refusal in refused {
            if let Some(first) = self.0.get(&refusal.key) {
                refusal.words = format!("{}; null was chosen, and with it: {}", first.words, refusal.words);
                refusal.row.clone_from(&first.row);
            }
        }
    }
}

/// Behind the words about a row that was refused: which of the choices about it have come to nothing.
pub(super) fn choices_without_help(work: &TableWork, refusal: &Refusal) -> String {
    let masks = &work.source.mapped.masks;
    let Ok(row) = cells(refusal) else { return String::new() };
    let misfits = masks.iter().filter(|(column, mask)| row.get(*column).is_some_and(|value| !fits(mask, *value)));
    misfits.filter_map(|(column, mask)| no_help(work, *column, mask)).collect()
}

/// Why the choice about a column has not helped a value there.
fn no_help(work: &TableWork, column: usize, mask: &Mask) -> Option<String> {
    let why = match mask.bend()? {
        Bend::Null => return None,
        Bend::Clamp => "no value that fits is nearest to it",
        Bend::Text => "its notation does not fit either",
    };
    let name = work.source.column_names().nth(column).unwrap_or_default();
    Some(format!("; {name}: {} was chosen, but {why}", mask.bend()?.name()))
}

/// Whether a value fits the column as far as that can be told without the database.
fn fits(mask: &Mask, value: ValueRef<'_>) -> bool {
    mask.misfit(value).is_none()
}

fn cells(refusal: &Refusal) -> Result<Vec<ValueRef<'_>>> {
    exact::decode_row(refusal.row.as_deref().unwrap_or_default())
        .map_err(|error| Error::new(Code::Internal, "a row that was refused cannot be read").caused_by(error))
}
