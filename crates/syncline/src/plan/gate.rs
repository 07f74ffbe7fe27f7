//! Holding what was decided anew against a plan: what both hold is let through, what only the plan holds makes it stale,
//! what only the new decision holds is left alone.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use syncline_core::apply::Action;
use syncline_core::cancel::Cancel;
use syncline_core::capture::scan::sum_rows;
use syncline_core::change::{Operation, PlannedChange};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::{Share, Snapshot};

use super::file::{Line, PlanReader};
use super::make::{kind_name, range_digest, sum_in_hex};
use super::{Holds, Plan, PlanLoad, PlanRange, PlanTable, change_digest, hex};
use crate::decide::{Decided, Decision};

/// A plan that is to be carried out.
pub(crate) struct Gate {
    pub(crate) plan: Plan,
    reader: PlanReader,
}

/// What the lines of one table bind.
#[derive(Default)]
struct Section {
    /// Digests of changes, each with its key for people.
    rows: HashMap<String, Box<str>>,
    ranges: Vec<PlanRange>,
    load: Option<PlanLoad>,
}

impl Gate {
    /// Opens the file of a plan.
    ///
    /// # Errors
    /// `PLAN_INVALID`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (plan, reader) = PlanReader::open(path)?;
        Ok(Self { plan, reader })
    }

    /// Narrows a decision down to what the plan holds: its changes go from `decided` to `planned`. Returns, by table, how
    /// many changes there would be beside the plan.
    ///
    /// # Errors
    /// `PLAN_STALE` when anything the plan holds is no longer to be done just so, `PLAN_INVALID` for a file that was cut
    /// off or changed.
    pub(crate) async fn narrow(
        mut self,
        decision: &mut Decision,
        decided: &dyn Spool,
        planned: &dyn Spool,
        source: &mut dyn Snapshot,
        cancel: &Cancel,
    ) -> Result<BTreeMap<String, u64>> {
        let sections = self.sections()?;
        let mut left_alone = BTreeMap::new();
        let mut tables = Vec::new();
        let mut now: HashMap<String, Decided> =
            std::mem::take(&mut decision.tables).into_iter().map(|table| (table.work.name.clone(), table)).collect();
        for table in self.plan.tables.iter().filter(|table| table.error.is_none()) {
            cancel.check()?;
            let found = now.remove(&table.table);
            let mut found = found.ok_or_else(|| stale(table, "the table is gone, or cannot be carried any more"))?;
            if change_digest::of_tables(&found) != table.schema {
                return Err(stale(table, "the table was altered since the plan was made"));
            }
            let empty = Section::default();
            let section = sections.get(&table.table).unwrap_or(&empty);
            let beside = match table.holds {
                Holds::Load => check_load(table, section, &found, source, cancel).await?,
                Holds::Rows => let_rows_through(table, section, &mut found, decided, planned).await?,
                Holds::Ranges => let_ranges_through(table, section, &found, decided, planned).await?,
            };
            left_alone.insert(table.table.clone(), beside);
            tables.push(found);
        }
        left_alone.extend(now.into_values().map(|table| (table.work.name, table.work.puts + table.work.deletes)));
        decision.tables = tables;
        Ok(left_alone)
    }

    /// Reads the plan to its end.
    fn sections(&mut self) -> Result<HashMap<String, Section>> {
        let mut sections: HashMap<String, Section> = HashMap::new();
        while let Some(line) = self.reader.next()? {
            match line {
                Line::Row(row) => {
                    let section = sections.entry(row.table).or_default();
                    if let Some(digest) = row.digest {
                        // As text: a parsed key takes ten times as much, and there may be many.
                        section.rows.insert(digest, row.key.to_string().into());
                    }
                    if section.rows.len() as u64 > limits::PLAN_ROWS_MAX {
                        return Err(self.reader.invalid("it holds more rows of a table than any plan does"));
                    }
                }
                Line::Range(range) => sections.entry(range.table.clone()).or_default().ranges.push(range),
                Line::Load(load) => {
                    let section = sections.entry(load.table.clone()).or_default();
                    section.load = Some(load);
                }
                Line::End(_) => {}
            }
        }
        Ok(sections)
    }
}

async fn check_load(
    table: &PlanTable,
    section: &Section,
    found: &Decided,
    source: &mut dyn Snapshot,
    cancel: &Cancel,
) -> Result<u64> {
    if !matches!(found.work.action, Action::Load { create } if create != table.creates.is_empty()) {
        return Err(stale(table, "the target's table was missing or empty, and is not any more"));
    }
    let sum = sum_rows(source.sum(&found.work.source, Share::ALL).await?, cancel, &|_| {}).await?;
    if section.load.as_ref().map(|load| &load.digest) != Some(&sum_in_hex(sum)) {
        return Err(stale(table, "rows of the source were changed since the plan was made"));
    }
    Ok(0)
}

async fn let_rows_through(
    table: &PlanTable,
    section: &Section,
    found: &mut Decided,
    decided: &dyn Spool,
    planned: &dyn Spool,
) -> Result<u64> {
    if found.work.action != Action::Differences {
        return Err(stale(table, "the target's table had rows, and has none any more"));
    }
    let (mut missing, mut beside) = (section.rows.clone(), 0);
    let (mut puts, mut deletes) = (0, 0);
    for kind in [ChangeKind::Put, ChangeKind::Delete] {
        let mut done = 0;
        loop {
            let page = decided.page(&table.table, kind, done, limits::SPOOL_PAGE).await?;
            if page.is_empty() {
                break;
            }
            done += page.len() as u64;
            let is_planned = |change: &PlannedChange| missing.remove(&hex(change_digest::of_change(change))).is_some();
            let (let_through, others): (Vec<_>, Vec<_>) = page.into_iter().partition(is_planned);
            beside += others.len() as u64;
            let is_delete = |change: &&PlannedChange| change.operation == Operation::Delete;
            deletes += let_through.iter().filter(is_delete).count() as u64;
            puts += let_through.iter().filter(|change| !is_delete(change)).count() as u64;
            planned.append(&table.table, &let_through).await?;
        }
    }
    if !missing.is_empty() {
        return Err(stale_rows(table, &missing));
    }
    (found.work.puts, found.work.deletes) = (puts, deletes);
    Ok(beside)
}

/// Ranges bind every change in them, so nothing can be beside them.
async fn let_ranges_through(
    table: &PlanTable,
    section: &Section,
    found: &Decided,
    decided: &dyn Spool,
    planned: &dyn Spool,
) -> Result<u64> {
    if found.work.puts != table.insert + table.update || found.work.deletes != table.delete {
        return Err(stale(table, "other rows differ than when the plan was made"));
    }
    let mut ranges = section.ranges.iter();
    for kind in [ChangeKind::Put, ChangeKind::Delete] {
        let mut done = 0;
        loop {
            let page = decided.page(&table.table, kind, done, limits::PLAN_RANGE_CHANGES).await?;
            if page.is_empty() {
                break;
            }
            done += page.len() as u64;
            let range = ranges.next().ok_or_else(|| stale(table, "other rows differ than when the plan was made"))?;
            if range.kind != kind_name(kind) || range.digest != hex(range_digest(&page)) {
                let why =
                    format!("rows between {} and {} were changed since the plan was made", range.first, range.last);
                return Err(stale(table, why));
            }
            planned.append(&table.table, &page).await?;
        }
    }
    Ok(0)
}

fn stale_rows(table: &PlanTable, missing: &HashMap<String, Box<str>>) -> Error {
    let mut keys: Vec<_> = missing.values().map(ToString::to_string).collect();
    keys.sort();
    let named = keys.iter().take(limits::SAMPLE_ROWS).cloned().collect::<Vec<_>>().join(", ");
    let more = if keys.len() > limits::SAMPLE_ROWS { ", …" } else { "" };
    let rows = match keys.len() {
        1 => "1 row of the plan was".to_owned(),
        rows => format!("{rows} rows of the plan were"),
    };
    stale(table, format!("{rows} changed since it was made: {named}{more}"))
}

fn stale(table: &PlanTable, why: impl Into<String>) -> Error {
    Error::new(Code::PlanStale, "the plan is stale")
        .at(table.table.clone())
        .because(why)
        .leaving("nothing was changed")
        .next("make the plan anew", "it shows what would be done now")
}
