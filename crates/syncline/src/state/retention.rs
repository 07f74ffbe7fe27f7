//! Before-images are not kept for ever: 7 days and 1 GB, see [`limits::UNDO_KEPT_FOR`] and [`limits::UNDO_KEPT_BYTES`].
//! Nor are settled entries of the ledger: see [`limits::SETTLED_KEPT_FOR`] and [`limits::SETTLED_KEPT_ROWS`].

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Transaction, params};
use syncline_core::error::Result;
use syncline_core::limits;

use super::State;
use super::counters;
use super::dangling;
use super::database::Outcome;
use super::locks::RunLock;
use super::run_record::{to_count, to_sql};

/// Images dropped in one transaction. Few enough that a run which wants to record its own waits a moment only.
const CHUNK: usize = 5_000;

/// Pages given back to the file system in one transaction, for the same reason.
const PAGES: u32 = 4_096;

/// A run with evidence that has not expired.
struct Candidate {
    id: String,
    began_or_ended_ms: i64,
    bytes: u64,
}

/// What is kept.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub(super) ms: i64,
    pub(super) bytes: u64,
}

impl State {
    /// Drops the before-images and loads of runs that ended longer ago than [`limits::UNDO_KEPT_FOR`], and, oldest
    /// run first, what is beyond [`limits::UNDO_KEPT_BYTES`] in all. The newest run with changes keeps its images
    /// whatever their size, and a run that is at work, or is being undone, keeps them whatever their age.
    ///
    /// Returns how many runs lost theirs: they no longer say `keeps_images`. Should this be cut off half-way, they say
    /// so nevertheless, and the next call drops the rest.
    pub async fn expire_images(&self, now_ms: i64) -> Result<u64> {
        let ms = i64::try_from(limits::UNDO_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
        self.expire_beyond(now_ms, Kept { ms, bytes: limits::UNDO_KEPT_BYTES }).await
    }

    pub(super) async fn expire_beyond(&self, now_ms: i64, kept: Kept) -> Result<u64> {
        let dir = self.dir.clone();
        let doing = "choose the before-images to drop";
        let (expired, runs) = self.database.write(doing, move |tx| choose(tx, &dir, now_ms, kept)).await?;
        for run in &runs {
            self.drop_evidence(run).await?;
        }
        if !runs.is_empty() {
            self.give_back_pages().await?;
        }
        Ok(expired)
    }

    /// Drops the entries of the ledger that were settled longer ago than [`limits::SETTLED_KEPT_FOR`], and the oldest of
    /// those beyond [`limits::SETTLED_KEPT_ROWS`]. Entries that wait stay, whatever their age and number. Returns how many
    /// went.
    pub async fn expire_settled(&self, now_ms: i64) -> Result<u64> {
        let ms = i64::try_from(limits::SETTLED_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
        self.expire_settled_beyond(now_ms.saturating_sub(ms), limits::SETTLED_KEPT_ROWS).await
    }

    pub(super) async fn expire_settled_beyond(&self, before_ms: i64, rows: u64) -> Result<u64> {
        let choose = "SELECT sequence, row_id FROM conflict WHERE settled_by IS NOT NULL AND (settled_ms < ?1 \
             OR sequence NOT IN (SELECT sequence FROM conflict WHERE settled_by IS NOT NULL \
                                 ORDER BY settled_ms DESC, sequence DESC LIMIT ?2)) LIMIT ?3";
        let mut expired = 0;
        loop {
            let dropped = self.database.write("drop settled entries of the ledger", move |tx| {
                let mut chosen = tx.prepare_cached(choose)?;
                let values = params![before_ms, to_sql(rows), CHUNK as i64];
                let entries = chosen.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
                let entries = entries.collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
                for (sequence, row) in &entries {
                    tx.prepare_cached("DELETE FROM conflict WHERE sequence = ?1")?.execute([sequence])?;
                    tx.prepare_cached("DELETE FROM held_row WHERE id = ?1")?.execute([row])?;
                }
                Ok(entries.len())
            });
            let dropped = dropped.await?;
            expired += dropped as u64;
            if dropped < CHUNK {
                break;
            }
        }
        if expired > 0 {
            self.give_back_pages().await?;
        }
        Ok(expired)
    }

    async fn drop_evidence(&self, run: &str) -> Result<()> {
        let doing = "drop before-images";
        let delete = "DELETE FROM image WHERE sequence IN (SELECT image.sequence FROM evidence_table \
             JOIN image ON image.table_id = evidence_table.id WHERE evidence_table.run = ?1 LIMIT ?2)";
        loop {
            let id = run.to_owned();
            let dropped = self
                .database
                .write(doing, move |tx| Ok(tx.prepare_cached(delete)?.execute((id, CHUNK as i64))?))
                .await?;
            if dropped < CHUNK {
                break;
            }
        }
        let id = run.to_owned();
        self.database
            .write(doing, move |tx| {
                tx.execute("DELETE FROM evidence_table WHERE run = ?1", [&id])?;
                tx.execute("DELETE FROM load WHERE run = ?1", [&id])?;
                counters::drop_of(tx, &id)?;
                dangling::drop_of(tx, &id)
            })
            .await
    }

    async fn give_back_pages(&self) -> Result<()> {
        let free = "SELECT freelist_count FROM pragma_freelist_count";
        loop {
            let doing = "give back disk space";
            let left = self.database.write(doing, move |tx| {
                let before: i64 = tx.query_row(free, (), |row| row.get(0))?;
                // It moves one page a step.
                let mut vacuum = tx.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                let mut steps = vacuum.query(())?;
                while steps.next()?.is_some() {}
                let after: i64 = tx.query_row(free, (), |row| row.get(0))?;
                Ok(if after < before { after } else { 0 })
            });
            if left.await? == 0 {
                return Ok(());
            }
        }
    }
}

/// Marks the runs that expire now. Returns their number, and all runs whose evidence is to be dropped: those, and what
/// an earlier call did not get to.
///
/// One transaction, so that nobody begins to undo a run that is about to lose its images.
fn choose(tx: &Transaction<'_>, dir: &Arc<Path>, now_ms: i64, kept: Kept) -> Outcome<(u64, Vec<String>)> {
    let busy = busy_runs(tx, dir)?;
    let mut expired = 0;
    let mut bytes = 0;
    for (position, run) in candidates(tx)?.into_iter().enumerate() {
        bytes += run.bytes;
        let is_old = now_ms.saturating_sub(run.began_or_ended_ms) > kept.ms;
        let is_beyond = position > 0 && bytes > kept.bytes;
        if (is_old || is_beyond) && !busy.contains(&run.id) {
            expired += tx.execute("UPDATE run SET keeps_images = 0 WHERE id = ?1", [&run.id])? as u64;
        }
    }
    // What a run has done of a plan that is not carried out yet is kept although nobody wants to take it back.
    let mut dropped = tx.prepare(
        "SELECT id FROM run WHERE NOT keeps_images AND (EXISTS (SELECT 1 FROM evidence_table WHERE evidence_table.run = run.id) \
         OR EXISTS (SELECT 1 FROM load WHERE load.run = run.id)) \
         AND (request ->> 'plan' IS NULL OR request ->> 'undo' OR coalesce(ended_ms, started_ms) < ?1 \
              OR EXISTS (SELECT 1 FROM plan WHERE plan.id = run.request ->> 'plan'))",
    )?;
    let kept_from = now_ms.saturating_sub(kept.ms);
    let mut runs = dropped.query_map([kept_from], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    runs.retain(|run| !busy.contains(run));
    Ok((expired, runs))
}

/// Runs with evidence, newest first.
fn candidates(tx: &Transaction<'_>) -> Outcome<Vec<Candidate>> {
    let mut statement = tx.prepare(
        "SELECT id, coalesce(ended_ms, started_ms), \
                (SELECT coalesce(sum(bytes), 0) FROM evidence_table WHERE evidence_table.run = run.id) + \
                (SELECT coalesce(sum(length(sketch)), 0) FROM load WHERE load.run = run.id) \
         FROM run \
         WHERE keeps_images AND (EXISTS (SELECT 1 FROM evidence_table WHERE evidence_table.run = run.id) \
                                 OR EXISTS (SELECT 1 FROM load WHERE load.run = run.id)) \
         ORDER BY sequence DESC",
    )?;
    let runs = statement.query_map((), |row| {
        Ok(Candidate { id: row.get(0)?, began_or_ended_ms: row.get(1)?, bytes: to_count(row.get(2)?) })
    })?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// Runs at work, and those they take back. A run that says running but whose target nobody has locked is dead.
fn busy_runs(tx: &Transaction<'_>, dir: &Path) -> Outcome<Vec<String>> {
    let mut statement = tx.prepare("SELECT id, undoes, target_identity FROM run WHERE status = 'running'")?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut busy = Vec::new();
    for row in rows {
        let (id, undoes, target): (String, Option<String>, String) = row?;
        if RunLock::is_held(dir, &target) {
            busy.push(id);
            busy.extend(undoes);
        }
    }
    Ok(busy)
}
