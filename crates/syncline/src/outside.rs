//! Rows of the target that a filter leaves out, and that are in the way of rows of the source: their key is taken, so a run
//! holds what would be inserted there.

use std::collections::HashSet;

use futures_util::StreamExt;
use syncline_core::change::{Mapped, Operation, PlannedChange, Reason, TableTask, keys_of};
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::state::{ChangeKind, Spool};
use syncline_core::store::Snapshot;
use syncline_core::value::{ValueRef, canonical, exact};

/// Keys in a form in which 1 and 1.0 are the same row.
#[derive(Debug, Default)]
pub(crate) struct Outside(HashSet<Vec<u8>>);

impl Outside {
    /// Those among the keys of a page.
    ///
    /// # Errors
    /// When the target cannot be read.
    pub(crate) async fn among(page: &[PlannedChange], target: &TableTask, view: &mut dyn Snapshot) -> Result<Self> {
        let inserts = page.iter().filter(|change| change.operation == Operation::Insert);
        let mut found = HashSet::new();
        // Rows without a key are in nobody's way.
        if target.mapped.filter.is_none() || target.is_multiset() {
            return Ok(Self(found));
        }
        let keys = keys_of(inserts, target.key_width())?;
        if keys.is_empty() {
            return Ok(Self(found));
        }
        // Of all rows, filtered or not, the key alone.
        let task = TableTask {
            columns: target.key.iter().map(|at| target.columns[*at]).collect(),
            key: (0..target.key.len()).collect(),
            mapped: Mapped::default(),
            forms: target.forms.select(&target.key),
            ..target.clone()
        };
        let mut batches = view.fetch(&task, &keys).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            found.extend(rows.rows().map(|row| form(row.iter())));
        }
        Ok(Self(found))
    }

    /// How many there are among all changes to a table.
    ///
    /// # Errors
    /// As [`Outside::among`].
    pub(crate) async fn count(
        table: &str,
        spool: &dyn Spool,
        target: &TableTask,
        view: &mut dyn Snapshot,
    ) -> Result<u64> {
        let (mut done, mut count) = (0, 0);
        while target.mapped.filter.is_some() {
            let page = spool.page(table, ChangeKind::Put, done, limits::SPOOL_PAGE).await?;
            if page.is_empty() {
                break;
            }
            done += page.len() as u64;
            count += Self::among(&page, target, view).await?.0.len() as u64;
        }
        Ok(count)
    }

    /// Why a run would hold this change, if it would.
    pub(crate) fn reason(&self, change: &PlannedChange) -> Option<Reason> {
        let is_in = !self.0.is_empty()
            && change.operation == Operation::Insert
            && self.0.contains(&form(exact::decode_row(&change.key).unwrap_or_default()));
        is_in.then_some(Reason::OutOfFilter)
    }
}

fn form<'v>(cells: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut form = Vec::new();
    cells.into_iter().for_each(|cell| canonical::encode(cell, &mut form));
    form
}
