//! Making a plan: deciding as a run does, and writing down what was decided.

use std::path::Path;

use futures_util::StreamExt;
use syncline_core::apply::Action;
use syncline_core::change::{Operation, PlannedChange, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::Snapshot;
use syncline_core::value::{TableSum, Value, ValueRef, exact};
use syncline_stores::sql::Dialect;
use xxhash_rust::xxh3::xxh3_64;

use super::change_digest::{self, RangeSum};
use super::contracts;
use super::file::PlanDraft;
use super::referenced::{Looking, Referenced};
use super::{Holds, Plan, PlanEnd, PlanLoad, PlanRange, PlanSink, PlanTable, hex};
use crate::decide::{Decided, Decision, Ends};
use crate::diff::{PAGE, given, in_target, pass_differences, place_of_copies};
use crate::open::{Database, Purpose, recognise};
use crate::outside::Outside;
use crate::request::RunRequest;
use crate::row_difference::RowDifference;
use crate::row_json::{Cell, base16};
use crate::run::check_ends;
use crate::session::{Syncline, now_ms};

/// The kinds of changes a plan holds.
const KINDS: [ChangeKind; 2] = [ChangeKind::Put, ChangeKind::Delete];

impl Syncline {
    /// Decides what a run would do and passes it on, part by part. Nothing is written to either database; a target that
    /// is missing stays missing.
    ///
    /// # Errors
    /// As for a run that is stopped before it writes, guards included.
    pub async fn plan(&self, request: &RunRequest, sink: &mut dyn PlanSink) -> Result<Plan> {
        let untouched = |error: Error| error.leaving_if_unsaid("nothing was changed");
        request.check()?;
        Mapping::parse(&request.mapping).map_err(untouched)?;
        let request = &request.as_of(now_ms());
        let source = self.open_database(&request.source, Purpose::Read).await.map_err(untouched)?;
        let target = self.open_unguarded(&request.target, Purpose::of_target(request)).await.map_err(untouched)?;
        let pace = self.pace(request.rate);
        let (source, target) = (source.paced(pace.as_ref(), Lane::Source), target.paced(pace.as_ref(), Lane::Target));
        let planned = self.plan_between(request, &source, &target, sink).await;
        target.remove_if_unused();
        planned.map_err(untouched)
    }

    /// As [`Syncline::plan`], into a file that [`Syncline::apply_plan`] takes. The file appears when it is whole; an
    /// older plan of that name is replaced.
    ///
    /// # Errors
    /// As [`Syncline::plan`]; `PLAN_INVALID` when another file has the name, or the name is one that a database needs.
    pub async fn plan_to_file(&self, request: &RunRequest, path: &Path) -> Result<Plan> {
        self.check_place(request, path).await?;
        let (draft, mut writer) = PlanDraft::create(path)?;
        let plan = self.plan(request, &mut writer).await?;
        draft.finish(writer)?;
        Ok(plan)
    }

    async fn plan_between(
        &self,
        request: &RunRequest,
        source: &Database,
        target: &Database,
        sink: &mut dyn PlanSink,
    ) -> Result<Plan> {
        check_ends(source, target)?;
        if request.truncate_target {
            return Err(Error::new(Code::UsageInvalid, "a plan cannot hold --truncate-target")
                .because("a plan names the rows that change, and that flag replaces all of them unseen")
                .leaving("nothing was changed")
                .next("leave --truncate-target away", "write what differs, in one transaction all the same"));
        }
        let state = self.state().await?;
        let spool = state.spool(&format!("plan-{}", std::process::id())).await?;
        recognise(state, &source.description).await?;
        recognise(state, &target.description).await?;
        // Before the views: should one be restored in between, the plan is stale rather than wrong.
        let source_incarnation = state.incarnation(&source.description.identity).await?;
        let target_incarnation = state.incarnation(&target.description.identity).await?;
        let mut views = self.views(source, target, self.jobs_of(request.jobs)).await?;
        let mut decision = self.decide(request, (source, target), &mut views, &spool).await?;
        if sink.wants_parents_first() {
            decision.order_parents_first();
        }
        let mut ends = views.ends();
        decision.count_loads(ends.source).await?;
        decision.check_guards(request)?;
        let held = count_held(&decision, &spool, ends.target).await?;
        let mut plan = describe(request, source, (target, &*ends.target), (&decision, &held))?;
        (plan.source.incarnation, plan.target.incarnation) = (source_incarnation, target_incarnation);
        let (spool_of, target) = (&spool as &dyn Spool, &mut *ends.target);
        let looking =
            Looking { decision: &decision, plan: &plan.tables, spool: spool_of, target, cancel: self.cancel() };
        let referenced = looking.find().await?;
        note_referenced(&mut plan, referenced);
        sink.plan(&plan)?;
        for (decided, table) in decision.tables.iter().zip(&plan.tables) {
            self.cancel().check()?;
            match table.holds {
                Holds::Load => pass_load(decided, ends.source, sink).await?,
                Holds::Rows => pass_rows(decided, &spool, &mut ends, sink).await?,
                Holds::Ranges => pass_ranges(decided, &spool, sink).await?,
            }
        }
        sink.end()?;
        Ok(plan)
    }
}

/// Rows of each table that will be held, as far as that is known beforehand.
async fn count_held(decision: &Decision, spool: &dyn Spool, target: &mut dyn Snapshot) -> Result<Vec<u64>> {
    let mut held = Vec::with_capacity(decision.tables.len());
    for Decided { work, .. } in &decision.tables {
        let is_compared = work.action == Action::Differences;
        held.push(if is_compared { Outside::count(&work.name, spool, &work.target, target).await? } else { 0 });
    }
    Ok(held)
}

fn describe(
    request: &RunRequest,
    source: &Database,
    (target, view): (&Database, &dyn Snapshot),
    (decision, held): (&Decision, &[u64]),
) -> Result<Plan> {
    let end = |database: &Database| PlanEnd {
        label: database.label.clone(),
        identity: (!database.is_new()).then(|| database.description.identity.clone()),
        incarnation: 1,
    };
    let decided = decision.tables.iter().zip(held).map(|entry| table_of(entry, view)).collect::<Result<Vec<_>>>()?;
    let refused = decision.refused.iter().map(|(table, error)| PlanTable {
        table: table.clone(),
        insert: 0,
        update: 0,
        delete: 0,
        unchanged: 0,
        how: "not carried".to_owned(),
        holds: Holds::Rows,
        creates: Vec::new(),
        alters: Vec::new(),
        kept: 0,
        referenced: Vec::new(),
        held: 0,
        checked: Vec::new(),
        schema: String::new(),
        error: Some(error.into()),
    });
    let made_ms = now_ms();
    let (source_end, target_end) = (end(source), end(target));
    let tables: Vec<_> = decided.into_iter().chain(refused).collect();
    let seed = format!("{made_ms} {} {source_end:?} {target_end:?} {tables:?}", std::process::id());
    Ok(Plan {
        format: 1,
        kind: "plan".to_owned(),
        plan: format!("p_{:016x}", xxh3_64(seed.as_bytes())),
        made_ms,
        source: source_end,
        target: target_end,
        request: RunRequest { source: source.name.clone(), target: target.name.clone(), ..request.clone() },
        tables,
        notes: decision.notes.clone(),
    })
}

/// Says which deletes will be held, because rows that stay still reference them.
fn note_referenced(plan: &mut Plan, referenced: Vec<Referenced>) {
    for Referenced { table: name, digest, .. } in referenced {
        for table in plan.tables.iter_mut().filter(|table| table.table == name) {
            table.referenced.push(hex(digest));
        }
    }
    for table in plan.tables.iter().filter(|table| !table.referenced.is_empty()) {
        let (count, name) = (table.referenced.len(), &table.table);
        let what = if count == 1 { "1 delete" } else { &format!("{count} deletes") };
        plan.notes.push(format!("{what} of {name} will be held: rows that stay still reference what is to go"));
    }
}

fn table_of((decided, held): (&Decided, &u64), view: &dyn Snapshot) -> Result<PlanTable> {
    let (work, tally) = (&decided.work, decided.tally);
    let changes = work.puts + work.deletes;
    let (holds, creates) = match work.action {
        Action::Load { create: true } => (Holds::Load, view.statements(&work.target.table)?),
        Action::Load { create: false } => (Holds::Load, Vec::new()),
        _ if changes > limits::PLAN_ROWS_MAX => (Holds::Ranges, Vec::new()),
        _ => (Holds::Rows, Vec::new()),
    };
    Ok(PlanTable {
        table: work.name.clone(),
        insert: tally.only_source - held,
        update: tally.changed,
        delete: work.deletes,
        unchanged: tally.same,
        how: decided.how.clone(),
        holds,
        creates,
        alters: decided.added.iter().map(|added| added.statement.clone()).collect(),
        kept: decided.kept,
        referenced: Vec::new(),
        held: *held,
        checked: contracts::checked(work),
        schema: change_digest::of_tables(decided),
        error: None,
    })
}

/// The rows of a load, unless there are too many to read, and what binds them.
async fn pass_load(decided: &Decided, source: &mut dyn Snapshot, sink: &mut dyn PlanSink) -> Result<()> {
    let task = &decided.work.source;
    let shows_rows = decided.work.puts <= limits::PLAN_ROWS_MAX;
    let mut sum = TableSum::default();
    let mut scratch = Vec::new();
    let mut batches = source.scan(task).await?;
    while let Some(batch) = batches.next().await.transpose()? {
        sum.add(&batch, task.forms.equality, &mut scratch);
        for row in batch.rows().filter(|_| shows_rows) {
            let values = row.iter().map(ValueRef::to_owned).collect();
            sink.row(
                RowDifference {
                    table: decided.work.name.clone(),
                    operation: Operation::Insert,
                    columns: task.column_names().map(str::to_owned).collect(),
                    key: task.key.clone(),
                    source: Some(values),
                    target: None,
                    dialect: Dialect::of(decided.work.target.table.engine),
                    in_target: in_target(task, &decided.work.target),
                    place: place_of_copies(&decided.work.target),
                    given: given(&decided.work.target),
                    held: None,
                },
                None,
            )?;
        }
    }
    sink.load(PlanLoad { table: decided.work.name.clone(), rows: sum.rows, digest: sum_in_hex(sum) })
}

/// The sum of a table as a plan holds it.
pub(super) fn sum_in_hex(sum: TableSum) -> String {
    base16(&sum.to_bytes())
}

async fn pass_rows(decided: &Decided, spool: &dyn Spool, ends: &mut Ends<'_>, sink: &mut dyn PlanSink) -> Result<()> {
    let work = &decided.work;
    for kind in KINDS {
        let mut done = 0;
        loop {
            let page = spool.page(&work.name, kind, done, PAGE).await?;
            if page.is_empty() {
                break;
            }
            done += page.len() as u64;
            let is_multiset = work.source.is_multiset();
            let pass = |change: &_, row| sink.row(row, Some(change_digest::of_change(change, is_multiset)));
            pass_differences(&page, &work.name, (&work.source, &work.target), ends, pass).await?;
        }
    }
    Ok(())
}

async fn pass_ranges(decided: &Decided, spool: &dyn Spool, sink: &mut dyn PlanSink) -> Result<()> {
    let (name, is_multiset) = (&decided.work.name, decided.work.source.is_multiset());
    for kind in KINDS {
        let (mut done, mut open) = (0, None::<OpenRange>);
        loop {
            let page = spool.page(name, kind, done, limits::SPOOL_PAGE).await?;
            if page.is_empty() {
                break;
            }
            done += page.len() as u64;
            for change in page {
                let row = change_digest::row_of(&change, is_multiset);
                // Copies of a row are in one range.
                if let Some(full) = open.take_if(|open| open.is_full() && open.row != row) {
                    sink.range(full.close(decided, kind))?;
                }
                let open = open.get_or_insert_with(|| OpenRange::from(change.clone()));
                open.sum.add(change_digest::of_change(&change, is_multiset));
                (open.last, open.row) = (change, row);
            }
        }
        if let Some(open) = open {
            sink.range(open.close(decided, kind))?;
        }
    }
    Ok(())
}

/// A range that more changes may come into.
struct OpenRange {
    first: PlannedChange,
    last: PlannedChange,
    /// What the last row is called.
    row: Vec<u8>,
    sum: RangeSum,
}

impl OpenRange {
    fn is_full(&self) -> bool {
        self.sum.changes >= limits::PLAN_RANGE_CHANGES as u64
    }

    fn close(self, decided: &Decided, kind: ChangeKind) -> PlanRange {
        PlanRange {
            table: decided.work.name.clone(),
            kind: kind_name(kind).to_owned(),
            changes: self.sum.changes,
            first: key_of(decided, &self.first),
            last: key_of(decided, &self.last),
            upto: base16(&self.row),
            digest: self.sum.digest(),
        }
    }
}

impl From<PlannedChange> for OpenRange {
    fn from(first: PlannedChange) -> Self {
        Self { last: first.clone(), first, row: Vec::new(), sum: RangeSum::default() }
    }
}

/// The name of a kind in a plan.
pub(super) fn kind_name(kind: ChangeKind) -> &'static str {
    if kind == ChangeKind::Delete { "delete" } else { "put" }
}

fn key_of(decided: &Decided, change: &PlannedChange) -> serde_json::Value {
    let task = &decided.work.source;
    if let Some((digest, _)) = copies::decode(&change.key).filter(|_| task.is_multiset()) {
        return serde_json::json!({ "digest": hex(digest.0) });
    }
    let names = task.key.iter().map(|at| task.table.columns[task.columns[*at]].name.clone());
    let cells: Vec<Value> = exact::decode_owned(&change.key).unwrap_or_default();
    let cell = |value: &Value| serde_json::to_value(Cell(value)).unwrap_or_default();
    names.zip(cells.iter().map(cell)).collect::<serde_json::Map<_, _>>().into()
}
