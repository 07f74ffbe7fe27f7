//! What is in a backup is what was in the database, to the last object and cell.

use std::os::unix::fs::PermissionsExt;

use syncline_testkit::mariadb::{Database, PASSWORD, samples};

use super::{ROWS, maria, names, plain, put_back, similar};
use crate::across::mariadb::Maria;
use crate::scene::keys;

/// Objects of all kinds, among them names and bodies that might be taken for something else.
pub(super) const OBJECTS: &str = r#"
CREATE TABLE `odd; ``name
-- x` (id int AUTO_INCREMENT PRIMARY KEY, `c;o'l"` varchar(99) DEFAULT 'a;\n''"\\', hidden int INVISIBLE DEFAULT 5,
    twice int AS (hidden * 2) STORED, thrice int AS (hidden * 3) VIRTUAL, UNIQUE (hidden, id));
INSERT INTO `odd; ``name
-- x` (`c;o'l"`, hidden) VALUES ('\\.;\n--\n;;', 1), ('DELIMITER ;;\n''"`', 2), (NULL, NULL), ('\0\Z\r\t', 4), ('', 5);
DELETE FROM `odd; ``name
-- x` WHERE id = 5;
CREATE TABLE a (id int PRIMARY KEY, b int, at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp());
CREATE TABLE b (id int PRIMARY KEY, a int, CONSTRAINT of_a FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE, CHECK (id > 0));
INSERT INTO a VALUES (1, 1, '2020-01-01 02:03:04'), (2, NULL, '2020-10-25 00:30:00'); INSERT INTO b VALUES (1, 1);
ALTER TABLE a ADD CONSTRAINT of_b FOREIGN KEY (b) REFERENCES b (id);
CREATE TABLE parted (k int, v text) PARTITION BY LIST (k) (PARTITION one VALUES IN (1), PARTITION rest DEFAULT);
INSERT INTO parted SELECT seq % 3, seq FROM seq_1_to_50;
CREATE TABLE isam (id int PRIMARY KEY, v float) ENGINE = MyISAM; INSERT INTO isam VALUES (1, 3.14159274), (2, 0.1);
CREATE TABLE aria (id int PRIMARY KEY, v text, FULLTEXT (v)) ENGINE = Aria; INSERT INTO aria VALUES (1, 'x');
CREATE TABLE gaps (id int AUTO_INCREMENT PRIMARY KEY, v int) ENGINE = Aria; INSERT INTO gaps (v) VALUES (1), (2), (3); DELETE FROM gaps WHERE id > 1;
CREATE TABLE latin (v varchar(20) CHARACTER SET latin1 COLLATE latin1_german2_ci PRIMARY KEY); INSERT INTO latin VALUES ('Zürich €');
SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE impossible (d date PRIMARY KEY, t datetime); INSERT INTO impossible VALUES ('2024-02-31', '2023-00-00 12:00:00'), ('0000-00-00', NULL);
CREATE TABLE past (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 1); UPDATE past SET v = 2; DELETE FROM past;
CREATE SEQUENCE counter START WITH 7 INCREMENT BY 3 NOCACHE; SELECT nextval(counter), nextval(counter);
CREATE TABLE counted (id int PRIMARY KEY DEFAULT nextval(counter)); INSERT INTO counted VALUES ();
CREATE VIEW seen AS SELECT id, 'it''s; `x`' AS v FROM a; CREATE VIEW above AS SELECT s.id, t.k FROM seen s JOIN parted t ON s.id = t.k;
CREATE SQL SECURITY INVOKER VIEW first AS SELECT * FROM b WITH CHECK OPTION;
CREATE TABLE log (id int AUTO_INCREMENT PRIMARY KEY, v text);
CREATE TABLE measured (id int AUTO_INCREMENT PRIMARY KEY, v float, w float(9, 3), u float unsigned zerofill, twice double AS (v * 2) STORED,
    raw varbinary(9), bits bit(12), wide bit(64), utf varchar(9) CHARACTER SET ucs2, place geometry, which enum('x,y', 'it''s'), hidden text INVISIBLE, at timestamp(6) NULL, who uuid, ip inet6);
INSERT INTO measured (v, w, u, raw, bits, wide, utf, place, which, hidden, at, who, ip) VALUES
    (3.14159274, 123456.789, 16777215, 0x00ff5c27, b'101', 18446744073709551615, 'ü\'"', ST_GeomFromText('POINT(1.5 -2)', 4326), 'it''s', 'a\\b''c\nd\0', '2020-10-25 00:30:00.000001', uuid(), '::1'),
    (16777217, -0.0005, 1.23456789, '', 0, 0, '', NULL, 'x,y', '', NULL, NULL, NULL), (1e-45, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
DELIMITER $
CREATE TRIGGER noted BEFORE INSERT ON measured FOR EACH ROW BEGIN
  INSERT INTO log (v) VALUES ('it fired;
CREATE TABLE `no` (');
END $
CREATE TRIGGER renoted BEFORE INSERT ON measured FOR EACH ROW FOLLOWS noted SET NEW.hidden = upper(NEW.hidden) $
CREATE TRIGGER of_a AFTER UPDATE ON a FOR EACH ROW INSERT INTO log (v) VALUES (concat(OLD.id, ';', NEW.id)) $
CREATE PROCEDURE `odd;proc`(IN `a b` int, OUT c text) COMMENT 'it''s; --' BEGIN
  DECLARE x int DEFAULT 0;
  -- syncline backup, format 1
  SELECT 'DELIMITER' INTO c; /* ; */ SET x = `a b`;
END $
CREATE FUNCTION f(n int) RETURNS int DETERMINISTIC NO SQL RETURN n + 1 $
CREATE EVENT ticking ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'x' DO BEGIN DELETE FROM log; END $
SET sql_mode = 'ORACLE' $
CREATE PACKAGE kit AS FUNCTION two RETURN INT; END $
CREATE PACKAGE BODY kit AS FUNCTION two RETURN INT AS BEGIN RETURN 2; END; END $
DELIMITER ;
SET sql_mode = DEFAULT;
"#;

/// The rows of a table as they are: those of `FLOAT` with all their digits, which the server does not print.
pub(super) fn exact(database: &Database<'_>, table: &str) -> Vec<Vec<Option<String>>> {
    let columns = database.mariadb(&format!(
        "SET group_concat_max_len = 100000; SELECT group_concat(concat('`', COLUMN_NAME, '`', IF(DATA_TYPE = 'float', ' + 0e0', '')) \
         ORDER BY ORDINAL_POSITION SEPARATOR ', ') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}'"
    ));
    database.rows(&format!("SELECT {} FROM {table} ORDER BY id", columns.trim()))
}

#[test]
fn everything_is_in_it() {
    let maria = maria(OBJECTS);
    maria.database.mariadb(&samples::odd_table(true));
    let before = plain(&maria.database);
    let said = maria.scene.ok("backup env:MY -o all.sql");
    assert!(said.contains(" backed up, ") && said.contains("all.sql"), "{said}");
    let copy = put_back(&maria, "all.sql");
    for table in ["odd", "measured", "isam"] {
        assert_eq!(exact(&copy, table), exact(&maria.database, table), "{table}");
    }
    // A default that takes its numbers from a sequence names that with its database, also in another one.
    similar(&plain(&copy).replace(maria.database.name(), "DATABASE"), &before);
    let count = |table: &str| copy.mariadb(&format!("SELECT count(*) FROM {table}")).trim().to_owned();
    assert_eq!(
        (count("log"), count("past FOR SYSTEM_TIME ALL")),
        ("0".into(), "2".into()),
        "triggers fired, or history is lost"
    );
    // The database that was copied is as it was, and none of ours is in it.
    similar(&plain(&maria.database), &before);
    assert!(!before.contains("_syncline"), "{before}");
}

/// Names that might be taken for options, or for parts of other names.
#[test]
fn names_of_databases_and_tables_are_no_matter() {
    let server = syncline_testkit::mariadb::Server::shared();
    let name = format!("-x.y; `é'{}", std::process::id());
    let name = name.as_str();
    let quoted = name.replace('`', "``");
    server.mariadb("", &format!("DROP DATABASE IF EXISTS `{quoted}`; CREATE DATABASE `{quoted}`"));
    let tables = "CREATE TABLE `a.b``; -- c` (`?` int PRIMARY KEY, `f.``f` float); INSERT INTO `a.b``; -- c` VALUES (1, 16777217), (2, 0.1);
         CREATE TABLE `--all-databases` (id int, f float) ENGINE = MyISAM; INSERT INTO `--all-databases` VALUES (1, 3.14159274)";
    server.mariadb(name, tables);
    let maria = Maria::new();
    let scene = maria.scene.with_variable("ODD", &server.url(name));
    let maria = Maria { scene, database: maria.database };
    maria.scene.ok("backup env:ODD -o b.sql");
    let copy = put_back(&maria, "b.sql");
    let rows =
        "SELECT `?`, `f.``f` + 0e0 FROM `a.b``; -- c` UNION SELECT id, f + 0e0 FROM `--all-databases` ORDER BY 2";
    assert_eq!(copy.mariadb(rows), "2\t0.10000000149011612\n1\t3.1415927410125732\n1\t16777216\n");
    server.mariadb("", &format!("DROP DATABASE `{quoted}`"));
}

/// Without `FLOAT` columns it is one script by one program.
#[test]
fn a_backup_is_a_script_of_mariadb_dump() {
    let maria = maria(ROWS);
    let said = maria.scene.ok("backup env:MY -o b.sql --json");
    assert_eq!(keys(said.trim()), ["format", "type", "database", "file", "bytes", "tables", "duration_ms"]);
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    let file = maria.scene.path("b.sql").metadata().unwrap();
    assert_eq!((made["bytes"].as_u64(), made["tables"].as_u64()), (Some(file.len()), Some(1)));
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert!(!maria.scene.path("state").exists(), "a backup to a file of its own needs no state");
    let script = std::fs::read_to_string(maria.scene.path("b.sql")).unwrap();
    assert!(script.contains("-- MariaDB dump ") && script.matches("-- Dump completed\n").count() == 1, "{script}");
    let trailer = script.split("\n-- syncline backup, format 1\n").nth(1).unwrap();
    assert!(trailer.starts_with("-- engine: mysql\n-- server: ") && trailer.contains("\n-- blake3: "), "{trailer}");
    assert!(!script.contains(PASSWORD), "the password is in the backup");
    similar(&plain(&put_back(&maria, "b.sql")), &plain(&maria.database));
}

#[test]
fn a_backup_without_a_name_goes_to_the_root() {
    let maria = maria(ROWS);
    maria.scene.ok("backup env:MY --backup-root kept");
    let kept: Vec<_> = std::fs::read_dir(maria.scene.path("kept")).unwrap().map(|it| it.unwrap().file_name()).collect();
    let name = kept[0].to_str().unwrap();
    assert!(
        kept.len() == 1 && name.starts_with(&format!("{}-20", maria.database.name())) && name.ends_with(".sql"),
        "{name}"
    );
    assert_eq!(names(&maria), ["kept"]);
}

#[test]
fn a_run_backs_its_target_up_first() {
    let maria = maria("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')");
    maria.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'new')");
    let said = maria.scene.run("mirror a.db env:MY --backup --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let backup = said.last()["backup"].as_str().unwrap().to_owned();
    assert_eq!(maria.database.mariadb("SELECT v FROM t").trim(), "new");
    assert_eq!(put_back(&maria, &backup).mariadb("SELECT v FROM t").trim(), "old");
}

/// A row of which the script has twice as many bytes as the server takes at once by default.
#[test]
fn large_values_are_copied() {
    let maria = maria(
        "CREATE TABLE large (id int PRIMARY KEY, v longblob); INSERT INTO large VALUES (1, repeat(x'00ff', 12000000)), (2, '');
         CREATE TABLE large_too (id int PRIMARY KEY, f float, v longblob); INSERT INTO large_too SELECT id, 0.1, v FROM large",
    );
    maria.scene.ok("backup env:MY -o large.sql");
    let copy = put_back(&maria, "large.sql");
    for table in ["large", "large_too"] {
        let sums = format!("SELECT id, length(v), md5(v) FROM {table} ORDER BY id");
        assert_eq!(copy.mariadb(&sums), maria.database.mariadb(&sums), "{table}");
    }
}
