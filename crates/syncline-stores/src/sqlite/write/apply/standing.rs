//! What a row is found to be, and what is said of one that is not as expected.

use syncline_core::change::{Expectation, Reason, Refusal, RowDigest};
use syncline_core::value::{Equality, Row, ValueRef, exact};

use super::Apply;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select::Finder;
use crate::sqlite::types::Encoding;

/// What a row was found to be, held against its expectation.
pub(super) enum Standing {
    /// The row is not there, as expected.
    Absent,
    /// The row is there and has the expected digest; its row number, where it has one beside its key.
    Present(Option<i64>),
    /// The change is there already.
    Done,
    /// The expectation failed; the row that is there, if any.
    Moved(Option<Vec<u8>>),
}

impl Apply<'_> {
    pub(super) fn standing_of_row(&mut self, row: Row<'_>, expectation: Expectation) -> Attempt<Standing> {
        let found = self.finder.find(|| row.select(&self.task.key))?;
        if found && self.is_found(row) {
            return Ok(Standing::Done);
        }
        Ok(match (expectation, found) {
            (Expectation::Absent, false) => Standing::Absent,
            (Expectation::Digest(expected), true) if self.digest_of_found() == expected => {
                Standing::Present(self.finder.rowid())
            }
            _ => Standing::Moved(found.then(|| exact::encode_row(self.found()))),
        })
    }

    pub(super) fn digest_of_found(&mut self) -> RowDigest {
        let found = self.finder.row().iter().take(self.task.columns.len());
        self.task.digest(found, &mut self.scratch)
    }

    /// Whether the row that was found is equal to this one.
    fn is_found(&mut self, row: Row<'_>) -> bool {
        match self.task.forms.equality {
            Equality::Exact => row.iter().eq(self.found()),
            Equality::Canonical | Equality::CanonicalButJson => {
                self.task.digest(row.iter(), &mut self.scratch) == self.digest_of_found()
            }
        }
    }

    /// The cells of the task in the row that was found.
    pub(super) fn found(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.finder.row().iter().take(self.task.columns.len())
    }

    pub(super) fn moved(&mut self, row: Row<'_>, found: Option<Vec<u8>>) -> Attempt<()> {
        let mut refusal = moved(self.key_of(row), Some(exact::encode_row(row.iter())), found);
        if refusal.found.is_some() && self.is_outside(row)? {
            refusal.reason = Reason::OutOfFilter;
            "the target's row with this key lies outside the filter".clone_into(&mut refusal.words);
        }
        self.leave(refusal);
        Ok(())
    }

    /// Whether a filter keeps the target's row with this key from taking part.
    fn is_outside(&mut self, row: Row<'_>) -> Attempt<bool> {
        if self.task.mapped.filter.is_none() {
            return Ok(false);
        }
        let filtered = match &mut self.filtered {
            Some(filtered) => filtered,
            empty => empty.insert(Finder::of_filtered(self.conn, self.task, Encoding::of(self.conn)?)?),
        };
        Ok(!filtered.find(|| row.select(&self.task.key))?)
    }
}

pub(super) fn moved(key: Vec<u8>, row: Option<Vec<u8>>, found: Option<Vec<u8>>) -> Refusal {
    let words = match (&row, &found) {
        (_, None) => "the row was deleted in the target meanwhile",
        (None, _) => "the row was changed in the target meanwhile, so it was not deleted",
        _ => "the row was changed or added in the target meanwhile",
    };
    Refusal { key, reason: Reason::Moved, words: words.to_owned(), row, found }
}
