//! What a run leaves in the ledger, and what it takes off it.

use syncline_core::apply::TableWork;
use syncline_core::error::Result;

use crate::request::Verb;
use crate::session::{Syncline, now_ms};
use crate::state::{LedgerTable, Spoken};

/// What the ledger must know of the tables of a run.
pub(crate) fn ledger_tables(works: &[TableWork]) -> Vec<LedgerTable> {
    works.iter().map(ledger_table).collect()
}

impl Syncline {
    /// Settles what earlier runs held of these tables and this one has carried or found equal. Only for tables that a run
    /// has gone through to their end, whose rows it would have held again.
    pub(crate) async fn settle_finished(&self, verb: Verb, run: &str, finished: &[&TableWork]) -> Result<()> {
        let tables = finished.iter().map(|work| ledger_table(work)).collect();
        let ledger = self.state().await?.ledger(run, tables);
        // A copy looks at no row that only the target has, so it says nothing about deletes that were held.
        let spoken = if verb == Verb::Mirror { Spoken::All } else { Spoken::Puts };
        for work in finished {
            ledger.settle(&work.name, spoken, now_ms()).await?;
        }
        Ok(())
    }
}

fn ledger_table(work: &TableWork) -> LedgerTable {
    LedgerTable {
        name: work.name.clone(),
        target: work.target.table.name.clone(),
        columns: work.target.column_names().map(str::to_owned).collect(),
        key: work.target.key.clone(),
        // Without a mapping, the source is always seen alike.
        mapping: String::new(),
    }
}
