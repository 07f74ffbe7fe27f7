//! Another program that writes to the target all the while: to a table of its own, and to rows that the mirror is told
//! to leave alone. It keeps a list of what the server has acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use syncline_testkit::postgres::Database;

use super::world::APPLICATION;

/// The rest between two of its transactions.
const REST: Duration = Duration::from_millis(10);

/// What it has done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Rows whose commit was acknowledged.
    pub(crate) acknowledged: Vec<u64>,
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
            true => format!("INSERT INTO public.quotas VALUES ({}, {n} % 7);", APPLICATION + n),
            false => String::new(),
        };
        let finished = database.try_psql(&format!("BEGIN; INSERT INTO public.journal VALUES ({n}); {quota} COMMIT"));
        match finished.code {
            Some(0) => done.acknowledged.push(n),
            // The server was killed under it, or has not come up yet.
            _ => assert!(is_about_the_server(&finished.stderr), "the application failed: {}", finished.stderr),
        }
        thread::sleep(REST);
    }
    done
}

/// Whether `psql` failed for a server that was ended.
pub(crate) fn is_about_the_server(stderr: &str) -> bool {
    ["connection to server", "server closed the connection", "terminating connection", "shutting down", "starting up"]
        .iter()
        .any(|words| stderr.contains(words))
}

impl Done {
    /// Deletes all of it.
    pub(crate) fn take_back(&self, database: &Database<'_>, with_quotas: bool) {
        let bound = format!("DELETE FROM quotas WHERE id >= {APPLICATION}");
        database.psql(&format!("DELETE FROM journal; {}", if with_quotas { &bound } else { "" }));
    }

    /// Panics unless all that was acknowledged is there, and nothing that was never tried.
    pub(crate) fn check(&self, database: &Database<'_>, with_quotas: bool) {
        let numbers = |query: &str| -> Vec<u64> { database.psql(query).lines().map(|n| n.parse().unwrap()).collect() };
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
