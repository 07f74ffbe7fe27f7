//! An application that moves money between accounts, and notes each transfer in the same transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use syncline_testkit::deterministic::Numbers;

use super::sides::Side;

pub(in crate::prove) const ACCOUNTS: u64 = 40;

/// What all accounts hold together, always.
pub(in crate::prove) const SUM: i64 = 100 * ACCOUNTS as i64;

pub(in crate::prove) const TABLES: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY, total INTEGER NOT NULL);
    CREATE TABLE done (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id));
    CREATE TABLE moved (id INTEGER PRIMARY KEY, v INTEGER NOT NULL);";

/// The rows that are there from the beginning.
pub(in crate::prove) fn rows() -> String {
    let account = |id| format!("INSERT INTO account VALUES ({id}, 100);");
    let moved = |id| format!("INSERT INTO moved VALUES ({id}, 0);");
    (1..=ACCOUNTS).map(account).chain((1..=30).map(moved)).collect()
}

/// Writes until it is told to stop. Returns the transfers that the database has acknowledged.
pub(in crate::prove) fn write(source: &Side<'_>, seed: u64, stop: &AtomicBool) -> Vec<i64> {
    let (mut numbers, mut acknowledged) = (Numbers::new(seed), Vec::new());
    for number in 1.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let (from, to) = (numbers.below(ACCOUNTS) + 1, numbers.below(ACCOUNTS) + 1);
        let (old, new) = (numbers.below(60) + 1, numbers.below(60) + 1);
        let script = format!(
            "BEGIN; UPDATE account SET total = total - 1 WHERE id = {from}; UPDATE account SET total = total + 1 WHERE id = {to};
             INSERT INTO done VALUES ({number}, {from}); DELETE FROM moved WHERE id = {new} AND id <> {old};
             UPDATE moved SET id = {new}, v = {number} WHERE id = {old};
             INSERT INTO moved VALUES ({number} + 1000, 0); DELETE FROM moved WHERE id = {number} + 1000 - 20; COMMIT;"
        );
        // A shell that was cut off may have committed all the same, which nobody was told.
        if source.write(&script) {
            acknowledged.push(number);
        }
        thread::sleep(Duration::from_millis(numbers.below(20)));
    }
    acknowledged
}
