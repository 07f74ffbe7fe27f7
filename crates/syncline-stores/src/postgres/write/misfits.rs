//! Which values of a row the server refuses by themselves: each is sent to a table of its own column alone, and cast to the type
//! that the column was declared with, for what a domain rules out shows only there.

use syncline_core::change::{Reason, TableTask};
use syncline_core::store::MisfitCell;
use syncline_core::value::RowBatch;

use super::halves::write_by_halves;
use super::open::Open;
use super::picked::Picked;
use crate::postgres::connect::failure::Attempt;

/// The type of a column as it was declared, domains included, by the table and the column's name.
const DECLARED: &str = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
    WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped";

/// The cells in the columns at these positions of the task that the server refuses.
pub(super) async fn find(
    open: &mut Open<'_>,
    task: &TableTask,
    columns: &[usize],
    rows: &RowBatch,
) -> Attempt<Vec<MisfitCell>> {
    let mut found = Vec::new();
    for at in columns {
        found.extend(of_column(open, task, *at, rows).await?);
    }
    Ok(found)
}

async fn of_column(open: &mut Open<'_>, task: &TableTask, at: usize, rows: &RowBatch) -> Attempt<Vec<MisfitCell>> {
    let target = open.target(&task.table).await?;
    let name = &task.table.columns[task.columns[at]].name;
    let client = &open.session.connection().client;
    let declared: String = client.query_one(DECLARED, &[&target.oid, name]).await?.try_get(0)?;
    if open.session.write(&target.name, &format!("SELECT NULL::{declared}")).await?.is_err() {
        return Ok(Vec::new());
    }
    let mut cells = RowBatch::new(1);
    rows.rows().try_for_each(|row| cells.push_row([row.get(at)]))?;
    let stage = open.stage(&target, &[task.columns[at]]).await?;
    let (_, mut refused) = stage.fill(open.session, (task, &target), &cells).await?;
    let numbers: Vec<u32> = (0..cells.len() as u32)
        .filter(|number| !cells.row(*number as usize).get(0).is_null())
        .filter(|number| refused.iter().all(|(other, _)| other != number))
        .collect();
    let relation = stage.relation(&target);
    let read = |picked: &Picked<'_>| format!("SELECT count(s.c0::{declared}) FROM {relation} WHERE {picked}");
    refused.extend(write_by_halves(open.session, &target.name, &numbers, read).await?);
    let of_value = refused.into_iter().filter(|(_, (reason, _))| matches!(reason, Reason::Type | Reason::Check));
    Ok(of_value.map(|(row, (_, words))| MisfitCell { row: row as usize, column: at, words }).collect())
}
