//! Which plans were carried out, by which runs, and what those that were cut off had written.
//!
//! A plan is *begun* as soon as a run is recorded that carries it out, and *spent* when nothing of it is left to do.

use rusqlite::{OptionalExtension, Row, params};
use syncline_core::change::{RowDigest, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::value::{Value, exact};

use super::State;
use super::database::Outcome;
use super::evidence::{NET_IMAGES, read_digest, table_id};
use super::run_record::{COLUMNS, RunRecord, to_count, to_sql};
use super::runs::query;

/// What a run has done to one row, in digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The key, in the exact encoding.
    pub key: Vec<u8>,
    /// The row before, over the columns that were asked for; `None` when there was none.
    pub seen: Option<RowDigest>,
    /// What was written, over all columns of the image; `None` when the row was deleted.
    pub after: Option<RowDigest>,
}

impl State {
    /// The runs that have set out to carry a plan out, oldest first. Some of them may have written nothing.
    pub async fn plan_runs(&self, plan: &str) -> Result<Vec<RunRecord>> {
        let plan = plan.to_owned();
        let select = format!("SELECT {COLUMNS} FROM run WHERE request ->> 'plan' = ?1 ORDER BY sequence");
        self.database.read("look for the runs of a plan", move |connection| query(connection, &select, [plan])).await
    }

    /// Undos of a run that are in force although they have not taken all of it back.
    pub async fn undos_in_force(&self, run: &str) -> Result<Vec<String>> {
        let run = run.to_owned();
        let select = "SELECT id FROM run WHERE undoes = ?1 AND undone_by IS NULL ORDER BY sequence";
        self.database
            .read("look for undos of a run", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let undos = statement.query_map([run], |row| row.get(0))?;
                Ok(undos.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// What a run has written to a table, each row once, with positions: pass the last one as `after` for the next page, 0
    /// for the first. None at all only behind the last. `target` says which
    /// columns of an image, from the first, are summed up, and as what they are seen.
    pub async fn written(&self, run: &str, table: &str, target: &TableTask, after: u64) -> Result<Vec<(u64, Written)>> {
        let (run, table, target) = (run.to_owned(), table.to_owned(), target.clone());
        let select = format!("{NET_IMAGES} AND table_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
        self.database
            .read("read what a run has written", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let (mut written, mut bytes) = (Vec::new(), 0);
                let mut rows = statement.query(params![table_id, to_sql(after), to_sql(limits::SPOOL_PAGE as u64)])?;
                while let Some(row) = rows.next()? {
                    let (position, change) = (to_count(row.get(0)?), read_written(row, &target)?);
                    bytes += change.key.len();
                    written.push((position, change));
                    if bytes > limits::BATCH_BYTES {
                        break;
                    }
                }
                Ok(written)
            })
            .await
    }

    /// The run that has carried a plan out to its end, if one has.
    pub async fn plan_spent_by(&self, plan: &str) -> Result<Option<String>> {
        let plan = plan.to_owned();
        self.database
            .read("look up a plan", move |connection| {
                let mut statement = connection.prepare_cached("SELECT run FROM plan WHERE id = ?1")?;
                Ok(statement.query_row([plan], |row| row.get(0)).optional()?)
            })
            .await
    }

    /// Records that nothing of a plan is left to do, and which run has come to that. Only the first one counts.
    pub async fn spend_plan(&self, plan: &str, run: &str, now_ms: i64) -> Result<()> {
        let (plan, run) = (plan.to_owned(), run.to_owned());
        self.database
            .write("record that a plan is carried out", move |tx| {
                let insert = "INSERT INTO plan (id, run, spent_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
                tx.execute(insert, params![plan, run, now_ms])?;
                Ok(())
            })
            .await
    }
}

/// Reads a row of [`NET_IMAGES`].
fn read_written(row: &Row<'_>, target: &TableTask) -> Outcome<Written> {
    let cells = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let seen = cells.map(|cells| digest_of(cells, target)).transpose()?;
    Ok(Written { key: row.get(1)?, seen, after: read_digest(row, 4)? })
}

fn digest_of(cells: &[u8], target: &TableTask) -> Result<RowDigest> {
    let row = exact::decode_row(cells)
        .map_err(|error| Error::new(Code::StateFailed, "a before-image cannot be read").caused_by(error))?;
    let seen = target.seen(0..target.columns.len(), row);
    Ok(target.digest(seen.iter().map(Value::as_ref), &mut Vec::new()))
}
