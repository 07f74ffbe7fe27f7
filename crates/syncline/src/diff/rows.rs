//! The rows behind differences, read from both sides.

use futures_util::StreamExt;
use syncline_core::change::{Operation, PlannedChange, TableTask, keys_of};
use syncline_core::error::Result;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::RowStream;
use syncline_core::value::{RowBatch, Value, ValueRef};

use syncline_stores::sql::Dialect;
use syncline_stores::sqlite::row_number_of;

use crate::decide::Ends;
use crate::outside::Outside;
use crate::row_difference::{InTarget, RowDifference, RowSink};

/// Changes whose rows are read in one go.
pub(crate) const PAGE: usize = 64;

/// Reads the rows behind the spooled keys from both sides and passes them on.
pub(super) async fn pass_rows(
    kind: ChangeKind,
    spool: &dyn Spool,
    tasks: (&TableTask, &TableTask),
    ends: &mut Ends<'_>,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let table = &tasks.0.table.name;
    let mut done = 0;
    loop {
        let page = spool.page(table, kind, done, PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        done += page.len() as u64;
        pass_differences(&page, table, tasks, ends, |_, row| sink.row(row)).await?;
    }
}

/// Passes on a page of changes with the rows behind them, read from both sides. No more than one row of each is held.
pub(crate) async fn pass_differences(
    page: &[PlannedChange],
    table: &str,
    tasks: (&TableTask, &TableTask),
    ends: &mut Ends<'_>,
    mut pass: impl FnMut(&PlannedChange, RowDifference) -> Result<()>,
) -> Result<()> {
    let (source, target) = tasks;
    let wanted = |operations: &[Operation]| {
        keys_of(page.iter().filter(|change| operations.contains(&change.operation)), source.key_width())
    };
    let new_keys = wanted(&[Operation::Insert, Operation::Update])?;
    let old_keys = wanted(&[Operation::Update, Operation::Delete])?;
    let outside = Outside::among(page, target, ends.target).await?;
    let mut new_rows = Rows::of(ends.source.fetch(source, &new_keys).await?);
    let mut old_rows = Rows::of(ends.target.fetch(target, &old_keys).await?);
    for change in page {
        let difference = RowDifference {
            table: table.to_owned(),
            operation: change.operation,
            columns: source.column_names().map(str::to_owned).collect(),
            key: source.key.clone(),
            source: if change.operation == Operation::Delete { None } else { new_rows.next().await? },
            target: if change.operation == Operation::Insert { None } else { old_rows.next().await? },
            dialect: Dialect::of(target.table.engine),
            in_target: in_target(source, target),
            place: place_of_copies(target),
            given: given(target),
            held: outside.reason(change),
        };
        pass(change, difference)?;
    }
    Ok(())
}

/// What the target calls the row's table and columns, where that is not what the source calls them, and whether there is
/// more in the target than was compared.
pub(crate) fn in_target(source: &TableTask, target: &TableTask) -> Option<InTarget> {
    let is_partial = target.mapped.filter.is_some() || !target.mapped.kept.is_empty();
    let is_renamed = source.table.name != target.table.name || !source.column_names().eq(target.column_names());
    (is_partial || is_renamed).then(|| InTarget {
        table: target.table.name.clone(),
        columns: target.column_names().map(str::to_owned).collect(),
        is_partial,
    })
}

/// What a script calls the place of a row that has no key.
pub(crate) fn place_of_copies(target: &TableTask) -> Option<String> {
    if target.is_multiset() { row_number_of(&target.table).map(str::to_owned) } else { None }
}

/// Positions in a task of the columns whose values the engine gives out and lets nobody change.
pub(crate) fn given(target: &TableTask) -> Vec<usize> {
    let is_given = |name: &str| target.table.counter(name).is_some_and(|counter| counter.is_always);
    target.column_names().enumerate().filter(|(_, name)| is_given(name)).map(|(at, _)| at).collect()
}

/// A stream row by row.
struct Rows<'a> {
    stream: RowStream<'a>,
    batch: RowBatch,
    at: usize,
}

impl<'a> Rows<'a> {
    fn of(stream: RowStream<'a>) -> Self {
        Self { stream, batch: RowBatch::default(), at: 0 }
    }

    async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        while self.at == self.batch.len() {
            match self.stream.next().await.transpose()? {
                Some(batch) => (self.batch, self.at) = (batch, 0),
                None => return Ok(None),
            }
        }
        let row = self.batch.row(self.at).iter().map(ValueRef::to_owned).collect();
        self.at += 1;
        if self.at == self.batch.len() {
            // Gone before the other side's row is read.
            (self.batch, self.at) = (RowBatch::default(), 0);
        }
        Ok(Some(row))
    }
}
