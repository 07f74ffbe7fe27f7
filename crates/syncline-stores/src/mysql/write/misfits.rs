//! Which values of a row the server refuses by themselves: each is sent to a table of its own column alone.

use syncline_core::change::{Reason, TableTask};
use syncline_core::store::MisfitCell;
use syncline_core::value::RowBatch;

use super::open::Open;
use crate::mysql::connect::failure::Attempt;

/// The cells in the columns at these positions of the task that the server refuses.
pub(super) async fn find(
    open: &mut Open<'_>,
    task: &TableTask,
    columns: &[usize],
    rows: &RowBatch,
) -> Attempt<Vec<MisfitCell>> {
    let target = open.target(&task.table).await?;
    let mut found = Vec::new();
    for at in columns {
        let mut cells = RowBatch::new(1);
        rows.rows().try_for_each(|row| cells.push_row([row.get(*at)]))?;
        let stage = open.stage(&target, &[task.columns[*at]]);
        let (_, refused) = stage.fill(open.session, (task, &target), &cells).await?;
        let of_value = refused.into_iter().filter(|(_, (reason, _))| matches!(reason, Reason::Type | Reason::Check));
        found.extend(of_value.map(|(row, (_, words))| MisfitCell { row: row as usize, column: *at, words }));
    }
    Ok(found)
}
