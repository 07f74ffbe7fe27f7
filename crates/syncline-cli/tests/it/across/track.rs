//! Runs that go by the change log, between engines.

mod full;
mod hammer;
mod programs;

use syncline_testkit::{mariadb, postgres};

use crate::scene::Scene;

/// Two tables, and one with keys of text, in words that every engine knows.
const TABLES: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE, total INTEGER NOT NULL);
    CREATE TABLE entry (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id), amount INTEGER NOT NULL);
    CREATE TABLE tag (code VARCHAR(20) NOT NULL, kind VARCHAR(20) NOT NULL, note VARCHAR(40), PRIMARY KEY (code, kind));";

fn rows() -> String {
    let account = |id| format!("INSERT INTO account VALUES ({id}, 'account {id}', 100);");
    let entry = |id| format!("INSERT INTO entry VALUES ({id}, {}, {id});", id % 50 + 1);
    let tag = |id| format!("INSERT INTO tag VALUES ('T{id}', 'k', NULL);");
    (1..=50).map(account).chain((1..=200).map(entry)).chain((1..=60).map(tag)).collect()
}

/// What an application does, time and again.
const EDITS: [&str; 6] = [
    "UPDATE account SET total = total + 1 WHERE id <= 3; DELETE FROM entry WHERE id = 5; INSERT INTO entry VALUES (900, 1, 9)",
    "UPDATE tag SET code = 'moved' WHERE code = 'T7'; DELETE FROM tag WHERE code = 'T8'; INSERT INTO tag VALUES ('t9', 'k', 'case')",
    "UPDATE account SET name = 'swap' WHERE id = 10; UPDATE account SET name = 'account 10' WHERE id = 11;
     UPDATE account SET name = 'account 11' WHERE id = 10",
    "BEGIN; DELETE FROM entry; ROLLBACK",
    "UPDATE entry SET id = id + 10000 WHERE id BETWEEN 100 AND 110",
    "INSERT INTO account VALUES (60, 'late', 0); INSERT INTO entry VALUES (901, 60, 1); DELETE FROM entry WHERE id = 901; DELETE FROM account WHERE id = 60",
];

/// A directory in which databases of every engine can be reached: `a.db`, `b.db`, `env:PG`, `env:PG2`, `env:MY` and `env:MY2`.
pub(super) struct Sites {
    pub(super) scene: Scene,
    pub(super) postgres: postgres::Database<'static>,
    maria: mariadb::Database<'static>,
    /// The second ones.
    others: (postgres::Database<'static>, mariadb::Database<'static>),
}

impl Sites {
    pub(super) fn new() -> Self {
        let (postgres, maria) = (postgres::fresh_database(), mariadb::fresh_database());
        let others = (postgres::fresh_database(), mariadb::fresh_database());
        let scene = Scene::new()
            .with_variable("PG", &postgres.url())
            .with_variable("PG2", &others.0.url())
            .with_variable("MY", &maria.url())
            .with_variable("MY2", &others.1.url());
        Self { scene, postgres, maria, others }
    }

    /// Has an application write to one of the first ones.
    pub(super) fn write(&self, to: &str, sql: &str) {
        match to {
            "env:PG" => drop(self.postgres.psql(sql)),
            // Text is told apart there by its bytes, as it is elsewhere.
            "env:MY" => drop(self.maria.mariadb(&sql.replace("(code, kind))", "(code, kind)) COLLATE utf8mb4_bin"))),
            file => self.scene.sql(file, sql),
        }
    }

    /// The first cells of a query's rows.
    pub(super) fn column(&self, of: &str, query: &str) -> Vec<String> {
        let rows = match of {
            "env:PG2" => self.others.0.rows(query),
            "env:MY2" => self.others.1.rows(query),
            file => return self.scene.rows(file, query),
        };
        rows.into_iter().map(|row| row.into_iter().next().flatten().unwrap_or_default()).collect()
    }
}

/// Goes through all edits, and looks after each whether both sides are equal.
fn follow(source: &str, target: &str) {
    let sites = Sites::new();
    let run = format!("mirror {source} {target} --strategy incremental");
    sites.write(source, TABLES);
    sites.write(source, &rows());
    sites.scene.ok(&format!("track {source}"));
    sites.scene.ok(&run);
    for edit in EDITS {
        sites.write(source, edit);
        let shown = sites.scene.ok(&run);
        assert!(!shown.contains("compare:") && shown.contains("incremental:"), "{source} {target} {edit}: {shown}");
        let said = sites.scene.run(&format!("diff {source} {target} --exit-code"));
        assert_eq!(said.code, Some(0), "{source} {target} {edit}: {}{}", said.out, said.err);
    }
    let shown = sites.scene.ok(&run);
    assert_eq!(shown.matches("nothing was touched").count(), 3, "{source} {target}: {shown}");
    assert!(sites.scene.ok(&format!("status {source}")).contains("up to date"));
    sites.scene.ok(&format!("untrack {source}"));
}

#[test]
fn from_a_file_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("a.db", target));
}

#[test]
fn from_postgres_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("env:PG", target));
}

#[test]
fn from_mariadb_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("env:MY", target));
}

/// The source is reached once more to say how far a run has come: as it was named, with what nobody is shown.
#[test]
fn a_password_in_a_name_is_enough() {
    let sites = Sites::new();
    for (to, source) in [("env:PG", sites.postgres.url()), ("env:MY", sites.maria.url())] {
        sites.write(to, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
        sites.scene.ok(&format!("track {source}"));
        let said =
            sites.scene.run(&format!("mirror {source} {}.db --strategy incremental", to.trim_start_matches("env:")));
        assert!(!said.err.contains("could not be shortened"), "{}", said.err);
        assert!(sites.scene.ok(&format!("status {source}")).contains("up to date"));
    }
}

/// Neither side is written to by runs that have nothing to carry, whatever else goes on on the servers.
#[test]
fn idle_servers_are_not_written_to() {
    for (source, target) in [("env:PG", "env:MY2"), ("env:MY", "env:PG2")] {
        let sites = Sites::new();
        sites.write(source, TABLES);
        sites.write(source, &rows());
        sites.scene.ok(&format!("track {source}"));
        let run = format!("mirror {source} {target} --strategy incremental");
        sites.scene.ok(&run);
        let cursors = "SELECT source_table, position FROM _syncline_cursor ORDER BY 1";
        let consumers = "SELECT tracked, seen, position FROM _syncline_consumer ORDER BY 1";
        let logs = |id| format!("SELECT {id}, count(*), max(seq) FROM _syncline_log_{id}");
        let state = || match source {
            "env:PG" => (
                sites.others.1.rows(cursors),
                sites.postgres.rows(consumers),
                [1, 2, 3].map(|id| sites.postgres.rows(&logs(id))),
            ),
            _ => (
                sites.others.0.rows(cursors),
                sites.maria.rows(consumers),
                [1, 2, 3].map(|id| sites.maria.rows(&logs(id))),
            ),
        };
        let before = state();
        for number in 0..3 {
            let busy = format!("CREATE TABLE busy_{number} (a int); INSERT INTO busy_{number} VALUES (1)");
            postgres::fresh_database().psql(&busy);
            mariadb::fresh_database().mariadb(&busy);
            sites.scene.ok(&run);
        }
        assert_eq!(state(), before);
    }
}
