//! Restores that are cut off leave the old content whole or the new content whole.

use std::time::Instant;

use syncline_testkit::process::{Running, kill_after};

use super::{maria, places, plain};
use crate::across::bad_input::fails;
use crate::across::mariadb::Maria;

/// As many as are killed at work.
const KILLS: u32 = 24;

const OLD: &str = "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'old');
    CREATE TABLE b (id int PRIMARY KEY, a int, FOREIGN KEY (a) REFERENCES a (id)); INSERT INTO b VALUES (1, 1);
    CREATE TABLE gone (id int) ENGINE = MyISAM; CREATE TABLE log (v text); CREATE VIEW seen AS SELECT v FROM a;
    CREATE TRIGGER first AFTER INSERT ON a FOR EACH ROW INSERT INTO log VALUES ('first'); CREATE TRIGGER second AFTER INSERT ON a FOR EACH ROW INSERT INTO log VALUES ('second');
    CREATE TRIGGER third BEFORE DELETE ON gone FOR EACH ROW SET @x = 1; CREATE PROCEDURE p() SELECT 'old'";

const NEW: &str = "DROP TABLE gone; UPDATE a SET v = 'new'; CREATE TABLE came (id int PRIMARY KEY); INSERT INTO came SELECT seq FROM seq_1_to_3000;
    DROP TRIGGER first; CREATE TRIGGER other BEFORE INSERT ON came FOR EACH ROW SET @x = 2; DROP PROCEDURE p; CREATE FUNCTION f() RETURNS int RETURN 1;
    CREATE VIEW seen_too AS SELECT * FROM seen";

/// All of the tables, and nothing else: what has to be old or new at any moment.
fn tables(maria: &Maria) -> Vec<String> {
    maria.rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' \
        AND TABLE_NAME <> '_syncline_restore' UNION ALL SELECT v FROM a ORDER BY 1")
}

#[test]
fn a_restore_that_is_killed_leaves_old_or_new() {
    let maria = maria(OLD);
    let scene = &maria.scene;
    let old = plain(&maria.database);
    let is_old = tables(&maria);
    scene.ok("backup env:MY -o old.sql");
    maria.database.mariadb(NEW);
    let new = plain(&maria.database);
    let is_new = tables(&maria);
    scene.ok("backup env:MY -o new.sql");
    // A run that writes nothing is one that writes, and finishes what it finds.
    scene.sql("a.db", "CREATE TABLE log (v TEXT)");
    let line = |name: &str| format!("restore {name}.sql env:MY --yes --no-safety-backup");
    let start = |name: &str| Running::start(scene.command(&line(name).split(' ').collect::<Vec<_>>()));
    let began = Instant::now();
    scene.ok(&line("new"));
    let whole = began.elapsed();
    let (mut is_now, mut ends, mut hit, mut left, mut top) = ("new", [0, 0], 0, 0, whole);
    for round in 0..KILLS * 8 {
        if hit == KILLS {
            break;
        }
        let wanted = if is_now == "new" { "old" } else { "new" };
        // How long one takes is felt for: the last part of it is where the tables are exchanged.
        let killed = kill_after(start(wanted), top * (50 + round * 37 % 51) / 100);
        hit += u32::from(!killed.ended_before);
        top = if killed.ended_before { top * 95 / 100 } else { top * 102 / 100 };
        let found = wait_for_tables(&maria, &is_old, &is_new);
        left += u32::from(!places(&maria).is_empty());
        if round % 2 == 0 {
            scene.ok("mirror a.db env:MY");
            let ended = plain(&maria.database);
            assert!(ended == old || ended == new, "round {round}: a mixture\n{ended}");
            is_now = if ended == old { "old" } else { "new" };
            assert!(places(&maria).is_empty(), "round {round}");
            assert!(found.is_none_or(|found| found == is_now), "round {round}: {found:?}, then {is_now}");
        } else {
            scene.ok(&line(wanted));
            is_now = wanted;
            assert_eq!(plain(&maria.database), if wanted == "old" { &*old } else { &*new }, "round {round}");
        }
        ends[usize::from(is_now == wanted)] += 1;
    }
    println!("{hit} were killed at work, {left} left something, {ends:?}");
    assert!(hit == KILLS && left > 2, "only {hit} were killed at work, and {left} left something");
}

/// Which of both is there; `None` where the server is at work on it still.
fn wait_for_tables(maria: &Maria, old: &[String], new: &[String]) -> Option<&'static str> {
    match tables(maria) {
        found if found == old => Some("old"),
        found if found == new => Some("new"),
        found => panic!("a mixture: {found:?}"),
    }
}

/// The state that a kill between the dropped triggers and the exchange leaves.
#[test]
fn dropped_triggers_come_back() {
    let maria = maria(OLD);
    let before = plain(&maria.database);
    let [new, old] = ["new", "old"].map(|kind| place(&maria, kind));
    let step = |name: &str, sql: &str| format!("('back', '{name}', '{}')", sql.replace('\'', "''"));
    let set = |name: &str| {
        let row = maria.database.rows(&format!("SHOW CREATE TRIGGER {name}")).remove(0);
        let cell = |at: usize| row[at].clone().unwrap();
        [
            step(
                "",
                &format!(
                    "SET sql_mode = '{}', character_set_client = {}, collation_connection = {}",
                    cell(1),
                    cell(3),
                    cell(4)
                ),
            ),
            step(name, &cell(2)),
        ]
    };
    let steps = ["first", "second", "third"].map(set).concat().join(", ");
    maria.database.mariadb(&format!(
        "CREATE DATABASE {new}; CREATE DATABASE {old}; CREATE TABLE {new}._syncline_mark (id int);
         CREATE TABLE _syncline_restore (seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, way varchar(8) NOT NULL, name varchar(64) NOT NULL, statement longblob NOT NULL);
         INSERT INTO _syncline_restore (way, name, statement) VALUES {steps}; DROP TRIGGER first; DROP TRIGGER third"
    ));
    fails(&maria.scene, "backup env:MY -o b.sql", 5, "STORE_LOCKED");
    maria.scene.sql("a.db", "CREATE TABLE log (v TEXT)");
    // Who only reads does not bring it to its end, and is told.
    for command in ["doctor env:MY", "diff env:MY a.db"] {
        let said = maria.scene.run(command);
        assert!(
            (said.out.clone() + &said.err).contains("a restore of it was cut off"),
            "{command}: {}{}",
            said.out,
            said.err
        );
    }
    maria.scene.ok("mirror a.db env:MY");
    assert_eq!(plain(&maria.database), before);
    assert!(places(&maria).is_empty());
}

fn place(maria: &Maria, kind: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_64(maria.database.name().as_bytes());
    format!("_syncline_{kind}_{hash:016x}")
}
