//! Definitions of tables that applications write to.

use std::time::Duration;

use syncline_core::limits;
use tokio::time::{Instant, sleep};

use crate::mysql::connect::Connection;
use crate::mysql::connect::failure::{Attempt, Failure};

/// Carries out a definition, at a moment at which nobody is at the table.
///
/// One that waits for its table keeps out who comes next. An application that has only looked at the table in its transaction (to
/// check a reference is enough) and then writes to it would wait for us, and we for it; of such two the server ends the
/// application's. So this one does not wait, but tries again. Only where no such moment comes it waits like everybody.
pub(super) async fn define(connection: &Connection, statement: &str) -> Attempt<()> {
    let (end, mut pause) = (Instant::now() + limits::LOCK_WAIT, FIRST_PAUSE);
    let wait = |seconds: u64| connection.line.run(format!("SET lock_wait_timeout = {seconds}"));
    wait(0).await?;
    let done = loop {
        let done = connection.line.run(statement).await.map(drop).map_err(Failure::from);
        if !is_at_work(&done) || Instant::now() >= end {
            break done;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    };
    wait(limits::LOCK_WAIT.as_secs()).await?;
    if !is_at_work(&done) {
        return done;
    }
    connection.line.run(statement).await?;
    Ok(())
}

/// Whether somebody is at the table.
fn is_at_work(done: &Attempt<()>) -> bool {
    done.as_ref().is_err_and(Failure::is_retryable)
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(16);
