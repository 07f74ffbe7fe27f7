//! Deciding what a run will do, table by table, before anything is written.

use std::sync::Arc;

use syncline_core::apply::guards::{self, DeleteGuard};
use syncline_core::apply::{Action, TableWork};
use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{Mapped, Operation, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::mapping::{Resolved, TableFilter};
use syncline_core::schema::{AddedColumn, Schema, SchemaStep, TableSchema};
use syncline_core::state::Spool;
use syncline_core::store::{Position, Snapshot, Store};

use crate::drift::{Aligned, align};
use crate::pairing::Pair;
use crate::request::{DeleteLimit, RunRequest, Strategy, Verb};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::{Views, is_large};

/// What a run will do.
pub(crate) struct Decision {
    /// The tables with something to do or to prove, in the order of their names.
    pub(crate) tables: Vec<Decided>,
    /// Tables that cannot be carried, with the reason.
    pub(crate) refused: Vec<(String, Error)>,
    /// Tables that are not in the target and were not to be created.
    pub(crate) absent: Vec<String>,
    /// What is done to the target's schema before the first row.
    pub(crate) steps: Vec<SchemaStep>,
    /// All tables of the target as they are before the run.
    pub(crate) target_schema: Schema,
    /// How the source is seen.
    pub(crate) resolved: Resolved,
    /// Everything goes into one transaction.
    pub(crate) refreshes: bool,
    /// Deletes that turn out to be referenced end the run as long as it has written nothing.
    pub(crate) is_exact: bool,
    /// Remarks for a person.
    pub(crate) notes: Vec<String>,
    /// Where the target stood.
    pub(crate) decided_at: Position,
}

/// One table's part.
pub(crate) struct Decided {
    pub(crate) work: TableWork,
    pub(crate) tally: Tally,
    /// Which way was taken, and why.
    pub(crate) how: String,
    /// Columns that the target's table is yet to get.
    pub(crate) added: Vec<AddedColumn>,
    /// Rows that differ and are kept as the target has them, as asked.
    pub(crate) kept: u64,
}

/// The two ends of a decision.
pub(crate) struct Ends<'a> {
    pub(crate) source: &'a mut dyn Snapshot,
    pub(crate) target: &'a mut dyn Snapshot,
}

impl Ends<'_> {
    /// The same two once more.
    pub(crate) fn again(&mut self) -> Ends<'_> {
        Ends { source: &mut *self.source, target: &mut *self.target }
    }
}

impl Syncline {
    /// Reads both sides and decides. Changes go to the spool; nothing is written anywhere else.
    ///
    /// # Errors
    /// When a schema or a name stops the run. What concerns one table only is in [`Decision::refused`].
    pub(crate) async fn decide(&self, request: &RunRequest, views: &mut Views, spool: &dyn Spool) -> Result<Decision> {
        let ends = views.ends();
        let filter = TableFilter::parse(&request.tables)?;
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema])?;
        let resolved = self.resolve(&request.mapping, &source_schema, &filter).await?;
        let tables = admitted(&source_schema, &filter);
        if tables.is_empty() {
            let why = match source_schema.tables.len() {
                0 => "the source has no table",
                _ => "--tables leaves none of those in the source",
            };
            return Err(Error::new(Code::NoTables, "there is no table to carry")
                .because(why)
                .leaving("nothing was changed"));
        }
        let Aligned { pairs, absent, notes: drift } =
            align(request, &tables, &target_schema, &resolved, &mut *ends.target).await?;
        if pairs.is_empty() {
            return Err(Error::new(Code::NoTables, "none of the tables is in the target, and none is to be created")
                .leaving("nothing was changed")
                .next("leave --no-create away", "create what is missing"));
        }
        let mut decision = Decision {
            tables: Vec::new(),
            refused: Vec::new(),
            notes: notes(&source_schema, &target_schema, &filter, (request.verb, &resolved)),
            absent,
            steps: Vec::new(),
            target_schema,
            resolved,
            refreshes: request.refreshes(),
            is_exact: false,
            decided_at: ends.target.position().await?,
        };
        decision.notes.extend(drift);
        if !decision.absent.is_empty() {
            let names: Vec<_> = decision.absent.iter().map(String::as_str).collect();
            decision.notes.push(format!("not in the target, and not created: {}", listed(&names)));
        }
        let decided = self.decide_tables(request, &pairs, views, (&decision.target_schema, spool)).await;
        for (pair, decided) in pairs.iter().zip(decided) {
            if !pair.left_out.is_empty() {
                let left_out = pair.left_out.iter().map(String::as_str).collect::<Vec<_>>();
                let what = listed(&left_out);
                decision.notes.push(format!("{} is created without {what}", pair.target.table.name));
            }
            match decided? {
                Ok(decided) => decision.push(decided),
                Err(error) => decision.refused.push((pair.source.table.name.clone(), error)),
            }
        }
        Ok(decision)
    }

    /// Decides table by table, several at once where there are views for that. The inner errors are those of single tables.
    async fn decide_tables(
        &self,
        request: &RunRequest,
        pairs: &[Pair],
        views: &mut Views,
        (target_schema, spool): (&Schema, &dyn Spool),
    ) -> Vec<Result<Result<Decided>>> {
        let decide = async |pair: &Pair, ends: Ends<'_>| {
            self.cancel().check()?;
            let name = &pair.source.table.name;
            let is_referenced = is_referenced(target_schema, &pair.target.table.name);
            match self.decide_table(request, pair, ends, spool, is_referenced).await {
                Err(error) if matches!(error.code(), Code::TableNoKey | Code::KeyNull) => {
                    Ok(Err(error.leaving_if_unsaid("the table is untouched")))
                }
                Err(error) => Err(error.at_if_unsaid(name.as_str()).leaving_if_unsaid("nothing was changed")),
                decided => Ok(decided),
            }
        };
        views.go_through(pairs, |pair| pair.source.is_multiset(), decide).await
    }

    async fn decide_table(
        &self,
        request: &RunRequest,
        pair: &Pair,
        ends: Ends<'_>,
        spool: &dyn Spool,
        is_referenced: bool,
    ) -> Result<Decided> {
        let (source, target, is_missing, added) =
            (pair.source.clone(), pair.target.clone(), pair.is_missing, pair.added.clone());
        // Rows outside the filter are rows all the same: a load needs a table that has none at all.
        let is_empty = is_missing || ends.target.estimate(&target.unfiltered()).await?.rows == 0;
        let (lane, how) = lane(request, is_missing, is_empty, (&target, is_referenced));
        let (action, mut tally) = match lane {
            Lane::Load => (Action::Load { create: is_missing }, estimate_load(&source, ends.source).await?),
            Lane::Refill => (Action::Refill, count_refill(&source, &target, ends).await?),
            Lane::Compare => {
                let compared = self.compare_table(&source, &target, ends, request, spool).await;
                if compared.as_ref().err().is_some_and(is_large) {
                    // It is begun anew, alone.
                    spool.forget(&source.table.name).await?;
                }
                (Action::Differences, compared?)
            }
        };
        let kept = if request.keep_existing { std::mem::take(&mut tally.changed) } else { 0 };
        let deletes = if request.verb == Verb::Mirror { tally.only_target } else { 0 };
        let work = TableWork {
            name: source.table.name.clone(),
            puts: tally.only_source + tally.changed,
            deletes,
            source,
            target,
            action,
            sequence: None,
        };
        Ok(Decided { work, tally, how, added, kept })
    }

    async fn compare_table(
        &self,
        source: &TableTask,
        target: &TableTask,
        ends: Ends<'_>,
        request: &RunRequest,
        spool: &dyn Spool,
    ) -> Result<Tally> {
        let (table, phase) = (&source.table.name, Phase::Compare);
        let rows = ends.source.estimate(source).await?.rows;
        let mut compare = Compare::of(source, ends.source.digest(source).await?, ends.target.digest(target).await?);
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows: Some(rows) });
        while let Some(mut page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            page.retain(|change| match change.operation {
                Operation::Insert => true,
                Operation::Update => !request.keep_existing,
                Operation::Delete => request.verb == Verb::Mirror,
            });
            if !page.is_empty() {
                spool.append(table, &page).await?;
            }
            let rows = compare.tally().source_rows();
            self.events().emit(Event::Progress { table: table.clone(), phase, rows });
        }
        let tally = compare.tally();
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: tally.source_rows() });
        Ok(tally)
    }
}

/// What is known of a load beforehand. The source is not read for it: a row that cannot be read is met while loading, and
/// then the load's transaction comes to nothing.
async fn estimate_load(task: &TableTask, source: &mut dyn Snapshot) -> Result<Tally> {
    source.check_key(task).await?;
    let estimate = source.estimate(task).await?;
    Ok(Tally { only_source: estimate.rows, source_bytes: estimate.bytes, ..Tally::default() })
}

/// What refilling a table comes to: all its rows go and all of the source's come. For the guards only the loss counts.
async fn count_refill(source: &TableTask, target: &TableTask, ends: Ends<'_>) -> Result<Tally> {
    ends.source.check_key(source).await?;
    let (new, old) = (ends.source.count(source).await?, ends.target.count(target).await?);
    let source_bytes = ends.source.estimate(source).await?.bytes;
    Ok(Tally {
        changed: new.min(old),
        only_source: new.saturating_sub(old),
        only_target: old.saturating_sub(new),
        source_bytes,
        ..Tally::default()
    })
}

/// How a table is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Load,
    Refill,
    Compare,
}

/// How the table is carried, and why so.
fn lane(
    request: &RunRequest,
    is_missing: bool,
    is_empty: bool,
    (target, is_referenced): (&TableTask, bool),
) -> (Lane, String) {
    let (lane, how) = match request.strategy {
        _ if is_missing => (Lane::Load, "full: not in the target yet"),
        // What the database puts into the other columns must be known to be taken back, and a load keeps no images.
        _ if is_empty && !target.mapped.kept.is_empty() => {
            (Lane::Compare, "compare: the target has columns that are not carried")
        }
        Strategy::Full if is_empty => (Lane::Load, "full: as asked"),
        // Nothing is there to compare with, and a load shows readers nothing half done.
        _ if is_empty => (Lane::Load, "full: empty in the target"),
        Strategy::Auto => (Lane::Compare, "compare: the target has rows"),
        Strategy::Compare => (Lane::Compare, "compare: as asked"),
        Strategy::Full if request.truncate_target && is_referenced => {
            (Lane::Compare, "full: what differs, all in one transaction; other tables reference it")
        }
        // A filter or columns that are kept leave something in the table that is not the source's to replace.
        Strategy::Full if request.truncate_target && target.mapped != Mapped::default() => {
            (Lane::Compare, "full: what differs, all in one transaction; a part of it is not carried")
        }
        // Nothing would tell the rows that went from those that came.
        Strategy::Full if request.truncate_target && target.is_multiset() => {
            (Lane::Compare, "full: what differs, all in one transaction; the table has no key")
        }
        Strategy::Full if request.truncate_target => {
            (Lane::Refill, "full: emptied and filled again, all in one transaction")
        }
        Strategy::Full if request.refreshes() => (Lane::Compare, "full: what differs, all in one transaction"),
        Strategy::Full => (Lane::Compare, "full: as asked; rows that are equal are not written again"),
    };
    (lane, how.to_owned())
}

fn is_referenced(schema: &Schema, table: &str) -> bool {
    schema.tables.iter().any(|other| other.references_to(table).next().is_some())
}

impl Decision {
    fn push(&mut self, decided: Decided) {
        if decided.kept > 0 {
            let (rows, table) = (decided.kept, &decided.work.name);
            let s = if rows == 1 { "" } else { "s" };
            self.notes
                .push(format!("{rows} row{s} of {table} kept as in the target, where the source has other values"));
        }
        self.tables.push(decided);
    }

    /// From here on the columns that are to be added count as being there: the run's first step is to add them.
    pub(crate) fn define_columns(&mut self) {
        for decided in &mut self.tables {
            let target = &mut decided.work.target;
            target.mapped.fills.clear();
            if !decided.added.is_empty() {
                let same = |table: &&mut Arc<TableSchema>| table.name == target.table.name;
                self.target_schema.tables.iter_mut().filter(same).for_each(|table| *table = Arc::clone(&target.table));
            }
            let step = |added: &AddedColumn| SchemaStep::AddColumn(Box::new(added.step.clone()));
            self.steps.extend(decided.added.iter().map(step));
        }
    }

    /// Replaces the estimates of loads by exact numbers, for people who are to agree to them.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(crate) async fn count_loads(&mut self, source: &mut dyn Snapshot) -> Result<()> {
        for decided in &mut self.tables {
            if matches!(decided.work.action, Action::Load { .. }) {
                let rows = source.count(&decided.work.source).await?;
                (decided.work.puts, decided.tally.only_source) = (rows, rows);
            }
        }
        Ok(())
    }

    /// Stops a run that would delete too much.
    ///
    /// # Errors
    /// `GUARD_DELETES` and `GUARD_EMPTY_SOURCE`.
    pub(crate) fn check_guards(&self, request: &RunRequest) -> Result<()> {
        if request.verb != Verb::Mirror {
            return Ok(());
        }
        let guard = match request.max_delete {
            DeleteLimit::Guarded => DeleteGuard::default(),
            DeleteLimit::Rows(rows) => DeleteGuard::rows(rows),
            DeleteLimit::Percent(percent) => DeleteGuard::percent(percent.into()),
        };
        let tallies: Vec<_> = self.tables.iter().map(|decided| (decided.work.name.as_str(), decided.tally)).collect();
        guards::check_deletes(&tallies, guard, request.allow_empty_source)
    }
}

/// Refuses a run that will not fit on the target's disk.
///
/// # Errors
/// `DISK_FULL`, before anything is written.
pub(crate) async fn check_room(decision: &Decision, target: &dyn Store) -> Result<()> {
    let bytes: u64 = decision.tables.iter().map(|decided| decided.tally.bytes_to_write()).sum();
    let needed = bytes.saturating_add(bytes / 100 * limits::DISK_MARGIN_PERCENT);
    match target.describe().await?.free_bytes {
        Some(free) if free < needed => {
            let what =
                format!("the target's disk has {} free and about {} are needed", megabytes(free), megabytes(needed));
            Err(Error::new(Code::DiskFull, what)
                .leaving("nothing was changed")
                .next("free some space", "then run again"))
        }
        _ => Ok(()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What is there and will not be touched.
fn notes(source: &Schema, target: &Schema, filter: &TableFilter, asked: (Verb, &Resolved)) -> Vec<String> {
    let (verb, resolved) = asked;
    let mut notes = Vec::new();
    let taken: Vec<_> = admitted(source, filter).into_iter().map(|table| resolved.target_name(&table.name)).collect();
    let only_target: Vec<_> = admitted(target, filter)
        .into_iter()
        .filter(|table| !taken.iter().any(|name| name.eq_ignore_ascii_case(&table.name)))
        .map(|t| t.name.as_str())
        .collect();
    if verb == Verb::Mirror && !only_target.is_empty() {
        notes.push(format!("only in the target, left as they are: {}", listed(&only_target)));
    }
    for kind in ["view", "trigger", "virtual table"] {
        let is_new = |name: &str| {
            !target.not_carried.iter().any(|other| other.kind == kind && other.name.eq_ignore_ascii_case(name))
        };
        let names: Vec<_> = source
            .not_carried
            .iter()
            .filter(|other| other.kind == kind && is_new(&other.name))
            .map(|o| o.name.as_str())
            .collect();
        if !names.is_empty() {
            notes.push(format!("{kind}s are not carried: {}", listed(&names)));
        }
    }
    notes
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
