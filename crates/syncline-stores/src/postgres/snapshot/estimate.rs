//! How much a table holds, without reading it.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::{Estimate, Scale};
use syncline_core::value::Kind;

use super::select::filtered;
use super::view::Sight;
use crate::postgres::filter;
use crate::postgres::names::quoted;

/// What going through a table may cost for its rows to be counted, as the planner reckons: a page read in its order is 1, so
/// these are some milliseconds.
const COST_OF_COUNTING: f64 = 2_000.0;

/// Rows whose size stands for that of all.
const SAMPLE_ROWS: usize = 64;

/// Whether no row takes part.
pub(super) async fn is_empty(sight: &Sight, task: &TableTask) -> Result<bool> {
    let ground = sight.ground(task).await?;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {}{})", ground.table, filtered(task, None)?);
    Ok(sight.session.row(&sql).await?.get(0) != Some("t"))
}

/// As the port has it.
pub(super) async fn highest(sight: &Sight, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>> {
    let ground = sight.ground(task).await?;
    let sql =
        format!("SELECT {} FROM {}{}", filter::highest(task, column, scale)?, ground.table, filtered(task, None)?);
    Ok(sight.session.row(&sql).await?.get(0).and_then(|highest| highest.parse().ok()))
}

/// Of a table that is gone through at once the rows are counted: of one that is new the planner knows next to nothing. Of a
/// large one it knows the size as it is now, and what it takes the number of rows for is told.
pub(super) async fn estimate(sight: &Sight, task: &TableTask) -> Result<Estimate> {
    let ground = sight.ground(task).await?;
    let (table, filtered) = (&ground.table, filtered(task, None)?);
    let sizes = sizes(task)?;
    let sample = format!("SELECT {sizes} AS size FROM {table}{filtered} LIMIT {SAMPLE_ROWS}");
    let row = sight.session.row(&format!("SELECT avg(size)::bigint FROM ({sample}) AS sample")).await?;
    let Some(row_bytes) = row.get(0).and_then(|average| average.parse::<u64>().ok()) else {
        return Ok(Estimate::default());
    };
    let plan = sight.session.row(&format!("EXPLAIN SELECT 1 FROM {table}{filtered}")).await?;
    let plan = plan.get(0).unwrap_or_default();
    let rows = match cost(plan).filter(|cost| *cost <= COST_OF_COUNTING) {
        Some(_) => {
            let counted = sight.session.row(&format!("SELECT count(*) FROM {table}{filtered}")).await?;
            counted.get(0).and_then(|count| count.parse().ok())
        }
        None => planned(plan),
    };
    let rows = rows.unwrap_or(1).max(1);
    Ok(Estimate { rows, bytes: rows.saturating_mul(row_bytes.max(1)) })
}

/// What the values of a row take, told from their headers: however large they are, they stay where they are.
fn sizes(task: &TableTask) -> Result<String> {
    let mut sizes = Vec::new();
    for (at, position) in task.columns.iter().enumerate() {
        if task.mapped.fills.iter().any(|(column, _)| *column == at) {
            continue;
        }
        let column = &task.table.columns[*position];
        let name = quoted(&column.name)?;
        sizes.push(match column.kind {
            Kind::Text { .. } | Kind::Bytes => format!("coalesce(octet_length({name}), 0)"),
            _ => format!("coalesce(pg_column_size({name}), 0)"),
        });
    }
    // So many terms in a row would be nested too deep for some servers; an array is not.
    Ok(match &sizes[..] {
        [] => "0".to_owned(),
        sizes => format!("(SELECT sum(part) FROM unnest(ARRAY[{}]) AS part)", sizes.join(", ")),
    })
}

/// Rows in the first line of a plan: `Seq Scan on t  (cost=0.00..1.05 rows=5 width=4)`.
fn planned(line: &str) -> Option<u64> {
    let (_, rest) = line.rsplit_once(" rows=")?;
    rest.split(' ').next()?.parse().ok()
}

/// The whole cost in the same line.
fn cost(line: &str) -> Option<f64> {
    let (_, rest) = line.rsplit_once("(cost=")?;
    rest.split_once("..")?.1.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_plan_are_found_whatever_the_table_is_called() {
        assert_eq!(planned("Seq Scan on t  (cost=0.00..1.05 rows=5 width=4)"), Some(5));
        assert_eq!(planned("Seq Scan on \"a rows=7 b\"  (cost=0.00..1.05 rows=12 width=4)"), Some(12));
        assert_eq!(planned("Result"), None);
        assert_eq!(cost("Seq Scan on \"(cost=9..9 x\"  (cost=0.00..1.05 rows=12 width=4)"), Some(1.05));
        assert_eq!(cost("Result"), None);
    }
}
