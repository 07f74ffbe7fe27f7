//! Deciding what is done to one table.

use syncline_core::apply::{Action, TableWork};
use syncline_core::capture::{Tally, Way};
use syncline_core::change::{Operation, PlannedChange, TableTask};
use syncline_core::error::Result;
use syncline_core::event::Phase;
use syncline_core::state::Spool;
use syncline_core::store::Snapshot;
use syncline_core::value::Equality;

use super::decision::Incremental;
use super::lane::{Lane, lane};
use super::link::Told;
use super::touched::count_untouched;
use super::{Basis, Decided, Ends, is_referenced};
use crate::compare::by_sums;
use crate::pairing::Pair;
use crate::request::{RunRequest, Verb};
use crate::session::Syncline;
use crate::side_by_side::is_large;

impl Syncline {
    pub(super) async fn decide_table(
        &self,
        request: &RunRequest,
        pair: &Pair,
        mut ends: Ends<'_>,
        basis: Basis<'_>,
    ) -> Result<Decided> {
        let Basis { target_schema, spool, link, .. } = basis;
        let (mut source, mut target, is_missing, added) =
            (pair.source.clone(), pair.target.clone(), pair.is_missing, pair.added.clone());
        // Rows outside the filter are rows all the same: a load needs a table that has none at all.
        let is_empty = is_missing || ends.target.is_empty(&target.unfiltered()).await?;
        let told = match link {
            Some(link) if !is_empty && !target.is_multiset() => Some(link.tells(pair, &mut ends).await?),
            _ => None,
        };
        let is_referenced = is_referenced(target_schema, &target.table.name);
        let (lane, mut how) = lane(request, is_missing, is_empty, (&target, is_referenced), told.as_ref());
        let mut incremental = None;
        let (action, mut tally) = match lane {
            Lane::Incremental => {
                let (logged, oldest_ms) = told.as_ref().map_or((0, None), Told::entries);
                let is_by_column = matches!(told, Some(Told::Above { .. }));
                let tally = self.compare_touched((&source, &target), ends.again(), request, basis, told).await?;
                let untouched = count_untouched(request, (&source, &target), ends.again(), tally).await?;
                let entries = if is_by_column { tally.source_rows() } else { logged };
                incremental = Some(Incremental { entries, oldest_ms, is_by_column, untouched });
                (Action::Differences, tally)
            }
            Lane::Load => {
                let equality = equality_of_load(&target);
                (source.forms.equality, target.forms.equality) = (equality, equality);
                (Action::Load { create: is_missing }, estimate_load(&source, ends.source).await?)
            }
            Lane::Refill => (Action::Refill, count_refill(&source, &target, ends.again()).await?),
            Lane::Compare => {
                let compared = self.compare_table(&source, &target, ends.again(), request, spool).await;
                if compared.as_ref().err().is_some_and(is_large) {
                    // It is begun anew, alone.
                    spool.forget(&source.table.name).await?;
                }
                let (tally, way) = compared?;
                how.extend(by_sums(way).map(|why| format!("; {why}")));
                (Action::Differences, tally)
            }
        };
        let kept = if request.keep_existing { std::mem::take(&mut tally.changed) } else { 0 };
        let deletes = if request.verb == Verb::Mirror { tally.only_target } else { 0 };
        let work = TableWork {
            name: source.table.name.clone(),
            puts: tally.only_source + tally.changed,
            deletes,
            source,
            target,
            action,
            sequence: None,
        };
        let is_unmoved = match (link, incremental) {
            (_, Some(seen)) => seen.entries == 0,
            (Some(link), None) if work.puts + work.deletes == 0 && !is_missing => {
                link.has_nothing_new(pair, &mut *ends.source).await?
            }
            _ => false,
        };
        Ok(Decided { work, tally, how, added, kept, is_unmoved, incremental })
    }

    async fn compare_table(
        &self,
        source: &TableTask,
        target: &TableTask,
        ends: Ends<'_>,
        request: &RunRequest,
        spool: &dyn Spool,
    ) -> Result<(Tally, Way)> {
        let (table, phase) = (&source.table.name, Phase::Compare);
        self.compare((source, target), ends, phase, async |mut page| {
            page.retain(|change| takes_part(request, change));
            if page.is_empty() { Ok(()) } else { spool.append(table, &page).await }
        })
        .await
    }
}

/// Whether a run makes changes of this kind.
pub(super) fn takes_part(request: &RunRequest, change: &PlannedChange) -> bool {
    match change.operation {
        Operation::Insert => true,
        Operation::Update => !request.keep_existing,
        Operation::Delete => request.verb == Verb::Mirror,
    }
}

/// By what rows are equal that are read, loaded and read again where they are now. Rows without a key are called by their
/// digest, so theirs is that of every comparison: otherwise nobody would find those again that were held.
fn equality_of_load(target: &TableTask) -> Equality {
    if target.is_multiset() {
        return target.forms.equality;
    }
    let stored_as = target.columns.iter().map(|column| &target.table.columns[*column].kind);
    target.forms.equality.of_loaded(stored_as)
}

/// What is known of a load beforehand. The source is not read for it: a row that cannot be read is met while loading, and
/// then the load's transaction comes to nothing.
async fn estimate_load(task: &TableTask, source: &mut dyn Snapshot) -> Result<Tally> {
    source.check_key(task).await?;
    let estimate = source.estimate(task).await?;
    Ok(Tally { only_source: estimate.rows, source_bytes: estimate.bytes, ..Tally::default() })
}

/// What refilling a table comes to: all its rows go and all of the source's come. For the guards only the loss counts.
async fn count_refill(source: &TableTask, target: &TableTask, ends: Ends<'_>) -> Result<Tally> {
    ends.source.check_key(source).await?;
    let (new, old) = (ends.source.count(source).await?, ends.target.count(target).await?);
    let source_bytes = ends.source.estimate(source).await?.bytes;
    Ok(Tally {
        changed: new.min(old),
        only_source: new.saturating_sub(old),
        only_target: old.saturating_sub(new),
        source_bytes,
        ..Tally::default()
    })
}
