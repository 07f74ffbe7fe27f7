//! Deciding by a log: the rows that were touched, and those that wait in the ledger, which may come through by now.

use std::collections::HashSet;

use futures_util::future::join;
use syncline_core::capture::{Tally, Touched, compare_keys_of};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::state::Spool;
use syncline_core::value::{RowBatch, exact};

use super::column::above;
use super::link::Told;
use super::table::takes_part;
use super::{Basis, Ends};
use crate::request::{DeleteLimit, RunRequest};
use crate::session::Syncline;

impl Syncline {
    /// Compares the touched rows of a table, and passes those that differ on to the spool.
    pub(super) async fn compare_touched(
        &self,
        (source, target): (&TableTask, &TableTask),
        mut ends: Ends<'_>,
        request: &RunRequest,
        basis: Basis<'_>,
        told: Option<Told>,
    ) -> Result<Tally> {
        let told = told.filter(|told| !matches!(told, Told::Nothing(_)));
        let Basis { spool, kept, between, .. } = basis;
        let Some(told) = told else {
            return Err(Error::new(Code::Internal, "a table was to be carried by a log that does not tell of it"));
        };
        let (table, phase) = (&source.table.name, Phase::Compare);
        let rows = matches!(told, Told::Since { .. }).then_some(told.entries().0);
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows });
        let state = self.state().await?;
        let (of_source, of_target) = (&between.0.description.identity, &between.1.description.identity);
        let waiting = state.open_keys(of_source, of_target, table).await?;
        let mut tally = self.compare_waiting((source, target), ends.again(), request, spool, &waiting).await?;
        if rows != Some(0) {
            let Ends { source: view, target: other } = ends;
            let rows = match &told {
                Told::Above { column, position } => above(view, source, (column, position)).await?,
                Told::Since { position, .. } => view.touched(source, position).await?,
                Told::Nothing(_) => return Ok(tally),
            };
            let mut touched = Touched::new(rows, other, (source, target), kept);
            let mut differing = Vec::new();
            loop {
                self.cancel().check()?;
                // One page is put aside while the next one is compared.
                let put_aside =
                    async { if differing.is_empty() { Ok(()) } else { spool.append(table, &differing).await } };
                let (page, appended) = join(touched.next_page(), put_aside).await;
                appended?;
                let Some(mut page) = page? else { break };
                page.retain(|change| takes_part(request, change) && !waiting.contains(&change.key));
                differing = page;
                let rows = (tally + touched.tally()).source_rows();
                self.events().emit(Event::Progress { table: table.clone(), phase, rows });
            }
            tally = tally + touched.tally();
        }
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: tally.source_rows() });
        Ok(tally)
    }

    /// Compares the rows that were held: nobody needs to have touched them for what kept them out to be gone.
    async fn compare_waiting(
        &self,
        (source, target): (&TableTask, &TableTask),
        ends: Ends<'_>,
        request: &RunRequest,
        spool: &dyn Spool,
        waiting: &HashSet<Vec<u8>>,
    ) -> Result<Tally> {
        let mut keys: Vec<&Vec<u8>> = waiting.iter().collect();
        keys.sort_unstable();
        let mut tally = Tally::default();
        for some in keys.chunks(limits::STREAM_ROWS) {
            self.cancel().check()?;
            let mut batch = RowBatch::new(source.key_width());
            for key in some {
                // An entry from when the table had another key says nothing of a row that is there.
                let cells = exact::decode_row(key).unwrap_or_default();
                if cells.len() == batch.width() {
                    batch.push_row(cells)?;
                }
            }
            let (mut page, counts) =
                compare_keys_of((&mut *ends.source, source), (&mut *ends.target, target), &batch).await?;
            page.retain(|change| takes_part(request, change));
            if !page.is_empty() {
                spool.append(&source.table.name, &page).await?;
            }
            tally = tally + counts;
        }
        Ok(tally)
    }
}

/// About how many rows of a table were not looked at, as far as the guards need to know. Where they are to let so many rows through,
/// nobody needs to go through the table to know its share of them.
pub(super) async fn count_untouched(
    request: &RunRequest,
    (source, target): (&TableTask, &TableTask),
    ends: Ends<'_>,
    tally: Tally,
) -> Result<u64> {
    let is_share = !matches!(request.max_delete, DeleteLimit::Rows(_));
    if is_share && tally.only_target > limits::GUARD_DELETES_FEW {
        return Ok(ends.target.count(target).await?.saturating_sub(tally.target_rows()));
    }
    if tally.only_target > 0 && tally.source_rows() == 0 {
        return Ok(ends.source.estimate(source).await?.rows);
    }
    Ok(0)
}
