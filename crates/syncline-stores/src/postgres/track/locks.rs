//! The locks that defining takes, of tables that applications write to.
//!
//! All at once, or none: an application that waits for a table of ours while we wait for one of its own would be ended by the server
//! after a second, or we would. So nothing is waited for that long while something is held, and everything is let go in between.

use std::collections::BTreeSet;
use std::time::Duration;

use syncline_core::error::{Code, Error};
use syncline_core::limits;
use tokio::time::{Instant, sleep};

use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::{Attempt, Failure};

/// How a relation is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To make triggers: nobody writes.
    Make,
    /// To remove them: nobody reads either.
    Remove,
}

/// What is to be done to a table, and the locks it takes.
pub(super) struct Wanted {
    pub(super) table: String,
    /// As they are written in SQL.
    pub(super) relations: Vec<(Mode, String)>,
}

/// What has become of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    /// Others are at work on one of them.
    Busy,
    /// The server does not let us: whoever goes on is told why.
    Refused,
}

/// Takes the locks, at a moment at which they can be had together. Where such a moment does not come, takes what can be had, and
/// returns the tables that are busy.
pub(super) async fn take(connection: &Connection, wanted: &[Wanted]) -> Attempt<BTreeSet<String>> {
    let mut busy = BTreeSet::new();
    if take_all(connection, wanted).await? == Taken::All {
        return Ok(busy);
    }
    for one in wanted {
        let taken = try_to_take(connection, std::slice::from_ref(one), limits::ROW_LOCK_ATTEMPT / 8).await?;
        if taken == Taken::Busy {
            busy.insert(one.table.clone());
        }
    }
    Ok(busy)
}

/// Takes the locks, at a moment at which they can be had together.
pub(super) async fn take_all(connection: &Connection, wanted: &[Wanted]) -> Attempt<Taken> {
    let end = Instant::now() + limits::LOCK_WAIT;
    loop {
        let taken = try_to_take(connection, wanted, limits::ROW_LOCK_ATTEMPT).await?;
        if taken != Taken::Busy || Instant::now() >= end {
            return Ok(taken);
        }
        sleep(limits::COLLISION_PAUSE).await;
    }
}

/// What to say of a table that others keep busy.
pub(super) fn busy(table: &str) -> Error {
    Error::new(Code::StoreLocked, format!("{table} is in use by transactions that do not end"))
        .leaving("nothing of it was changed")
        .next("run the command again when they are done", "they are in pg_stat_activity")
}

async fn try_to_take(connection: &Connection, wanted: &[Wanted], patience: Duration) -> Attempt<Taken> {
    let client = &connection.client;
    let list = |mode: Mode| {
        let of_mode = wanted.iter().flat_map(|one| &one.relations).filter(move |(other, _)| *other == mode);
        of_mode.map(|(_, relation)| relation.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (make, remove) = (list(Mode::Make), list(Mode::Remove));
    client.batch_execute("SAVEPOINT locks").await?;
    let taken = async {
        for (relations, mode) in [(make, "SHARE ROW EXCLUSIVE"), (remove, "ACCESS EXCLUSIVE")] {
            if !relations.is_empty() {
                // However many there are, none is held for longer than half of this.
                client.batch_execute(&format!("SET LOCAL statement_timeout = {}", patience.as_millis() / 2)).await?;
                client.batch_execute(&format!("LOCK TABLE {relations} IN {mode} MODE")).await?;
            }
        }
        client.batch_execute("SET LOCAL statement_timeout = 0; RELEASE SAVEPOINT locks").await
    };
    let failure = match taken.await {
        Ok(()) => return Ok(Taken::All),
        Err(error) => Failure::from(error),
    };
    let Some(state) = failure.state() else { return Err(failure) };
    let is_busy = failure.is_retryable() || state == QUERY_CANCELED;
    client.batch_execute("ROLLBACK TO SAVEPOINT locks; RELEASE SAVEPOINT locks").await?;
    Ok(if is_busy { Taken::Busy } else { Taken::Refused })
}

/// The server's word for a statement that took too long.
const QUERY_CANCELED: &str = "57014";
