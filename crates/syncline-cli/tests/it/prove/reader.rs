//! A reader of the target that never rests while runs are killed and continued: what it may see at any instant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::state::{exists, open};
use super::world::{TABLES, Table, define};

/// The longest rest between two looks.
const REST: Duration = Duration::from_millis(20);

/// What a reader has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) looks: u64,
    /// Looks at a target that was neither as before the run nor as after it.
    pub(crate) midway: u64,
    pub(crate) longest_wait: Duration,
}

/// A reader at work. It goes on until it is asked what it has seen.
pub(crate) struct Reader {
    done: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    /// Reads `target` while it goes from `old` to `new` or back. Both are copies that nobody writes.
    pub(crate) fn start(target: &Path, old: &Path, new: &Path) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (paths, stop) = ([target, old, new].map(Path::to_owned), Arc::clone(&done));
        Self { done, thread: std::thread::spawn(move || read_on(&paths, &stop)) }
    }

    /// Ends the reading.
    ///
    /// # Panics
    /// When it saw what nobody may see.
    pub(crate) fn finish(self) -> Seen {
        self.done.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn read_on([target, old, new]: &[PathBuf; 3], done: &AtomicBool) -> Seen {
    // A table that is not there yet counts as one without rows.
    define(&open(old));
    let connection = open(target);
    for (path, name) in [(old, "old"), (new, "new")] {
        connection.execute(&format!("ATTACH ?1 AS {name}"), [path.to_str().unwrap()]).unwrap();
    }
    let mut seen = Seen::default();
    while !done.load(Ordering::Acquire) {
        let began = Instant::now();
        // One transaction, so that all that is looked at is of one instant.
        connection.execute_batch("BEGIN").unwrap();
        let is_midway = look(&connection);
        connection.execute_batch("COMMIT").unwrap();
        seen.longest_wait = seen.longest_wait.max(began.elapsed());
        seen.looks += 1;
        seen.midway += u64::from(is_midway);
        // Half of the time is the runs': there may be no more than two processors for all.
        std::thread::sleep(began.elapsed().min(REST));
    }
    seen
}

/// Panics when a reader sees something that is neither of before nor of after. Says whether it is of both.
fn look(connection: &Connection) -> bool {
    let (mut has_old, mut has_new) = (false, false);
    for table in &TABLES {
        let name = table.name;
        let count = |schema| format!("(SELECT count(*) FROM {schema}.{name})");
        let (old, new): (i64, i64) = connection
            .query_row(&format!("SELECT {}, {}", count("old"), count("new")), [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        if !exists(connection, name) {
            assert_eq!(old, 0, "{name} is gone");
            has_old |= new > 0;
            continue;
        }
        let counts = counts(connection, table);
        assert_eq!(counts.stray, 0, "rows of {name} that were never there nor will be");
        assert_eq!(counts.missing, 0, "rows of {name} are missing that only changed, or not even that");
        assert_eq!(counts.elsewhere, 0, "rows of {name} have another row number");
        assert!(
            old > 0 || counts.rows == 0 || counts.rows == new,
            "{} of {new} rows of {name} are loaded",
            counts.rows
        );
        has_old |= counts.only_old > 0 || (counts.rows == 0 && new > 0);
        has_new |= counts.only_new > 0;
    }
    check_references(connection);
    has_old && has_new
}

struct Counts {
    rows: i64,
    stray: i64,
    missing: i64,
    elsewhere: i64,
    only_old: i64,
    only_new: i64,
}

fn counts(connection: &Connection, table: &Table) -> Counts {
    let name = table.name;
    let same = |columns: &[&str], one: &str, other: &str, operator: &str| {
        columns
            .iter()
            .map(|column| format!("{one}.{column} {operator} {other}.{column}"))
            .collect::<Vec<_>>()
            .join(" AND ")
    };
    let row = format!("{} AND {}", same(table.key, "s", "t", "="), same(table.others, "s", "t", "IS"));
    let of = |schema: &str| format!("EXISTS (SELECT 1 FROM {schema}.{name} AS s WHERE {row})");
    let (is_old, is_new) = (of("old"), of("new"));
    let in_both = format!("old.{name} AS o JOIN new.{name} AS n ON {}", same(table.key, "n", "o", "="));
    let here = same(table.key, "t", "o", "=");
    let elsewhere = if table.has_hidden_rowid {
        format!("SELECT count(*) FROM {in_both} JOIN main.{name} AS t ON {here} WHERE t.rowid <> o.rowid")
    } else {
        "SELECT 0".to_owned()
    };
    let sql = format!(
        "SELECT count(*), coalesce(sum(NOT is_old AND NOT is_new), 0), coalesce(sum(is_old AND NOT is_new), 0),
             coalesce(sum(is_new AND NOT is_old), 0),
             (SELECT count(*) FROM {in_both} WHERE NOT EXISTS (SELECT 1 FROM main.{name} AS t WHERE {here})),
             ({elsewhere})
         FROM (SELECT {is_old} AS is_old, {is_new} AS is_new FROM main.{name} AS t)"
    );
    let mut statement = connection.prepare_cached(&sql).unwrap();
    let counted = statement.query_row([], |row| {
        Ok(Counts {
            rows: row.get(0)?,
            stray: row.get(1)?,
            only_old: row.get(2)?,
            only_new: row.get(3)?,
            missing: row.get(4)?,
            elsewhere: row.get(5)?,
        })
    });
    counted.unwrap()
}

/// Nothing that is committed leaves a row that points at nothing.
fn check_references(connection: &Connection) {
    for (child, column, parent) in [("orders", "customer", "customers"), ("employees", "manager", "employees")] {
        if exists(connection, child) {
            let sql = format!(
                "SELECT count(*) FROM main.{child} AS c WHERE c.{column} IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM main.{parent} AS p WHERE p.id = c.{column})"
            );
            let dangling: i64 = connection.prepare_cached(&sql).unwrap().query_row([], |row| row.get(0)).unwrap();
            assert_eq!(dangling, 0, "rows of {child} reference nothing");
        }
    }
}
