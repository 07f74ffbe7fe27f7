//! The last number that a table has given out.

use syncline_core::error::Result;

use super::session::number;
use super::view::Sight;
use crate::postgres::write::sequence::SEQUENCES;

/// The last number of the sequence that is the first of the table to those who write to it, too. `None` where none was given
/// out, and where it may not be seen. Sequences are in no transaction: it is that of now.
pub(super) async fn read(sight: &Sight, table: &str) -> Result<Option<i64>> {
    let Some((_, table)) = sight.table_called(table).await? else { return Ok(None) };
    let sequences = sight.session.rows(&SEQUENCES.replace("$1", &table.to_string())).await?;
    let Some(first) = sequences.first() else { return Ok(None) };
    let first: u32 = number(first, 7)?;
    let sql = format!(
        "SELECT CASE WHEN has_sequence_privilege({first}::oid, 'SELECT') THEN pg_sequence_last_value({first}::oid) END"
    );
    let rows = sight.session.rows(&sql).await?;
    Ok(rows.first().and_then(|row| row.get(0)).and_then(|last| last.parse().ok()))
}
