//! The sum of a table's rows, or of a share of them.

use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::store::Share;
use syncline_core::value::{SumPart, exact};

use super::seen::Seen;
use super::select;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::filter;
use crate::sqlite::thread::Outlet;
use crate::sqlite::types::{self, Encoding};

/// Sends the sums of rows that follow each other, for as long as anybody wants them.
pub(super) fn stream(conn: &Connection, task: &TableTask, share: Share, outlet: &Outlet<SumPart>) -> Attempt<()> {
    let Some(condition) = condition(conn, task, share)? else { return Ok(()) };
    let mut seen = Seen::of(task);
    let (columns, table) = (select::columns(task)?, select::table(&task.table.name)?);
    let mut statement = conn.prepare(&format!("SELECT {columns} FROM {table}{condition}"))?;
    let mut rows = statement.raw_query();
    let mut part = SumPart::default();
    let mut encoded = Vec::new();
    while let Some(row) = rows.next()? {
        let how = (seen.as_mut(), task.forms.equality);
        types::encode_row(row, task.columns.len(), how, &mut encoded)?;
        part.add_digest(exact::digest_bytes(&encoded));
        if part.digests.len() >= outlet.flow().rows && !outlet.send(std::mem::take(&mut part)) {
            return Ok(());
        }
    }
    if !part.digests.is_empty() {
        outlet.send(part);
    }
    Ok(())
}

/// What picks the rows of a share that take part.
fn condition(conn: &Connection, task: &TableTask, share: Share) -> Attempt<Option<String>> {
    let Some(range) = range(conn, task, share)? else { return Ok(None) };
    let filter = filter::condition(task, Encoding::of(conn)?)?;
    Ok(Some(match (range, filter) {
        (None, None) => String::new(),
        (Some(only), None) | (None, Some(only)) => format!(" WHERE {only}"),
        (Some(range), Some(filter)) => format!(" WHERE {range} AND ({filter})"),
    }))
}

/// What picks the rows of a share: a range of row numbers. A table without them is one share and the others are empty,
/// which `None` says; `Some(None)` is everything.
fn range(conn: &Connection, task: &TableTask, share: Share) -> Attempt<Option<Option<String>>> {
    if share == Share::ALL {
        return Ok(Some(None));
    }
    let Some(rowid) = select::rowid(&task.table) else {
        return Ok((share.index == 0).then_some(None));
    };
    let table = select::table(&task.table.name)?;
    let ends = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let low = ends(&format!("SELECT min({rowid}) FROM {table}"))?;
    let high = ends(&format!("SELECT max({rowid}) FROM {table}"))?;
    let (Some(low), Some(high)) = (low, high) else { return Ok(None) };
    let begin = border(low, high, share.index, share.of);
    Ok(Some(Some(if share.index + 1 >= share.of {
        format!("{rowid} >= {begin}")
    } else {
        format!("{rowid} >= {begin} AND {rowid} < {}", border(low, high, share.index + 1, share.of))
    })))
}

/// Where a share begins: `low` for the first, in even steps up to `high`.
fn border(low: i64, high: i64, index: u32, of: u32) -> i64 {
    let (low, high) = (i128::from(low), i128::from(high));
    let border = low + (high - low) * i128::from(index) / i128::from(of.max(1));
    i64::try_from(border).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_rise_from_the_lowest_row_number_whatever_the_numbers() {
        for (low, high) in [(0, 0), (1, 10), (i64::MIN, i64::MAX), (-5, -4)] {
            assert_eq!(border(low, high, 0, 3), low);
            let borders: Vec<_> = (0..3).map(|index| border(low, high, index, 3)).collect();
            assert!(borders.is_sorted() && borders.iter().all(|border| (low..=high).contains(border)), "{borders:?}");
        }
    }
}
