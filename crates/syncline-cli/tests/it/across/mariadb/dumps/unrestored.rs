//! What is not restored, with nothing changed.

use syncline_testkit::mariadb::PASSWORD;
use syncline_testkit::process::{self, Running};

use super::refused::unchanged;
use super::{ROWS, maria, places};
use crate::across::mariadb::Maria;

/// The text with another trailer's sum: as if somebody had made it so.
fn forged(maria: &Maria, file: &str, change: impl Fn(&str) -> String) {
    let script = std::fs::read_to_string(maria.scene.path(file)).unwrap();
    let (text, trailer) = script.split_once("\n-- syncline backup, format 1\n").unwrap();
    let (text, lines) = (change(text), trailer.split_once("-- bytes: ").unwrap().0);
    let summed = format!("{text}\n-- syncline backup, format 1\n{}-- bytes: {}\n", change(lines), text.len());
    let sum = blake3::hash(summed.as_bytes()).to_hex();
    std::fs::write(maria.scene.path("forged.sql"), format!("{summed}-- blake3: {sum}\n")).unwrap();
}

#[track_caller]
fn refused(maria: &Maria, file: &str) -> String {
    let error = unchanged(maria, &format!("restore {file} env:MY --yes"), 6, "RESTORE_REFUSED");
    assert!(places(maria).is_empty());
    error.to_string()
}

#[test]
fn what_a_script_may_not_do_is_refused() {
    let maria = maria(&format!("{ROWS}; CREATE VIEW v AS SELECT 1 AS x"));
    maria.scene.ok("backup env:MY -o b.sql");
    maria.database.mariadb("DELETE FROM t WHERE id > 7");
    for bad in [
        "DROP DATABASE test;",
        "USE mysql;",
        "GRANT ALL ON *.* TO x;",
        "SET GLOBAL max_connections = 1;",
        "SET PASSWORD = 'x';",
        "SHUTDOWN;",
        "CREATE TABLE `other`.`t` (\n  id int);",
        "INSERT INTO `mysql`.`user` VALUES (1);",
        "DROP TABLE IF EXISTS `other`.`t`;",
        "/*!999999 INSERT INTO `t` VALUES (1) */ DROP DATABASE test;",
        "/*!50003 INSERT INTO `t` VALUES (1) */; DROP DATABASE test;",
        "CREATE TABLE `far` (\n  `id` int\n) ENGINE=FEDERATED CONNECTION='x';",
        "CREATE TABLE `_syncline_restore` (\n  `id` int);",
        "CREATE TABLE `c` (\n  `id` int DEFAULT nextval(`shop`.`counter`)\n) ENGINE=InnoDB;",
        "SET character_set_client = gbk;",
        "DELIMITER //",
        "CREATE TRIGGER shop.t BEFORE INSERT ON t FOR EACH ROW SET @x = 1;",
        "SELECT 'no end",
    ] {
        forged(&maria, "b.sql", |text| {
            text.replace("DROP TABLE IF EXISTS `t`;", &format!("DROP TABLE IF EXISTS `t`;\n{bad}"))
        });
        refused(&maria, "forged.sql");
    }
    forged(&maria, "b.sql", |text| text.replace("-- server: 1", "-- server: 9"));
    assert!(refused(&maria, "forged.sql").contains("newer server"));
    let script = std::fs::read_to_string(maria.scene.path("b.sql")).unwrap();
    std::fs::write(maria.scene.path("plain.sql"), script.split("\n-- syncline backup").next().unwrap()).unwrap();
    assert!(refused(&maria, "plain.sql").contains("not made by syncline"));
    // Nothing but the text is changed: it would be restored.
    forged(&maria, "b.sql", str::to_owned);
    maria.scene.ok("restore forged.sql env:MY --yes");
}

/// Statements that are known, and that the server does not take: of a table midway, of a view at the end.
#[test]
fn what_the_server_does_not_take_is_refused_midway() {
    let maria = maria(&format!(
        "{ROWS}; CREATE TABLE u (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t;
        CREATE TRIGGER fires BEFORE UPDATE ON t FOR EACH ROW SET @x = 1; CREATE FUNCTION f() RETURNS int RETURN 1"
    ));
    maria.scene.ok("backup env:MY -o b.sql");
    maria.database.mariadb("DELETE FROM t WHERE id > 7");
    forged(&maria, "b.sql", |text| text.replace("CREATE TABLE `u` (\n  `id`", "CREATE TABLE `u` (\n  `of`"));
    refused(&maria, "forged.sql");
    forged(&maria, "b.sql", |text| text.replace("VIEW `v` AS select `t`.`id`", "VIEW `v` AS select `t`.`no`"));
    assert!(refused(&maria, "forged.sql").contains("t.no"));
}

/// What names its database, or is elsewhere, cannot be moved.
#[test]
fn what_leads_elsewhere_is_refused() {
    let maria = maria("CREATE SEQUENCE s; CREATE TABLE counted (id int PRIMARY KEY DEFAULT nextval(s))");
    maria.scene.ok("backup env:MY -o b.sql");
    assert!(refused(&maria, "b.sql").contains("counted"));
    maria.database.mariadb("DROP TABLE counted; CREATE TABLE parent (id int PRIMARY KEY)");
    maria.scene.ok("backup env:MY -o c.sql");
    let child = Maria::new();
    child.database.mariadb(&format!("CREATE TABLE child (id int REFERENCES `{}`.parent (id))", maria.database.name()));
    assert!(refused(&maria, "c.sql").contains("child"));
    child.database.mariadb("DROP TABLE child");
    maria.scene.ok("restore c.sql env:MY --yes");
}

#[test]
fn a_login_without_the_rights_restores_nothing() {
    let mut maria = maria(&format!(
        "{ROWS}; CREATE VIEW v AS SELECT id FROM t; CREATE TRIGGER fires BEFORE UPDATE ON t FOR EACH ROW SET @x = 1"
    ));
    maria.scene.ok("backup env:MY -o b.sql");
    maria.database.mariadb("DELETE FROM t WHERE id > 7");
    let name = maria.database.name().to_owned();
    let user = format!("'res_{name}'@'%'");
    maria.database.mariadb(&format!(
        "CREATE OR REPLACE USER {user} IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON `{name}`.* TO {user}"
    ));
    let url = maria.database.url_as(&format!("res_{name}"), PASSWORD);
    maria.scene = maria.scene.with_variable("LOW", &url);
    let step = |maria: &Maria, line: &str| {
        let error = unchanged(maria, line, 6, "RESTORE_REFUSED");
        error["next"][0]["action"].as_str().unwrap().to_owned()
    };
    let line = "restore b.sql env:LOW --yes --no-safety-backup";
    assert!(step(&maria, line).starts_with("GRANT INSERT, CREATE, DROP"));
    maria.database.mariadb(&format!("GRANT ALL ON `{name}`.* TO {user}"));
    let grant = step(&maria, line);
    assert!(grant.starts_with("GRANT ALL PRIVILEGES ON `\\_syncline\\_%`.* TO "), "{grant}");
    maria.database.mariadb(&grant);
    // The triggers that are there are another user's, and could not be made again.
    step(&maria, line);
    maria.database.mariadb("DROP TRIGGER fires");
    assert_eq!(step(&maria, line), "--no-owner");
    maria.scene.ok(&format!("{line} --no-owner"));
    assert_eq!(maria.rows("SELECT count(*) FROM t"), ["3000"]);
    let definers = maria.rows(
        "SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
        UNION SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()",
    );
    assert_eq!(definers, [format!("res_{name}@%")]);
    maria.database.mariadb(&format!("DROP USER {user}"));
}

/// Somebody who has read or written and not ended keeps a restore waiting, and then out.
#[test]
fn others_at_work_are_waited_for() {
    let maria = maria(&format!("{ROWS}; CREATE TRIGGER fires BEFORE UPDATE ON t FOR EACH ROW SET @x = 1"));
    maria.scene.ok("backup env:MY -o b.sql");
    maria.database.mariadb("DELETE FROM t WHERE id > 7");
    let mut other = maria.database.session();
    other.run("BEGIN; SELECT * FROM t LIMIT 1");
    unchanged(&maria, "restore b.sql env:MY --yes", 5, "STORE_LOCKED");
    assert!(places(&maria).is_empty());
    let restore = Running::start(maria.scene.command(&["restore", "b.sql", "env:MY", "--yes"]));
    other.run("COMMIT");
    let done = restore.finish(process::DEADLINE);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(maria.rows("SELECT count(*) FROM t"), ["3000"]);
}
