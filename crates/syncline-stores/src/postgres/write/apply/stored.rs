//! Rows as the server will have them once they are written: what it makes of a value is its to say.

use std::collections::HashMap;

use syncline_core::change::RowDigest;
use syncline_core::value::{Row, RowBatch, ValueRef, exact};

use super::Apply;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::picked::Picked;
use crate::postgres::write::session::bug;
use crate::postgres::write::target::joined;

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
        let (mut asked, mut cells, mut codecs) = (Vec::new(), Vec::new(), Vec::new());
        for (at, column) in self.target.columns(&self.stage.columns).enumerate() {
            asked.push((!column.echoes).then_some(cells.len()));
            if !column.echoes {
                cells.push(column.codec.printed(&format!("(s.c{at})::{}", column.limited)));
                codecs.push(column.codec.clone());
            }
        }
        if cells.is_empty() || numbers.is_empty() {
            let rows = RowBatch::new(0);
            return Ok(Stored { fitted, asked, rows, at: HashMap::new() });
        }
        let relation = self.stage.relation(&self.target);
        let query = format!("SELECT {}, s.n FROM {relation} WHERE {} ORDER BY s.n", joined(cells), Picked(numbers));
        codecs.push(Codec::Int4);
        let rows = self.open.session.rows(&query, &codecs, usize::MAX).await?;
        let number = |row: Row<'_>| match row.get(codecs.len() - 1) {
            ValueRef::Int(number) => number as u32,
            _ => u32::MAX,
        };
        let at = rows.rows().map(number).enumerate().map(|(at, number)| (number, at)).collect();
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
