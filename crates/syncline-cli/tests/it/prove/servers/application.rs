//! Another program that writes to the target all the while: to a table of its own, and to rows that the mirror is told
//! to leave alone. It keeps a list of what the server has acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::engine::Database;
use super::world::APPLICATION;

/// The rest between two of its transactions.
const REST: Duration = Duration::from_millis(10);

/// What it has done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Rows whose commit was acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// Transactions that the server has taken back in favour of a run's.
    pub(crate) yielded: u64,
    /// All that it tried.
    pub(crate) attempted: u64,
}

/// Writes until it is told to stop.
pub(crate) fn write(database: &Database<'_>, with_quotas: bool, stop: &AtomicBool) -> Done {
    let mut done = Done::default();
    while !stop.load(Ordering::Acquire) {
        let n = done.attempted;
        done.attempted += 1;
        let quota = match with_quotas {
            true => format!("INSERT INTO quotas VALUES ({}, {n} % 7);", APPLICATION + n),
            false => String::new(),
        };
        let finished = database.try_run(&format!("BEGIN; INSERT INTO journal VALUES ({n}); {quota} COMMIT"));
        let has_yielded = database.engine().yielded.iter().any(|words| finished.stderr.contains(words));
        match finished.code {
            Some(0) => done.acknowledged.push(n),
            _ if has_yielded => done.yielded += 1,
            // The server was killed under it, or has not come up yet.
            _ => assert!(database.is_gone(&finished), "the application failed: {}", finished.stderr),
        }
        thread::sleep(REST);
    }
    done
}

impl Done {
    /// Deletes all of it.
    pub(crate) fn take_back(&self, database: &Database<'_>, with_quotas: bool) {
        let bound = format!("DELETE FROM quotas WHERE id >= {APPLICATION}");
        database.run(&format!("DELETE FROM journal; {}", if with_quotas { &bound } else { "" }));
    }

    /// Panics unless all that was acknowledged is there, and nothing that was never tried.
    pub(crate) fn check(&self, database: &Database<'_>, with_quotas: bool) {
        let numbers = |query: &str| -> Vec<u64> { database.run(query).lines().map(|n| n.parse().unwrap()).collect() };
        let mut there = vec![numbers("SELECT n FROM journal ORDER BY n")];
        if with_quotas {
            there.push(numbers(&format!(
                "SELECT id - {APPLICATION} FROM quotas WHERE id >= {APPLICATION} AND n = (id - {APPLICATION}) % 7 ORDER BY id"
            )));
        }
        for there in there {
            let lost: Vec<_> = self.acknowledged.iter().filter(|n| !there.contains(n)).collect();
            assert!(lost.is_empty(), "rows of the application are lost: {lost:?}");
            assert!(there.iter().all(|n| *n < self.attempted), "rows that nobody wrote");
        }
    }
}
