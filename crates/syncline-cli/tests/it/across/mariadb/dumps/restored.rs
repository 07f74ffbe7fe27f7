//! What is restored is what was backed up, to the last object and cell.

use syncline_testkit::mariadb::samples;
use syncline_testkit::process::{self, Running};

use super::everything::{OBJECTS, exact};
use super::{ROWS, maria, names, places, plain, similar};
use crate::across::mariadb::Maria;
use crate::scene::keys;

/// What changes all of it, and adds what is to go.
const CHANGES: &str = "\
CREATE TABLE later (id int PRIMARY KEY REFERENCES a (id)); CREATE VIEW on_top AS SELECT * FROM later; CREATE SEQUENCE another;
CREATE TRIGGER later_on BEFORE INSERT ON later FOR EACH ROW SET NEW.id = 1; CREATE EVENT extra ON SCHEDULE EVERY 1 DAY DO SELECT 1;
CREATE FUNCTION g() RETURNS int RETURN 2; DROP FUNCTION f; DROP TABLE gaps; UPDATE a SET id = 7 WHERE id = 2; ALTER TABLE b ADD c int;
DROP TRIGGER noted; DROP VIEW first; DELETE FROM isam; SELECT nextval(counter); DELETE FROM past; ALTER EVENT ticking ENABLE;
SET sql_mode = 'ORACLE'; DROP PACKAGE BODY kit;
DELIMITER $
CREATE PACKAGE other AS PROCEDURE p; END $
CREATE PACKAGE BODY other AS PROCEDURE p AS BEGIN NULL; END; END $
DELIMITER ;
SET sql_mode = DEFAULT";

/// All but what names the database it is in.
fn objects() -> String {
    OBJECTS.replace(
        "CREATE TABLE counted (id int PRIMARY KEY DEFAULT nextval(counter)); INSERT INTO counted VALUES ();",
        "",
    )
}

#[test]
fn everything_comes_back_and_nothing_else_stays() {
    let maria = maria(&objects());
    maria.database.mariadb(&samples::odd_table(true));
    let cells = || ["odd", "measured", "isam"].map(|table| exact(&maria.database, table));
    let (before, had) = (plain(&maria.database), cells());
    maria.scene.ok("backup env:MY -o all.sql");
    maria.database.mariadb(CHANGES);
    let changed = plain(&maria.database);
    let said = maria.scene.ok("restore all.sql env:MY --yes --json");
    let done = said.lines().last().unwrap().to_owned();
    assert!(keys(&done).contains(&"safety_backup".to_owned()), "{done}");
    similar(&plain(&maria.database), &before);
    assert!(cells() == had, "FLOAT cells");
    assert!(places(&maria).is_empty());
    let log = maria.rows("SELECT count(*) FROM log");
    assert_eq!(
        (log, maria.rows("SELECT count(*) FROM past FOR SYSTEM_TIME ALL")),
        (vec!["0".into()], vec!["2".into()])
    );
    // Foreign keys lead to the tables that are there now, and triggers fire.
    assert_eq!(maria.database.session().run("INSERT INTO b VALUES (9, 99)").1, "1452");
    maria.database.mariadb("INSERT INTO measured (v) VALUES (1)");
    assert_eq!(maria.rows("SELECT count(*) FROM log"), ["1"]);
    // And back to what was there before.
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    maria.scene.ok(&format!("restore {} env:MY --yes --no-safety-backup", done["safety_backup"].as_str().unwrap()));
    similar(&plain(&maria.database), &changed);
}

#[test]
fn a_backup_goes_into_another_database() {
    let from = maria(&format!(
        "{ROWS}; CREATE VIEW v AS SELECT id FROM t; CREATE TRIGGER fires BEFORE DELETE ON t FOR EACH ROW SET @x = 1"
    ));
    from.scene.ok("backup env:MY -o b.sql");
    let into = Maria::new();
    let scene = from.scene.with_variable("INTO", &into.database.url());
    scene.ok("restore b.sql env:INTO --yes");
    assert_eq!(plain(&into.database), plain(&from.database));
    assert!(names(&into).is_empty());
}

/// Others see the old content or the new one, and who has a statement open keeps the restore waiting.
#[test]
fn readers_see_old_or_new() {
    let maria = maria("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY, v text);
        INSERT INTO t VALUES (1, 'old'); INSERT INTO u VALUES (1, 'old'); CREATE TRIGGER fires BEFORE UPDATE ON t FOR EACH ROW SET @x = 1");
    maria.scene.ok("backup env:MY -o old.sql");
    maria.database.mariadb("UPDATE t SET v = 'new'; UPDATE u SET v = 'new'");
    let mut restore = Running::start(maria.scene.command(&["restore", "old.sql", "env:MY", "--yes"]));
    let mut reader = maria.database.session();
    let mut seen = Vec::new();
    while !restore.ends_within(std::time::Duration::from_millis(1)) {
        let (said, error) = reader.run("SELECT concat(t.v, u.v) FROM t JOIN u USING (id)");
        assert_eq!(error, "0", "a reader saw neither");
        seen.push(said.trim().to_owned());
    }
    let done = restore.finish(process::DEADLINE);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    seen.dedup();
    assert!(seen == ["newnew", "oldold"] || seen == ["newnew"], "{seen:?}");
    assert_eq!(maria.rows("SELECT concat(t.v, u.v) FROM t JOIN u USING (id)"), ["oldold"]);
}
