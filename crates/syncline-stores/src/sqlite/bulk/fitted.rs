//! Rows as they are going to be stored. Cells that have to be written anew for that are, before SQLite's own thread gets
//! the rows: it is the one that a load waits for.

use std::collections::BTreeMap;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{RowBatch, ValueRef};

use crate::sqlite::types::forms::Form;

/// Fits rows to the columns of one task.
pub(in crate::sqlite) struct Fitter {
    /// Those columns whose cells are written anew.
    columns: Vec<(usize, Form)>,
    names: Vec<String>,
    scratch: String,
}

/// Rows of a task, and what stands in the place of some of their cells.
#[derive(Debug)]
pub(in crate::sqlite) struct FittedRows {
    rows: RowBatch,
    /// By column of the task: where its cell is among those that were written anew.
    places: Vec<Option<usize>>,
    anew: RowBatch,
    /// By row: why it cannot be stored.
    misfits: BTreeMap<usize, String>,
}

impl Fitter {
    /// The one of a task.
    pub(in crate::sqlite) fn of(task: &TableTask) -> Self {
        let form = |column| Some((column, Form::of(task, column).filter(Form::writes_anew)?));
        let columns: Vec<_> = (0..task.columns.len()).filter_map(form).collect();
        let names = task.column_names().map(str::to_owned).collect();
        Self { columns, names, scratch: String::new() }
    }

    /// The rows, ready to be stored.
    ///
    /// # Errors
    /// When they are too many for a batch, which those that came in one are not.
    pub(in crate::sqlite) fn fit(&mut self, rows: RowBatch) -> Result<FittedRows> {
        let mut places = vec![None; rows.width()];
        self.columns.iter().enumerate().for_each(|(place, (column, _))| places[*column] = Some(place));
        let (mut anew, mut misfits) = (RowBatch::new(self.columns.len()), BTreeMap::new());
        if !self.columns.is_empty() {
            for (number, row) in rows.rows().enumerate() {
                for (column, form) in &self.columns {
                    let stored = form.store(row.get(*column), &mut self.scratch).unwrap_or_else(|misfit| {
                        misfits.entry(number).or_insert_with(|| format!("{}: {misfit}", self.names[*column]));
                        ValueRef::Null
                    });
                    anew.push(stored)?;
                }
            }
        }
        Ok(FittedRows { rows, places, anew, misfits })
    }
}

impl FittedRows {
    /// The rows as they were given.
    pub(in crate::sqlite) fn given(&self) -> &RowBatch {
        &self.rows
    }

    /// Whether cells of this column of the task were written anew, and are as they are to be stored.
    pub(in crate::sqlite) fn is_fitted(&self, column: usize) -> bool {
        self.places.get(column).is_some_and(Option::is_some)
    }

    /// The cells of a row.
    ///
    /// # Errors
    /// `ROW_REFUSED` for one that cannot be stored.
    pub(in crate::sqlite) fn row(&self, number: usize) -> Result<impl Iterator<Item = ValueRef<'_>>> {
        if let Some(misfit) = self.misfits.get(&number) {
            return Err(Error::new(Code::RowRefused, misfit));
        }
        let row = self.rows.row(number);
        let anew = (self.anew.width() > 0).then(|| self.anew.row(number));
        Ok(self.places.iter().enumerate().map(move |(column, place)| match (place, anew) {
            (Some(place), Some(anew)) => anew.get(*place),
            _ => row.get(column),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncline_core::value::{Equality, Forms, Kind};

    use super::*;
    use crate::sqlite::schema;

    /// Whether a cell is written anew or stays, the row is what is stored for it; a misfit concerns its own row.
    #[test]
    fn cells_are_as_the_column_will_have_them() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL(12,2), s TEXT, at TIMESTAMP)").unwrap();
        let table: Arc<_> = schema::read(&conn).unwrap().table("t").unwrap().clone();
        let kinds = vec![None, Some(Kind::Decimal { limit: None }), None, Some(Kind::Timestamp { digits: 6 })];
        let mut task = TableTask::whole(table);
        task.forms = Forms { kinds, equality: Equality::Canonical };
        let mut rows = RowBatch::new(4);
        for (id, digits) in [(1, "4.50"), (2, "0.12345678901234567890"), (3, "7.00")] {
            let text = ValueRef::Text(b"kept");
            rows.push_row([ValueRef::Int(id), ValueRef::Decimal(digits), text, ValueRef::Timestamp(0)]).unwrap();
        }
        let fitted = Fitter::of(&task).fit(rows).unwrap();
        let row = |number| fitted.row(number).map(|row| row.map(ValueRef::to_owned).collect::<Vec<_>>());
        let expected = |id, number| {
            let cells = [ValueRef::Int(id), number, ValueRef::Text(b"kept"), ValueRef::Text(b"1970-01-01 00:00:00")];
            cells.map(ValueRef::to_owned).to_vec()
        };
        assert_eq!(row(0).unwrap(), expected(1, ValueRef::Real(4.5)));
        let refused = row(1).unwrap_err();
        assert_eq!((refused.code(), refused.what().split(':').next()), (Code::RowRefused, Some("d")));
        assert_eq!(row(2).unwrap(), expected(3, ValueRef::Int(7)));
        assert!(fitted.is_fitted(1) && fitted.is_fitted(3) && !fitted.is_fitted(2));
        assert_eq!(fitted.given().row(0).get(1), ValueRef::Decimal("4.50"));
    }
}
