//! Rows that stand in the target otherwise than in the source, because a person chose that values be bent to fit.

use futures_util::StreamExt;
use syncline_core::apply::TableWork;
use syncline_core::change::{Operation, Reason, TableTask, copies};
use syncline_core::error::Result;
use syncline_core::mapping::Mask;
use syncline_core::state::{HeldRow, Ledger};
use syncline_core::store::Snapshot;
use syncline_core::value::{Row, Value, ValueRef, exact};

use crate::held::ledger_tables;
use crate::request::RunRequest;
use crate::session::Syncline;

/// What no run numbers a batch: the rows belong to none, since they are written already.
const NO_BATCH: u64 = 0;

impl Syncline {
    /// Enters the rows of these tables with bent values into the ledger, and tells how many each has. The source is gone
    /// through once more for that, where anything was to be bent at all.
    ///
    /// # Errors
    /// When the source cannot be read or the state not be written.
    pub(crate) async fn enter_bent(
        &self,
        request: &RunRequest,
        run: &str,
        works: &[&TableWork],
        source: &mut dyn Snapshot,
    ) -> Result<Vec<(String, u64)>> {
        let mut counted = Vec::new();
        let bending =
            works.iter().filter(|work| work.source.mapped.masks.iter().any(|(_, mask)| mask.bend().is_some()));
        for work in bending {
            let ledger = self.state().await?.ledger(run, ledger_tables(request, [*work]));
            let columns: Vec<_> = work.source.column_names().map(str::to_owned).collect();
            // What is held was not written, bent or not.
            let held = self.state().await?.keys_held_by(run, &work.name).await?;
            let task = unbent(&work.source);
            let mut count = 0;
            let mut batches = source.scan(&task).await?;
            while let Some(rows) = batches.next().await.transpose()? {
                self.cancel().check()?;
                let bent: Vec<_> =
                    rows.rows().filter_map(|row| entry(work, row)).filter(|bent| !held.contains(&bent.key)).collect();
                count += bent.len() as u64;
                ledger.hold(NO_BATCH, &work.name, &columns, bent).await?;
            }
            ledger.seal_held(u64::MAX).await?;
            counted.push((work.name.clone(), count));
        }
        Ok(counted)
    }
}

/// The task with nothing bent, and still with what hides values.
fn unbent(task: &TableTask) -> TableTask {
    let mut task = task.clone();
    task.mapped.masks.retain(|(_, mask)| mask.bend().is_none());
    task
}

/// The entry of a row, if any of its values was bent.
fn entry(work: &TableWork, row: Row<'_>) -> Option<HeldRow> {
    let mut cells: Vec<Value> = row.iter().map(ValueRef::to_owned).collect();
    let mut words = Vec::new();
    let names: Vec<_> = work.source.column_names().collect();
    for (column, mask) in &work.source.mapped.masks {
        let Some(why) = why_bent(mask, row.get(*column)) else { continue };
        words.push(format!("{}: {why}", names[*column]));
        cells[*column] = mask.apply(row.get(*column));
    }
    if words.is_empty() {
        return None;
    }
    let cells = || cells.iter().map(Value::as_ref);
    let key = match work.source.is_multiset() {
        true => copies::name(work.source.digest(cells(), &mut Vec::new())),
        false => exact::encode_row(row.select(&work.source.key)),
    };
    Some(HeldRow {
        operation: Operation::Update,
        key,
        reason: Reason::Bent,
        words: words.join("; "),
        source: Some(exact::encode_row(row.iter())),
        target: Some(exact::encode_row(cells())),
        awaits: Vec::new(),
    })
}

/// Why a value was bent, and how; `None` for one that fits, or that could not be bent.
fn why_bent(mask: &Mask, value: ValueRef<'_>) -> Option<String> {
    let bend = mask.bend()?;
    let why = match mask.misfit(value) {
        Some(misfit) => misfit.to_string(),
        None => mask.learned(value)?,
    };
    let is_bent = mask.apply(value).as_ref() != value;
    is_bent.then(|| format!("{why}; {} was chosen", bend.name()))
}
