//! Taking back what a run loaded into an empty table. Of that there are no images, but a sum and a sketch of all rows.

use std::collections::HashSet;

use futures_util::StreamExt;
use syncline_core::apply::{Action, TableWork};
use syncline_core::cancel::Cancel;
use syncline_core::change::{Operation, PlannedChange, RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result, exactly, shell_word};
use syncline_core::limits;
use syncline_core::mapping::MappingRequest;
use syncline_core::schema::Schema;
use syncline_core::state::{LoadRecord, Spool};
use syncline_core::store::{Share, Snapshot, Store};
use syncline_core::value::{Remainder, Sketch, Sketched, TableSum, exact};

use super::works::{sequence_before, task_of};
use crate::state::{RunRecord, State, Trace};

/// What taking loads back needs to know.
pub(super) struct Loads<'u> {
    pub(super) state: &'u State,
    /// The run that is taken back, and undos of it that came not to their end.
    pub(super) run: &'u RunRecord,
    pub(super) attempts: &'u [String],
    pub(super) mapping: &'u MappingRequest,
    pub(super) target: &'u dyn Store,
    pub(super) schema: &'u Schema,
    pub(super) spool: &'u dyn Spool,
    pub(super) cancel: &'u Cancel,
}

impl Loads<'_> {
    /// The work that takes a load back. As a whole where the table holds what is on record; else row by row: those that are
    /// as they were loaded go, and the others come back as *moved*.
    ///
    /// # Errors
    /// `UNDO_STALE` where the table or too many of its rows are others by now.
    pub(super) async fn work(&self, load: &LoadRecord, name_in_target: &str) -> Result<TableWork> {
        let task = task_of(self.schema, name_in_target, &load.columns)?;
        let task = TableTask { forms: load.forms.clone(), ..task };
        let Some(mut left) = on_record(load) else { return self.whole(load, task, &load.sum).await };
        self.without_attempts(&mut left, &load.table, &task).await?;
        let mut view = self.target.snapshot().await?;
        let there = self.take_present(&mut *view, &task, &mut left.sketch).await?;
        if there == left.sum || there.rows == 0 && !load.created {
            return self.whole(load, task, &left.sum.to_bytes()).await;
        }
        let found = left.sketch.read().ok_or_else(|| self.too_many(&load.table))?;
        if found.extra.is_empty() {
            // Others have only deleted rows since.
            return self.whole(load, task, &there.to_bytes()).await;
        }
        let deletes = self.spool_rows(&mut *view, (load, &task), found).await.map_err(|error| match error.code() {
            Code::KeyNull | Code::TableNoKey => changed(&load.table).because(error.to_string()),
            _ => error,
        })?;
        let work = self.whole(load, task, &load.sum).await?;
        Ok(TableWork { action: Action::Differences, deletes, ..work })
    }

    /// All rows leave at once, if their sum is this.
    async fn whole(&self, load: &LoadRecord, task: TableTask, sum: &[u8]) -> Result<TableWork> {
        // The counter of a table that goes, goes with it.
        let sequence = match load.created {
            true => None,
            false => sequence_before(self.state, &self.run.id, &load.table, &task, load.sequence).await?,
        };
        let load = LoadRecord { sum: sum.to_vec(), ..load.clone() };
        let (name, source, target, action) = (load.table.clone(), task.clone(), task, Action::Empty(load));
        Ok(TableWork { name, source, target, action, puts: 0, deletes: 0, sequence })
    }

    /// Takes out what earlier undos have taken back already. Those have left images.
    async fn without_attempts(&self, left: &mut Sketched, table: &str, task: &TableTask) -> Result<()> {
        let unreadable = |error| Error::new(Code::StateFailed, "a before-image cannot be read").caused_by(error);
        let mut scratch = Vec::new();
        for attempt in self.attempts {
            let mut after = 0;
            loop {
                let page = self.state.traces(attempt, table, after, limits::SPOOL_PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                let is_gone = |trace: &Trace| trace.was_there && trace.after.is_none();
                let keys: Vec<_> = page.into_iter().filter(|(_, trace)| is_gone(trace)).map(|(_, t)| t.key).collect();
                let mut keys = &keys[..];
                while !keys.is_empty() {
                    let (images, looked_up) = self.state.images_by_key(attempt, table, keys).await?;
                    keys = &keys[looked_up..];
                    for before in images.into_iter().filter_map(|image| image.before) {
                        let stored = exact::decode_row(&before).map_err(unreadable)?;
                        let seen = task.seen(0..task.columns.len(), stored);
                        left.remove_digest(task.digest(seen.iter().map(|cell| cell.as_ref()), &mut scratch).0);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes all rows of the table out of the sketch. Returns their sum.
    async fn take_present(&self, view: &mut dyn Snapshot, task: &TableTask, sketch: &mut Sketch) -> Result<TableSum> {
        let mut there = TableSum::default();
        let mut parts = view.sum(task, Share::ALL).await?;
        while let Some(part) = parts.next().await.transpose()? {
            self.cancel.check()?;
            there.merge(part.sum);
            part.digests.iter().for_each(|digest| sketch.remove(*digest));
        }
        Ok(there)
    }

    /// Decides for each row: one that was loaded leaves, if it still is what it is now; any other is to be named and left.
    async fn spool_rows(
        &self,
        view: &mut dyn Snapshot,
        (load, task): (&LoadRecord, &TableTask),
        found: Remainder,
    ) -> Result<u64> {
        // Where no loaded row is missing, others have only added theirs. Those are in nobody's way, unless the table is to go.
        let names_extra = load.created || !found.missing.is_empty();
        // Of equal rows without a key so many are left as have come.
        let (mut extra, mut deletes) = (found.extra.into_iter().collect::<HashSet<_>>(), 0);
        let mut digests = view.digest(task).await?;
        while let Some(batch) = digests.next().await.transpose()? {
            self.cancel.check()?;
            let mut changes = Vec::with_capacity(batch.digests.len());
            for (key, digest) in batch.keys.rows().zip(batch.digests) {
                let mut key = exact::encode_row(key.iter());
                let mut seen = digest;
                if extra.remove(&digest.0) {
                    if !names_extra {
                        continue;
                    }
                    // No row that was loaded: what stands there is not what would have to.
                    seen = RowDigest(!digest.0);
                    if let Some((_, place)) = copies::decode(&key).filter(|_| task.is_multiset()) {
                        key = copies::encode(seen, place);
                    }
                }
                let operation = Operation::Delete;
                changes.push(PlannedChange { operation, key, seen: Some(seen), becomes: None, copies: None });
            }
            deletes += changes.len() as u64;
            self.spool.append(&load.table, &changes).await?;
        }
        Ok(deletes)
    }

    fn too_many(&self, table: &str) -> Error {
        let RunRecord { id, source, target, .. } = self.run;
        let error = changed(table).because("too many rows are others by now for the rest to be told from them");
        if *self.mapping != MappingRequest::default() {
            return error.next(format!("syncline verify {id}"), "see how many rows differ from the source");
        }
        let [source, target, tables] = [source, target, &exactly(table)].map(|word| shell_word(word));
        let diff = format!("syncline diff {source} {target} --rows --tables {tables}");
        error.next(diff, "see the rows that differ from the source")
    }
}

/// What a load has left, if it is known row by row.
fn on_record(load: &LoadRecord) -> Option<Sketched> {
    Some(Sketched { sum: TableSum::from_bytes(&load.sum)?, sketch: Sketch::from_bytes(&load.sketch)? })
}

fn changed(table: &str) -> Error {
    Error::new(Code::UndoStale, format!("rows of {table} were changed since they were loaded"))
        .leaving("the table is untouched")
}
