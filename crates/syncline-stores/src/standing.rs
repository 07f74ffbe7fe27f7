//! What stands in the places of rows that are to be written, held against what is expected there, and what is said of a row
//! that is not as expected.

use std::collections::HashMap;

use syncline_core::change::{Expectation, PutBatch, Reason, Refusal, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{Row, RowBatch, exact};

use crate::fitted::Seen;

/// Rows of the table that have the key of a staged one: as they are stored, the cells of the task first, then those that
/// are kept, then the number of the staged one.
pub(crate) struct Found {
    pub(crate) rows: RowBatch,
    /// Where the row is that stands in the place of the one with a number.
    pub(crate) at: HashMap<u32, usize>,
}

impl Found {
    /// Nothing was found.
    pub(crate) fn nothing() -> Self {
        Self { rows: RowBatch::new(0), at: HashMap::new() }
    }

    /// The row in the place of this one.
    pub(crate) fn row(&self, number: u32) -> Option<Row<'_>> {
        self.at.get(&number).map(|at| self.rows.row(*at))
    }

    /// The same, where it was seen before and is locked since.
    pub(crate) fn locked_row(&self, number: u32) -> Result<Row<'_>> {
        self.row(number).ok_or_else(|| Error::new(Code::Internal, "a row is gone that is locked"))
    }
}

/// What stands in the place of a row, held against its expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing, as expected.
    Absent,
    /// The row that was expected.
    Present,
    /// The row that is to be written.
    Done,
    /// Something else.
    Moved,
}

impl Standing {
    /// The numbers of rows that stand so.
    pub(crate) fn among(self, standings: &[(u32, Standing)]) -> Vec<u32> {
        standings.iter().filter(|(_, standing)| *standing == self).map(|(number, _)| *number).collect()
    }
}

/// How the rows with these numbers stand.
///
/// # Errors
/// When a row that was found cannot be shown in the forms of the task.
pub(crate) fn standings(
    task: &TableTask,
    batch: &PutBatch,
    numbers: impl Iterator<Item = u32>,
    found: &Found,
) -> Result<Vec<(u32, Standing)>> {
    let (mut seen, mut scratch) = (Seen::new(task), Vec::new());
    let mut standings = Vec::new();
    for number in numbers {
        let digest = found.row(number).map(|row| seen.digest(row)).transpose()?;
        let standing = match (batch.expectations[number as usize], digest) {
            (_, Some(digest)) if digest == task.digest(batch.rows.row(number as usize).iter(), &mut scratch) => {
                Standing::Done
            }
            (Expectation::Absent, None) => Standing::Absent,
            (Expectation::Digest(expected), Some(digest)) if digest == expected => Standing::Present,
            _ => Standing::Moved,
        };
        standings.push((number, standing));
    }
    Ok(standings)
}

/// What is said of a row that others have changed meanwhile: `row` is to be written, `found` is there.
pub(crate) fn moved(key: Vec<u8>, row: Option<Row<'_>>, found: Option<Vec<u8>>) -> Refusal {
    let words = match (&row, &found) {
        (_, None) => "the row was deleted in the target meanwhile",
        (None, _) => "the row was changed in the target meanwhile, so it was not deleted",
        _ => "the row was changed or added in the target meanwhile",
    };
    let row = row.map(|row| exact::encode_row(row.iter()));
    Refusal { key, reason: Reason::Moved, words: words.to_owned(), row, found }
}
