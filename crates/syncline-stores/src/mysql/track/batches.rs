//! What was logged put in an order: whatever the sequencer sees in an inbox becomes the next batch of its log.
//!
//! The rows of a transaction are seen together or not at all, so they are in one batch; and a transaction that commits later is in
//! a later one, whenever it wrote.

use super::catalog::{self, Tracked};
use super::triggers::NOW;
use crate::mysql::connect::Connection;
use crate::mysql::connect::failure::Attempt;

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
    let mut there = Vec::new();
    for tracked in catalog::tracked(connection).await? {
        if catalog::exists(connection, &tracked.inbox()).await? && catalog::exists(connection, &tracked.log()).await? {
            there.push(tracked);
        }
    }
    Ok(there)
}

async fn is_waiting(connection: &Connection, tracked: &Tracked) -> Attempt<bool> {
    Ok(!connection.line.query(format!("SELECT 1 FROM {} LIMIT 1", tracked.inbox())).await?.is_empty())
}
