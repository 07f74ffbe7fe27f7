//! What a run leaves in the ledger, and what it takes off it.

use syncline_core::apply::TableWork;
use syncline_core::error::Result;

use crate::diff::given;
use crate::request::{RunRequest, Verb};
use crate::session::{Syncline, now_ms};
use crate::state::{HeldUntil, LedgerTable, Spoken};

/// What the ledger must know of the tables of a run.
pub(crate) fn ledger_tables<'w>(
    request: &RunRequest,
    works: impl IntoIterator<Item = &'w TableWork>,
) -> Vec<LedgerTable> {
    let sight = request.sight();
    let names_given = |work: &TableWork| {
        let names: Vec<&str> = work.target.column_names().collect();
        given(&work.target).into_iter().map(|at| names[at].to_owned()).collect()
    };
    let table = |work: &TableWork| LedgerTable {
        name: work.name.clone(),
        target: work.target.table.name.clone(),
        columns: work.target.column_names().map(str::to_owned).collect(),
        key: work.target.key.clone(),
        given: names_given(work),
        sight: sight.clone(),
    };
    works.into_iter().map(table).collect()
}

impl Syncline {
    /// Settles what earlier runs held of these tables and this one has carried or found equal. Only for tables that a run
    /// has gone through to their end, whose rows it would have held again.
    /// What this run itself had held by `since` counts as held by an earlier one.
    pub(crate) async fn settle_finished(
        &self,
        request: &RunRequest,
        (run, since): (&str, HeldUntil),
        finished: &[&TableWork],
    ) -> Result<()> {
        let ledger = self.state().await?.ledger(run, ledger_tables(request, finished.iter().copied()));
        // A copy looks at no row that only the target has, so it says nothing about deletes that were held.
        let spoken = if request.verb == Verb::Mirror { Spoken::All } else { Spoken::Puts };
        for work in finished {
            ledger.settle(&work.name, spoken, since, now_ms()).await?;
        }
        Ok(())
    }
}
