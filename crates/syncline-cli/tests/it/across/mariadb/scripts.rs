//! Scripts of diffs and plans, run by the server's own client.

use super::Maria;

const EDITS: &str =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, note TEXT, raw BLOB, price DECIMAL(10,2));
     INSERT INTO t VALUES (1, 'a', 'it''s \\ ', x'00ff', 1.5), (2, 'B', NULL, NULL, NULL), (3, 'c', char(10), x'', 2);
     CREATE TABLE loose (a TEXT, n INTEGER); INSERT INTO loose VALUES ('x', 1), ('x', 1), ('X', 1), (NULL, NULL);";

fn edit(maria: &Maria) {
    maria.database.mariadb(
        "UPDATE t SET note = 'other', raw = NULL WHERE id = 1; DELETE FROM t WHERE id = 3;
         INSERT INTO t VALUES (9, 'z', 'gone', NULL, 0); DELETE FROM loose WHERE a IS NULL;
         INSERT INTO loose VALUES ('x', 1), ('y', 2)",
    );
}

#[test]
fn the_script_of_a_diff_makes_them_equal() {
    let maria = Maria::new();
    maria.scene.sql("a.db", EDITS);
    maria.scene.ok("copy a.db env:MY");
    edit(&maria);
    let script = maria.scene.run("diff a.db env:MY --format sql").out;
    assert!(script.contains("with the mariadb or mysql client"), "{script}");
    maria.database.mariadb(&script);
    maria.scene.ok("diff a.db env:MY --exit-code");
    let nothing = maria.scene.run("diff a.db env:MY --format sql").out;
    assert!(nothing.contains("there is nothing to write") && !nothing.contains("BEGIN"), "{nothing}");
}

/// Definitions come before the transaction: in it they would end it, and every row be final at once.
#[test]
fn the_script_of_a_plan_makes_tables_first() {
    let maria = Maria::new();
    maria.scene.sql("a.db", EDITS);
    let script = maria.scene.run("plan mirror a.db env:MY --format sql").out;
    let at = |words: &str| script.find(words).unwrap_or_else(|| panic!("no {words:?} in {script}"));
    assert!(at("CREATE TABLE") < at("START TRANSACTION") && at("START TRANSACTION") < at("INSERT INTO"), "{script}");
    assert!(script.rfind("CREATE TABLE").unwrap() < at("START TRANSACTION"), "{script}");
    maria.database.mariadb(&script);
    maria.scene.ok("diff a.db env:MY --exit-code");
}
