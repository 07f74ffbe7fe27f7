//! How two databases differ.

mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use syncline_core::apply::order::parents_first;
use syncline_core::capture::{Tally, Way};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::Phase;
use syncline_core::mapping::{MappingRequest, Resolved, TableFilter};
use syncline_core::pace::Lane;
use syncline_core::schema::{Difference, TableSchema};
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::Snapshot;

use self::rows::pass_rows;
use crate::compare::by_sums;
use crate::counterpart::{counterpart, is_taken};
use crate::decide::{Ends, concerns_one_table};
use crate::drift::differences;
use crate::open::Purpose;
use crate::pairing::{Counterparts, Pair, is_about_mapping, pair};
use crate::row_difference::RowSink;
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::Views;
use crate::summary::{DiffReport, TableDiff};

pub(crate) use self::rows::{PAGE, given, in_target, pass_differences, place_of_copies};

/// Which databases are compared, and which of their tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRequest {
    /// The source.
    pub source: String,
    /// The target.
    pub target: String,
    /// Names and patterns; see [`TableFilter`].
    pub tables: Vec<String>,
    /// How the source is seen.
    pub mapping: MappingRequest,
}

/// A table of the source that is looked at.
struct Item<'s> {
    /// All its rows that take part.
    table: TableTask,
    /// The target's table.
    found: Option<&'s Arc<TableSchema>>,
    /// How the two are compared, where there is one.
    paired: Option<Result<Pair>>,
}

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
        let pace = self.pace(None);
        let (source, target) = (source.paced(pace.as_ref(), Lane::Source), target.paced(pace.as_ref(), Lane::Target));
        // With rows, those of a table are passed on before the next one is compared.
        let jobs = if rows.is_some() { 1 } else { self.jobs_of(None) };
        let mut views = self.views(&source, &target, jobs).await?;
        let ends = views.ends();
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema, &target_schema])?;
        let resolved = self.resolve(&request.mapping, &source_schema, &filter).await?;
        let tables = admitted(&source_schema, &filter);
        let taken: Vec<&str> = tables.iter().map(|table| resolved.target_name(&table.name)).collect();
        if !taken.iter().any(|name| target_schema.table(name).is_some()) {
            let what = format!("{} and {} have no table in common", source.label, target.label);
            let why = match (source_schema.tables.len(), target_schema.tables.len(), tables.len()) {
                (0, _, _) => format!("{} has no table", source.label),
                (_, 0, _) => format!("{} has no table", target.label),
                (_, _, 0) => format!("--tables leaves none of those in {}", source.label),
                _ => format!("what is taken from {} is not in {}", source.label, target.label),
            };
            return Err(Error::new(Code::NoTables, what).because(why));
        }
        let mut items = Vec::new();
        for table in &tables {
            let (found, paired) = match counterpart(table, &target_schema, &resolved) {
                Ok(None) => (None, None),
                Ok(found) => match pair(table, Counterparts { schema: &target_schema, view: ends.target }, &resolved) {
                    Err(error) if is_about_mapping(&error) => return Err(error),
                    paired => (found, Some(paired)),
                },
                Err(error) => (None, Some(Err(error))),
            };
            items.push(Item { table: seen(table, &resolved), found, paired });
        }
        let (mut reports, ways): (Vec<_>, Vec<_>) =
            self.diff_tables(&items, &mut views, &target.label, &mut rows).await?.into_iter().unzip();
        let notes = reports.iter().zip(ways).filter_map(|(table, way)| {
            let why = by_sums(way)?;
            Some(format!("{} was compared {why}", table.table))
        });
        let notes = notes.collect();
        let ends = views.ends();
        let mut schema = Vec::new();
        for (Item { found, paired, .. }, table) in items.iter().zip(&tables) {
            match found {
                None if paired.is_some() => {}
                None => schema.push(Difference::missing_table(&table.name)),
                Some(found) => schema.extend(differences(table, found, &resolved, ends.target).await?),
            }
        }
        for table in admitted(&target_schema, &filter) {
            if !is_taken(table, &tables, &target_schema, &resolved) {
                let found = one_sided(&TableTask::whole(table.clone()), ends.target, &source.label).await?;
                reports.push(TableDiff { only_source: 0, only_target: found.only_source, ..found });
            }
        }
        let equal = reports.iter().all(|table| table.is_equal() && table.note.is_none());
        Ok(DiffReport { format: 1, kind: "diff".to_owned(), equal, tables: reports, schema, notes })
    }

    /// The tables of the source one after the other where rows are asked for, else side by side.
    async fn diff_tables(
        &self,
        items: &[Item<'_>],
        views: &mut Views,
        target: &str,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<Vec<(TableDiff, Way)>> {
        if let Some(sink) = rows {
            let order = if sink.wants_parents_first() { in_order(items) } else { (0..items.len()).collect() };
            let mut reports = BTreeMap::new();
            for at in order {
                reports.insert(at, self.diff_item(&items[at], &mut views.ends(), target, rows).await?);
            }
            return Ok(reports.into_values().collect());
        }
        let diff = async |item: &Item<'_>, mut ends: Ends<'_>| self.diff_item(item, &mut ends, target, &mut None).await;
        views.go_through(items, |item| item.table.is_multiset(), diff).await.into_iter().collect()
    }

    async fn diff_item(
        &self,
        item: &Item<'_>,
        ends: &mut Ends<'_>,
        target: &str,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<(TableDiff, Way)> {
        self.cancel().check()?;
        match &item.paired {
            None => match one_sided(&item.table, ends.source, target).await {
                Err(error) if concerns_one_table(error.code()) => {
                    Ok((incomparable(&item.table.table.name, &error), Way::Read))
                }
                counted => Ok((counted?, Way::Read)),
            },
            Some(paired) => self.diff_table(&item.table.table, paired, ends, rows).await,
        }
    }

    /// What concerns this table only becomes its note; what concerns a whole database is an error.
    async fn diff_table(
        &self,
        table: &TableSchema,
        paired: &Result<Pair>,
        ends: &mut Ends<'_>,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<(TableDiff, Way)> {
        let pair = match paired {
            Ok(pair) => pair,
            Err(error) => return Ok((incomparable(&table.name, error), Way::Read)),
        };
        match self.diff_pair(&pair.source, &pair.target, ends, rows).await {
            Ok((tally, way)) => Ok((report(&table.name, tally), way)),
            Err(error) if concerns_one_table(error.code()) => Ok((incomparable(&table.name, &error), Way::Read)),
            Err(error) => Err(error),
        }
    }

    async fn diff_pair(
        &self,
        source: &TableTask,
        target: &TableTask,
        ends: &mut Ends<'_>,
        rows: &mut Option<&mut dyn RowSink>,
    ) -> Result<(Tally, Way)> {
        let name = &source.table.name;
        let spool = match rows {
            Some(_) => Some(self.state().await?.spool(&format!("diff-{}", std::process::id())).await?),
            None => None,
        };
        let compared = self
            .compare((source, target), ends.again(), Phase::Compare, async |page| match &spool {
                Some(spool) if !page.is_empty() => spool.append(name, &page).await,
                _ => Ok(()),
            })
            .await?;
        if let (Some(spool), Some(sink)) = (&spool, rows) {
            for kind in [ChangeKind::Put, ChangeKind::Delete] {
                pass_rows(kind, spool, (source, target), ends, &mut **sink).await?;
            }
        }
        Ok(compared)
    }
}

/// The positions of the items, those of referenced tables first, by what the target says of references.
fn in_order(items: &[Item<'_>]) -> Vec<usize> {
    let tables: Vec<&TableSchema> = items.iter().map(|item| &**item.found.unwrap_or(&item.table.table)).collect();
    parents_first(&tables)
}

/// A table that only one side has: all its rows are there only.
async fn one_sided(task: &TableTask, side: &mut dyn Snapshot, other: &str) -> Result<TableDiff> {
    let rows = side.count(task).await?;
    let tally = Tally { only_source: rows, ..Tally::default() };
    Ok(TableDiff { note: Some(format!("not in {other}")), ..report(&task.table.name, tally) })
}

/// All rows of a table that take part.
fn seen(table: &Arc<TableSchema>, resolved: &Resolved) -> TableTask {
    let mut task = TableTask::whole(table.clone());
    task.mapped.filter = resolved.view(table).filter.map(Arc::new);
    task
}

/// A table that cannot be compared.
fn incomparable(table: &str, error: &Error) -> TableDiff {
    TableDiff {
        note: Some(match error.why() {
            Some(why) => format!("{}; {why}", error.what()),
            None => error.what().to_owned(),
        }),
        comparable: false,
        ..report(table, Tally::default())
    }
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
