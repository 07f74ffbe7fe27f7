//! What was logged put in an order: whatever the sequencer sees in an inbox becomes the next batch of its log.
//!
//! The rows of a transaction are seen together or not at all, so they are in one batch; and a transaction that commits later is in
//! a later one, whenever it wrote.

use mysql_async::Row;
use syncline_core::error::Result;

use super::catalog::{self, Tracked};
use super::triggers::NOW;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell};

/// Each statement sees what is committed as it begins, and locks nothing that it only reads.
const BEGIN: [&str; 2] = ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION READ WRITE"];

/// Whether there is anything that has no order yet.
pub(super) async fn is_any_waiting(connection: &Connection) -> Attempt<bool> {
    for tracked in inboxes(connection).await? {
        if is_waiting(connection, &tracked).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What waits in the inboxes, and the last batch of each log, in a word. Entries of a transaction that commits late count as soon as
/// they are there, and those that somebody else has put in an order as much as the others.
pub(super) async fn pulse(connection: &Connection) -> Attempt<String> {
    let of_one = |tracked: &Tracked| {
        format!(
            "SELECT {}, COUNT(*), COALESCE(MAX(seq), 0), (SELECT COALESCE(MAX(batch), 0) FROM {}) FROM {}",
            tracked.id,
            tracked.log(),
            tracked.inbox()
        )
    };
    let all: Vec<String> = inboxes(connection).await?.iter().map(of_one).collect();
    if all.is_empty() {
        return Ok(String::new());
    }
    let word = |row: &Row| {
        let numbers = (0..row.len()).map(|at| Ok(cell::<u64>(row, at)?.to_string()));
        Ok(numbers.collect::<Result<Vec<_>>>()?.join(":"))
    };
    let rows = connection.line.query(all.join(" UNION ALL ")).await?;
    Ok(rows.iter().map(word).collect::<Result<Vec<_>>>()?.join(" "))
}

/// Makes batches of what has been committed by now. Nobody else does so meanwhile.
pub(super) async fn sequence(connection: &Connection) -> Attempt<()> {
    for tracked in inboxes(connection).await? {
        if !is_waiting(connection, &tracked).await? {
            continue;
        }
        let (log, inbox) = (tracked.log(), tracked.inbox());
        for statement in BEGIN {
            connection.line.run(statement).await?;
        }
        let next = format!("(SELECT COALESCE(MAX(batch), 0) + 1 FROM {log} AS earlier)");
        connection.line.run(mark(&tracked, &next)).await?;
        // The mark is what others tell histories by; its batch is the one that the rows get too.
        let last = format!("(SELECT MAX(batch) FROM {log} AS earlier)");
        connection.line.run(format!("INSERT INTO {log} SELECT {last}, inbox.* FROM {inbox} AS inbox")).await?;
        let moved = format!(
            "DELETE inbox FROM {log} AS log STRAIGHT_JOIN {inbox} AS inbox ON inbox.seq = log.seq AND inbox.salt = log.salt \
             WHERE log.batch = {last}"
        );
        connection.line.run(moved).await?;
        connection.line.run("COMMIT").await?;
    }
    Ok(())
}

/// The statement that gives a batch its mark, which no other has, and no other history either.
pub(super) fn mark(tracked: &Tracked, batch: &str) -> String {
    format!(
        "INSERT INTO {} (batch, seq, salt, op, at, origin) SELECT {batch}, 0, 0, 'M', {NOW}, REPLACE(UUID(), '-', '')",
        tracked.log()
    )
}

/// The tracked tables whose logs are there.
async fn inboxes(connection: &Connection) -> Attempt<Vec<Tracked>> {
    let mut tracked = catalog::tracked(connection).await?;
    let sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ?";
    let rows = connection.line.exec(sql, ("\\_syncline\\_%",)).await?;
    let there = rows.iter().map(|row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
    tracked.retain(|tracked| there.contains(&tracked.log()) && there.contains(&tracked.inbox()));
    Ok(tracked)
}

async fn is_waiting(connection: &Connection, tracked: &Tracked) -> Attempt<bool> {
    Ok(!connection.line.query(format!("SELECT 1 FROM {} LIMIT 1", tracked.inbox())).await?.is_empty())
}
