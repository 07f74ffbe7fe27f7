//! Taking back what was done to rows without a key, which only their places tell apart.

use std::collections::HashSet;

use syncline_core::change::{Image, Operation, PlannedChange, RowDigest, TableTask, copies};
use syncline_core::error::Result;
use syncline_core::undo::reverse;
use syncline_core::value::exact;

use super::RECENT_RUNS;
use crate::session::Syncline;
use crate::state::State;

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
    images: impl Iterator<Item = Image>,
) -> Result<Vec<PlannedChange>> {
    let mut changes: Vec<_> = images.map(take_back).collect();
    let keys: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
    for attempt in attempts {
        let done = state.images_by_key(attempt, table, &keys).await?;
        let done: HashSet<_> = done.into_iter().map(|image| (image.key, image.after.is_none())).collect();
        changes.retain(|change| !done.contains(&(change.key.clone(), change.operation == Operation::Delete)));
    }
    Ok(changes)
}

/// As [`reverse`]. A row that was inserted is deleted where it is, which need not be where it was meant to be.
fn take_back(image: Image) -> PlannedChange {
    let key = match (&image.before, image.place, copies::decode(&image.key)) {
        (None, Some(place), Some((digest, _))) => copies::encode(digest, place),
        _ => image.key.clone(),
    };
    PlannedChange { key, ..reverse(image) }
}

/// Whether an image was made of a table with the key that it has now, or without one as now.
///
/// A key of two cells may look like that of a row without a key, but never holds the digest of its own row.
pub(super) fn is_key_of(task: &TableTask, image: &Image) -> bool {
    let copy = copies::decode(&image.key);
    if task.is_multiset() {
        return copy.is_some();
    }
    let before = image.before.as_deref().map(|row| RowDigest(exact::digest_bytes(row)));
    let is_digest = |digest| [before, image.after].contains(&Some(digest));
    exact::decode_row(&image.key).map(|key| key.len()) == Ok(task.key.len())
        && !copy.is_some_and(|(digest, _)| is_digest(digest))
}
