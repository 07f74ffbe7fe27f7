//! The proof of one table.

use std::collections::HashSet;

use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{Operation, PlannedChange, TableTask, copies};
use syncline_core::error::Result;
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::store::Description;
use syncline_core::verify::{Side, sum_both};

use super::TableVerification;
use crate::decide::Ends;
use crate::open::recognise;
use crate::request::{RunRequest, Verb};
use crate::session::Syncline;
use crate::summary::Verified;

impl Syncline {
    /// What reading one table again has shown, and how many rows differ that nobody knows of: those in the ledger of this
    /// pair wait for a person already.
    pub(super) async fn verify_table(
        &self,
        request: &RunRequest,
        (source, target): (&TableTask, &TableTask),
        mut ends: Ends<'_>,
        [source_end, target_end]: &[Description; 2],
    ) -> Result<(TableVerification, u64)> {
        let table = &source.table.name;
        let phase = Phase::Verify;
        let rows = ends.source.estimate(source).await?.rows;
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows: Some(rows) });
        let progress = |rows| self.events().emit(Event::Progress { table: table.clone(), phase, rows });
        let source_side = Side { snapshot: &mut *ends.source, task: source };
        let target_side = Side { snapshot: &mut *ends.target, task: target };
        let (source_sum, target_sum) = sum_both(source_side, target_side, self.cancel(), &progress).await?;
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: source_sum.rows });
        let (mut verified, mut note, mut unknown) = (Verified::Equal, None, 0);
        if source_sum != target_sum {
            let state = self.state().await?;
            recognise(state, source_end).await?;
            recognise(state, target_end).await?;
            let known = state.open_keys(&source_end.identity, &target_end.identity, table).await?;
            let found = self.tally(request, source, target, ends.again(), &known).await?;
            unknown = found.unknown;
            if found.all > 0 {
                verified = if unknown == 0 { Verified::EqualExcept } else { Verified::Different };
                note = Some(described(&found));
            }
        }
        let report = TableVerification {
            table: table.clone(),
            verified,
            source_rows: source_sum.rows,
            target_rows: target_sum.rows,
            note,
        };
        Ok((report, unknown))
    }

    /// How two tables differ whose sums do. What only the target has is no difference after a copy.
    async fn tally(
        &self,
        request: &RunRequest,
        source: &TableTask,
        target: &TableTask,
        ends: Ends<'_>,
        known: &HashSet<Vec<u8>>,
    ) -> Result<Found> {
        let mut compare = Compare::of(source, ends.source.digest(source).await?, ends.target.digest(target).await?);
        let mut found = Found::default();
        while let Some(page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            let counts =
                |change: &&PlannedChange| request.verb == Verb::Mirror || change.operation != Operation::Delete;
            for change in page.iter().filter(counts) {
                found.all += 1;
                if is_known(source, change, known) {
                    found.held += 1;
                } else if request.keep_existing && change.operation == Operation::Update {
                    found.kept += 1;
                } else {
                    found.unknown += 1;
                }
            }
        }
        Ok(Found { tally: compare.tally(), ..found })
    }
}

/// Whether the row waits in the ledger, where all copies of a row without a key are one.
fn is_known(task: &TableTask, change: &PlannedChange, known: &HashSet<Vec<u8>>) -> bool {
    if task.is_multiset() { known.contains(&copies::name_of(&change.key)) } else { known.contains(&change.key) }
}

/// Rows that differ, and what is known of them.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    tally: Tally,
    all: u64,
    /// Those that the ledger has.
    held: u64,
    /// Those that were to stay as the target has them.
    kept: u64,
    /// The others.
    unknown: u64,
}

fn described(found: &Found) -> String {
    let Found { tally, held, kept, .. } = found;
    let mut note = format!(
        "{} rows only in the source, {} only in the target, {} with other values",
        tally.only_source, tally.only_target, tally.changed
    );
    for (rows, fate) in [(held, "are held"), (kept, "were kept as asked")] {
        if *rows > 0 {
            note += &format!("; {rows} of them {fate}");
        }
    }
    note
}
