//! What a run has kept, as changes to the tables that are there now.

use syncline_core::apply::{Action, Counter, Sequence, TableWork};
use syncline_core::change::{Mapped, Operation, PlannedChange, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::schema::Schema;
use syncline_core::state::{Spool, TableRecord};
use syncline_core::undo::reverse;
use syncline_core::value::Forms;

use super::copies::{self, is_key_of};
use crate::state::State;

/// The table as it is now, if it still has the columns the run has kept and no others: what somebody put into a column
/// since would go with the rows.
pub(super) fn task_of(schema: &Schema, table: &str, columns: &[String]) -> Result<TableTask> {
    let stale = |why: String| {
        Error::new(Code::UndoStale, format!("{table} is no longer as the run left it"))
            .because(why)
            .leaving("the table is untouched")
    };
    let table = schema.table(table).ok_or_else(|| stale("it is gone".to_owned()))?;
    let position = |name: &String| table.column(name).ok_or_else(|| stale(format!("column {name} is gone")));
    let columns = columns.iter().map(position).collect::<Result<Vec<_>>>()?;
    if let Some(added) = table.stored_columns().into_iter().find(|column| !columns.contains(column)) {
        return Err(stale(format!("column {} was added", table.columns[added].name)));
    }
    let position = |column: &usize| columns.iter().position(|other| other == column);
    let key = table.key.iter().flat_map(|key| &key.columns).map(position).collect::<Option<Vec<_>>>();
    let key = key.ok_or_else(|| stale("its key is another one".to_owned()))?;
    Ok(TableTask { table: table.clone(), columns, key, mapped: Mapped::default(), forms: Forms::default() })
}

/// Turns the images of a table into the changes that take them back.
pub(super) async fn fill_spool(
    state: &State,
    (run, attempts): (&str, &[String]),
    table: &TableRecord,
    task: TableTask,
    spool: &dyn Spool,
) -> Result<TableWork> {
    let (mut puts, mut deletes, mut after) = (0, 0, 0);
    loop {
        let page = state.traces(run, &table.table, after, limits::SPOOL_PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        if !page.iter().all(|(_, trace)| is_key_of(&task, trace)) {
            return Err(Error::new(Code::UndoStale, format!("{} is no longer as the run left it", table.table))
                .because("its key is another one")
                .leaving("the table is untouched"));
        }
        let traces = page.into_iter().map(|(_, trace)| trace);
        let changes = match task.is_multiset() {
            true => copies::changes(state, attempts, &table.table, traces).await?,
            false => traces.map(|trace| reverse(trace.key, trace.was_there, trace.after)).collect(),
        };
        let is_delete = |change: &&PlannedChange| change.operation == Operation::Delete;
        deletes += changes.iter().filter(is_delete).count() as u64;
        puts += changes.iter().filter(|change| !is_delete(change)).count() as u64;
        spool.append(&table.table, &changes).await?;
    }
    let sequence = sequence_before(state, run, &table.table, &task, table.sequence).await?;
    Ok(TableWork {
        name: table.table.clone(),
        source: task.clone(),
        target: task,
        action: Action::Differences,
        puts,
        deletes,
        sequence,
    })
}

/// What the table's counter is put back to, for a table that has one.
pub(super) async fn sequence_before(
    state: &State,
    run: &str,
    name: &str,
    task: &TableTask,
    before: Option<i64>,
) -> Result<Option<Sequence>> {
    if !task.table.autoincrement {
        return Ok(None);
    }
    let unknown = Counter { left: None, is_shared: true };
    let counter = state.counter_left(run, name).await?.unwrap_or(unknown);
    Ok(Some(Sequence { before, counter }))
}
