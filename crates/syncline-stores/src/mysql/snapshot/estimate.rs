//! How much a table holds, without reading it.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::{Estimate, Scale};
use syncline_core::value::Kind;

use super::select::filtered;
use crate::mysql::connect::{Connection, cell, quoted};
use crate::mysql::filter;

/// Rows that are counted rather than guessed: that takes some milliseconds.
const COUNTED_ROWS: u64 = 10_000;

/// Rows whose size stands for that of all.
const SAMPLE_ROWS: usize = 64;

/// Bytes of what is not measured.
const SMALL: usize = 8;

/// Whether no row takes part.
pub(super) async fn is_empty(connection: &Connection, task: &TableTask) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {}{} LIMIT 1", quoted(&task.table.name)?, filtered(task, None)?);
    Ok(connection.line.query(sql).await.map_err(|error| connection.error(error))?.is_empty())
}

/// As the port has it.
pub(super) async fn highest(
    connection: &Connection,
    task: &TableTask,
    column: &str,
    scale: Scale,
) -> Result<Option<i64>> {
    let (highest, table) = (filter::highest(task, column, scale)?, quoted(&task.table.name)?);
    let sql = format!("SELECT {highest} FROM {table}{}", filtered(task, None)?);
    let found = connection.line.query(sql).await.map_err(|error| connection.error(error))?;
    found.first().map_or(Ok(None), |row| cell(row, 0))
}

/// A few rows are counted. Of more the server knows about how many there are, from its statistics, which are never nothing
/// here.
pub(super) async fn estimate(connection: &Connection, task: &TableTask) -> Result<Estimate> {
    let (table, filtered) = (quoted(&task.table.name)?, filtered(task, None)?);
    let ask = |sql: String| async { connection.line.query(sql).await.map_err(|error| connection.error(error)) };
    let few = format!("SELECT 1 FROM {table}{filtered} LIMIT {}", COUNTED_ROWS + 1);
    let counted = ask(format!("SELECT COUNT(*) FROM ({few}) AS few")).await?;
    let counted: u64 = counted.first().map_or(Ok(0), |row| cell(row, 0))?;
    if counted == 0 {
        return Ok(Estimate::default());
    }
    let rows = match counted {
        ..=COUNTED_ROWS => counted,
        _ => {
            let plan = ask(format!("EXPLAIN SELECT 1 FROM {table}{filtered}")).await?;
            let planned = plan.first().and_then(|row| row.get_opt::<u64, _>("rows")?.ok());
            planned.unwrap_or(0).max(counted)
        }
    };
    let sample = format!("SELECT {} AS size FROM {table}{filtered} LIMIT {SAMPLE_ROWS}", sizes(task)?);
    let average = ask(format!("SELECT CAST(AVG(size) AS UNSIGNED) FROM ({sample}) AS sample")).await?;
    let row_bytes: u64 = average.first().map_or(Ok(None), |row| cell::<Option<u64>>(row, 0))?.unwrap_or(0);
    Ok(Estimate { rows, bytes: rows.saturating_mul(row_bytes.max(1)) })
}

fn sizes(task: &TableTask) -> Result<String> {
    let mut sizes = vec![(task.columns.len() * SMALL).to_string()];
    for (at, position) in task.columns.iter().enumerate() {
        let column = &task.table.columns[*position];
        let is_measured =
            matches!(column.kind, Kind::Text { .. } | Kind::Bytes | Kind::Json { .. } | Kind::Other { .. });
        if is_measured && !task.mapped.fills.iter().any(|(filled, _)| *filled == at) {
            sizes.push(format!("COALESCE(OCTET_LENGTH({}), 0)", quoted(&column.name)?));
        }
    }
    Ok(sizes.join(" + "))
}
