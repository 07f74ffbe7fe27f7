//! Taking back what was done to rows without a key, which only their places tell apart.

use std::collections::HashSet;

use syncline_core::change::{Operation, PlannedChange, TableTask, copies};
use syncline_core::error::Result;
use syncline_core::undo::reverse;
use syncline_core::value::exact;

use super::plan::RECENT_RUNS;
use crate::session::Syncline;
use crate::state::{State, Trace};

impl Syncline {
    /// Undos of this run that have not come to their end, or did not take everything back, and are in force. Of rows with
    /// a key one sees what they have done; a copy that is back in another place looks like any other.
    pub(super) async fn attempts_to_undo(&self, undone: &str, now: &str) -> Result<Vec<String>> {
        let (runs, _) = self.state().await?.list_runs(RECENT_RUNS, None).await?;
        let attempts = runs.into_iter().filter(|run| {
            run.undoes.as_deref() == Some(undone) && run.undone_by.is_none() && run.id != now && run.keeps_images
        });
        Ok(attempts.map(|run| run.id).collect())
    }
}

/// The changes that take the images back, but for those that an earlier attempt has carried out.
pub(super) async fn changes(
    state: &State,
    attempts: &[String],
    table: &str,
    traces: impl Iterator<Item = Trace>,
) -> Result<Vec<PlannedChange>> {
    let mut changes: Vec<_> = traces.map(take_back).collect();
    let keys: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
    for attempt in attempts {
        let (mut done, mut keys) = (HashSet::new(), &keys[..]);
        while !keys.is_empty() {
            let (images, looked_up) = state.images_by_key(attempt, table, keys).await?;
            done.extend(images.into_iter().map(|image| (image.key, image.after.is_none())));
            keys = &keys[looked_up..];
        }
        changes.retain(|change| !done.contains(&(change.key.clone(), change.operation == Operation::Delete)));
    }
    Ok(changes)
}

/// As [`reverse`]. A row that was inserted is deleted where it is, which need not be where it was meant to be.
fn take_back(trace: Trace) -> PlannedChange {
    let key = match (trace.was_there, trace.place, copies::decode(&trace.key)) {
        (false, Some(place), Some((digest, _))) => copies::encode(digest, place),
        _ => trace.key,
    };
    reverse(key, trace.was_there, trace.after)
}

/// Whether an image whose trace this is was made of a table with the key that it has now, or without one as now.
///
/// A key of two cells may look like that of a row without a key, but never holds the digest of its own row.
pub(super) fn is_key_of(task: &TableTask, trace: &Trace) -> bool {
    let copy = copies::decode(&trace.key);
    if task.is_multiset() {
        return copy.is_some();
    }
    let is_digest = |digest| [trace.before, trace.after].contains(&Some(digest));
    exact::decode_row(&trace.key).map(|key| key.len()) == Ok(task.key.len())
        && !copy.is_some_and(|(digest, _)| is_digest(digest))
}
