//! What is not backed up, and files that are no backups.

use syncline_testkit::mariadb::PASSWORD;

use super::{ROWS, maria, names, plain};
use crate::across::bad_input::fails;
use crate::across::mariadb::Maria;
use crate::backup::small_disk;

/// Fails as told, and leaves the database as it is.
#[track_caller]
pub(super) fn unchanged(maria: &Maria, line: &str, exit: i32, code: &str) -> serde_json::Value {
    let before = plain(&maria.database);
    let error = fails(&maria.scene, line, exit, code);
    assert_eq!(plain(&maria.database), before, "{line}");
    error
}

#[test]
fn what_is_no_sound_backup_is_not_restored() {
    let maria = maria(ROWS);
    let scene = &maria.scene;
    scene.ok("backup env:MY -o b.sql");
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let whole = std::fs::read(scene.path("b.sql")).unwrap();
    std::fs::write(scene.path("text.sql"), "id,v\n1,one\n".repeat(1000)).unwrap();
    std::fs::write(scene.path("empty.sql"), "").unwrap();
    std::fs::write(scene.path("archive.sql"), "PGDMP").unwrap();
    let mut bent = whole.clone();
    bent[whole.len() / 2] ^= 0x20;
    std::fs::write(scene.path("bent.sql"), bent).unwrap();
    std::fs::write(scene.path("short.sql"), &whole[..whole.len() / 2]).unwrap();
    for (backup, exit, code) in [
        ("none.sql", 5, "STORE_MISSING"),
        ("text.sql", 2, "NOT_A_DATABASE"),
        ("empty.sql", 2, "NOT_A_DATABASE"),
        ("a.db", 6, "RESTORE_REFUSED"),
        ("archive.sql", 6, "RESTORE_REFUSED"),
        ("bent.sql", 1, "STORE_CORRUPT"),
        ("short.sql", 1, "STORE_CORRUPT"),
    ] {
        unchanged(&maria, &format!("restore {backup} env:MY --yes"), exit, code);
    }
}

/// What a login may not see the server does not mention, and its program copies the rest without a word.
#[test]
fn a_login_that_does_not_see_all_makes_no_backup() {
    let mut maria = maria(&format!(
        "{ROWS}; CREATE TABLE u (id int); CREATE TRIGGER fires BEFORE INSERT ON u FOR EACH ROW SET NEW.id = 1;
         CREATE VIEW v AS SELECT * FROM u; CREATE FUNCTION f() RETURNS int RETURN 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1"
    ));
    let name = maria.database.name().to_owned();
    let user = format!("'low_{name}'@'%'");
    let grant = |rights: &str| maria.database.server().mariadb("", &format!("GRANT {rights} TO {user}"));
    maria.database.mariadb(&format!("CREATE OR REPLACE USER {user} IDENTIFIED BY '{PASSWORD}'"));
    grant(&format!("SELECT ON `{name}`.t"));
    let url = maria.database.url_as(&format!("low_{name}"), PASSWORD);
    maria.scene = maria.scene.with_variable("LOW", &url);
    let denied = |missing: &str| {
        let error = fails(&maria.scene, "backup env:LOW -o b.sql", 4, "PERMISSION_DENIED");
        let step = error["next"][0]["action"].as_str().unwrap().to_owned();
        assert!(step.starts_with(&format!("GRANT {missing} ON ")), "{error}");
    };
    let grant = |rights: &str| maria.database.server().mariadb("", &format!("GRANT {rights} TO {user}"));
    for (right, missing) in [
        ("SELECT", "SELECT, SHOW VIEW, TRIGGER, EVENT"),
        ("SHOW VIEW", "SHOW VIEW, TRIGGER, EVENT"),
        ("TRIGGER", "TRIGGER, EVENT"),
        ("EVENT", "EVENT"),
    ] {
        denied(missing);
        grant(&format!("{right} ON `{name}`.*"));
    }
    denied("SELECT");
    grant(&format!("EXECUTE ON `{name}`.*"));
    // They are mentioned now, and what is in them is not shown.
    denied("SELECT");
    grant("SELECT ON mysql.proc");
    maria.scene.ok("backup env:LOW -o b.sql");
    let script = std::fs::read_to_string(maria.scene.path("b.sql")).unwrap();
    for what in ["TRIGGER `fires`", "TRIGGER fires", "VIEW `v`", "FUNCTION `f`", "EVENT `e`", "CREATE TABLE `u`"] {
        assert!(what == "TRIGGER `fires`" || script.contains(what), "{what}");
    }
    maria.database.mariadb("CREATE TABLE w (f float)");
    fails(&maria.scene, "backup env:LOW -o c.sql", 4, "PERMISSION_DENIED");
    grant(&format!("LOCK TABLES ON `{name}`.*"));
    maria.scene.ok("backup env:LOW -o c.sql");
    maria.database.mariadb(&format!("DROP USER {user}"));
}

#[test]
fn what_cannot_be_copied_exactly_is_not_copied() {
    let maria = maria("CREATE TABLE t (id int PRIMARY KEY, f float) WITH SYSTEM VERSIONING");
    let error = fails(&maria.scene, "backup env:MY -o b.sql", 1, "STORE_FAILED");
    assert!(error.to_string().contains("DOUBLE"), "{error}");
    maria.database.mariadb("DROP TABLE t; CREATE TABLE u (id int); CREATE VIEW v AS SELECT * FROM u; DROP TABLE u");
    let error = fails(&maria.scene, "backup env:MY -o b.sql", 1, "STORE_FAILED");
    assert!(error.to_string().contains("`v`") || error.to_string().contains(".v"), "{error}");
    assert!(names(&maria).is_empty(), "{:?}", names(&maria));
}

#[test]
fn a_full_disk_leaves_no_file() {
    let maria = maria(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT seq, repeat(md5(seq), 40) FROM seq_1_to_4000",
    );
    let Some(small) = small_disk(&maria.scene) else { return };
    fails(&maria.scene, "backup env:MY -o small/b.sql", 1, "DISK_FULL");
    assert_eq!(std::fs::read_dir(&small.0).unwrap().count(), 0);
}

#[test]
fn nothing_is_overwritten() {
    let maria = maria(ROWS);
    maria.scene.ok("backup env:MY -o b.sql");
    let before = std::fs::read(maria.scene.path("b.sql")).unwrap();
    fails(&maria.scene, "backup env:MY -o b.sql", 2, "BACKUP_EXISTS");
    assert_eq!(std::fs::read(maria.scene.path("b.sql")).unwrap(), before);
    fails(&maria.scene, "backup env:MY -o no/such/directory/b.sql", 5, "STORE_MISSING");
    assert_eq!(names(&maria), ["b.sql"]);
}
