//! Primary keys of tables that were created, once their rows are there.
//!
//! Rows that the database takes for one and the source does not are found only then. All but the first that came are taken
//! out again and sent once more, so that the database says of each what it has against it.

use syncline_core::change::{Refusal, TableTask};
use syncline_core::error::{Code, Error};
use syncline_core::limits;
use syncline_core::value::RowBatch;

use super::one_by_one;
use crate::fitted::Seen;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::write::define::WaitingKey;
use crate::postgres::write::open::{AT_LARGE, ONE_BY_ONE, Open};
use crate::postgres::write::session::bug;
use crate::postgres::write::target::Target;
use crate::refused::named;

/// Adds the key, and returns the rows that it keeps out.
pub(super) async fn add(open: &mut Open<'_>, key: &WaitingKey, task: Option<&TableTask>) -> Attempt<Vec<Refusal>> {
    if open.session.write(&key.table, &key.statement).await?.is_ok() {
        return Ok(Vec::new());
    }
    let task = task.ok_or_else(|| bug("an empty table has two rows of one key"))?;
    let target = open.target(&task.table).await?;
    open.session.run(AT_LARGE).await?;
    let doubles = take_out(open, key, (task, &target)).await?;
    open.session.run(ONE_BY_ONE).await?;
    if let Err((_, words)) = open.session.write(&key.table, &key.statement).await? {
        return Err(bug(&words));
    }
    let mut refused = Vec::new();
    for rows in &doubles {
        refused.extend(named(task, rows, one_by_one(open, task, &target, rows).await?));
    }
    Ok(refused)
}

/// Takes out all but the first row of each key, as the task sees them.
async fn take_out(open: &Open<'_>, key: &WaitingKey, (task, target): (&TableTask, &Target)) -> Attempt<Vec<RowBatch>> {
    let doubles = format!(
        "DELETE FROM {place} AS t WHERE ctid IN (SELECT ctid FROM (SELECT ctid, row_number() OVER \
         (PARTITION BY {} ORDER BY ctid) AS nth FROM {place}) AS rows WHERE nth > 1 LIMIT {}) RETURNING {}",
        key.columns.join(", "),
        limits::STREAM_ROWS,
        target.selected(&task.columns),
        place = key.place,
    );
    let codecs = target.codecs(&task.columns);
    let (mut all, mut bytes) = (Vec::new(), 0);
    loop {
        let (mut batch, mut seen) = (RowBatch::new(task.columns.len()), Seen::new(task));
        let taken = open.session.each_row(&doubles, &codecs, |row| batch.push_row(seen.row(row)?.iter()));
        taken.await?;
        if batch.is_empty() {
            return Ok(all);
        }
        bytes += batch.bytes();
        if bytes > limits::DOUBLES_BYTES_MAX {
            return Err(too_many(&key.table).into());
        }
        all.push(batch);
    }
}

fn too_many(table: &str) -> Error {
    Error::new(Code::TableNotCreated, format!("{table} could not be created in the target with its primary key"))
        .because("the target takes the keys of too many of its rows for equal")
        .leaving("the table is not there")
        .next("CREATE TABLE …", "create it in the target with a key whose type or collation tells the rows apart")
}
