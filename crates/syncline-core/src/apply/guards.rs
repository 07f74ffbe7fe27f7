//! What stops a run before it writes anything. No answer to a question opens a guard, only its own flag does.

use crate::capture::Tally;
use crate::error::{Code, Error, Result};
use crate::limits;

/// How many deletes are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteGuard {
    /// Deletes in one table that are always let through.
    pub few: u64,
    /// Percentage of a table's rows above which deletes stop the run.
    pub percent: u64,
    /// Deletes in all tables together above which they stop it.
    pub total: u64,
}

impl Default for DeleteGuard {
    fn default() -> Self {
        Self {
            few: limits::GUARD_DELETES_FEW,
            percent: limits::GUARD_DELETES_PERCENT,
            total: limits::GUARD_DELETES_TOTAL,
        }
    }
}

impl DeleteGuard {
    /// At most so many rows in all tables together, whatever their share.
    pub fn rows(total: u64) -> Self {
        Self { few: u64::MAX, percent: 100, total }
    }

    /// At most this percentage of each table, however many rows that are.
    pub fn percent(percent: u64) -> Self {
        Self { few: 0, percent, total: u64::MAX }
    }
}

/// Stops a mirror that would delete more than `guard` lets through, or empty a table because its source is empty.
///
/// # Errors
/// `GUARD_EMPTY_SOURCE` or `GUARD_DELETES`, naming the tables.
pub fn check_deletes(tables: &[(&str, Tally)], guard: DeleteGuard, allow_empty_source: bool) -> Result<()> {
    if !allow_empty_source {
        check_empty_sources(tables)?;
    }
    for (table, tally) in tables {
        let (deletes, rows) = (tally.only_target, tally.target_rows());
        let is_above_share = u128::from(deletes) * 100 > u128::from(rows) * u128::from(guard.percent);
        if deletes > guard.few && is_above_share {
            let what = format!(
                "the run would delete {deletes} of {rows} rows of {table}, above the limit of {} %",
                guard.percent
            );
            return Err(stopped(Code::GuardDeletes, what, deletes));
        }
    }
    let total: u64 = tables.iter().map(|(_, tally)| tally.only_target).sum();
    if total > guard.total {
        let what = format!("the run would delete {total} rows in all, above the limit of {}", guard.total);
        return Err(stopped(Code::GuardDeletes, what, total));
    }
    Ok(())
}

fn check_empty_sources(tables: &[(&str, Tally)]) -> Result<()> {
    let emptied = tables.iter().filter(|(_, tally)| tally.source_rows() == 0 && tally.only_target > 0);
    let named: Vec<_> = emptied.map(|(table, tally)| format!("{table} ({} rows)", tally.only_target)).collect();
    if named.is_empty() {
        return Ok(());
    }
    let mut shown = named.iter().take(limits::SAMPLE_ROWS).cloned().collect::<Vec<_>>().join(", ");
    if named.len() > limits::SAMPLE_ROWS {
        shown = format!("{shown} and {} more", named.len() - limits::SAMPLE_ROWS);
    }
    let what = format!("the source is empty where the target is not: {shown}");
    Err(Error::new(Code::GuardEmptySource, what)
        .leaving("nothing was changed")
        .next("--allow-empty-source", "let the empty source empty the target; --max-delete must allow the rows"))
}

fn stopped(code: Code, what: String, deletes: u64) -> Error {
    Error::new(code, what)
        .leaving("nothing was changed")
        .next(format!("--max-delete {deletes}"), "allow so many deletes for this run")
        .next("syncline diff SOURCE TARGET --rows", "see which rows they are")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(source: u64, deletes: u64) -> Tally {
        Tally { same: source, only_target: deletes, ..Tally::default() }
    }

    fn code(tables: &[(&str, Tally)], guard: DeleteGuard) -> Option<Code> {
        check_deletes(tables, guard, false).err().map(|error| error.code())
    }

    #[test]
    fn few_deletes_or_a_small_share_pass() {
        let guard = DeleteGuard::default();
        assert_eq!(code(&[("t", tally(1, 20))], guard), None);
        assert_eq!(code(&[("t", tally(189, 21))], guard), None);
        assert_eq!(code(&[("t", tally(188, 21))], guard), Some(Code::GuardDeletes));
    }

    #[test]
    fn many_small_shares_together_do_not_pass() {
        let guard = DeleteGuard::default();
        assert_eq!(code(&[("a", tally(900_000, 5_000)), ("b", tally(900_000, 5_000))], guard), None);
        assert_eq!(
            code(&[("a", tally(900_000, 5_000)), ("b", tally(900_000, 5_001))], guard),
            Some(Code::GuardDeletes)
        );
    }

    #[test]
    fn an_empty_source_is_named_first() {
        assert_eq!(code(&[("t", tally(0, 1))], DeleteGuard::rows(100)), Some(Code::GuardEmptySource));
        assert_eq!(code(&[("t", tally(0, 0))], DeleteGuard::default()), None);
        assert!(check_deletes(&[("t", tally(0, 5))], DeleteGuard::default(), true).is_ok());
    }

    #[test]
    fn a_limit_given_replaces_the_guard() {
        assert_eq!(code(&[("t", tally(1, 500))], DeleteGuard::rows(500)), None);
        assert_eq!(code(&[("t", tally(1, 501))], DeleteGuard::rows(500)), Some(Code::GuardDeletes));
        assert_eq!(code(&[("t", tally(100, 1))], DeleteGuard::percent(0)), Some(Code::GuardDeletes));
        assert_eq!(code(&[("t", tally(100_000, 100_000))], DeleteGuard::percent(50)), None);
    }
}
