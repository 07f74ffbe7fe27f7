//! What an application waits for because its tables are tracked.

use std::fmt::Write as _;
use std::time::Instant;

use crate::engine::{Engine, Site};
use crate::figure::Figure;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A transaction of statements with a thousand rows each.
    BulkInsert,
    /// Transactions of one row.
    SingleInsert,
    SingleUpdate,
    /// Statements that change every tenth row each.
    BulkUpdate,
}

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, note VARCHAR(80), n INTEGER NOT NULL, \
    day DATE NOT NULL, amount DECIMAL(10,2) NOT NULL); CREATE INDEX t_name ON t (name);\n";

const ROWS: u64 = 100_000;
const SINGLE: u64 = 2_000;
const AT_ONCE: u64 = 1_000;

/// Has both sides do the work, in turn.
pub(crate) fn measure(site: &Site, work: Work, rounds: usize) -> Figure {
    let mut figure = Figure { ours: Vec::new(), beside: Vec::new() };
    let script = work.script(site.engine);
    for round in 0..rounds {
        for side in 0..2 {
            let is_tracked = (round + side) % 2 == 0;
            site.database("application");
            let filled = if work == Work::BulkInsert { String::new() } else { filled() };
            site.run("application", &format!("{TABLE}{filled}"));
            if is_tracked {
                site.ok("track", &["application"]);
            }
            let began = Instant::now();
            site.run("application", &script);
            let seconds = began.elapsed().as_secs_f64();
            if is_tracked { figure.ours.push(seconds) } else { figure.beside.push(seconds) }
        }
    }
    figure
}

impl Work {
    fn script(self, engine: Engine) -> String {
        let mut script = String::new();
        match self {
            Work::BulkInsert => script = filled(),
            Work::SingleInsert => {
                for id in ROWS + 1..=ROWS + SINGLE {
                    let _ = writeln!(script, "INSERT INTO t VALUES {};", row(id));
                }
            }
            Work::SingleUpdate => {
                for number in 0..SINGLE {
                    let id = number * 7_919 % ROWS + 1;
                    let _ = writeln!(script, "UPDATE t SET n = n + 1 WHERE id = {id};");
                }
            }
            Work::BulkUpdate => {
                let modulo = if engine == Engine::Sqlite { "id % 10" } else { "MOD(id, 10)" };
                for part in 0..10 {
                    let _ = writeln!(script, "UPDATE t SET n = n + 1, name = 'name {part}' WHERE {modulo} = {part};");
                }
            }
        }
        script
    }
}

/// The statements that fill the table, in one transaction.
fn filled() -> String {
    let mut script = "BEGIN;\n".to_owned();
    for first in (1..=ROWS).step_by(AT_ONCE as usize) {
        let rows: Vec<String> = (first..first + AT_ONCE).map(row).collect();
        let _ = writeln!(script, "INSERT INTO t VALUES {};", rows.join(","));
    }
    script + "COMMIT;\n"
}

fn row(id: u64) -> String {
    format!(
        "({id}, 'name {}', 'a note of some length, as people write them {id}', {id}, '2026-01-{:02}', {id}.25)",
        id % 5_000,
        id % 28 + 1
    )
}
