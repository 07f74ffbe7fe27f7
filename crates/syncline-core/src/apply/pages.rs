//! Walking over planned changes, a page at a time.

use super::Applier;
use crate::change::PlannedChange;
use crate::error::Result;
use crate::limits;
use crate::state::ChangeKind;

/// Where a walk over the planned changes of one kind of one table has come to.
pub(super) struct Pages {
    table: usize,
    kind: ChangeKind,
    /// As many pages as are taken for one.
    width: usize,
    /// Changes in the pages that were handed out.
    pub(super) done: u64,
}

impl Pages {
    /// From the first one on.
    pub(super) fn of(table: usize, kind: ChangeKind) -> Self {
        Self { table, kind, width: 1, done: 0 }
    }

    /// As [`Pages::of`], for walks in one transaction: the larger a page, the more of it is read while its beginning is written.
    pub(super) fn wide(table: usize, kind: ChangeKind) -> Self {
        Self { width: limits::PAGES_IN_ONE, ..Self::of(table, kind) }
    }
}

impl Applier<'_> {
    /// The next page of a walk, or `None` at its end.
    ///
    /// # Errors
    /// `RUN_CANCELLED` too.
    pub(super) async fn next_page(&self, pages: &mut Pages) -> Result<Option<Vec<PlannedChange>>> {
        self.context.cancel.check()?;
        let width = if self.context.pace.is_none() { pages.width } else { 1 };
        let (table, rows) = (self.name(pages.table), self.context.page_rows() * width);
        let page = self.context.spool.page(table, pages.kind, pages.done, rows).await?;
        pages.done += page.len() as u64;
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}
