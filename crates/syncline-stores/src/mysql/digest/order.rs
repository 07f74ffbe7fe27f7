//! The key order of a task as MySQL's own SQL.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::value::Kind;
use syncline_core::value::key_order::kind_rank;

use crate::lens::Form;
use crate::mysql::connect::{Connection, quoted};

/// Whether the server can deliver the key order. It cannot where text is seen as something else: then those that fit come
/// first, by their value, and those that do not come by their text. Nor can it where a key holds days that do not exist.
pub(super) async fn is_delivered(connection: &Connection, task: &TableTask) -> Result<bool> {
    for at in &task.key {
        let column = &task.table.columns[task.columns[*at]];
        let is_ordered = Form::of(task, *at).is_none_or(|form| match (&column.kind, form.kind()) {
            // Every text fits.
            (Kind::Text { padded: false, .. }, Kind::Other { .. }) => true,
            (stored_as, seen_as) => kind_rank(stored_as) == kind_rank(seen_as),
        });
        if !is_ordered || has_odd_days(connection, task, column).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What rows are sorted by.
///
/// Numbers, times and bytes are in the server's own order; all that is text goes by its bytes. NULL comes first there anyway.
pub(super) fn terms(task: &TableTask) -> Result<String> {
    let terms = task.key.iter().map(|at| {
        let column = &task.table.columns[task.columns[*at]];
        Ok(term(column, &quoted(&column.name)?))
    });
    Ok(terms.collect::<Result<Vec<_>>>()?.join(", "))
}

fn term(column: &Column, name: &str) -> String {
    match &column.kind {
        Kind::Text { .. } if is_by_bytes(&column.collation) => name.to_owned(),
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Uuid | Kind::Flexible(_) => by_bytes(name),
        // Digits of one length.
        Kind::Other { type_name } if type_name.starts_with("bit(") => name.to_owned(),
        Kind::Other { .. } => by_bytes(name),
        _ => name.to_owned(),
    }
}

/// Text by the bytes it has in UTF-8.
pub(in crate::mysql) fn by_bytes(name: &str) -> String {
    format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)")
}

/// Whether a collation orders text by the bytes that it has in UTF-8, spaces at its end included.
fn is_by_bytes(collation: &str) -> bool {
    matches!(collation, "utf8mb4_nopad_bin" | "utf8mb4_0900_bin" | "utf8mb3_nopad_bin" | "ascii_nopad_bin")
}

/// Whether a column has zero dates and the like, which are no days to others and come behind all of those.
async fn has_odd_days(connection: &Connection, task: &TableTask, column: &Column) -> Result<bool> {
    if !matches!(column.kind, Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. }) {
        return Ok(false);
    }
    let (table, odd) = (quoted(&task.table.name)?, is_odd_day(&quoted(&column.name)?));
    let sql = format!("SELECT 1 FROM {table} WHERE {odd} LIMIT 1");
    Ok(!connection.line.query(sql).await.map_err(|error| connection.error(error))?.is_empty())
}

/// Whether a column holds a day that does not exist: one of no month, the zeroth of a month, or one that its month has not.
pub(in crate::mysql) fn is_odd_day(name: &str) -> String {
    format!(
        "({name} IS NOT NULL AND (MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0 \
         OR COALESCE(DAYOFMONTH({name}) > DAYOFMONTH(LAST_DAY({name})), TRUE)))"
    )
}
