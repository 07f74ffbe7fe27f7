//! Following a source: what is touched there is in the target a moment later, until somebody stops it.
//!
//! A run that follows goes from window to window. Each is what an incremental run would carry, in one transaction of the
//! target with its cursors, so whatever ends the run leaves the source as it was at one moment, and the next one goes on from there.

mod totals;

use std::time::{Duration, Instant};

use syncline_core::error::{Code, Error, Result, shell_word};
use syncline_core::event::Event;
use syncline_core::limits;
use syncline_core::mapping::TableFilter;
use syncline_core::pace::Lane;
use syncline_core::pipeline::{Accounts, close};
use syncline_core::state::Ledger;
use syncline_core::store::Writer;

use self::totals::Totals;
use crate::decide::{Link, check_room, listed};
use crate::open::{Database, Purpose};
use crate::request::{RunRequest, Strategy};
use crate::run::{Record, Worked, check_ends};
use crate::select::{admitted, check_names};
use crate::session::{Syncline, now_ms};
use crate::side_by_side::Schemas;
use crate::summary::Summary;

/// Why a run that follows has ended without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Somebody stopped it.
    Stopped,
    /// It has gone on for long enough under one name.
    Rolled,
}

impl Syncline {
    /// Brings the target in line with the source as [`Syncline::run`] does, and goes on with what is touched in the source from
    /// then on, until the session is cancelled: that is its proper end. A database that is lost is waited for.
    ///
    /// Events of the kind [`Event::Followed`] tell what was carried. The summary is that of the last run on record, of which there
    /// is a new one from time to time.
    ///
    /// # Errors
    /// As [`Syncline::run`]; `NOT_TRACKED` where the source keeps no log.
    pub async fn follow(&self, request: &RunRequest) -> Result<Summary> {
        self.logged(Box::pin(self.follow_until_stopped(request))).await
    }

    async fn follow_until_stopped(&self, request: &RunRequest) -> Result<Summary> {
        let mut request = RunRequest { strategy: Strategy::Incremental, ..request.clone() };
        request.check()?;
        if !request.cursors.is_empty() {
            return Err(Error::new(Code::UsageInvalid, "a source cannot be followed by a column")
                .because("nothing tells when there is something new, and deletes would never come")
                .leaving("nothing was changed")
                .next(format!("syncline track {}", shell_word(&request.source)), "log its changes, and follow the log")
                .next("leave --watch away", "run it as often as you like"));
        }
        if !request.mapping.misfits.is_empty() {
            return Err(Error::new(Code::UsageInvalid, "a source cannot be followed with --misfit")
                .because("which values were bent is told by going through the whole source once more")
                .leaving("nothing was changed")
                .next("leave --misfit away", "rows with values that do not fit are held, and listed"));
        }
        self.require_logs(&request).await.map_err(|error| error.leaving_if_unsaid("nothing was changed"))?;
        // What the log does not tell of is loaded or compared, and the result proven.
        let mut last = self.first_run(&request).await?;
        request.backup = false;
        if !self.cancel().is_cancelled() {
            self.events().emit(Event::Followed(Totals::of(&last, now_ms())));
        }
        let mut pause = limits::FOLLOW_AGAIN;
        while !self.cancel().is_cancelled() {
            let mut has_carried = false;
            match Box::pin(self.follow_for_a_while(&request, &mut has_carried)).await {
                Ok((summary, ended)) => {
                    (last, pause) = (summary, limits::FOLLOW_AGAIN);
                    if ended == Ended::Stopped {
                        break;
                    }
                }
                Err(error) if is_lost(&error) => {
                    pause = if has_carried { limits::FOLLOW_AGAIN } else { pause };
                    self.wait_after(&error, &mut pause).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(last)
    }

    /// The run before the first window. A database that was reached and is lost on the way is waited for; one that cannot be reached
    /// from the beginning may have been named wrongly.
    async fn first_run(&self, request: &RunRequest) -> Result<Summary> {
        let (mut was_reached, mut pause) = (false, limits::FOLLOW_AGAIN);
        loop {
            match Box::pin(self.run_through(request, None)).await {
                Err(error) if is_lost(&error) && (was_reached || error.code() == Code::ConnectionLost) => {
                    was_reached = true;
                    self.wait_after(&error, &mut pause).await;
                    self.cancel().check()?;
                }
                done => return done,
            }
        }
    }

    /// Says what was lost, and waits before it is asked for again.
    async fn wait_after(&self, error: &Error, pause: &mut Duration) {
        self.log_attempt(error).await;
        self.note(format!("{error}; what was touched waits in its log, and the next attempt is in {pause:.0?}"));
        self.wait(*pause).await;
        *pause = (*pause * 2).min(limits::FOLLOW_AGAIN_MAX);
    }

    /// A table without a log would be read whole for each window.
    async fn require_logs(&self, request: &RunRequest) -> Result<()> {
        let source = self.open_database(&request.source, Purpose::Read).await?;
        let mut view = source.store.snapshot().await?;
        let (schema, logs) = (view.schema().await?, view.logs().await?.unwrap_or_default());
        let filter = TableFilter::parse(&request.tables)?;
        check_names(&filter, &[&schema])?;
        let is_logged = |name: &str| logs.ends.contains_key(name) || logs.defects.contains_key(name);
        let tables = admitted(&schema, &filter);
        let without: Vec<&str> =
            tables.iter().map(|table| table.name.as_str()).filter(|name| !is_logged(name)).collect();
        if without.is_empty() {
            return Ok(());
        }
        let what = format!("the changes of {} in {} are not logged", listed(&without), source.label);
        let track = format!("syncline track {}", shell_word(&source.label));
        Err(Error::new(Code::NotTracked, what)
            .because("only what a log tells of can be followed")
            .next(track, "log them from now on")
            .next("--tables …", "follow those that are logged"))
    }

    /// One run on record, from window to window.
    async fn follow_for_a_while(&self, request: &RunRequest, has_carried: &mut bool) -> Result<(Summary, Ended)> {
        let started = Instant::now();
        let request = &RunRequest { rate: self.rate_of(request.rate), ..request.as_of(now_ms()) };
        let pace = self.pace(request.rate);
        let source = self.open_database(&request.source, Purpose::Read).await?.paced(pace.as_ref(), Lane::Source);
        let target = self.open_database(&request.target, Purpose::of_target(request)).await?;
        let target = target.paced(pace.as_ref(), Lane::Target);
        check_ends(&source, &target)?;
        let between = format!("{} -> {}", source.label, target.label);
        let lock = self.lock_target(&target, request.verb.name(), &between).await?;
        let mut writer = target.store.writer().await?;
        writer.widen(self.jobs_of(request.jobs));
        self.recover(&target.description.identity, &mut *writer).await?;
        let run = self.begin_run(request, (&source, &target), None).await?;
        lock.name(&run).await;
        let record = Record { session: self, run, started, continues: None };
        let _watch = self.watch_for_cancel(&record.run).await?;
        let mut totals = Totals::default();
        let ended = self.go_on(request, (&source, &target), &mut *writer, (&record.run, &mut totals)).await;
        *has_carried = totals.last_batch > 0;
        let closed = self.close_accounts(request, &record.run, &mut totals, &mut *writer).await;
        let mut worked = totals.worked();
        let (ended, end) = match (ended, closed) {
            (Ok(ended), Ok(())) => (ended, Ok(())),
            (Ok(_), Err(error)) | (Err(error), _) => (Ended::Stopped, Err(error)),
        };
        worked.end = end;
        Ok((record.close(Ok(worked)).await?, ended))
    }

    /// Carries window after window.
    async fn go_on(
        &self,
        request: &RunRequest,
        (source, target): (&Database, &Database),
        writer: &mut dyn Writer,
        (run, totals): (&str, &mut Totals),
    ) -> Result<Ended> {
        let tracking = source.store.tracking();
        let (mut pulse, mut pause) = (None::<String>, limits::FOLLOW_PAUSE);
        let started = self.clock.now();
        let (mut round, mut told, mut known) = (None, started, None);
        let ended = loop {
            if self.cancel().is_cancelled() {
                break Ended::Stopped;
            }
            // Felt before the window is opened: what comes behind it makes another one.
            let felt = tracking.pulse(pulse.as_deref()).await?;
            let is_time = round.is_none_or(|round| self.clock.now() >= round + limits::FOLLOW_ROUND);
            if is_time {
                known = None;
            }
            if is_time || pulse.as_ref() != Some(&felt) {
                let was_known = known.is_some();
                let ends = (source, target);
                match Box::pin(self.window(request, ends, &mut *writer, (run, &mut *totals), &mut known)).await {
                    Err(error) if error.code() == Code::RunCancelled => break Ended::Stopped,
                    // Somebody may have changed a table since these were last looked at.
                    Err(error) if was_known && !is_lost(&error) && !self.cancel().is_cancelled() => {
                        known = None;
                        continue;
                    }
                    done => done?,
                }
                if is_time {
                    round = Some(self.clock.now());
                }
                pause = limits::FOLLOW_PAUSE;
            } else {
                pause = (pause * 3 / 2).min(limits::FOLLOW_PAUSE_MAX);
            }
            pulse = Some(felt);
            if self.clock.now() >= told + limits::FOLLOW_TOLD_EVERY {
                self.tell(source, totals).await;
                told = self.clock.now();
            }
            if totals.last_batch > 0 && self.clock.now() >= started + limits::FOLLOW_RUN_FOR {
                break Ended::Rolled;
            }
            self.wait(pause).await;
        };
        self.tell(source, totals).await;
        Ok(ended)
    }

    /// Carries what was touched since the last one, if anything was.
    async fn window(
        &self,
        request: &RunRequest,
        (source, target): (&Database, &Database),
        writer: &mut dyn Writer,
        (run, totals): (&str, &mut Totals),
        known: &mut Option<Schemas>,
    ) -> Result<()> {
        let spool = self.state().await?.spool(run).await?;
        let mut views = self.views_of_logged((source, target), 1, known.take()).await?;
        let schemas = views.schemas().await?;
        let mut views = views.knowing(Some(schemas.clone()));
        let mut decision = self.decide(request, (source, target), &mut views, &spool).await?;
        for (table, error) in &decision.refused {
            self.remark(format!("{table} is not carried: {error}"));
        }
        let strays = decision.link.iter().flat_map(|link| link.strays(&decision.tables, &source.label));
        strays.for_each(|stray| self.remark(stray));
        decision.check_guards(request)?;
        let changes_tables = decision.tables.iter().any(|decided| decided.changes_table());
        *known = (!changes_tables).then_some(schemas);
        decision.link.iter().for_each(|link| totals.stands(link));
        if !decision.has_work() {
            return Ok(());
        }
        let mut source_view = views.into_source();
        check_room(&decision, &*target.store).await?;
        decision.define_columns();
        writer.sign(decision.link.as_ref().map_or(run, Link::name));
        let held = self.state().await?.held_until_now().await?;
        let (ends, first) = ((&mut source_view, target), totals.last_number + 1);
        let carried = self.carry_out(request, &decision, ends, writer, (run, &spool, Some(first))).await?;
        (totals.last_batch, totals.last_number) = (totals.last_batch.max(carried.last_batch), carried.next_batch - 1);
        let worked = Worked::new(&decision, carried);
        if worked.tables.iter().any(|table| table.held + table.conflicts > 0) {
            // They wait for a person, and for the next window, from here on.
            let ledger = self.state().await?.ledger(run, Vec::new());
            ledger.seal_held(totals.last_batch).await?;
        }
        if worked.end.is_ok() {
            let finished = worked.finished(&decision);
            self.settle_finished(request, (run, held), &worked.whole_among(&finished)).await?;
        }
        drop(source_view);
        let (followed, end) = totals.add(&decision, worked, now_ms());
        if !followed.tables.is_empty() {
            self.events().emit(Event::Followed(followed));
        }
        end
    }

    /// Tells the source how far the target has come, so that its logs stay short.
    async fn tell(&self, source: &Database, totals: &mut Totals) {
        let Some(consumer) = totals.consumer() else { return };
        let told = async {
            let source = self.open_again(source, Purpose::Write).await?;
            source.store.tracking().acknowledge(&consumer).await
        };
        if let Err(error) = told.await {
            self.remark(format!("the change log of {} could not be shortened: {error}", source.label));
        }
    }

    async fn close_accounts(
        &self,
        request: &RunRequest,
        run: &str,
        totals: &mut Totals,
        writer: &mut dyn Writer,
    ) -> Result<()> {
        let state = self.state().await?;
        let (evidence, ledger) = (state.evidence(run), state.ledger(run, Vec::new()));
        let evidence = request.undo.then_some(&evidence as _);
        let accounts = Accounts { run, evidence, ledger: Some(&ledger), events: self.events() };
        close(&accounts, &mut totals.last_batch, writer).await
    }

    /// Waits so long, or until the session is cancelled.
    async fn wait(&self, pause: Duration) {
        let until = self.clock.now() + pause;
        while !self.cancel().is_cancelled() && self.clock.now() < until {
            self.clock.sleep(until.saturating_sub(self.clock.now()).min(limits::PACE_NAP)).await;
        }
    }
}

/// Whether a database, or the way to it, was lost and may be there again: what was touched meanwhile is in the log.
fn is_lost(error: &Error) -> bool {
    let code = error.code();
    error.is_passing()
        || matches!(code, Code::StoreUnreachable | Code::ConnectionLost | Code::StoreLocked | Code::RunLocked)
}
