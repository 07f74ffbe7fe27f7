//! Rows as the server will have them once they are written: what it makes of a value is its to say.

use std::collections::HashMap;

use syncline_core::value::RowBatch;

use super::Apply;
use crate::mysql::connect::failure::Attempt;
use crate::stored::Stored;

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
