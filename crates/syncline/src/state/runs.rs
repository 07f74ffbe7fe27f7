//! Runs: from their beginning to their end, and the ways to find them again.

#[cfg(test)]
mod tests;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use syncline_core::error::{Code, Error, Result};

use super::State;
use super::database::Outcome;
use super::evidence::{NET_IMAGES, rows_on_record};
use super::incarnations;
use super::ledger;
use super::run_record::{COLUMNS, NewRun, RunEnd, RunRecord, to_json, to_sql, to_word};

/// Attempts at an identifier that is free; even with a million runs the second attempt succeeds.
const ID_ATTEMPTS: u32 = 16;

/// Whether evidence of the run in the outer query is kept, be it of rows that came and went.
const HAS_EVIDENCE: &str = "(EXISTS (SELECT 1 FROM load WHERE load.run = run.id)
     OR EXISTS (SELECT 1 FROM evidence_table JOIN image ON image.table_id = evidence_table.id
                WHERE evidence_table.run = run.id))";

/// Whether the run in the outer query has held rows of which nobody has said whether they count.
const HAS_PENDING: &str = "EXISTS (SELECT 1 FROM held_row WHERE held_row.run = run.id AND batch IS NOT NULL)";
/// Whether the run in the outer query wrote to the content that its target holds now.
const IS_PRESENT: &str = "NOT EXISTS (SELECT 1 FROM incarnation WHERE incarnation.target_identity = run.target_identity
     AND incarnation.number > run.incarnation)";

impl State {
    /// Records that a run begins, and names it. Its status is running until [`State::finish_run`].
    ///
    /// # Errors
    /// `NOTHING_TO_UNDO` when it is to take back a run whose before-images are not kept, or no longer.
    pub async fn begin_run(&self, run: NewRun) -> Result<String> {
        self.database
            .write("record the beginning of a run", move |tx| {
                if let Some(undone) = &run.undoes {
                    require_images(tx, undone)?;
                }
                ledger::inherit(tx, &run)?;
                insert(tx, &run)
            })
            .await
    }

    /// Records that a run has ended, and how. An undo that has taken its run back marks that run as undone; if that
    /// run was an undo itself, what it had taken back is in force again and can be undone once more. Held rows that the
    /// run of an undo had settled wait again as soon as anything was taken back: they may differ once more. Those that only a
    /// run held which is taken back wait no longer.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when there is no such run.
    pub async fn finish_run(&self, id: &str, end: RunEnd) -> Result<()> {
        let id = id.to_owned();
        let update = "UPDATE run SET status = ?2, verified = ?3, summary = ?4, error = ?5, ended_ms = ?6, \
             written_rows = ?7 WHERE id = ?1";
        self.database
            .write("record the end of a run", move |tx| {
                let tables = end.summary.iter().flat_map(|summary| &summary.tables);
                let written: u64 = tables.map(|table| table.inserted + table.updated + table.deleted).sum();
                let summary = end.summary.as_ref().map(to_json).transpose()?;
                let error = end.error.as_ref().map(to_json).transpose()?;
                let (status, verified) = (to_word(&end.status)?, to_word(&end.verified)?);
                let changed =
                    tx.execute(update, params![id, status, verified, summary, error, end.ended_ms, to_sql(written)])?;
                if changed == 0 {
                    return Err(not_found(&id).into());
                }
                if end.mark_undone {
                    mark_undone(tx, &id, end.ended_ms)?;
                }
                if written > 0 { reopen_undone(tx, &id) } else { Ok(()) }
            })
            .await
    }

    /// Records that a run which still says running is not: its process died. A run that has ended keeps its end. What its
    /// evidence holds by now is what it has written.
    pub async fn mark_interrupted(&self, id: &str, ended_ms: i64) -> Result<()> {
        let id = id.to_owned();
        let update = "UPDATE run SET status = 'interrupted', ended_ms = ?2, written_rows = ?3 \
             WHERE id = ?1 AND status = 'running'";
        self.database
            .write("record that a run was interrupted", move |tx| {
                tx.execute(update, params![id, ended_ms, to_sql(rows_on_record(tx, &id)?)])?;
                reopen_undone(tx, &id)
            })
            .await
    }

    /// The run with this identifier, or the only one whose identifier begins so; with or without `r_`.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when there is none, or more than one.
    pub async fn find_run(&self, text: &str) -> Result<RunRecord> {
        let text = text.to_owned();
        self.database
            .read("look up a run", move |connection| {
                let digits = text.trim().to_lowercase();
                let digits = digits.strip_prefix("r_").unwrap_or(&digits);
                if digits.is_empty() {
                    return Err(not_found(&text).into());
                }
                // An identifier cannot be the beginning of another: all have one length.
                let select = format!("SELECT {COLUMNS} FROM run WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2");
                let mut found = query(connection, &select, [format!("r_{digits}")])?;
                match (found.pop(), found.pop()) {
                    (Some(run), None) => Ok(run),
                    (Some(_), Some(_)) => {
                        let what = format!("{text:?} is no single run");
                        Err(Error::new(Code::RunNotFound, what)
                            .because("several begin so")
                            .next("syncline runs list", "shows the runs that are recorded")
                            .into())
                    }
                    _ => Err(not_found(&text).into()),
                }
            })
            .await
    }

    /// Up to `limit` runs, newest first, and where the next page begins if there is one: pass it as `cursor`.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when the cursor is none that this method returned.
    pub async fn list_runs(&self, limit: usize, cursor: Option<&str>) -> Result<(Vec<RunRecord>, Option<String>)> {
        let cursor = cursor.map(str::to_owned);
        let limit = limit.max(1);
        self.database
            .read("list the runs", move |connection| {
                let before = match &cursor {
                    Some(id) => sequence_of(connection, id)?,
                    None => i64::MAX,
                };
                // One more than asked for tells whether there is a next page.
                let asked = to_sql(limit as u64).saturating_add(1);
                let select = format!("SELECT {COLUMNS} FROM run WHERE sequence < ?1 ORDER BY sequence DESC LIMIT ?2");
                let mut runs = query(connection, &select, [before, asked])?;
                let has_more = runs.len() > limit;
                runs.truncate(limit);
                let next = if has_more { runs.last().map(|run| run.id.clone()) } else { None };
                Ok((runs, next))
            })
            .await
    }

    /// Runs on a target that have not recorded their end, or ended without saying how much of their evidence or of what
    /// they held counts, oldest first. Whoever holds the target's lock knows that the processes of all of them are dead, its own run
    /// excepted.
    pub async fn unfinished_runs(&self, target_identity: &str) -> Result<Vec<RunRecord>> {
        let target_identity = target_identity.to_owned();
        let select = format!(
            "SELECT {COLUMNS} FROM run WHERE (status = 'running' OR (sealed_batch IS NULL AND {HAS_EVIDENCE}) OR {HAS_PENDING}) \
                 AND target_identity = ?1 ORDER BY sequence"
        );
        self.database
            .read("look for unfinished runs", move |connection| query(connection, &select, [target_identity]))
            .await
    }

    /// All runs that have not recorded their end, oldest first: working ones and those whose process has died.
    pub async fn running_runs(&self) -> Result<Vec<RunRecord>> {
        let select = format!("SELECT {COLUMNS} FROM run WHERE status = 'running' ORDER BY sequence");
        self.database.read("look for running runs", move |connection| query(connection, &select, ())).await
    }

    /// The newest copy or mirror that has ended, has changes that can be taken back, and is not undone. Undo runs are
    /// passed over, so that one undo after the other walks back in history; so are runs whose target was restored since.
    pub async fn newest_undoable(&self) -> Result<Option<RunRecord>> {
        let has_changes = has_changes();
        let select = format!(
            "SELECT {COLUMNS} FROM run WHERE verb IN ('copy', 'mirror', 'retry') AND status <> 'running' AND keeps_images \
             AND undone_by IS NULL AND {IS_PRESENT} AND {has_changes} ORDER BY sequence DESC LIMIT 1"
        );
        self.database.read("look for a run to undo", move |connection| Ok(query(connection, &select, ())?.pop())).await
    }

    /// Whether there is something to take back of the run: loads, or rows that it changed and that did not go as they came.
    pub async fn has_changes(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let select = format!("SELECT 1 FROM run WHERE id = ?1 AND {}", has_changes());
        self.database
            .read("look for before-images", move |connection| Ok(connection.prepare_cached(&select)?.exists([id])?))
            .await
    }

    /// Asks a run to stop after its current batch. Its process sees that by [`State::is_cancel_requested`].
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when there is no such run.
    pub async fn request_cancel(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.database
            .write("ask a run to stop", move |tx| {
                match tx.execute("UPDATE run SET cancel_requested = 1 WHERE id = ?1", [&id])? {
                    0 => Err(not_found(&id).into()),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Whether someone has asked the run to stop; `false` for a run that does not exist.
    pub async fn is_cancel_requested(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let select = "SELECT 1 FROM run WHERE id = ?1 AND cancel_requested";
        self.database
            .read("see whether a run is to stop", move |connection| {
                Ok(connection.prepare_cached(select)?.exists([id])?)
            })
            .await
    }
}

/// Whether there is something to take back of the run in the outer query.
fn has_changes() -> String {
    format!(
        "(EXISTS (SELECT 1 FROM load WHERE load.run = run.id) OR EXISTS (SELECT 1 FROM evidence_table \
             WHERE evidence_table.run = run.id AND EXISTS ({NET_IMAGES} AND table_id = evidence_table.id)))"
    )
}

fn insert(tx: &Transaction<'_>, run: &NewRun) -> Outcome<String> {
    let request = run.request.as_ref().map(to_json).transpose()?;
    let incarnation = to_sql(incarnations::present(tx, &run.target_identity)?);
    let mut statement = tx.prepare_cached(
        "INSERT INTO run (id, verb, source, target, target_identity, status, verified, started_ms, request, undoes, \
         continues, keeps_images, source_identity, incarnation) \
         VALUES ('r_' || lower(hex(randomblob(4))), ?1, ?2, ?3, ?4, 'running', 'skipped', ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         RETURNING id",
    )?;
    let mut attempts = 1;
    loop {
        let values = params![
            to_word(&run.verb)?,
            run.source,
            run.target,
            run.target_identity,
            run.started_ms,
            request,
            run.undoes,
            run.continues,
            run.keeps_images,
            run.source_identity,
            incarnation,
        ];
        match statement.query_row(values, |row| row.get(0)) {
            Err(error) if is_taken(&error) && attempts < ID_ATTEMPTS => attempts += 1,
            other => return Ok(other?),
        }
    }
}

fn is_taken(error: &rusqlite::Error) -> bool {
    let is_unique = error.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE);
    is_unique && error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// In the transaction that begins the undo, so that images cannot expire between the look and the beginning: from
/// here on the undo protects them.
fn require_images(tx: &Transaction<'_>, id: &str) -> Outcome<()> {
    let keeps = tx.query_row("SELECT keeps_images FROM run WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    match keeps {
        Some(true) => Ok(()),
        Some(false) => Err(Error::new(Code::NothingToUndo, format!("run {id} cannot be undone"))
            .because("its before-images are not kept, or no longer")
            .into()),
        None => Err(not_found(id).into()),
    }
}

/// Marks the run that `by` took back, and walks down the chain of undos below it: what an undone undo had taken back
/// is in force again, what was in force through it is taken back again.
///
/// Loads are the end of the chain: an undo of theirs cannot be taken back, so they stay undone.
fn mark_undone(tx: &Transaction<'_>, by: &str, ended_ms: i64) -> Outcome<()> {
    let mut undoing = by.to_owned();
    let mut is_undone = true;
    while let Some(undone) = undoes(tx, &undoing)? {
        let has_loads = tx.prepare_cached("SELECT 1 FROM load WHERE run = ?1")?.exists([&undone])?;
        if !is_undone && has_loads {
            break;
        }
        let mark = is_undone.then_some(&undoing);
        tx.prepare_cached("UPDATE run SET undone_by = ?2 WHERE id = ?1")?.execute(params![undone, mark])?;
        if is_undone {
            ledger::settle_undone(tx, &undone, by, ended_ms)?;
        }
        is_undone = !is_undone;
        undoing = undone;
    }
    Ok(())
}

/// If the run is an undo, what its run had settled in the ledger is open again.
fn reopen_undone(tx: &Transaction<'_>, id: &str) -> Outcome<()> {
    match undoes(tx, id)? {
        Some(undone) => ledger::reopen(tx, &undone),
        None => Ok(()),
    }
}

fn undoes(tx: &Transaction<'_>, id: &str) -> Outcome<Option<String>> {
    let mut statement = tx.prepare_cached("SELECT undoes FROM run WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?.flatten())
}

fn sequence_of(connection: &Connection, id: &str) -> Outcome<i64> {
    let mut statement = connection.prepare_cached("SELECT sequence FROM run WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()?.ok_or_else(|| not_found(id).into())
}

pub(super) fn query(connection: &Connection, select: &str, values: impl rusqlite::Params) -> Outcome<Vec<RunRecord>> {
    let mut statement = connection.prepare_cached(select)?;
    let runs = statement.query_map(values, RunRecord::read)?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

fn not_found(text: &str) -> Error {
    Error::new(Code::RunNotFound, format!("there is no run {text:?}"))
        .next("syncline runs list", "shows the runs that are recorded")
}
