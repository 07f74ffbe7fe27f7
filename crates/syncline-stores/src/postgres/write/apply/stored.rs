//! Rows as the server will have them once they are written: what it makes of a value is its to say.

use std::collections::HashMap;

use syncline_core::value::{Row, RowBatch, ValueRef};

use super::Apply;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::picked::Picked;
use crate::postgres::write::target::joined;
use crate::stored::Stored;

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
