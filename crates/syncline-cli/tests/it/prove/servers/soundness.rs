//! What must hold of a target between runs: nothing of Syncline is left, no reference points at nothing, and what the
//! application has set up is as it was.

use std::thread;
use std::time::{Duration, Instant};

use super::engine::Database;

/// References of the world: child, column, parent.
pub(crate) const REFERENCES: [(&str, &str, &str); 2] =
    [("orders", "customer", "customers"), ("employees", "manager", "employees")];

/// The server takes a moment to notice that a client is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything but rows.
pub(crate) fn definitions(database: &Database<'_>) -> String {
    database.run(database.engine().defined)
}

/// Panics unless no run at all shows in the database.
pub(crate) fn check(database: &Database<'_>) {
    assert_eq!(database.run(database.engine().left), "", "something is left in the target");
    check_but_checkpoints(database);
}

/// As [`check`] where another state directory has a run that it does not know the end of: how far that came stays, so that
/// it can find out.
pub(crate) fn check_but_checkpoints(database: &Database<'_>) {
    let left = database.run(database.engine().left);
    assert!(left.lines().all(|line| line.contains("_syncline_checkpoint")), "something is left in the target: {left}");
    wait_for_locks(database);
    check_references(database);
}

/// Returns once nothing that is gone holds anything.
///
/// # Panics
/// When that takes too long.
pub(crate) fn wait_for_locks(database: &Database<'_>) {
    let [held, all] = database.engine().held;
    let end = Instant::now() + PATIENCE;
    while !database.run(held).is_empty() {
        assert!(Instant::now() < end, "a lock is left: {}", database.run(all));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Panics when a row points at nothing, which no reader may see at any time.
pub(crate) fn check_references(database: &Database<'_>) {
    for (child, column, parent) in REFERENCES {
        if database.has(child) {
            assert_eq!(database.run(&dangling(child, column, parent)).trim(), "0", "rows of {child} reference nothing");
        }
    }
}

/// How many rows point at nothing.
pub(crate) fn dangling(child: &str, column: &str, parent: &str) -> String {
    format!(
        "SELECT count(*) FROM {child} AS c WHERE c.{column} IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.id = c.{column});"
    )
}
