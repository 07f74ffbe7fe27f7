//! Which columns may hold values that the target cannot.

use syncline_core::apply::TableWork;
use syncline_core::schema::{ColumnPair, Grade, contract};

use super::ColumnContract;

/// The columns of a table whose values are checked one by one as they are written.
pub(super) fn checked(work: &TableWork) -> Vec<ColumnContract> {
    let (source, target) = (&work.source.table, &work.target.table);
    let pairs = work.source.columns.iter().zip(&work.target.columns);
    let pairs: Vec<_> = pairs.map(|(source, target)| ColumnPair { source: *source, target: *target }).collect();
    let grades = contract::grades(source, target, &pairs);
    let checked = pairs.iter().zip(grades).filter(|(_, grade)| *grade == Grade::Checked);
    checked
        .map(|(pair, _)| ColumnContract {
            column: source.columns[pair.source].name.clone(),
            source: source.columns[pair.source].declared_type.clone(),
            target: target.columns[pair.target].declared_type.clone(),
        })
        .collect()
}
