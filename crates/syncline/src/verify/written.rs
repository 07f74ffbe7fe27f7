//! The proof of what a run has written: every row that was put or deleted, read back.

use syncline_core::capture::touched::digests_of;
use syncline_core::change::{PlannedChange, keys_of};
use syncline_core::error::Result;
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::Snapshot;

use super::Claim;
use crate::open::Database;
use crate::session::Syncline;
use crate::summary::Verified;

/// What is read back. What was put aside was written too.
const KINDS: [ChangeKind; 3] = [ChangeKind::Put, ChangeKind::Deferred, ChangeKind::Delete];

impl Syncline {
    /// Whether the rows that a run has changed in one table are what it was to make of them.
    pub(super) async fn verify_written(
        &self,
        claim: &Claim<'_>,
        (source, target): (&Database, &Database),
        view: &mut dyn Snapshot,
        spool: &dyn Spool,
    ) -> Result<Verified> {
        let (work, table, phase) = (claim.work, &claim.work.name, Phase::Verify);
        let rows = Some(work.puts + work.deletes);
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows });
        let state = self.state().await?;
        let known = state.open_keys(&source.description.identity, &target.description.identity, table).await?;
        let (mut done, mut unknown, mut excepted) = (0, 0, claim.left_alone);
        for kind in KINDS {
            let mut offset = 0;
            loop {
                let page = spool.page(table, kind, offset, limits::SPOOL_PAGE).await?;
                if page.is_empty() {
                    break;
                }
                self.cancel().check()?;
                offset += page.len() as u64;
                done += page.len() as u64;
                let wrong = self.wrong(claim, &page, view).await?;
                let held = wrong.iter().filter(|change| known.contains(&change.key)).count() as u64;
                (unknown, excepted) = (unknown + wrong.len() as u64 - held, excepted + held);
                self.events().emit(Event::Progress { table: table.clone(), phase, rows: done });
            }
        }
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: done });
        Ok(match (unknown > claim.beside, excepted > 0) {
            (true, _) => Verified::Different,
            (false, true) => Verified::EqualExcept,
            (false, false) => Verified::Equal,
        })
    }

    /// The changes that the target does not show.
    async fn wrong<'p>(
        &self,
        claim: &Claim<'_>,
        page: &'p [PlannedChange],
        view: &mut dyn Snapshot,
    ) -> Result<Vec<&'p PlannedChange>> {
        let task = &claim.work.target;
        let keys = keys_of(page, task.key_width())?;
        let found = digests_of(view.fetch(task, &keys).await?, task, &keys).await?;
        Ok(page
            .iter()
            .zip(found)
            .filter(|(change, found)| change.becomes != *found)
            .map(|(change, _)| change)
            .collect())
    }
}
