//! Rows that leave the transaction again that has inserted them.

use super::{Context, Pending, TableWork};
use crate::change::{ApplyMode, ChangeBatch, DeleteBatch};
use crate::error::{Code, Error, Result};
use crate::store::Transaction;
use crate::value::RowBatch;

impl Context<'_> {
    /// Deletes rows that this transaction has inserted. Of a load no trace is kept; elsewhere the images of insertion and
    /// deletion cancel each other out.
    pub(super) async fn take_out(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
        rows: &RowBatch,
        deletes: DeleteBatch,
    ) -> Result<()> {
        let wanted = deletes.keys.len() as u64;
        let load = pending.loads.iter_mut().find(|load| load.table == table);
        let evidence = self.evidence.filter(|_| load.is_none());
        let (mut batch, mut deleted) = (Some(ChangeBatch::Delete(deletes)), 0);
        while let Some(changes) = batch {
            let applied = tx.apply(&work.target, changes, ApplyMode::InPlace).await?;
            batch = applied.rest;
            deleted += applied.deleted;
            if let Some(evidence) = evidence {
                evidence.record_images(pending.number, &work.name, applied.images).await?;
            }
        }
        if deleted != wanted {
            return Err(not_as_written(work));
        }
        if let Some(load) = load {
            rows.rows().for_each(|row| load.rows.remove(row.iter(), work.target.forms.equality));
        }
        pending.taken_out.push((table, deleted));
        Ok(())
    }
}

/// Nobody else can have changed them.
pub(super) fn not_as_written(work: &TableWork) -> Error {
    Error::new(Code::Internal, format!("rows of {} are not as they were written", work.name))
}
