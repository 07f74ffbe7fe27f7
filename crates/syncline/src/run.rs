//! Copy and mirror.

use std::collections::BTreeMap;
use std::time::Instant;

use syncline_core::apply::{Applier, Context, TableOutcome, TableWork};
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::pipeline::{Carried, carry};
use syncline_core::state::{Evidence, Ledger, Spool};
use syncline_core::store::{Snapshot, Writer};
use syncline_core::value::TableSum;

use crate::decide::{Decision, check_room};
use crate::held::ledger_tables;
use crate::open::{Database, Purpose};
use crate::plan::{Carrying, Gate, Narrowed, Spools, check_identities};
use crate::request::{RunRequest, Verb};
use crate::session::{Syncline, now_ms};
use crate::state::{LogLevel, NewRun, RunEnd, RunVerb};
use crate::summary::{ErrorReport, Status, Summary, TableSummary, Verified};
use crate::target_lock::TargetLock;
use crate::verify::{Claim, Seen};

impl Syncline {
    /// Brings the target in line with the source, as asked. Every batch is a transaction; what is committed stays,
    /// whatever happens after it, and the next run of the same pair goes on from there.
    ///
    /// # Errors
    /// When the run was stopped as a whole: by its request, a guard, or a database that failed. What concerns single
    /// tables is in the summary.
    pub async fn run(&self, request: &RunRequest) -> Result<Summary> {
        // On the heap: a run is the largest future there is, and everything that awaits it would hold it.
        Box::pin(self.run_through(request, None)).await
    }

    /// As [`Syncline::run`], and nothing beside what the gate lets through.
    pub(crate) async fn run_through(&self, request: &RunRequest, gate: Option<Gate>) -> Result<Summary> {
        let started = Instant::now();
        let untouched = |error: Error| error.leaving_if_unsaid("nothing was changed");
        // What cannot be understood should not wait for a database.
        request.check()?;
        Mapping::parse(&request.mapping).map_err(untouched)?;
        // A plan is carried out as of the moment it was made.
        let request = if gate.is_some() { request.clone() } else { request.as_of(now_ms()) };
        let request = &RunRequest { rate: self.rate_of(request.rate), ..request };
        let pace = self.pace(request.rate);
        self.state().await.map_err(untouched)?;
        let source = self.open_database(&request.source, Purpose::Read).await.map_err(untouched)?;
        let source = source.paced(pace.as_ref(), Lane::Source);
        let target = self.open_database(&request.target, Purpose::of_target(request)).await.map_err(untouched)?;
        let target = target.paced(pace.as_ref(), Lane::Target);
        check_ends(&source, &target)?;
        let between = format!("{} -> {}", source.label, target.label);
        let lock = self.lock_target(&target, request.verb.name(), &between).await.map_err(untouched)?;
        let result = self.run_between(request, (&source, &target), &lock, gate, started).await;
        if result.is_err() {
            // Only under the lock: an empty file may be another run's, which has yet to write to it.
            target.remove_if_unused();
        }
        drop(lock);
        result.map_err(untouched)
    }

    async fn run_between(
        &self,
        request: &RunRequest,
        (source, target): (&Database, &Database),
        lock: &TargetLock,
        gate: Option<Gate>,
        started: Instant,
    ) -> Result<Summary> {
        let state = self.state().await?;
        if let Some(gate) = &gate {
            check_identities(state, &gate.plan, source, target).await?;
        }
        let identity = &target.description.identity;
        state.expire_images(now_ms()).await?;
        state.expire_settled(now_ms()).await?;
        let mut writer = target.store.writer().await?;
        self.recover(identity, &mut *writer).await?;
        let carrying = match gate {
            Some(gate) => Some(Carrying::begin(gate, state, target).await?),
            None => None,
        };
        let continues = match &carrying {
            Some(carrying) => carrying.begun.last_run().map(str::to_owned),
            None => self.cut_off(identity, |run| run.verb.has_source()).await?,
        };
        let run = state
            .begin_run(NewRun {
                verb: if request.verb == Verb::Copy { RunVerb::Copy } else { RunVerb::Mirror },
                source: source.label.clone(),
                target: target.label.clone(),
                source_identity: Some(source.description.identity.clone()),
                target_identity: identity.clone(),
                request: Some(RunRequest {
                    source: source.name.clone(),
                    target: target.name.clone(),
                    ..request.clone()
                }),
                undoes: None,
                continues: continues.clone(),
                keeps_images: request.undo,
                started_ms: now_ms(),
            })
            .await?;
        lock.name(&run).await;
        if let Some(earlier) = &continues {
            self.note(format!("goes on from {earlier}, which was cut off; what it had committed is kept"));
        }
        let record = Record { session: self, run, started, continues };
        let _watch = self.watch_for_cancel(&record.run).await?;
        let worked = self.work(request, source, target, carrying, &mut *writer, &record.run).await;
        record.close(worked).await
    }

    /// Decides, carries out, proves.
    async fn work(
        &self,
        request: &RunRequest,
        source: &Database,
        target: &Database,
        carrying: Option<Carrying>,
        writer: &mut dyn Writer,
        run: &str,
    ) -> Result<Worked> {
        let state = self.state().await?;
        let mut spool = state.spool(run).await?;
        let mut views = self.views(source, target, self.jobs_of(request.jobs)).await?;
        let seen = Seen { source: views.source.position().await?, target: views.target.position().await? };
        let decided = self.decide(request, &mut views, &spool).await;
        let mut narrowed = Narrowed::default();
        let mut again = None;
        let mut decision = match carrying {
            None => {
                let decision = decided?;
                decision.check_guards(request)?;
                decision
            }
            Some(carrying) => {
                again = Some(carrying.command());
                let planned = state.spool(&format!("{run}-plan")).await?;
                let spools = Spools { decided: &spool, planned: &planned };
                let decision = carrying.narrow(decided, spools, views.ends(), self.cancel(), &mut narrowed).await?;
                spool = planned;
                decision
            }
        };
        let mut source_view = views.into_source();
        let unsaved = self.make_ready(request, &decision, target, run).await?;
        decision.define_columns();
        let mut worked = self.carry_out(request, &decision, &mut source_view, target, writer, (run, &spool)).await?;
        if let Some(again) = again {
            self.close_plan(request, &mut worked, &decision, (run, &again)).await?;
            worked.notes.extend(narrowed.note());
        }
        drop(source_view);
        worked.notes.extend(unsaved);
        worked.leave_alone(narrowed.left_alone);
        let finished = worked.finished(&decision);
        if worked.end.is_ok() {
            // Of a table with changes beside the plan nobody has looked at all rows.
            let works = finished.iter().map(|claim| claim.work);
            let whole = works.filter(|work| !worked.left_alone.contains_key(&work.name));
            self.settle_finished(request, run, &whole.collect::<Vec<_>>()).await?;
        }
        if request.verify && worked.end.is_ok() {
            let proven = (&finished[..], &decision.resolved);
            match self.verify_run(request, source, target, &seen, proven).await {
                Ok(verified) => worked.verified = worked.with_exceptions(verified),
                // The rows are committed; what failed is the proof.
                Err(error) => worked.end = Err(error),
            }
        }
        Ok(worked)
    }

    /// The plan is spent once all its tables were gone through. Until then it can be gone on with.
    async fn close_plan(
        &self,
        request: &RunRequest,
        worked: &mut Worked,
        decision: &Decision,
        (run, again): (&str, &str),
    ) -> Result<()> {
        let Some(plan) = &request.plan else { return Ok(()) };
        if worked.finished(decision).len() == decision.tables.len() && worked.end.is_ok() {
            return self.state().await?.spend_plan(plan, run, now_ms()).await;
        }
        let end = std::mem::replace(&mut worked.end, Ok(()));
        worked.end = end.map_err(|error| match error.code() {
            Code::PlanStale => error,
            _ => error.next(again, "go on with what is left of the plan"),
        });
        Ok(())
    }

    /// The last steps before anything is written: is there room, and a backup where one is wanted. Returns a remark
    /// where there was nothing to back up.
    async fn make_ready(
        &self,
        request: &RunRequest,
        decision: &Decision,
        target: &Database,
        run: &str,
    ) -> Result<Option<String>> {
        check_room(decision, &*target.store).await?;
        if request.backup { self.backup_before(run, target).await } else { Ok(None) }
    }

    /// Writes what was decided.
    pub(crate) async fn carry_out(
        &self,
        request: &RunRequest,
        decision: &Decision,
        source: &mut Box<dyn Snapshot>,
        target: &Database,
        writer: &mut dyn Writer,
        (run, spool): (&str, &dyn Spool),
    ) -> Result<Worked> {
        let works: Vec<TableWork> = decision.tables.iter().map(|decided| decided.work.clone()).collect();
        let state = self.state().await?;
        let (evidence, ledger) = (state.evidence(run), state.ledger(run, ledger_tables(request, &works)));
        let context = Context {
            run,
            batch_rows: request.batch_rows,
            spool,
            // What is left of a plan shows in what was written of it, whether that can be undone or not.
            evidence: (request.undo || request.plan.is_some()).then_some(&evidence as &dyn Evidence),
            ledger: Some(&ledger as &dyn Ledger),
            events: self.events(),
            cancel: self.cancel(),
            pace: target.pace.as_deref(),
            restores: None,
            refreshes: decision.refreshes,
            is_exact: decision.is_exact,
            decided_at: Some(decision.decided_at.clone()),
        };
        let applier = Applier::new(&works, &decision.target_schema, source, &*target.store, context);
        let applier = applier.defining(&decision.steps);
        Ok(Worked::new(decision, carry(applier, writer).await))
    }
}

/// Both ends must be different databases.
pub(crate) fn check_ends(source: &Database, target: &Database) -> Result<()> {
    if source.description.identity == target.description.identity {
        let what = format!("{} and {} are the same database", source.label, target.label);
        return Err(Error::new(Code::GuardSameTable, what).leaving("nothing was changed"));
    }
    Ok(())
}

/// What a run has come to.
pub(crate) struct Worked {
    pub(crate) tables: Vec<TableSummary>,
    pub(crate) notes: Vec<String>,
    pub(crate) verified: Verified,
    pub(crate) end: Result<()>,
    /// Whether anything became durable in the target, even if nobody was told what.
    pub(crate) has_committed: bool,
    /// Rows that differ and that the run was not to touch, by table.
    pub(crate) left_alone: BTreeMap<String, u64>,
    /// What loads have left, by table.
    pub(crate) loaded: BTreeMap<String, TableSum>,
}

impl Worked {
    fn new(decision: &Decision, carried: Carried) -> Self {
        let mut tables = Vec::new();
        for (decided, outcome) in decision.tables.iter().zip(&carried.outcomes) {
            let summary = table_summary(&decided.work.name, decided.tally.same, &decided.how, outcome);
            // Columns come with the first transaction.
            let added = decided.added.iter().filter(|_| carried.last_batch > 0);
            let added_columns = added.map(|added| added.step.column.name.clone()).collect();
            tables.push(TableSummary { kept: decided.kept, added_columns, ..summary });
        }
        for table in &decision.absent {
            tables.push(table_summary(table, 0, "not carried: not in the target", &TableOutcome::default()));
        }
        for (table, error) in &decision.refused {
            let outcome = TableOutcome::default();
            let summary = table_summary(table, 0, "not carried", &outcome);
            tables.push(TableSummary { error: Some(error.into()), ..summary });
        }
        tables.sort_by(|a, b| a.table.cmp(&b.table));
        let outcomes = decision.tables.iter().zip(&carried.outcomes);
        let loaded = outcomes.filter_map(|(decided, outcome)| Some((decided.work.name.clone(), outcome.loaded?)));
        Self {
            loaded: loaded.collect(),
            tables,
            notes: decision.notes.clone(),
            verified: Verified::Skipped,
            end: carried.end,
            has_committed: carried.last_batch > 0,
            left_alone: BTreeMap::new(),
        }
    }

    /// Takes note of rows that differ beside the plan that was carried out.
    fn leave_alone(&mut self, rows: BTreeMap<String, u64>) {
        self.left_alone = rows.into_iter().filter(|(_, rows)| *rows > 0).collect();
        let total: u64 = self.left_alone.values().sum();
        if total > 0 {
            let (rows, were) = if total == 1 { ("row differs", "was") } else { ("rows differ", "were") };
            self.notes.push(format!("{total} {rows} beside the plan, and {were} left alone"));
        }
    }

    /// What a run has come to that goes through no single table.
    pub(crate) fn whole(end: Result<()>, has_committed: bool) -> Self {
        let (tables, notes) = (Vec::new(), Vec::new());
        let (left_alone, loaded) = (BTreeMap::new(), BTreeMap::new());
        Self { tables, notes, verified: Verified::Skipped, end, has_committed, left_alone, loaded }
    }

    /// What is to be proven of the work that was done to its end.
    fn finished<'d>(&self, decision: &'d Decision) -> Vec<Claim<'d>> {
        let summary = |work: &TableWork| self.tables.iter().find(|table| table.table == work.name);
        let beside = |work: &TableWork| self.left_alone.get(&work.name).copied().unwrap_or(0);
        let works = decision.tables.iter().map(|decided| &decided.work);
        let finished = works.filter_map(|work| Some((work, summary(work).filter(|table| table.error.is_none())?)));
        let claim = |(work, table): (&'d TableWork, &TableSummary)| Claim {
            work,
            left_alone: table.conflicts + table.held + table.kept + beside(work),
            beside: beside(work),
            loaded: self.loaded.get(&work.name).copied(),
        };
        finished.map(claim).collect()
    }

    /// What is proven of the tables that were carried, in the light of those that were not.
    fn with_exceptions(&self, verified: Verified) -> Verified {
        let failed = self.tables.iter().filter(|table| table.error.is_some()).count();
        match verified {
            Verified::Equal if failed > 0 && failed == self.tables.len() => Verified::Skipped,
            Verified::Equal if failed > 0 => Verified::EqualExcept,
            verified => verified,
        }
    }

    /// How the run ended.
    fn status(&self) -> Status {
        let has_failed = self.tables.iter().any(|table| table.error.is_some());
        let has_held = self.tables.iter().any(|table| table.held > 0);
        let has_conflicts = self.tables.iter().any(|table| table.conflicts > 0);
        match &self.end {
            Err(error) if error.code() == Code::RunCancelled => Status::Cancelled,
            Err(_) => Status::Failed,
            Ok(()) if has_failed || has_held => Status::Partial,
            Ok(()) if has_conflicts => Status::Conflicts,
            Ok(()) => Status::Succeeded,
        }
    }

    fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.inserted + table.updated + table.deleted).sum()
    }

    /// Where an error that ended the run leaves the tables.
    fn state_text(&self) -> String {
        let touched = self.tables.iter().filter(|table| table.inserted + table.updated + table.deleted > 0).count();
        match (touched, self.rows()) {
            (0, _) if self.has_committed => "what was committed is kept".to_owned(),
            (0, _) => "nothing was changed".to_owned(),
            (tables, rows) => {
                let plural = |count: u64| if count == 1 { "" } else { "s" };
                let (s, t) = (plural(rows), plural(tables as u64));
                format!("{rows} row{s} in {tables} table{t} committed and kept")
            }
        }
    }
}

pub(crate) fn table_summary(table: &str, unchanged: u64, how: &str, outcome: &TableOutcome) -> TableSummary {
    TableSummary {
        table: table.to_owned(),
        direction: "source->target".to_owned(),
        inserted: outcome.inserted,
        updated: outcome.updated,
        deleted: outcome.deleted,
        unchanged,
        conflicts: outcome.moved,
        held: outcome.held,
        kept: 0,
        added_columns: Vec::new(),
        strategy: how.to_owned(),
        error: outcome.error.as_ref().map(ErrorReport::from),
    }
}

/// A run's entry in the state, closed whatever the run comes to.
pub(crate) struct Record<'a> {
    pub(crate) session: &'a Syncline,
    pub(crate) run: String,
    pub(crate) started: Instant,
    pub(crate) continues: Option<String>,
}

impl Record<'_> {
    /// Writes the end of the run down and gives its summary.
    pub(crate) async fn close(self, worked: Result<Worked>) -> Result<Summary> {
        self.close_with(worked, false).await
    }

    /// As [`Record::close`]; with `undoes`, the run that was undone is marked so if all went well.
    pub(crate) async fn close_with(self, worked: Result<Worked>, undoes: bool) -> Result<Summary> {
        let state = self.session.state().await?;
        let mut worked = match worked {
            Ok(worked) => worked,
            Err(error) => Worked::whole(Err(error), false),
        };
        let status = worked.status();
        let end = std::mem::replace(&mut worked.end, Ok(()));
        let state_text = worked.state_text();
        let end = end.map_err(|error| error.leaving_if_unsaid(state_text.clone()));
        let summary = Summary {
            format: 1,
            kind: "summary".to_owned(),
            run: self.run.clone(),
            status,
            verified: worked.verified,
            tables: worked.tables,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            continues: self.continues.clone(),
            backup: state.find_run(&self.run).await?.backup,
            notes: worked.notes,
        };
        let error = end.as_ref().err().map(ErrorReport::from);
        // What could not be taken back yet can still be, so the run stays open to undo until nothing is left of it.
        let is_undone = undoes && status == Status::Succeeded;
        let recorded = RunEnd {
            status,
            verified: summary.verified,
            summary: Some(summary.clone()),
            error: error.clone(),
            ended_ms: now_ms(),
            mark_undone: is_undone,
        };
        let unrecorded = |failed: Error| failed.leaving(state_text.clone());
        state.finish_run(&self.run, recorded).await.map_err(unrecorded)?;
        self.log(&summary, error.as_ref()).await.map_err(unrecorded)?;
        match end {
            Err(error) if status != Status::Cancelled => Err(error),
            _ => Ok(summary),
        }
    }

    async fn log(&self, summary: &Summary, error: Option<&ErrorReport>) -> Result<()> {
        let state = self.session.state().await?;
        for table in &summary.tables {
            let mut counts = format!(
                "{}: {} inserted, {} updated, {} deleted, {} unchanged ({})",
                table.table, table.inserted, table.updated, table.deleted, table.unchanged, table.strategy
            );
            if table.held + table.conflicts > 0 {
                counts += &format!("; {} held, {} changed meanwhile", table.held, table.conflicts);
            }
            let (level, message) = match &table.error {
                None if table.held + table.conflicts > 0 => (LogLevel::Warn, counts),
                None => (LogLevel::Info, counts),
                Some(error) => (LogLevel::Error, format!("{counts}; {}: {}", error.code, error.what)),
            };
            state.log(&self.run, level, &message, now_ms()).await?;
        }
        for note in &summary.notes {
            state.log(&self.run, LogLevel::Info, note, now_ms()).await?;
        }
        if let Some(error) = error {
            state.log(&self.run, LogLevel::Error, &format!("{}: {}", error.code, error.what), now_ms()).await?;
        }
        Ok(())
    }
}
