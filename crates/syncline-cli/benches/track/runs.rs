//! Runs that go by the log.

use std::time::Instant;

use crate::engine::{Engine, Site};
use crate::figure::Figure;

/// A tracked database and its mirror.
pub(crate) struct Pair {
    site: Site,
    rows: u64,
    round: u64,
}

impl Pair {
    pub(crate) fn new(engine: Engine, rows: u64) -> Self {
        let site = Site::new(engine);
        site.database("source_rows");
        site.database("target_rows");
        let table =
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, note VARCHAR(80), n INTEGER NOT NULL);";
        let columns = "'name ' || i, 'a note of some length ' || i, i";
        let fill = match engine {
            Engine::Sqlite => format!(
                "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {rows}) INSERT INTO t SELECT i, {columns} FROM s;"
            ),
            Engine::Postgres => {
                format!("INSERT INTO t SELECT i, {columns} FROM generate_series(1, {rows}) AS i; ANALYZE t;")
            }
            Engine::Mariadb => format!(
                "SET sql_mode = 'PIPES_AS_CONCAT'; INSERT INTO t SELECT i, {columns} FROM (SELECT seq AS i FROM seq_1_to_{rows}) AS s; ANALYZE TABLE t;"
            ),
        };
        site.run("source_rows", &format!("{table} {fill}"));
        site.ok("track", &["source_rows"]);
        let pair = Self { site, rows, round: 0 };
        pair.mirror();
        pair
    }

    /// Runs with so many changes before each, of which a tenth are deletes and a tenth are new.
    pub(crate) fn measure(&mut self, changes: u64, rounds: usize) -> Figure {
        let mut figure = Figure { ours: Vec::new(), beside: Vec::new() };
        for _ in 0..rounds {
            self.change(changes);
            let began = Instant::now();
            self.mirror();
            figure.ours.push(began.elapsed().as_secs_f64());
        }
        figure
    }

    fn mirror(&self) {
        self.site.ok("mirror --strategy incremental --max-delete 100000", &["source_rows", "target_rows"]);
    }

    fn change(&mut self, changes: u64) {
        if changes == 0 {
            return;
        }
        self.round += 1;
        let (round, rows, tenth) = (self.round, self.rows, changes / 10);
        // Others in every round, from one end of the table to the other.
        let step = rows / changes;
        let modulo = |of: u64, rest: u64| match self.site.engine {
            Engine::Sqlite => format!("id % {of} = {rest}"),
            _ => format!("MOD(id, {of}) = {rest}"),
        };
        let (updated, gone) = (modulo(step, round % step), modulo(step * 10, round * 3 % (step * 10)));
        let first = rows + round * 100_000;
        let new: Vec<String> = (first..first + tenth).map(|id| format!("({id}, 'new', 'new', 0)")).collect();
        let script = format!(
            "UPDATE t SET n = n + 1 WHERE {updated} AND id <= {rows}; DELETE FROM t WHERE {gone} AND id <= {rows}; INSERT INTO t VALUES {};",
            new.join(",")
        );
        self.site.run("source_rows", &script);
    }
}
