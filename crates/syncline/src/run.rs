//! Copy and mirror.

mod denied;
mod record;
mod worked;

use std::time::Instant;

use syncline_core::apply::{Applier, Context, Cursors, TableWork};
use syncline_core::capture::Remembered;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Mapping;
use syncline_core::pace::Lane;
use syncline_core::pipeline::{Carried, carry, carry_part};
use syncline_core::state::{Evidence, Ledger, Spool};
use syncline_core::store::{Snapshot, Writer};
use syncline_stores::sql::Dialect;

use crate::decide::{Decision, Link, check_room};
use crate::held::ledger_tables;
use crate::open::{Database, Purpose};
use crate::plan::{Carrying, Gate, Narrowed, Spools, check_identities};
use crate::request::{RunRequest, Strategy, Verb};
use crate::session::{Syncline, now_ms};
use crate::side_by_side::Views;
use crate::state::{HeldUntil, NewRun, RunVerb};
use crate::summary::Summary;
use crate::target_lock::TargetLock;
use crate::verify::Seen;

pub(crate) use self::record::Record;
pub(crate) use self::worked::{Worked, table_summary};

impl Syncline {
    /// Brings the target in line with the source, as asked. Every batch is a transaction; what is committed stays,
    /// whatever happens after it, and the next run of the same pair goes on from there.
    ///
    /// # Errors
    /// When the run was stopped as a whole: by its request, a guard, or a database that failed. What concerns single
    /// tables is in the summary.
    pub async fn run(&self, request: &RunRequest) -> Result<Summary> {
        // On the heap: a run is the largest future there is, and everything that awaits it would hold it.
        self.logged(Box::pin(self.run_through(request, None))).await
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
        let purpose = Purpose::of_target(request);
        let target = match gate {
            // What a plan holds somebody has looked at.
            Some(_) => self.open_unguarded(&request.target, purpose).await.map_err(untouched)?,
            None => self.open_database(&request.target, purpose).await.map_err(untouched)?,
        };
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
        writer.widen(self.jobs_of(request.jobs));
        self.recover(identity, &mut *writer).await?;
        let carrying = match gate {
            Some(gate) => Some(Carrying::begin(gate, state, target).await?),
            None => None,
        };
        let continues = match &carrying {
            Some(carrying) => carrying.begun.last_run().map(str::to_owned),
            None => self.cut_off(identity, |run| run.verb.has_source()).await?,
        };
        let run = self.begin_run(request, (source, target), continues.clone()).await?;
        lock.name(&run).await;
        if let Some(earlier) = &continues {
            self.note(format!("goes on from {earlier}, which was cut off; what it had committed is kept"));
        }
        let record = Record { session: self, run, started, continues };
        let _watch = self.watch_for_cancel(&record.run).await?;
        let worked = self.work(request, source, target, carrying, &mut *writer, &record).await;
        record.close(worked).await
    }

    /// Enters a run into the state, and gives it its name.
    pub(crate) async fn begin_run(
        &self,
        request: &RunRequest,
        (source, target): (&Database, &Database),
        continues: Option<String>,
    ) -> Result<String> {
        let run = NewRun {
            verb: if request.verb == Verb::Copy { RunVerb::Copy } else { RunVerb::Mirror },
            source: source.label.clone(),
            target: target.label.clone(),
            source_identity: Some(source.description.identity.clone()),
            target_identity: target.description.identity.clone(),
            request: Some(RunRequest { source: source.name.clone(), target: target.name.clone(), ..request.clone() }),
            undoes: None,
            continues,
            keeps_images: request.undo,
            started_ms: now_ms(),
        };
        self.enter(run).await
    }

    /// Decides, carries out, proves.
    async fn work(
        &self,
        request: &RunRequest,
        source: &Database,
        target: &Database,
        carrying: Option<Carrying>,
        writer: &mut dyn Writer,
        record: &Record<'_>,
    ) -> Result<Worked> {
        let (run, state) = (&*record.run, self.state().await?);
        let mut spool = state.spool(run).await?;
        let mut views = self.views_for(request, source, target).await?;
        let seen = Seen::of(views.ends(), (source, target)).await?;
        let decided = self.decide(request, (source, target), &mut views, &spool).await;
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
        // In the logs of a tracked target the run's changes bear the link's name.
        writer.sign(decision.link.as_ref().map_or(run, Link::name));
        let whole = (run, &spool as &dyn Spool, None);
        let carried = self.carry_out(request, &decision, (&mut source_view, target), writer, whole).await?;
        let mut worked = Worked::new(&decision, carried);
        if let Some(error) = denied::end(&worked, request, source, target) {
            worked.end = worked.end.and(Err(error));
        }
        if let Some(again) = again {
            self.close_plan(request, &mut worked, &decision, (run, &again)).await?;
            worked.notes.extend(narrowed.note());
        }
        if worked.end.is_ok() {
            let finished = worked.finished(&decision);
            let works: Vec<_> = finished.iter().map(|claim| claim.work).collect();
            let bent = self.enter_bent(request, run, &works, &mut *source_view).await?;
            worked.are_bent(&bent);
        }
        drop(source_view);
        self.acknowledge(source, &decision, &mut worked, record.continues.is_some()).await;
        worked.notes.extend(unsaved);
        worked.leave_alone(narrowed.left_alone);
        let finished = worked.finished(&decision);
        if worked.end.is_ok() {
            self.settle_finished(request, (run, HeldUntil::default()), &worked.whole_among(&finished)).await?;
        }
        if request.verify && worked.end.is_ok() {
            let proven = (&finished[..], &decision.resolved, &spool as &dyn Spool);
            match self.verify_run(request, source, target, &seen, proven).await {
                Ok(verified) => worked.verified = worked.with_exceptions(verified, &decision),
                // The rows are committed; what failed is the proof.
                Err(error) => worked.end = Err(error),
            }
        }
        Ok(worked)
    }

    async fn views_for(&self, request: &RunRequest, source: &Database, target: &Database) -> Result<Views> {
        let jobs = self.jobs_of(request.jobs);
        match request.strategy {
            Strategy::Incremental => self.views_of_logged((source, target), jobs, None).await,
            _ => self.views(source, target, jobs).await,
        }
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

    /// Writes what was decided: as the whole of a run, or as a part of it, whose first transaction has this number.
    pub(crate) async fn carry_out(
        &self,
        request: &RunRequest,
        decision: &Decision,
        (source, target): (&mut Box<dyn Snapshot>, &Database),
        writer: &mut dyn Writer,
        (run, spool, part): (&str, &dyn Spool, Option<u64>),
    ) -> Result<Carried> {
        let works: Vec<TableWork> = decision.tables.iter().map(|decided| decided.work.clone()).collect();
        let state = self.state().await?;
        // A plan passes over what has changed since, so nobody knows where it leaves the target.
        let cursors = decision.link.iter().filter(|_| request.plan.is_none()).flat_map(Link::moves).collect::<Vec<_>>();
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
            clock: &*self.clock,
            restores: None,
            refreshes: decision.refreshes,
            is_exact: decision.is_exact,
            cursors: Cursors::Behind(&cursors),
            decided_at: Some(decision.decided_at.clone()),
        };
        let mut source = Remembered::new(source, &decision.kept);
        let applier = Applier::new(&works, &decision.target_schema, &mut source, &*target.store, context);
        let applier = applier.defining(&decision.steps);
        Ok(match part {
            None => carry(applier, writer).await,
            Some(first) => carry_part(applier.numbered_from(first), writer).await,
        })
    }
}

/// A database of a server. What runs keep of a target is kept for a database: a table of one of its schemas could not be told
/// from one of that name in another, and the run's own writes would count as changes of its source.
fn of_schemas(error: Error) -> Error {
    error
        .because(
            "both names lead to one database of one server, whatever address, user or schema they name; locks, held rows \
             and before-images are kept for a database, so that two schemas of it cannot be told apart",
        )
        .next("name another database as the target", "")
        .next("syncline copy SOURCE FILE.db --tables NAMES", "goes from schema to schema by a file; then:")
        .next("syncline copy FILE.db TARGET", "with schema=NAME in the name of the target")
}

/// Both ends must be different databases.
pub(crate) fn check_ends(source: &Database, target: &Database) -> Result<()> {
    if source.description.identity == target.description.identity {
        let what = format!("{} and {} are the same database", source.label, target.label);
        let error = Error::new(Code::GuardSameTable, what).leaving("nothing was changed");
        return Err(match Dialect::of(source.description.engine) {
            Dialect::Sqlite | Dialect::Mysql => error,
            Dialect::Postgres => of_schemas(error),
        });
    }
    Ok(())
}
