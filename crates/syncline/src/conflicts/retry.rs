//! Held rows tried again: read anew by key, decided anew, written like any other change.

mod copies;
mod decide;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::tables::exactly;
use syncline_core::store::Writer;

use super::ConflictFilter;
use crate::decide::Ends;
use crate::open::{Database, Purpose};
use crate::request::{DeleteLimit, RunRequest, Strategy};
use crate::run::{Record, Worked, check_ends};
use crate::session::{Syncline, now_ms};
use crate::state::{ChosenEntry, NewRun, RunVerb, State};
use crate::summary::Summary;
use crate::target_lock::TargetLock;

/// Entries that one run can try again: those of one pair of databases, asked for in the same way.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The source's label.
    pub source: String,
    /// The target's label.
    pub target: String,
    request: RunRequest,
    source_identity: String,
    target_identity: String,
    entries: Vec<ChosenEntry>,
}

impl Retry {
    /// How many entries there are.
    pub fn rows(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Keys and entries by table.
    fn by_table(&self) -> BTreeMap<&str, Vec<&ChosenEntry>> {
        let mut tables = BTreeMap::<&str, Vec<&ChosenEntry>>::new();
        for entry in &self.entries {
            tables.entry(&entry.table).or_default().push(entry);
        }
        tables
    }
}

impl Syncline {
    /// What trying these entries again comes to: one run for each pair of databases. Without identifiers, those are meant
    /// that the filter lets through. Rows that wait for a chosen one come along, because they are released with it;
    /// entries that do not wait are passed over.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND` or `RUN_NOT_FOUND` when an identifier or the filter names what is not there.
    pub async fn retry_plan(&self, ids: &[String], filter: &ConflictFilter) -> Result<Vec<Retry>> {
        let state = self.state().await?;
        self.recover_dead_runs().await?;
        let mut chosen =
            if ids.is_empty() { state.choose_entries(filter).await? } else { state.choose_entries_by_id(ids).await? };
        if !(ids.is_empty() && filter.is_everything_open()) {
            add_dependents(state, &mut chosen).await?;
        }
        let mut retries = Vec::<Retry>::new();
        let mut requests = BTreeMap::new();
        for entry in chosen {
            if !requests.contains_key(&entry.last_run) {
                requests.insert(entry.last_run.clone(), self.request_of_entries(&entry.last_run).await?);
            }
            let (source, target, request) = &requests[&entry.last_run];
            let same = |retry: &&mut Retry| {
                let identities = (&retry.source_identity, &retry.target_identity);
                retry.request == *request && identities == (&entry.source_identity, &entry.target_identity)
            };
            match retries.iter_mut().find(same) {
                Some(retry) => retry.entries.push(entry),
                None => retries.push(Retry {
                    source: source.clone(),
                    target: target.clone(),
                    request: request.clone(),
                    source_identity: entry.source_identity.clone(),
                    target_identity: entry.target_identity.clone(),
                    entries: vec![entry],
                }),
            }
        }
        Ok(retries)
    }

    /// Labels of the databases of a run, and the part of its request that says what is carried and how it is seen.
    async fn request_of_entries(&self, run: &str) -> Result<(String, String, RunRequest)> {
        let record = self.state().await?.find_run(run).await?;
        let request = record.request.ok_or_else(|| {
            Error::new(Code::Internal, format!("{run} has held rows and was recorded without its request"))
        })?;
        let plain = RunRequest::new(request.verb, String::new(), String::new());
        let request = RunRequest {
            tables: Vec::new(),
            strategy: Strategy::Compare,
            max_delete: DeleteLimit::Guarded,
            allow_empty_source: false,
            verify: false,
            undo: true,
            plan: None,
            backup: false,
            batch_rows: plain.batch_rows,
            rate: None,
            jobs: None,
            ..request
        };
        Ok((record.source, record.target, request))
    }

    /// Tries held rows again. It is a run of its own and can be undone. What was refused again keeps its entry; all other
    /// chosen entries are settled.
    ///
    /// # Errors
    /// As for a run. `CONFLICT_STALE` when another database has taken the place of one of the databases.
    pub async fn retry(&self, retry: &Retry) -> Result<Summary> {
        self.logged(Box::pin(self.retry_held(retry))).await
    }

    async fn retry_held(&self, retry: &Retry) -> Result<Summary> {
        let started = Instant::now();
        let untouched = |error: Error| error.leaving_if_unsaid("nothing was changed");
        self.state().await.map_err(untouched)?;
        let source = self.open_database(&retry.request.source, Purpose::Read).await.map_err(untouched)?;
        let target = self.open_database(&retry.request.target, Purpose::Write).await.map_err(untouched)?;
        check_ends(&source, &target)?;
        check_place(&target, &retry.target_identity)?;
        let between = format!("{} -> {}", source.label, target.label);
        let lock = self.lock_target(&target, "retry", &between).await.map_err(untouched)?;
        self.retry_between(retry, &source, &target, &lock, started).await.map_err(untouched)
    }

    async fn retry_between(
        &self,
        retry: &Retry,
        source: &Database,
        target: &Database,
        lock: &TargetLock,
        started: Instant,
    ) -> Result<Summary> {
        let mut writer = target.store.writer().await?;
        self.recover(&target.description.identity, &mut *writer).await?;
        let tables = retry.by_table().into_keys().map(exactly).collect();
        let run = self
            .enter(NewRun {
                verb: RunVerb::Retry,
                source: source.label.clone(),
                target: target.label.clone(),
                source_identity: Some(source.description.identity.clone()),
                target_identity: target.description.identity.clone(),
                request: Some(RunRequest { tables, ..retry.request.clone() }),
                undoes: None,
                continues: None,
                keeps_images: true,
                started_ms: now_ms(),
            })
            .await?;
        lock.name(&run).await;
        let record = Record { session: self, run, started, continues: None };
        let _watch = self.watch_for_cancel(&record.run).await?;
        let worked = self.try_again(retry, source, target, &mut *writer, &record.run).await;
        record.close(worked).await
    }

    async fn try_again(
        &self,
        retry: &Retry,
        source: &Database,
        target: &Database,
        writer: &mut dyn Writer,
        run: &str,
    ) -> Result<Worked> {
        let state = self.state().await?;
        let spool = state.spool(run).await?;
        let mut source_view = source.store.snapshot().await?;
        let (decision, left) = {
            let mut target_view = target.store.snapshot().await?;
            let ends = Ends { source: &mut *source_view, target: &mut *target_view };
            self.decide_again(retry, ends, &spool).await?
        };
        let ends = (&mut source_view, target);
        let carried = self.carry_out(&retry.request, &decision, ends, writer, (run, &spool, None)).await?;
        let mut worked = Worked::new(&decision, carried);
        for entry in retry.entries.iter().filter(|entry| left.contains(&entry.id)) {
            worked.tables.iter_mut().filter(|table| table.table == entry.table).for_each(|table| table.held += 1);
        }
        if worked.end.is_ok() {
            let is_done = |name: &str| worked.tables.iter().any(|table| table.table == name && table.error.is_none());
            let is_left = |entry: &&ChosenEntry| left.contains(&entry.id);
            let done = retry.entries.iter().filter(|entry| is_done(&entry.table) && !is_left(entry));
            let ids: Vec<String> = done.map(|entry| entry.id.clone()).collect();
            state.settle_entries(run, &ids, now_ms()).await?;
        }
        Ok(worked)
    }
}

/// Adds the open entries that wait for a chosen one, and those that wait for these.
async fn add_dependents(state: &State, chosen: &mut Vec<ChosenEntry>) -> Result<()> {
    let mut known: BTreeSet<String> = chosen.iter().map(|entry| entry.id.clone()).collect();
    let mut to_ask: VecDeque<String> = chosen.iter().map(|entry| entry.id.clone()).collect();
    let mut added = Vec::new();
    while let Some(id) = to_ask.pop_front() {
        for waiting in state.entries_awaiting(&id).await? {
            if known.insert(waiting.clone()) {
                to_ask.push_back(waiting.clone());
                added.push(waiting);
            }
        }
    }
    chosen.extend(state.choose_entries_by_id(&added).await?);
    Ok(())
}

/// What was held for one target is not written to whatever has taken its place. A source may be made anew: it is read by
/// its name, as a run would read it.
fn check_place(database: &Database, identity: &str) -> Result<()> {
    if database.description.is_known_as(identity) {
        return Ok(());
    }
    let what = format!("{} is not the database that it was when the rows were held", database.label);
    Err(Error::new(Code::ConflictStale, what)
        .because("another database has taken its place")
        .leaving("nothing was changed")
        .next("put the database back in its place", "then try again")
        .next("run the copy or mirror again", "it compares with what is there now"))
}
