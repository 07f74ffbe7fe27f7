//! Rows whose keys are in some ranges.
//!
//! Many ranges go into one statement, as arrays. Each is a subquery that the server may not pull up, and so goes through the
//! key's index: a plain join with the ranges may become one pass over the whole table for each of them.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Key, KeyRange};
use syncline_core::value::{ValueRef, exact};

use super::order;
use crate::postgres::snapshot::lookup::arrays;
use crate::postgres::snapshot::select::filtered;
use crate::postgres::snapshot::view::Ground;

/// Before queries for ranges. A server that has not looked at the table lately takes any range for a third of it, and might
/// rather go through all of it and sort. Taken back with the savepoint if anything goes wrong.
pub(super) const BY_INDEX: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off";

/// After them.
pub(super) const AS_EVER: &str =
    "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT; SET LOCAL enable_sort TO DEFAULT";

/// Queries for the rows in these ranges that take part, one after the other in the order of the ranges.
pub(super) fn queries(task: &TableTask, ground: &Ground, list: &str, ranges: &[KeyRange]) -> Result<Vec<String>> {
    let order = terms(task)?.join(", ");
    let mut queries = Vec::new();
    let mut closed: Vec<(&Key, &Key)> = Vec::new();
    let mut bytes = 0;
    let joined = |closed: &mut Vec<(&Key, &Key)>| {
        let query = match &closed[..] {
            [] => None,
            closed => Some(within(task, ground, list, closed)),
        };
        closed.clear();
        query.transpose()
    };
    for range in ranges {
        match (&range.after, &range.upto) {
            (Some(after), Some(upto)) => {
                closed.push((after, upto));
                bytes += size(after) + size(upto);
                if closed.len() >= limits::LOOKUP_KEYS || bytes >= limits::LOOKUP_BYTES {
                    queries.extend(joined(&mut closed)?);
                    bytes = 0;
                }
            }
            (after, upto) => {
                queries.extend(joined(&mut closed)?);
                let condition = outside(task, after.as_ref(), upto.as_ref())?;
                let filtered = filtered(task, condition.as_deref())?;
                queries.push(format!("SELECT {list} FROM {}{filtered} ORDER BY {order}", ground.table));
            }
        }
    }
    queries.extend(joined(&mut closed)?);
    Ok(queries)
}

/// What the keys of a range without one end or both satisfy; `None` for all.
pub(super) fn outside(task: &TableTask, after: Option<&Key>, upto: Option<&Key>) -> Result<Option<String>> {
    let terms = terms(task)?;
    let mut conditions = Vec::new();
    for (operator, key) in [(">", after), ("<=", upto)] {
        let Some(key) = key else { continue };
        let cells: Vec<String> =
            arrays(task, std::iter::once(key))?.into_iter().map(|array| format!("({array})[1]")).collect();
        conditions.push(format!("({}) {operator} ({})", terms.join(", "), cells.join(", ")));
        // Only the first of several cells tells the planner how few there are.
        if cells.len() > 1 {
            conditions.push(format!("{} {}= {}", terms[0], &operator[..1], cells[0]));
        }
    }
    Ok((!conditions.is_empty()).then(|| conditions.join(" AND ")))
}

/// A query for the rows in ranges with two ends.
fn within(task: &TableTask, ground: &Ground, list: &str, ranges: &[(&Key, &Key)]) -> Result<String> {
    let mut lists = arrays(task, ranges.iter().map(|(after, _)| *after))?;
    lists.extend(arrays(task, ranges.iter().map(|(_, upto)| *upto))?);
    for_each(task, ground, list, &lists)
}

/// The same for ranges that these lists hold: of each cell where the ranges begin, then of each where they end.
pub(super) fn for_each(task: &TableTask, ground: &Ground, list: &str, lists: &[String]) -> Result<String> {
    let terms = terms(task)?;
    let named = |prefix: &str| (0..terms.len()).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>();
    let (low, high) = (named("low"), named("high"));
    let cells = |of: &[String]| of.iter().map(|name| format!("syncline.{name}")).collect::<Vec<_>>().join(", ");
    let keys = terms.join(", ");
    let mut condition = format!("({keys}) > ({}) AND ({keys}) <= ({})", cells(&low), cells(&high));
    if terms.len() > 1 {
        // Only the first of several cells tells the planner how few there are.
        condition += &format!(" AND {0} >= syncline.low0 AND {0} <= syncline.high0", terms[0]);
    }
    let filtered = filtered(task, Some(&condition))?;
    Ok(format!(
        "SELECT found.* FROM unnest({}) WITH ORDINALITY AS syncline({}, {}, n), \
         LATERAL (SELECT {list} FROM {}{filtered} ORDER BY {keys} OFFSET 0) AS found",
        lists.join(", "),
        low.join(", "),
        high.join(", "),
        ground.table
    ))
}

pub(super) fn terms(task: &TableTask) -> Result<Vec<String>> {
    let unranged = || Error::new(Code::Internal, format!("{} has no ranges of keys", task.table.name));
    order::compared(task)?.ok_or_else(unranged)
}

fn size(key: &Key) -> usize {
    exact::encode_row(key.iter().map(ValueRef::from)).len()
}
