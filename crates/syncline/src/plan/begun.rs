//! The part of a plan that runs which were cut off have carried out.
//!
//! What they have written is on record row by row, in their before-images, so that what is left of the plan is known
//! exactly: a change counts as done if a run has made it and no undo has taken it back.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use syncline_core::change::{Operation, PlannedChange, TableTask, copies, keys_of};
use syncline_core::error::{Code, Error, Result, shell_word};
use syncline_core::store::Snapshot;
use syncline_core::value::{Value, exact};

use crate::decide::Decided;
use crate::state::{RunRecord, State, Written};

/// What was begun of a plan.
pub(crate) struct Begun {
    state: State,
    runs: Vec<Part>,
    /// A run of the plan has committed something, even if it was taken back since.
    has_committed: bool,
    /// A run whose part is still in force, but not on record any more.
    lost: Option<String>,
}

/// What one run has done of the plan.
struct Part {
    run: String,
    can_undo: bool,
    loads: Vec<String>,
    /// Undos of the run that did not take all of it back.
    attempts: Vec<String>,
}

impl Begun {
    /// What runs have done of the plan to this target. The caller holds its lock and has recovered its dead runs.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) async fn of(state: &State, plan: &str, target_identity: &str) -> Result<Self> {
        let mut begun = Self { state: state.clone(), runs: Vec::new(), has_committed: false, lost: None };
        for run in state.plan_runs(plan).await? {
            if run.target_identity == target_identity {
                begun.add(run).await?;
            }
        }
        Ok(begun)
    }

    async fn add(&mut self, run: RunRecord) -> Result<()> {
        self.has_committed |= self.state.sealed_batch(&run.id).await?.is_some_and(|batch| batch > 0);
        if run.undone_by.is_some() {
            return Ok(());
        }
        if self.state.has_changes(&run.id).await? {
            let loads = self.state.loads(&run.id).await?.into_iter().map(|load| load.table).collect();
            let attempts = self.state.undos_in_force(&run.id).await?;
            let can_undo = run.keeps_images;
            self.runs.push(Part { run: run.id, can_undo, loads, attempts });
        } else if run.written_rows > 0 {
            self.lost = Some(run.id);
        }
        Ok(())
    }

    /// The newest run whose part of the plan is in force.
    pub(crate) fn last_run(&self) -> Option<&str> {
        self.runs.last().map(|part| part.run.as_str()).or(self.lost.as_deref())
    }

    /// Whether columns that the plan adds may be there already.
    pub(super) fn has_committed(&self) -> bool {
        self.has_committed
    }

    /// Whether a run has loaded the table. With `is_empty_again`, an undo that was cut off may have emptied it since.
    pub(super) fn has_loaded(&self, table: &str, is_empty_again: bool) -> bool {
        let counts = |part: &&Part| !is_empty_again || part.attempts.is_empty();
        self.runs.iter().filter(counts).any(|part| part.loads.iter().any(|load| load == table))
    }

    /// Passes every change of a table on that was made and not taken back.
    pub(super) async fn each_change(
        &self,
        found: &Decided,
        target: &mut dyn Snapshot,
        mut made: impl FnMut(PlannedChange),
    ) -> Result<()> {
        let table = &found.work.name;
        for part in &self.runs {
            let mut after = 0;
            loop {
                let page = self.state.written(&part.run, table, &found.work.target, after).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                let mut changes: Vec<_> = page.into_iter().map(|(_, written)| change_of(found, written)).collect();
                self.drop_undone(part, table, &mut changes).await?;
                if found.work.target.is_multiset() {
                    see_copies(&found.work.target, target, &mut changes).await?;
                } else {
                    changes.iter_mut().try_for_each(|change| see_key(&found.work.target, change))?;
                    look_up_becomes(found, target, &mut changes).await?;
                }
                changes.into_iter().for_each(&mut made);
            }
        }
        Ok(())
    }

    /// Takes changes off the list that an undo has taken back without coming to its end.
    async fn drop_undone(&self, part: &Part, table: &str, changes: &mut Vec<PlannedChange>) -> Result<()> {
        let keys: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
        for attempt in &part.attempts {
            let (mut undone, mut keys) = (HashSet::new(), &keys[..]);
            while !keys.is_empty() {
                let (images, looked_up) = self.state.images_by_key(attempt, table, keys).await?;
                undone.extend(images.into_iter().map(|image| image.key));
                keys = &keys[looked_up..];
            }
            changes.retain(|change| !undone.contains(&change.key));
        }
        Ok(())
    }

    /// Says of an error what stays of the plan, and what can be done about it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let Some(run) = self.last_run().filter(|_| error.code() == Code::PlanStale) else { return error };
        let error = error.leaving(format!("nothing more was written; what {run} had written of it stays"));
        match (&self.lost, self.runs.last()) {
            (Some(lost), _) => error.because(format!("what {lost} had written of it is not on record any more")),
            (None, Some(part)) if part.can_undo => {
                error.next(format!("syncline undo {run}"), "take that part back; the plan is whole again then")
            }
            _ => error,
        }
    }
}

fn change_of(found: &Decided, written: Written) -> PlannedChange {
    let Written { key, seen, after } = written;
    let operation = match (seen, after) {
        (None, _) => Operation::Insert,
        (Some(_), None) => Operation::Delete,
        (Some(_), Some(_)) => Operation::Update,
    };
    let becomes = match copies::decode(&key) {
        Some((digest, _)) if found.work.target.is_multiset() && operation == Operation::Insert => Some(digest),
        _ => after,
    };
    PlannedChange { operation, key, seen, becomes, copies: None }
}

/// What runs have on record is called as the engine stores it, and what a plan holds as both sides see it.
fn see_key(target: &TableTask, change: &mut PlannedChange) -> Result<()> {
    if target.forms.are_native() {
        return Ok(());
    }
    let stored = exact::decode_row(&change.key)
        .map_err(|error| Error::new(Code::StateFailed, "the key of a before-image cannot be read").caused_by(error))?;
    let key = target.seen(target.key.iter().copied(), stored);
    change.key = exact::encode_row(key.iter().map(Value::as_ref));
    Ok(())
}

/// Rows without a key are called by digests of what is stored, and in a plan by those of what both sides see. Of rows that
/// have left there are images; the others are read where they were put. One that is not there any more keeps its name, which is
/// none of the plan's.
async fn see_copies(target: &TableTask, view: &mut dyn Snapshot, changes: &mut [PlannedChange]) -> Result<()> {
    if target.forms.are_native() {
        return Ok(());
    }
    let stored = target.unfiltered().native();
    let keys = keys_of(changes.iter().filter(|change| change.becomes.is_some()), stored.key_width())?;
    let (mut scratch, mut seen_as) = (Vec::new(), HashMap::new());
    let mut batches = view.fetch(&stored, &keys).await?;
    while let Some(rows) = batches.next().await.transpose()? {
        for row in rows.rows() {
            let name = stored.digest(row.iter(), &mut scratch);
            let seen = target.seen(0..target.columns.len(), row.iter());
            seen_as.insert(name, target.digest(seen.iter().map(Value::as_ref), &mut scratch));
        }
    }
    for change in changes {
        let Some((name, place)) = copies::decode(&change.key) else { continue };
        let seen = change.seen.or_else(|| seen_as.get(&name).copied());
        if let Some(digest) = seen {
            change.key = copies::encode(digest, place);
            change.becomes = change.becomes.map(|_| digest);
        }
    }
    Ok(())
}

/// Where the target has columns that are not carried, the digest of what was written covers them too, and where it stores
/// values otherwise than both sides see them, it is a digest of those. What the row holds is read again.
async fn look_up_becomes(found: &Decided, target: &mut dyn Snapshot, changes: &mut [PlannedChange]) -> Result<()> {
    let task = found.work.target.unfiltered();
    if task.mapped.kept.is_empty() && task.forms.are_native() {
        return Ok(());
    }
    let put = |change: &&mut PlannedChange| change.becomes.is_some();
    let mut puts: Vec<_> = changes.iter_mut().filter(put).collect();
    let keys = keys_of(puts.iter().map(|change| &**change), task.key_width())?;
    let mut scratch = Vec::new();
    let mut now = HashMap::new();
    let mut batches = target.fetch(&task, &keys).await?;
    while let Some(rows) = batches.next().await.transpose()? {
        for row in rows.rows() {
            let key = exact::encode_row(row.select(&task.key));
            now.insert(key, task.digest(row.iter(), &mut scratch));
        }
    }
    for change in &mut puts {
        change.becomes = now.get(&change.key).copied();
    }
    Ok(())
}

/// The command that carries a plan out.
pub(crate) fn apply_command(path: &str) -> String {
    format!("syncline apply {}", shell_word(path))
}
