//! The way a table is carried.

use syncline_core::change::{Mapped, TableTask};

use super::link::Told;
use crate::request::{RunRequest, Strategy};

/// How a table is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Load,
    Refill,
    Compare,
    Incremental,
}

/// How the table is carried, and why so.
pub(super) fn lane(
    request: &RunRequest,
    is_missing: bool,
    is_empty: bool,
    (target, is_referenced): (&TableTask, bool),
    told: Option<&Told>,
) -> (Lane, String) {
    let (lane, how) = match request.strategy {
        _ if is_missing => (Lane::Load, "full: not in the target yet"),
        // What the database puts into the other columns must be known to be taken back, and a load keeps no images.
        _ if is_empty && !target.mapped.kept.is_empty() => {
            (Lane::Compare, "compare: the target has columns that are not carried")
        }
        Strategy::Full if is_empty => (Lane::Load, "full: as asked"),
        // Nothing is there to compare with, and a load shows readers nothing half done.
        _ if is_empty => (Lane::Load, "full: empty in the target"),
        Strategy::Incremental => return by_log(told),
        Strategy::Auto => (Lane::Compare, "compare: the target has rows"),
        Strategy::Compare => (Lane::Compare, "compare: as asked"),
        Strategy::Full if request.truncate_target && is_referenced => {
            (Lane::Compare, "full: what differs, all in one transaction; other tables reference it")
        }
        // A filter or columns that are kept leave something in the table that is not the source's to replace.
        Strategy::Full if request.truncate_target && target.mapped != Mapped::default() => {
            (Lane::Compare, "full: what differs, all in one transaction; a part of it is not carried")
        }
        // Nothing would tell the rows that went from those that came.
        Strategy::Full if request.truncate_target && target.is_multiset() => {
            (Lane::Compare, "full: what differs, all in one transaction; the table has no key")
        }
        Strategy::Full if request.truncate_target => {
            (Lane::Refill, "full: emptied and filled again, all in one transaction")
        }
        Strategy::Full if request.refreshes() => (Lane::Compare, "full: what differs, all in one transaction"),
        Strategy::Full => (Lane::Compare, "full: as asked; rows that are equal are not written again"),
    };
    (lane, how.to_owned())
}

/// The way that the log allows.
fn by_log(told: Option<&Told>) -> (Lane, String) {
    match told {
        Some(Told::Since { entries: 0, .. }) => (Lane::Incremental, "incremental: nothing was touched".to_owned()),
        Some(Told::Since { .. }) => (Lane::Incremental, "incremental: what was touched since the last run".to_owned()),
        Some(Told::Above { column, .. }) => {
            (Lane::Incremental, format!("incremental: what is new by its column {}", column.name()))
        }
        Some(Told::Nothing(why)) => (Lane::Compare, format!("compare: {why}")),
        None => (Lane::Compare, "compare: the target has rows".to_owned()),
    }
}
