//! Deciding for rows without a key: each entry stands for all copies of a row, so both sides are counted anew.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use syncline_core::apply::{Action, TableWork};
use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{Operation, PlannedChange, copies};
use syncline_core::error::Result;
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::state::Spool;

use crate::decide::{Decided, Ends};
use crate::pairing::Pair;
use crate::request::Verb;
use crate::session::Syncline;
use crate::state::ChosenEntry;

impl Syncline {
    /// Compares the tables and keeps what concerns the rows behind the entries. As for rows with a key, a row goes only if
    /// it was held on its way out; other entries of a mirror whose rows are too many are left.
    pub(super) async fn decide_copies(
        &self,
        verb: Verb,
        pair: Pair,
        entries: &[&ChosenEntry],
        ends: Ends<'_>,
        spool: &dyn Spool,
        left: &mut HashSet<String>,
    ) -> Result<Decided> {
        let Pair { source, target, .. } = pair;
        let (name, phase) = (source.table.name.clone(), Phase::Compare);
        let entries: BTreeMap<&[u8], &ChosenEntry> = entries.iter().map(|entry| (&*entry.key, *entry)).collect();
        let rows = ends.source.estimate(&source).await?.rows;
        self.emit(Event::PhaseStarted { table: name.clone(), phase, rows: Some(rows) });
        let mut compare = Compare::of(&source, ends.source.digest(&source).await?, ends.target.digest(&target).await?);
        let (mut puts, mut deletes, mut differing) = (0, 0, BTreeSet::new());
        while let Some(mut page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            let mut is_kept = |change: &PlannedChange| {
                let called = copies::name_of(&change.key);
                let Some((called, entry)) = entries.get_key_value(&*called) else { return false };
                let is_delete = change.operation == Operation::Delete;
                let is_kept = !is_delete || verb == Verb::Mirror && entry.operation == Operation::Delete;
                if is_kept {
                    differing.insert(*called);
                } else if verb == Verb::Mirror {
                    left.insert(entry.id.clone());
                }
                is_kept
            };
            page.retain(&mut is_kept);
            let gone = page.iter().filter(|change| change.operation == Operation::Delete).count() as u64;
            (deletes, puts) = (deletes + gone, puts + page.len() as u64 - gone);
            if !page.is_empty() {
                spool.append(&name, &page).await?;
            }
            self.emit(Event::Progress { table: name.clone(), phase, rows: compare.tally().source_rows() });
        }
        self.emit(Event::PhaseEnded { table: name.clone(), phase, rows: compare.tally().source_rows() });
        drop(compare);
        let same = (entries.len() - differing.len()) as u64;
        let action = Action::Differences;
        let work = TableWork { name, source, target, action, puts, deletes, sequence: None };
        let tally = Tally { same, ..Tally::default() };
        let how = "retry of held rows".to_owned();
        Ok(Decided { work, tally, kept: 0, added: Vec::new(), how, is_unmoved: false, incremental: None })
    }
}
