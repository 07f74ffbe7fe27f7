//! Tables whose changes are found by a column that grows with every write, because no log of them may be kept.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use syncline_core::capture::{CursorColumn, CursorRule};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::Schema;
use syncline_core::store::{DigestBatch, LogPosition, Snapshot, TouchedBatch, TouchedStream};

use super::Decided;
use super::link::Told;
use super::notes::listed;
use crate::pairing::Pair;
use crate::request::RunRequest;
use crate::session::now_ms;

/// The column of a table, as the source shows it when a run is decided.
pub(super) struct ByColumn {
    column: CursorColumn,
    /// Where it ends; `None` where no row says anything.
    pub(super) end: Option<LogPosition>,
}

impl ByColumn {
    /// Those of all tables that are asked to go by one.
    ///
    /// # Errors
    /// As [`CursorRule::resolve`], and those of the source.
    pub(super) async fn all(
        request: &RunRequest,
        (schema, pairs): (&Schema, &[Pair]),
        source: &mut dyn Snapshot,
    ) -> Result<BTreeMap<String, Self>> {
        let mut found = BTreeMap::new();
        for rule in CursorRule::parse(&request.cursors)? {
            let (table, column) = rule.resolve(schema)?;
            if let Some(pair) = pairs.iter().find(|pair| pair.source.table.name == table) {
                let end = column.end(source, &pair.source, now_ms()).await?;
                found.insert(table, Self { column, end });
            }
        }
        Ok(found)
    }

    /// What the column tells of the time since a position.
    pub(super) fn tells(&self, position: &LogPosition) -> Told {
        let name = self.column.name();
        let Some(end) = &self.end else { return Told::Nothing(format!("no row has a value in its column {name}")) };
        if self.column.rows_since(position).is_none() {
            return Told::Nothing(format!("the first run that goes by its column {name}"));
        }
        if self.column.has_fallen(end, position) {
            return Told::Nothing(format!("the highest {name} is lower than it was in the last run"));
        }
        Told::Above { column: self.column.clone(), position: position.clone() }
    }
}

/// The rows of a task that are to be read after a position of their column.
pub(super) async fn above<'a>(
    view: &'a mut dyn Snapshot,
    source: &TableTask,
    (column, position): (&CursorColumn, &LogPosition),
) -> Result<TouchedStream<'a>> {
    let Some(task) = column.task_since(source, position) else {
        return Err(Error::new(Code::Internal, format!("{} is not where its column is", source.table.name)));
    };
    let touched = |batch: Result<DigestBatch>| {
        batch.map(|DigestBatch { keys, digests, bytes, .. }| TouchedBatch::of_digests(keys, digests, bytes))
    };
    Ok(view.digest(&task).await?.map(touched).boxed())
}

/// What a person should know of tables that go by a column.
pub(super) fn note(tables: &[Decided]) -> Option<String> {
    let by_column = tables.iter().filter(|decided| decided.is_by_column());
    let tables: Vec<&str> = by_column.map(|decided| decided.work.name.as_str()).collect();
    let goes = if tables.len() == 1 { "goes" } else { "go" };
    let blind =
        "deleted rows, rows that a filter lets through no more, and rows written without raising it are not seen";
    (!tables.is_empty())
        .then(|| format!("{} {goes} by a column: {blind}; --strategy compare sees them", listed(&tables)))
}
