//! Rows as the server will have them once they are written: what it makes of a value is its to say.

use std::collections::HashMap;

use syncline_core::change::RowDigest;
use syncline_core::value::{RowBatch, ValueRef, exact};

use super::Apply;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::write::session::bug;

/// Rows of a stage as they will be stored.
pub(super) struct Stored<'f> {
    fitted: &'f RowBatch,
    /// Where a column stands among those that were asked back for, by position in the stage.
    asked: Vec<Option<usize>>,
    rows: RowBatch,
    at: HashMap<u32, usize>,
}

impl Apply<'_, '_> {
    /// What these rows of the stage will be. Only columns that do not give back what they are given are asked for.
    pub(super) async fn stored<'f>(&self, fitted: &'f RowBatch, numbers: &[u32]) -> Attempt<Stored<'f>> {
        let (mut asked, mut columns) = (Vec::new(), Vec::new());
        for (column, described) in self.stage.columns.iter().zip(self.target.columns(&self.stage.columns)) {
            asked.push((!described.echoes).then_some(columns.len()));
            if !described.echoes {
                columns.push(*column);
            }
        }
        if columns.is_empty() || numbers.is_empty() {
            let rows = RowBatch::new(0);
            return Ok(Stored { fitted, asked, rows, at: HashMap::new() });
        }
        let (rows, order) = self.stage.read(self.open.session, &self.target, &columns).await?;
        let at = order.into_iter().enumerate().map(|(at, number)| (number, at)).collect();
        Ok(Stored { fitted, asked, rows, at })
    }
}

impl Stored<'_> {
    /// The cells of a row.
    pub(super) fn row(&self, number: u32) -> Attempt<impl Iterator<Item = ValueRef<'_>>> {
        let fitted = self.fitted.row(number as usize);
        let back = self.at.get(&number).map(|at| self.rows.row(*at));
        if back.is_none() && self.asked.iter().any(Option::is_some) {
            return Err(bug("a staged row is gone"));
        }
        Ok(self.asked.iter().enumerate().map(move |(at, asked)| match (asked, back) {
            (Some(asked), Some(back)) => back.get(*asked),
            _ => fitted.get(at),
        }))
    }

    /// The key of a row, from these positions.
    pub(super) fn key(&self, number: u32, key: &[usize]) -> Attempt<Vec<u8>> {
        let cells: Vec<_> = self.row(number)?.collect();
        Ok(exact::encode_row(key.iter().map(|at| cells[*at])))
    }

    /// The digest of a row with these cells behind its own.
    pub(super) fn digest<'v>(&'v self, number: u32, kept: impl Iterator<Item = ValueRef<'v>>) -> Attempt<RowDigest> {
        Ok(RowDigest(exact::digest_row(self.row(number)?.chain(kept), &mut Vec::new())))
    }
}
