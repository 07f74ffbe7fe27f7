//! Exit codes: what a script learns without reading a word.

use std::process::ExitCode;

use syncline::error::{Code, Error};
use syncline::summary::{DiffReport, Status, Summary, Verified};

/// The code the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

/// Where several codes apply, the first of these is taken.
const ORDER: [u8; 7] = [1, 5, 4, 6, 3, 7, 10];

impl Exit {
    /// Done.
    pub(crate) const DONE: Exit = Exit(0);
    /// Failed.
    pub(crate) const FAILED: Exit = Exit(1);
    /// The arguments or the configuration make no sense.
    pub(crate) const USAGE: Exit = Exit(2);
    /// Some rows are held or some tables failed.
    pub(crate) const PARTIAL: Exit = Exit(3);
    /// Done, and conflicts wait for a person.
    pub(crate) const CONFLICTS: Exit = Exit(7);
    /// Differences were found, and finding them was the question.
    pub(crate) const DIFFERENT: Exit = Exit(10);
    /// Interrupted by Ctrl-C.
    pub(crate) const INTERRUPTED: Exit = Exit(130);
    /// The reader of the output went away; what a shell reports for a program that dies of it.
    pub(crate) const PIPE_CLOSED: Exit = Exit(141);
    /// Asked to terminate.
    pub(crate) const TERMINATED: Exit = Exit(143);

    /// The code of a command that ends with this error.
    pub(crate) fn of_error(error: &Error) -> Exit {
        Exit(error.code().exit())
    }

    /// The code of a run: its status, and what befell its tables. Conflicts that wait count unless they are `accepted`.
    pub(crate) fn of_summary(summary: &Summary, accepted: bool) -> Exit {
        if summary.status == Status::Cancelled {
            return Exit::INTERRUPTED;
        }
        let errors = summary.tables.iter().filter_map(|table| table.error.as_ref());
        let mut codes: Vec<u8> = errors.filter_map(|error| Code::from_name(&error.code)).map(Code::exit).collect();
        match summary.status {
            Status::Partial => codes.push(Exit::PARTIAL.0),
            Status::Conflicts if !accepted => codes.push(Exit::CONFLICTS.0),
            // A table's own error says more than "failed"; that some tables are merely held does not.
            Status::Failed | Status::Interrupted if !codes.iter().any(|code| says_why(*code)) => {
                codes.push(Exit::FAILED.0);
            }
            _ => {}
        }
        if summary.verified == Verified::Different {
            codes.push(Exit::DIFFERENT.0);
        }
        first_of(&codes)
    }

    /// The code of several pieces of work: the first in the contract's order.
    pub(crate) fn first_of(exits: &[Exit]) -> Exit {
        let codes: Vec<u8> = exits.iter().map(|exit| exit.0).filter(|code| *code != 0).collect();
        first_of(&codes)
    }

    /// The code of a diff that was asked to tell by it.
    pub(crate) fn of_diff(report: &DiffReport) -> Exit {
        if report.equal { Exit::DONE } else { Exit::DIFFERENT }
    }

    /// The code of a verification: 0 only where equality was shown.
    pub(crate) fn of_verified(verified: Verified) -> Exit {
        if verified == Verified::Equal { Exit::DONE } else { Exit::DIFFERENT }
    }
}

fn says_why(code: u8) -> bool {
    ORDER.contains(&code) && code != Exit::PARTIAL.0
}

fn first_of(codes: &[u8]) -> Exit {
    let known = ORDER.iter().find(|code| codes.contains(code));
    Exit(known.or(codes.first()).copied().unwrap_or(Exit::DONE.0))
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.0)
    }
}

#[cfg(test)]
mod tests {
    use syncline::summary::{ErrorReport, TableSummary};

    use super::*;

    fn summary(status: Status, verified: Verified, errors: &[Code]) -> Summary {
        let table = |code: &Code| TableSummary {
            table: "orders".into(),
            direction: "source->target".into(),
            inserted: 0,
            updated: 0,
            deleted: 0,
            unchanged: 0,
            conflicts: 0,
            held: 0,
            bent: 0,
            kept: 0,
            added_columns: Vec::new(),
            strategy: "compare".into(),
            error: Some(ErrorReport::from(&Error::new(*code, "it failed"))),
        };
        Summary {
            format: 1,
            kind: "summary".into(),
            run: "r_1".into(),
            status,
            verified,
            tables: errors.iter().map(table).collect(),
            duration_ms: 1,
            continues: None,
            backup: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn of_several_codes_the_first_in_the_contract_is_taken() {
        assert_eq!(first_of(&[]), Exit(0));
        assert_eq!(first_of(&[10, 7, 3, 6, 4, 5, 1]), Exit(1));
        assert_eq!(first_of(&[10, 7, 3, 6, 4, 5]), Exit(5));
        assert_eq!(first_of(&[10, 7, 3, 6, 4]), Exit(4));
        assert_eq!(first_of(&[10, 7, 3, 6]), Exit(6));
        assert_eq!(first_of(&[10, 7, 3]), Exit(3));
        assert_eq!(first_of(&[10, 7]), Exit(7));
        assert_eq!(first_of(&[10]), Exit(10));
        assert_eq!(first_of(&[8]), Exit(8));
    }

    #[test]
    fn runs() {
        use Code::{RowRefused, StoreFailed, StoreLocked};
        use Status::{Cancelled, Conflicts, Failed, Partial, Succeeded};
        use Verified::{Different, Equal, EqualExcept, InFlight, Skipped};
        for (status, verified, errors, exit) in [
            (Succeeded, Equal, &[][..], 0),
            (Succeeded, Skipped, &[], 0),
            (Succeeded, InFlight, &[], 0),
            (Succeeded, Different, &[], 10),
            (Partial, EqualExcept, &[RowRefused], 3),
            (Partial, Different, &[RowRefused], 3),
            (Partial, Skipped, &[RowRefused, StoreLocked], 5),
            (Partial, Skipped, &[StoreFailed, StoreLocked], 1),
            (Conflicts, EqualExcept, &[], 7),
            (Failed, Skipped, &[], 1),
            (Failed, Skipped, &[RowRefused], 1),
            (Failed, Skipped, &[StoreLocked], 5),
            (Cancelled, Skipped, &[RowRefused], 130),
        ] {
            assert_eq!(
                Exit::of_summary(&summary(status, verified, errors), false),
                Exit(exit),
                "{status:?} {verified:?}"
            );
        }
    }

    #[test]
    fn accepted_conflicts_count_for_nothing_and_hide_nothing() {
        let code = |status, verified| Exit::of_summary(&summary(status, verified, &[]), true);
        assert_eq!(code(Status::Conflicts, Verified::EqualExcept), Exit::DONE);
        assert_eq!(code(Status::Conflicts, Verified::Different), Exit::DIFFERENT);
        assert_eq!(code(Status::Partial, Verified::EqualExcept), Exit::PARTIAL);
    }

    #[test]
    fn only_shown_equality_verifies() {
        assert_eq!(Exit::of_verified(Verified::Equal), Exit::DONE);
        for verified in [Verified::EqualExcept, Verified::Different, Verified::InFlight, Verified::Skipped] {
            assert_eq!(Exit::of_verified(verified), Exit::DIFFERENT);
        }
    }
}
