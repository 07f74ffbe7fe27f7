//! Runs that go by the log.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use crate::engine::{Engine, Site};
use crate::figure::Figure;

/// A tracked database and its mirror.
pub(crate) struct Pair {
    site: Site,
    rows: u64,
    round: u64,
    sling: Option<PathBuf>,
}

impl Pair {
    pub(crate) fn new(engine: Engine, rows: u64, sling: Option<&Path>) -> Self {
        let site = Site::new(engine);
        site.database("source_rows");
        site.database("target_rows");
        let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, note VARCHAR(80), n INTEGER NOT NULL, \
             changed INTEGER NOT NULL);";
        let columns = "'name ' || i, 'a note of some length ' || i, i, 0";
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
        let pair = Self { site, rows, round: 0, sling: sling.map(Path::to_owned) };
        pair.mirror();
        if pair.sling.is_some() {
            pair.site.database("sling_rows");
            pair.sling();
        }
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
            if self.sling.is_some() {
                let began = Instant::now();
                self.sling();
                figure.beside.push(began.elapsed().as_secs_f64());
            }
        }
        figure
    }

    fn mirror(&self) {
        self.site.ok("mirror --strategy incremental --max-delete 100000", &["source_rows", "target_rows"]);
    }

    /// What a column of numbers says is new, as sling copies it; it sees no deletes.
    fn sling(&self) {
        let Some(sling) = &self.sling else { return };
        let (url, stream) = match self.site.engine {
            Engine::Sqlite => ("sqlite://", "main.t".to_owned()),
            Engine::Postgres => ("", "public.t".to_owned()),
            Engine::Mariadb => ("", "source_rows.t".to_owned()),
        };
        let object = stream.replace("source_rows", "sling_rows");
        let end = if self.site.engine == Engine::Postgres { "?sslmode=disable" } else { "" };
        let named = |name: &str| format!("{url}{}{end}", self.site.url(name).to_string_lossy());
        let mut command = std::process::Command::new(sling);
        command.args(["run", "--mode", "incremental", "--primary-key", "id", "--update-key", "changed"]);
        command.args(["--src-conn", &named("source_rows"), "--src-stream", &stream]);
        command.args(["--tgt-conn", &named("sling_rows"), "--tgt-object", &object]);
        let done = command.stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "sling: {}", String::from_utf8_lossy(&done.stderr));
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
        let new: Vec<String> = (first..first + tenth).map(|id| format!("({id}, 'new', 'new', 0, {round})")).collect();
        let script = format!(
            "UPDATE t SET n = n + 1, changed = {round} WHERE {updated} AND id <= {rows}; DELETE FROM t WHERE {gone} AND id <= {rows}; INSERT INTO t VALUES {};",
            new.join(",")
        );
        self.site.run("source_rows", &script);
    }
}
