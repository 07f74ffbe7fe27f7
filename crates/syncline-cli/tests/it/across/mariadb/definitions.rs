//! Tables and columns that are made where no transaction covers a definition.

use std::time::Instant;

use syncline_testkit::process::{Running, kill_after};

use super::Maria;

const FILE: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));
    INSERT INTO p VALUES (1, 'a'), (2, 'b'); INSERT INTO c VALUES (1, 1), (2, 2);";

#[test]
fn the_plan_says_that_they_are_final_one_by_one() {
    let maria = Maria::new();
    maria.scene.sql("a.db", FILE);
    let said = maria.scene.run("plan mirror a.db env:MY -o p.plan");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!((said.out + &said.err).contains("makes each definition final at once"));
    assert_eq!(maria.tables(), Vec::<String>::new(), "a plan makes nothing");
    maria.scene.ok("apply p.plan");
    assert_eq!(maria.tables(), ["c", "p"]);
    let said = maria.scene.run("plan mirror a.db env:MY -o q.plan");
    assert!(!(said.out + &said.err).contains("definition"), "there is nothing to define");
}

#[test]
fn triggers_that_will_fire_are_named() {
    let maria = Maria::new();
    maria.scene.sql("a.db", FILE);
    maria.scene.ok("mirror a.db env:MY");
    maria.database.mariadb("CREATE TRIGGER shout BEFORE UPDATE ON p FOR EACH ROW SET NEW.name = upper(NEW.name)");
    maria.scene.sql("a.db", "UPDATE p SET name = 'c' WHERE id = 2");
    let said = maria.scene.run("plan mirror a.db env:MY -o p.plan");
    assert!((said.out + &said.err).contains("fire when rows of their tables are written: shout"));
    let said = maria.scene.run("mirror a.db env:MY --json");
    assert_eq!(said.last()["verified"], "different", "what the trigger did is seen: {}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT name FROM p ORDER BY id"), ["a", "C"]);
}

#[test]
fn a_column_is_added() {
    let maria = Maria::new();
    maria.scene.sql("a.db", FILE);
    maria.scene.ok("mirror a.db env:MY");
    maria
        .scene
        .sql("a.db", "ALTER TABLE p ADD COLUMN city TEXT DEFAULT 'Rome'; UPDATE p SET city = 'Oslo' WHERE id = 2");
    maria.scene.ok("mirror a.db env:MY --schema add");
    assert_eq!(maria.rows("SELECT id, name, city FROM p ORDER BY id"), ["1|a|Rome", "2|b|Oslo"]);
    maria.scene.ok("verify a.db env:MY");
    maria.scene.ok("diff a.db env:MY --exit-code");
}

/// However a run into an empty database dies, a table is there with all rows of its own or not at all, and the next run
/// leaves the same as one that never died.
#[test]
fn a_copy_that_is_killed_leaves_whole_tables_or_none() {
    const KILLS: u32 = 12;
    const ROWS: &str = "3000";
    let maria = Maria::new();
    let rows = format!("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    maria.scene.sql(
        "a.db",
        &format!(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO p {rows} SELECT i, printf('%0200d', i) FROM n;
             CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id)); INSERT INTO c {rows} SELECT i, i FROM n;"
        ),
    );
    // By the run's own session, and by two beside it.
    let copy = |jobs: &str| maria.scene.command(&["copy", "a.db", "env:MY", "--jobs", jobs]);
    let begin = Instant::now();
    assert!(copy("1").output().unwrap().status.success());
    let whole = begin.elapsed();
    let mut hits = 0;
    for kill in 0..KILLS {
        maria.database.mariadb("DROP TABLE IF EXISTS c; DROP TABLE IF EXISTS p");
        let killed = kill_after(Running::start(copy(if kill % 2 == 0 { "1" } else { "2" })), whole * kill / KILLS);
        hits += u32::from(!killed.ended_before);
        for table in maria.tables().iter().filter(|table| !table.starts_with("_syncline")) {
            assert_eq!(maria.rows(&format!("SELECT count(*) FROM {table}")), [ROWS], "{table}");
        }
        maria.scene.ok("copy a.db env:MY");
        maria.scene.ok("diff a.db env:MY --exit-code");
        if maria.tables().iter().any(|table| table == "_syncline_checkpoint") {
            // The server had committed what the killed one had sent when the next had looked for it already.
            maria.scene.ok("copy a.db env:MY");
        }
        assert_eq!(maria.tables(), ["c", "p"]);
    }
    assert!(hits > KILLS / 3, "{hits} of {KILLS} kills hit a copy at work");
}
