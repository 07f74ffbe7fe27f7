//! New tables that several sessions load at once.

use super::Maria;
use crate::scene::Scene;

/// What a run needs, as `doctor` and the error say it.
const TARGET_SESSIONS: u32 = 5;

/// The same where it reads.
const SOURCE_SESSIONS: u32 = 2;

/// More rows than go into one file of each session, of which every `bad`-th has a document that is nested too deeply.
fn documents(scene: &Scene, bad: u32) {
    scene.sql(
        "a.db",
        &format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT, doc JSON);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
             INSERT INTO t SELECT i, printf('%0180d', i), CASE WHEN i % {bad} = 0
                 THEN replace(printf('%040d', 0), '0', '[') || replace(printf('%040d', 0), '0', ']')
                 ELSE json_array(i) END FROM n"
        ),
    );
}

#[test]
fn every_row_arrives_once() {
    let maria = Maria::new();
    documents(&maria.scene, 1_000_000);
    maria.scene.ok("copy a.db env:MY --jobs 2");
    maria.scene.ok("diff a.db env:MY --exit-code");
    assert_eq!(maria.tables(), ["t"]);
    maria.scene.ok("undo --yes");
    assert_eq!(maria.tables(), Vec::<String>::new());
}

#[test]
fn a_row_that_the_server_refuses_costs_no_other() {
    for jobs in [1, 2] {
        let maria = Maria::new();
        documents(&maria.scene, 9_000);
        let said = maria.scene.run(&format!("copy a.db env:MY --jobs {jobs} --json"));
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        assert_eq!(said.last()["tables"][0]["held"], 4, "{}", said.out);
        let there = "SELECT count(*), sum(id), min(note = lpad(id, 180, '0')) FROM t";
        let held: u64 = (1..=4).map(|n| n * 9_000).sum();
        assert_eq!(maria.rows(there), [format!("39996|{}|1", 40_000 * 40_001 / 2 - held)], "{jobs} sessions");
    }
}

/// More sessions than a login may have are not asked for.
#[test]
fn who_may_have_few_sessions_is_served_all_the_same() {
    let maria = Maria::new();
    maria.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let name = maria.database.name();
    for most in 2..9 {
        let login = format!("'few_{most}'@'%'");
        maria.database.mariadb(&format!(
            "CREATE OR REPLACE USER {login} IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS {most};
             GRANT ALL ON `{name}`.* TO {login}"
        ));
        let url = maria.database.url_as(&format!("few_{most}"), "pw");
        let copied = |jobs: u32| {
            maria.database.mariadb("DROP TABLE IF EXISTS t, _syncline_checkpoint, _syncline_pending");
            let said = maria.scene.run(&format!("copy a.db {url} --jobs {jobs} --no-undo"));
            if said.code == Some(0) {
                assert_eq!(maria.rows("SELECT id, v FROM t ORDER BY id"), ["1|a", "2|b"]);
            }
            said.code == Some(0)
        };
        let is_enough = most >= TARGET_SESSIONS;
        assert_eq!([copied(1), copied(2)], [is_enough; 2], "with {most} sessions");
        let said = maria.scene.run(&format!("doctor {url} --as target"));
        assert_eq!(!said.out.contains("sessions at once"), is_enough, "{}", said.out);
        maria.database.mariadb(&format!("DROP USER {login}"));
    }
    maria.database.mariadb("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY)");
    for most in 1..4 {
        let login = format!("'few_{most}'@'%'");
        maria.database.mariadb(&format!(
            "CREATE OR REPLACE USER {login} IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS {most}; GRANT SELECT ON `{name}`.* TO {login}"
        ));
        let url = maria.database.url_as(&format!("few_{most}"), "pw");
        let said = maria.scene.run(&format!("copy {url} b{most}.db"));
        assert_eq!(said.code == Some(0), most >= SOURCE_SESSIONS, "with {most}: {}{}", said.out, said.err);
        maria.database.mariadb(&format!("DROP USER {login}"));
    }
}
