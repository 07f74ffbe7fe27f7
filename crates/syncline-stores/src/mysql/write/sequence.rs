//! The numbers that a table gives out to rows that bring none.
//!
//! The engine counts them in no transaction, and goes on behind whatever number a row has brought. To set the number is a
//! definition, so it is done behind the commit.

use syncline_core::error::Result;

use super::apply::SHARE;
use super::open::Open;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{cell, quoted};
use crate::mysql::snapshot::sequence;

/// The column of a table that is given numbers.
const COUNTED: &str = "SELECT COLUMN_NAME FROM information_schema.COLUMNS \
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%'";

/// The last number given out, by this table itself or to rows that have brought theirs.
pub(super) async fn read(open: &Open<'_>, table: &str) -> Attempt<Option<i64>> {
    match open.counters.get(table) {
        Some(set) => Ok(*set),
        None => Ok(sequence::read(open.catalog, open.place(table)).await?),
    }
}

/// Sets that number, or makes it as if none had been given out, where the table counts at all. The engine does not go back
/// behind a number that a row of the table has, so it is that one then.
pub(super) async fn restore(open: &mut Open<'_>, table: &str, value: Option<i64>) -> Attempt<()> {
    let place = open.place(table).to_owned();
    let rows = open.catalog.line.exec(COUNTED, (&place,)).await?;
    let names = rows.iter().map(|row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
    let Some(column) = names.first() else { return Ok(()) };
    let highest = format!("SELECT COALESCE(MAX({}), 0) FROM {} {SHARE}", quoted(column)?, quoted(&place)?);
    let highest = open.session.numbers(highest).await?.first().and_then(|row| row.first().copied());
    open.counters.insert(table.to_owned(), value.max(highest.filter(|number| *number > 0)));
    Ok(())
}
