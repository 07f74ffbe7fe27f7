//! Rows as a server will have them once they are written: what it makes of a value is its to say.

use std::collections::HashMap;

use syncline_core::change::RowDigest;
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{RowBatch, ValueRef, exact};

/// Staged rows as they will be stored.
pub(crate) struct Stored<'f> {
    /// The rows as they were staged.
    pub(crate) fitted: &'f RowBatch,
    /// Where a column stands among those that were asked back for, by position in the stage.
    pub(crate) asked: Vec<Option<usize>>,
    /// What was asked back for.
    pub(crate) rows: RowBatch,
    /// Where the row with a number is among those.
    pub(crate) at: HashMap<u32, usize>,
}

impl Stored<'_> {
    /// The cells of a row.
    pub(crate) fn row(&self, number: u32) -> Result<impl Iterator<Item = ValueRef<'_>>> {
        let fitted = self.fitted.row(number as usize);
        let back = self.at.get(&number).map(|at| self.rows.row(*at));
        if back.is_none() && self.asked.iter().any(Option::is_some) {
            return Err(Error::new(Code::Internal, "a staged row is gone"));
        }
        Ok(self.asked.iter().enumerate().map(move |(at, asked)| match (asked, back) {
            (Some(asked), Some(back)) => back.get(*asked),
            _ => fitted.get(at),
        }))
    }

    /// The key of a row, from these positions.
    pub(crate) fn key(&self, number: u32, key: &[usize]) -> Result<Vec<u8>> {
        let cells: Vec<_> = self.row(number)?.collect();
        Ok(exact::encode_row(key.iter().map(|at| cells[*at])))
    }

    /// The digest of a row with these cells behind its own.
    pub(crate) fn digest<'v>(&'v self, number: u32, kept: impl Iterator<Item = ValueRef<'v>>) -> Result<RowDigest> {
        Ok(RowDigest(exact::digest_row(self.row(number)?.chain(kept), &mut Vec::new())))
    }
}
