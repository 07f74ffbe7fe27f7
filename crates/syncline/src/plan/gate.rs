//! Holding what was decided anew against a plan: what both hold is let through, what only the plan holds makes it stale,
//! what only the new decision holds is left alone. What a run that was cut off has written is held by neither and counts
//! as done.

mod ranges;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use syncline_core::apply::Action;
use syncline_core::cancel::Cancel;
use syncline_core::capture::scan::sum_rows;
use syncline_core::change::{Operation, PlannedChange, RowDigest};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::{Share, Snapshot};

use super::begun::Begun;
use super::file::{Line, PlanReader};
use super::make::sum_in_hex;
use super::referenced::{Looking, Referenced};
use super::{Holds, Plan, PlanLoad, PlanRange, PlanTable, change_digest, hex};
use crate::decide::{Decided, Decision, Ends};

/// A plan that is to be carried out.
pub(crate) struct Gate {
    pub(crate) plan: Plan,
    /// Where it was read from.
    pub(crate) path: PathBuf,
    reader: PlanReader,
}

/// A decision that was narrowed down to a plan.
#[derive(Default)]
pub(crate) struct Narrowed {
    /// Changes there would be beside the plan, by table.
    pub(crate) left_alone: BTreeMap<String, u64>,
    /// Changes of the plan that were made before.
    pub(crate) done: u64,
}

impl Narrowed {
    /// A remark for a person.
    pub(crate) fn note(&self) -> Option<String> {
        let s = if self.done == 1 { " was" } else { "s were" };
        (self.done > 0).then(|| format!("{} row{s} written before by runs of the plan that were cut off", self.done))
    }
}

/// Where the changes go: from those decided to those that the plan lets through.
#[derive(Clone, Copy)]
pub(crate) struct Spools<'a> {
    pub(crate) decided: &'a dyn Spool,
    pub(crate) planned: &'a dyn Spool,
}

/// What the lines of one table bind.
#[derive(Default)]
struct Section {
    /// Digests of changes, each with how often it is held and its key for people.
    rows: HashMap<u128, (u64, Box<str>)>,
    /// Those among them that are to be held, as the plan has shown.
    held: HashSet<u128>,
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
        Ok(Self { plan, path: path.to_owned(), reader })
    }

    /// Narrows a decision down to what is left of the plan: its changes go from one spool to the other.
    ///
    /// # Errors
    /// `PLAN_STALE` when anything that is left of the plan is no longer to be done just so, `PLAN_INVALID` for a file that
    /// was cut off or changed.
    pub(crate) async fn narrow(
        mut self,
        decision: &mut Decision,
        spools: Spools<'_>,
        ends: Ends<'_>,
        begun: &Begun,
        cancel: &Cancel,
    ) -> Result<Narrowed> {
        let mut sections = self.sections()?;
        let mut narrowed = Narrowed::default();
        let mut tables = Vec::new();
        let mut now: HashMap<String, Decided> =
            std::mem::take(&mut decision.tables).into_iter().map(|table| (table.work.name.clone(), table)).collect();
        for table in self.plan.tables.iter().filter(|table| table.error.is_none()) {
            cancel.check()?;
            let mut found = now
                .remove(&table.table)
                .ok_or_else(|| stale(table, "the table is gone, or cannot be carried any more"))?;
            let section = sections.remove(&table.table).unwrap_or_default();
            let beside = if is_loaded(table, &found, begun) {
                finish(&mut found, &mut *ends.source).await?
            } else {
                check_schema(table, &found, begun)?;
                match table.holds {
                    Holds::Load if is_nothing(table, &section) && found.work.action == Action::Differences => {
                        finish(&mut found, &mut *ends.source).await?
                    }
                    Holds::Load => check_load(table, &section, &found, &mut *ends.source, cancel).await?,
                    Holds::Rows | Holds::Ranges => {
                        let mut done = Done { begun, target: &mut *ends.target, changes: 0 };
                        let beside = match table.holds {
                            Holds::Ranges => {
                                ranges::let_through(table, section.ranges, &mut found, spools, &mut done).await?
                            }
                            _ => let_rows_through(table, section, &mut found, spools, &mut done).await?,
                        };
                        narrowed.done += done.changes;
                        beside
                    }
                }
            };
            narrowed.left_alone.insert(table.table.clone(), beside);
            // A table that lost all its rows since would be loaded, of which the plan knows nothing.
            if table.holds == Holds::Load || found.work.action == Action::Differences {
                tables.push(found);
            }
        }
        let beside = now.into_values().map(|table| (table.work.name, table.work.puts + table.work.deletes));
        narrowed.left_alone.extend(beside);
        decision.tables = tables;
        let (spool, plan, target) = (spools.planned, &self.plan.tables[..], ends.target);
        let referenced = Looking { decision, plan, spool, target, cancel }.find().await?;
        check_referenced(plan, &referenced)?;
        decision.is_exact = referenced.is_empty();
        Ok(narrowed)
    }

    /// Reads the plan to its end.
    fn sections(&mut self) -> Result<HashMap<String, Section>> {
        let mut sections: HashMap<String, Section> = HashMap::new();
        while let Some(line) = self.reader.next()? {
            match line {
                Line::Row(row) => {
                    let section = sections.entry(row.table).or_default();
                    if let Some(digest) = row.digest {
                        let digest = u128::from_str_radix(&digest, 16);
                        let digest = digest.map_err(|error| self.reader.invalid(error.to_string()))?;
                        if row.held.is_some() {
                            section.held.insert(digest);
                        }
                        // As text: a parsed key takes ten times as much, and there may be many.
                        section.rows.entry(digest).or_insert_with(|| (0, row.key.to_string().into())).0 += 1;
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

/// What was done of one table before.
struct Done<'a> {
    begun: &'a Begun,
    target: &'a mut dyn Snapshot,
    /// How many changes that were.
    changes: u64,
}

/// Whether the table was to be loaded and has been.
fn is_loaded(table: &PlanTable, found: &Decided, begun: &Begun) -> bool {
    let is_empty_again = matches!(found.work.action, Action::Load { .. });
    table.holds == Holds::Load && begun.has_loaded(&table.table, is_empty_again)
}

/// Whether the plan finds both tables empty and leaves them so.
fn is_nothing(table: &PlanTable, section: &Section) -> bool {
    table.creates.is_empty() && table.alters.is_empty() && section.load.as_ref().is_some_and(|load| load.rows == 0)
}

/// Nothing is left to do with the table, whatever differs now. Returns how much that is.
async fn finish(found: &mut Decided, source: &mut dyn Snapshot) -> Result<u64> {
    let beside = match found.work.action {
        // What is decided of a load is an estimate.
        Action::Load { .. } => source.count(&found.work.source).await?,
        _ => found.work.puts + found.work.deletes,
    };
    (found.work.puts, found.work.deletes) = (0, 0);
    found.work.action = Action::Differences;
    found.added.clear();
    Ok(beside)
}

/// The tables must look as they did, or as the plan makes them.
fn check_schema(table: &PlanTable, found: &Decided, begun: &Begun) -> Result<()> {
    let alters = found.added.iter().map(|added| &added.statement);
    let is_altered = found.added.is_empty() && begun.has_committed();
    if change_digest::of_tables(found) != table.schema || !is_altered && !alters.eq(&table.alters) {
        return Err(stale(table, "the table was altered since the plan was made"));
    }
    Ok(())
}

/// Deletes that were free when the plan was made must still be.
fn check_referenced(plan: &[PlanTable], referenced: &[Referenced]) -> Result<()> {
    for table in plan {
        let is_new = |found: &&Referenced| found.table == table.table && !table.referenced.contains(&hex(found.digest));
        let new: Vec<_> = referenced.iter().filter(is_new).collect();
        if let Some(first) = new.first() {
            let (rows, by) = (new.len(), &first.by);
            let what = if rows == 1 { "a row" } else { &format!("{rows} rows") };
            return Err(stale(
                table,
                format!("rows of {by} reference {what} that it deletes, and did not when it was made"),
            ));
        }
    }
    Ok(())
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
    section: Section,
    found: &mut Decided,
    spools: Spools<'_>,
    done: &mut Done<'_>,
) -> Result<u64> {
    let Section { rows: mut missing, held, .. } = section;
    let is_multiset = found.work.source.is_multiset();
    // First, so that a row which somebody has set back since is not written twice.
    done.begun
        .each_change(found, &mut *done.target, |change| {
            done.changes += u64::from(take(&mut missing, change_digest::of_change(&change, is_multiset)));
        })
        .await?;
    let is_planned = |change: &mut PlannedChange| {
        let digest = change_digest::of_change(change, is_multiset);
        if held.contains(&digest) {
            // It was shown as held and is never written, not even if the row in its way is gone: nobody has agreed to
            // that. No row has the digest it now rests on.
            change.seen = Some(RowDigest(0));
        }
        take(&mut missing, digest)
    };
    let beside = let_through(table, found, spools, is_planned).await?;
    if !missing.is_empty() {
        return Err(stale_rows(table, &missing));
    }
    Ok(beside)
}

/// Takes one of these changes off the list, if it is there.
fn take(missing: &mut HashMap<u128, (u64, Box<str>)>, digest: u128) -> bool {
    let Some((times, _)) = missing.get_mut(&digest) else { return false };
    *times -= 1;
    if *times == 0 {
        missing.remove(&digest);
    }
    true
}

/// Passes on what the plan holds, and tells how much there is beside it.
async fn let_through(
    table: &PlanTable,
    found: &mut Decided,
    spools: Spools<'_>,
    mut is_planned: impl FnMut(&mut PlannedChange) -> bool,
) -> Result<u64> {
    // A load is not in the spool.
    let mut beside = if found.work.action == Action::Differences { 0 } else { found.work.puts };
    (found.work.puts, found.work.deletes) = (0, 0);
    for kind in [ChangeKind::Put, ChangeKind::Delete] {
        let mut read = 0;
        loop {
            let page = spools.decided.page(&table.table, kind, read, limits::SPOOL_PAGE).await?;
            if page.is_empty() {
                break;
            }
            read += page.len() as u64;
            let mut planned = page;
            let decided = planned.len();
            planned.retain_mut(&mut is_planned);
            beside += (decided - planned.len()) as u64;
            let deletes = planned.iter().filter(|change| change.operation == Operation::Delete).count() as u64;
            found.work.deletes += deletes;
            found.work.puts += planned.len() as u64 - deletes;
            spools.planned.append(&table.table, &planned).await?;
        }
    }
    Ok(beside)
}

fn stale_rows(table: &PlanTable, missing: &HashMap<u128, (u64, Box<str>)>) -> Error {
    let mut keys: Vec<_> = missing.values().map(|(_, key)| key.to_string()).collect();
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
