//! Plans that hold ranges: every change in a range is bound by their sum, so nothing can be beside them.

use std::cmp::Ordering;

use syncline_core::change::{Operation, PlannedChange};
use syncline_core::error::Result;
use syncline_core::state::ChangeKind;
use syncline_core::value::exact;
use syncline_core::value::key_order::compare_keys;

use super::{Done, Spools, stale};
use crate::decide::Decided;
use crate::plan::change_digest::{self, RangeSum};
use crate::plan::make::kind_name;
use crate::plan::{PlanRange, PlanTable};

/// The ranges of one table, with what was found to belong into each.
struct Ranges {
    puts: Vec<Found>,
    deletes: Vec<Found>,
    is_multiset: bool,
    /// The range that the last change belonged into.
    last: usize,
    /// Changes behind the last range.
    beyond: u64,
}

struct Found {
    range: PlanRange,
    upto: Vec<u8>,
    sum: RangeSum,
}

/// Lets all decided changes through if together with those made before they are what the ranges hold.
///
/// # Errors
/// `PLAN_STALE` otherwise, naming a range.
pub(super) async fn let_through(
    table: &PlanTable,
    ranges: Vec<PlanRange>,
    found: &mut Decided,
    spools: Spools<'_>,
    done: &mut Done<'_>,
) -> Result<u64> {
    let mut ranges = Ranges::new(ranges, found.work.source.is_multiset());
    done.begun
        .each_change(found, &mut *done.target, |change| {
            done.changes += 1;
            ranges.add(&change);
        })
        .await?;
    let add = |change: &mut PlannedChange| {
        ranges.add(change);
        true
    };
    let beside = super::let_through(table, found, spools, add).await?;
    if let Some(moved) = ranges.puts.iter().chain(&ranges.deletes).find(|found| !found.is_whole()) {
        let PlanRange { first, last, .. } = &moved.range;
        return Err(stale(table, format!("rows between {first} and {last} were changed since the plan was made")));
    }
    if ranges.beyond + beside > 0 {
        return Err(stale(table, "other rows differ than when the plan was made"));
    }
    Ok(0)
}

impl Ranges {
    fn new(ranges: Vec<PlanRange>, is_multiset: bool) -> Self {
        let found = |range: PlanRange| Found { upto: bytes_of(&range.upto), range, sum: RangeSum::default() };
        let is_delete = |range: &PlanRange| range.kind == kind_name(ChangeKind::Delete);
        let (deletes, puts): (Vec<_>, Vec<_>) = ranges.into_iter().partition(is_delete);
        let [puts, deletes] = [puts, deletes].map(|ranges| ranges.into_iter().map(found).collect());
        Self { puts, deletes, is_multiset, last: 0, beyond: 0 }
    }

    /// Adds a change to the range it belongs into.
    fn add(&mut self, change: &PlannedChange) {
        let row = change_digest::row_of(change, self.is_multiset);
        let is_delete = change.operation == Operation::Delete;
        let ranges = if is_delete { &mut self.deletes } else { &mut self.puts };
        let is_before = |range: &Found| order(&range.upto, &row) == Ordering::Less;
        // Changes come mostly in order, so it is mostly the range of the last one.
        let last = self.last.min(ranges.len());
        let is_last = ranges.get(last).is_some_and(|range| !is_before(range));
        let at = match is_last && (last == 0 || is_before(&ranges[last - 1])) {
            true => last,
            false => ranges.partition_point(is_before),
        };
        self.last = at;
        match ranges.get_mut(at) {
            Some(found) => found.sum.add(change_digest::of_change(change, self.is_multiset)),
            None => self.beyond += 1,
        }
    }
}

impl Found {
    fn is_whole(&self) -> bool {
        self.sum.changes == self.range.changes && self.sum.digest() == self.range.digest
    }
}

fn order(a: &[u8], b: &[u8]) -> Ordering {
    let cells = |key| exact::decode_row(key).unwrap_or_default();
    compare_keys(cells(a), cells(b))
}

/// Bytes from hexadecimal digits; none for anything else, which no range holds.
fn bytes_of(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map_while(byte).collect()
}
