//! How two databases differ.

use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{Operation, PlannedChange, TableTask, keys_of};
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::mapping::TableFilter;
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::{RowStream, Snapshot};
use syncline_core::value::{Row, ValueRef};

use crate::decide::{Ends, no_key, pair};
use crate::open::Purpose;
use crate::row_difference::{RowDifference, RowSink};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::summary::{DiffReport, TableDiff};

/// Which databases are compared, and which of their tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRequest {
    /// The source.
    pub source: String,
    /// The target.
    pub target: String,
    /// Names and patterns; see [`TableFilter`].
    pub tables: Vec<String>,
}

/// Rows are held in pairs for a page, so a page is small.
pub(crate) const PAGE: usize = 64;

impl Syncline {
    /// Compares two databases, each in one consistent view, and passes every row that differs to `rows`. Nothing is
    /// written to either; with `rows`, keys are spooled in the state directory.
    ///
    /// # Errors
    /// When a side cannot be read, the two have no table in common, or `rows` takes no more.
    pub async fn diff(&self, request: &DiffRequest, mut rows: Option<&mut dyn RowSink>) -> Result<DiffReport> {
        let filter = TableFilter::parse(&request.tables)?;
        let source = self.open_database(&request.source, Purpose::Read).await?;
        let target = self.open_database(&request.target, Purpose::Read).await?;
        let (mut source_view, mut target_view) = (source.store.snapshot().await?, target.store.snapshot().await?);
        let mut ends = Ends { source: &mut *source_view, target: &mut *target_view };
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema, &target_schema])?;
        let tables = admitted(&source_schema, &filter);
        if !tables.iter().any(|table| target_schema.table(&table.name).is_some()) {
            let what = format!("{} and {} have no table in common", source.label, target.label);
            return Err(Error::new(Code::NoTables, what));
        }
        let mut reports = Vec::new();
        for table in tables {
            self.cancel().check()?;
            reports.push(match target_schema.table(&table.name) {
                None => one_sided(table, ends.source, &target.label).await?,
                Some(_) => self.diff_table(table, &target_schema, &mut ends, &mut rows).await?,
            });
        }
        for table in admitted(&target_schema, &filter) {
            if source_schema.table(&table.name).is_none() {
                let found = one_sided(table, ends.target, &source.label).await?;
                reports.push(TableDiff { only_source: 0, only_target: found.only_source, ..found });
            }
        }
        let equal = reports.iter().all(|table| table.is_equal() && table.note.is_none());
        Ok(DiffReport { format: 1, kind: "diff".to_owned(), equal, tables: reports, notes: Vec::new() })
    }

    /// What concerns this table only becomes its note; what concerns a whole database is an error.
    async fn diff_table(
        &self,
        table: &Arc<TableSchema>,
        target_schema: &Schema,
        ends: &mut Ends<'_>,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<TableDiff> {
        let incomparable = |error: Error| TableDiff {
            note: Some(match error.why() {
                Some(why) => format!("{}; {why}", error.what()),
                None => error.what().to_owned(),
            }),
            comparable: false,
            ..report(&table.name, Tally::default())
        };
        let pair = match pair(table, target_schema) {
            Ok(_) if table.key.is_none() => return Ok(incomparable(no_key(&table.name))),
            Ok(pair) => pair,
            Err(error) => return Ok(incomparable(error)),
        };
        match self.diff_pair(&pair.source, &pair.target, ends, rows).await {
            Ok(tally) => Ok(report(&table.name, tally)),
            Err(error) if error.code() == Code::KeyNull => Ok(incomparable(error)),
            Err(error) => Err(error),
        }
    }

    async fn diff_pair(
        &self,
        source: &TableTask,
        target: &TableTask,
        ends: &mut Ends<'_>,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<Tally> {
        let name = &source.table.name;
        let phase = Phase::Compare;
        let spool = match rows {
            Some(_) => Some(self.state().await?.spool(&format!("diff-{}", std::process::id())).await?),
            None => None,
        };
        let total = ends.source.count(source).await?;
        self.events().emit(Event::PhaseStarted { table: name.clone(), phase, rows: Some(total) });
        let mut compare = Compare::new(ends.source.digest(source).await?, ends.target.digest(target).await?);
        while let Some(page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            if let Some(spool) = &spool
                && !page.is_empty()
            {
                spool.append(name, &page).await?;
            }
            let rows = compare.tally().source_rows();
            self.events().emit(Event::Progress { table: name.clone(), phase, rows });
        }
        let tally = compare.tally();
        drop(compare);
        self.events().emit(Event::PhaseEnded { table: name.clone(), phase, rows: tally.source_rows() });
        if let (Some(spool), Some(sink)) = (&spool, rows) {
            for kind in [ChangeKind::Put, ChangeKind::Delete] {
                pass_rows(kind, spool, (source, target), ends, &mut **sink).await?;
            }
        }
        Ok(tally)
    }
}

/// Reads the rows behind the spooled keys from both sides and passes them on.
async fn pass_rows(
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
        differences_of(&page, table, tasks, ends).await?.into_iter().try_for_each(|row| sink.row(row))?;
    }
}

/// A page of changes with the rows behind them, read from both sides.
pub(crate) async fn differences_of(
    page: &[PlannedChange],
    table: &str,
    tasks: (&TableTask, &TableTask),
    ends: &mut Ends<'_>,
) -> Result<Vec<RowDifference>> {
    let (source, target) = tasks;
    let wanted = |operations: &[Operation]| {
        keys_of(page.iter().filter(|change| operations.contains(&change.operation)), source.key.len())
    };
    let new_keys = wanted(&[Operation::Insert, Operation::Update])?;
    let old_keys = wanted(&[Operation::Update, Operation::Delete])?;
    let mut new_rows = collect(ends.source.fetch(source, &new_keys).await?).await?.into_iter();
    let mut old_rows = collect(ends.target.fetch(target, &old_keys).await?).await?.into_iter();
    let difference = |change: &PlannedChange| RowDifference {
        table: table.to_owned(),
        operation: change.operation,
        columns: source.column_names().map(str::to_owned).collect(),
        key: source.key.clone(),
        source: if change.operation == Operation::Delete { None } else { new_rows.next() },
        target: if change.operation == Operation::Insert { None } else { old_rows.next() },
    };
    Ok(page.iter().map(difference).collect())
}

async fn collect(mut stream: RowStream<'_>) -> Result<Vec<Vec<syncline_core::value::Value>>> {
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await.transpose()? {
        rows.extend(batch.rows().map(|row: Row<'_>| row.iter().map(ValueRef::to_owned).collect::<Vec<_>>()));
    }
    Ok(rows)
}

/// A table that only one side has: all its rows are there only.
async fn one_sided(table: &Arc<TableSchema>, side: &mut dyn Snapshot, other: &str) -> Result<TableDiff> {
    let rows = side.count(&TableTask::whole(table.clone())).await?;
    let tally = Tally { only_source: rows, ..Tally::default() };
    Ok(TableDiff { note: Some(format!("not in {other}")), ..report(&table.name, tally) })
}

fn report(table: &str, tally: Tally) -> TableDiff {
    TableDiff {
        table: table.to_owned(),
        same: tally.same,
        only_source: tally.only_source,
        only_target: tally.only_target,
        changed: tally.changed,
        comparable: true,
        note: None,
    }
}
