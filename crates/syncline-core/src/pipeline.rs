//! The loop over the work of one run.

use crate::apply::order::units;
use crate::apply::{Applier, TableOutcome};
use crate::error::Result;
use crate::event::{Event, EventSink, Point};
use crate::state::{Evidence, Ledger};
use crate::store::Writer;

/// What a run has done, and how it ended.
#[derive(Debug)]
pub struct Carried {
    /// One entry for each table of the work, in its order.
    pub outcomes: Vec<TableOutcome>,
    /// Transactions that are durable in the target, by the number of the last one; 0 when there is none.
    pub last_batch: u64,
    /// The number that no transaction had yet.
    pub next_batch: u64,
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
    let context = &applier.context;
    let accounts =
        Accounts { run: context.run, evidence: context.evidence, ledger: context.ledger, events: context.events };
    let closed = close(&accounts, &mut applier.last_batch, writer).await;
    carried(applier, applied.and(closed))
}

/// Carries out a part of a run that goes on behind it: nothing is sealed, and the checkpoint stays. The last part is followed
/// by [`close`].
pub async fn carry_part(mut applier: Applier<'_>, writer: &mut dyn Writer) -> Carried {
    applier.context.events.emit(Event::Reached(Point::Decided));
    let applied = apply_all(&mut applier, writer).await;
    carried(applier, applied)
}

fn carried(applier: Applier<'_>, end: Result<()>) -> Carried {
    let Applier { last_batch, next_batch, outcomes, .. } = applier;
    Carried { outcomes, last_batch, next_batch, end }
}

/// What is kept of a run while it works.
pub struct Accounts<'a> {
    /// Its name.
    pub run: &'a str,
    /// What was written, where that is kept.
    pub evidence: Option<&'a dyn Evidence>,
    /// What was held.
    pub ledger: Option<&'a dyn Ledger>,
    /// Who listens.
    pub events: &'a dyn EventSink,
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

/// Ends the account of a run whose last transaction had the number `last_batch`.
///
/// The target is asked how far the run has come, because a commit whose answer was lost may be durable all the same.
/// Without a single batch there is no checkpoint to remove, and the target is not touched.
///
/// # Errors
/// Those of the target and of the state.
pub async fn close(accounts: &Accounts<'_>, last_batch: &mut u64, writer: &mut dyn Writer) -> Result<()> {
    let checkpoints = writer.checkpoints().await?;
    if let Some(checkpoint) = checkpoints.into_iter().find(|checkpoint| checkpoint.run == accounts.run) {
        *last_batch = checkpoint.batch.max(*last_batch);
    }
    if let Some(evidence) = accounts.evidence {
        evidence.seal(*last_batch).await?;
    }
    if let Some(ledger) = accounts.ledger {
        ledger.seal_held(*last_batch).await?;
    }
    accounts.events.emit(Event::Reached(Point::Sealed));
    if *last_batch > 0 {
        writer.forget(accounts.run).await?;
    }
    accounts.events.emit(Event::Reached(Point::Forgotten));
    Ok(())
}
