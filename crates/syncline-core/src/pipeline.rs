//! The loop over the work of one run.

use crate::apply::order::units;
use crate::apply::{Applier, TableOutcome};
use crate::error::Result;
use crate::event::{Event, Point};
use crate::store::Writer;

/// What a run has done, and how it ended.
#[derive(Debug)]
pub struct Carried {
    /// One entry for each table of the work, in its order.
    pub outcomes: Vec<TableOutcome>,
    /// Transactions that are durable in the target, by the number of the last one; 0 when there is none.
    pub last_batch: u64,
    /// The failure that ended the run early, if one did: it concerns more than one table.
    pub end: Result<()>,
}

/// Carries out the work: columns that are to be added, puts with referenced tables first, deletes with referenced tables
/// last, and at the end the checkpoint goes, after the evidence says that it is no longer needed.
///
/// Whatever happens, what was committed stays, and the evidence says exactly that.
pub async fn carry(mut applier: Applier<'_>, writer: &mut dyn Writer) -> Carried {
    applier.context.events.emit(Event::Reached(Point::Decided));
    let applied = apply_all(&mut applier, writer).await;
    let closed = close(&mut applier, writer).await;
    Carried { last_batch: applier.last_batch, outcomes: applier.outcomes, end: applied.and(closed) }
}

async fn apply_all(applier: &mut Applier<'_>, writer: &mut dyn Writer) -> Result<()> {
    applier.take_back_cursors(writer).await?;
    applier.define(writer).await?;
    applier.keep_dangling().await?;
    if applier.context.refreshes || applier.restores_moved_references() {
        applier.refresh(writer).await?;
        applier.restore_sequences(writer).await?;
        return applier.advance(writer).await;
    }
    let units = units(&applier.tables.iter().map(|work| &*work.target.table).collect::<Vec<_>>());
    for unit in &units {
        applier.context.cancel.check()?;
        applier.put(unit, writer).await?;
    }
    for unit in units.iter().rev() {
        applier.context.cancel.check()?;
        applier.delete(unit, writer).await?;
    }
    applier.restore_sequences(writer).await?;
    applier.advance(writer).await
}

/// The target is asked how far the run has come, because a commit whose answer was lost may be durable all the same.
/// Without a single batch there is no checkpoint to remove, and the target is not touched.
async fn close(applier: &mut Applier<'_>, writer: &mut dyn Writer) -> Result<()> {
    let checkpoints = writer.checkpoints().await?;
    if let Some(checkpoint) = checkpoints.into_iter().find(|checkpoint| checkpoint.run == applier.context.run) {
        applier.last_batch = applier.last_batch.max(checkpoint.batch);
    }
    if let Some(evidence) = applier.context.evidence {
        evidence.seal(applier.last_batch).await?;
    }
    if let Some(ledger) = applier.context.ledger {
        ledger.seal_held(applier.last_batch).await?;
    }
    applier.context.events.emit(Event::Reached(Point::Sealed));
    if applier.last_batch > 0 {
        writer.forget(applier.context.run).await?;
    }
    applier.context.events.emit(Event::Reached(Point::Forgotten));
    Ok(())
}
