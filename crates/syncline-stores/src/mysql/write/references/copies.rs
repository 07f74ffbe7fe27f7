//! Orphans among rows without a key, which have a name that all their copies share.

use std::collections::HashMap;

use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::Result;
use syncline_core::store::Orphans;
use syncline_core::value::{Row, RowBatch, ValueRef};

use crate::fitted::Shown;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::write::apply::copies::{Naming, name_of};

/// Those that are found, held against what was asked for.
pub(super) struct Called<'t> {
    naming: Naming<'t>,
    shown: Shown<'t>,
    /// Numbers of the keys that were asked about, by what they call their row; of each copy no more are taken.
    asked: Option<HashMap<RowDigest, Vec<usize>>>,
}

impl<'t> Called<'t> {
    pub(super) fn of(child: &'t TableTask, keys: Option<&RowBatch>) -> Attempt<Self> {
        let asked = keys.map(|keys| {
            let mut asked = HashMap::<_, Vec<usize>>::new();
            for (number, key) in keys.rows().enumerate() {
                asked.entry(name_of(key)?).or_default().push(number);
            }
            Attempt::Ok(asked)
        });
        Ok(Self { naming: Naming::of(child), shown: Shown::new(child), asked: asked.transpose()? })
    }

    /// Adds a row, of which the cells of the task come first, if it is one that was asked about. By its mark it is known again
    /// wherever it is: nothing but what it points at is in that.
    pub(super) fn add(
        &mut self,
        orphans: &mut Orphans,
        (row, references): (Row<'_>, &[usize]),
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<()> {
        let names = self.naming.of_row(row)?;
        let mut key = RowBatch::new(copies::WIDTH);
        match (&mut self.asked, keys) {
            (Some(asked), Some(keys)) => {
                let name = names.into_iter().find(|name| asked.contains_key(name));
                let number = name.and_then(|name| asked.get_mut(&name)).and_then(Vec::pop);
                let Some(number) = number else { return Ok(()) };
                key.push_row(keys.row(number).iter())?;
            }
            _ => copies::push(&mut key, names[0], 0)?,
        }
        let mut cells = RowBatch::new(copies::WIDTH + references.len());
        cells.push(ValueRef::Null)?;
        cells.push(ValueRef::Null)?;
        for (value, column) in row.iter().skip(row.width() - references.len()).zip(references) {
            cells.push(self.shown.of_column(*column, value))?;
        }
        let (cells, key): (Vec<_>, Vec<_>) = (cells.row(0).iter().collect(), key.row(0).iter().collect());
        orphans.add_called(&key, &cells, limit)
    }
}
