//! Which runs go on from which: a link is two databases, the intent and the way the source is seen.

use super::*;

fn how(scene: &Scene, line: &str) -> String {
    carried(scene, line, "customer").0
}

const FIRST: &str = "compare: the first run that goes by its log";

#[test]
fn another_database_at_either_end_is_another_link() {
    let scene = linked("mirror");
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id = 1");
    for (from, to) in [("a.db", "a2.db"), ("b.db", "b2.db")] {
        std::fs::copy(scene.path(from), scene.path(to)).unwrap();
    }
    // The copy of the source, which may go on by itself.
    scene.sql("a2.db", "UPDATE customer SET note = 2 WHERE id = 2");
    assert_eq!(how(&scene, "mirror a2.db b.db --strategy incremental"), FIRST);
    assert_eq!(scene.run("diff a2.db b.db --exit-code").code, Some(0));
    assert_eq!(how(&scene, "mirror a.db b2.db --strategy incremental"), FIRST);
    assert_eq!(scene.run("diff a.db b2.db --exit-code").code, Some(0));
}

#[test]
fn a_source_that_went_back_is_compared() {
    let scene = linked("mirror");
    std::fs::copy(scene.path("a.db"), scene.path("saved.db")).unwrap();
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id = 1; INSERT INTO customer VALUES (900, 'x', 1)");
    scene.ok(&incremental("mirror"));
    // Written over in place, as cp does, so that the file is the same to the operating system.
    let saved = std::fs::read(scene.path("saved.db")).unwrap();
    std::fs::write(scene.path("a.db"), saved).unwrap();
    scene.sql("a.db", "INSERT INTO customer VALUES (901, 'y', 1), (902, 'z', 1)");
    let (how, rows) = carried(&scene, &incremental("mirror"), "customer");
    assert_eq!(how, "compare: its log does not reach back to the last run, or is another one");
    assert_eq!(rows, [2, 1, 1], "what is not there any more is not taken for what it was");
    equal(&scene);
}

#[test]
fn a_target_that_went_back_gets_what_it_lacks() {
    let scene = linked("mirror");
    scene.ok("backup b.db -o saved.db");
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id <= 10");
    scene.ok(&incremental("mirror"));
    scene.ok("restore saved.db b.db --yes");
    scene.sql("a.db", "UPDATE customer SET note = 2 WHERE id = 11");
    scene.ok(&incremental("mirror"));
    equal(&scene);
}

#[test]
fn a_target_table_that_was_emptied_is_loaded() {
    let scene = linked("mirror");
    scene.sql("b.db", "DELETE FROM invoice");
    assert_eq!(carried(&scene, &incremental("mirror"), "invoice").1, [500, 0, 0]);
    equal(&scene);
}

#[test]
fn a_change_of_the_definition_compares_that_table_once() {
    let scene = linked("mirror");
    scene.sql(
        "a.db",
        "ALTER TABLE customer ADD COLUMN extra DEFAULT 3; UPDATE customer SET extra = 4 WHERE id = 1;
         CREATE TABLE tag2 (a TEXT, b TEXT, c INT, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO tag2 SELECT a, b, 1 FROM tag;
         DROP TABLE tag; ALTER TABLE tag2 RENAME TO tag; DELETE FROM tag WHERE a = 'customer 1';
         CREATE TABLE fresh (id INTEGER PRIMARY KEY); INSERT INTO fresh VALUES (1)",
    );
    let run = format!("{} --schema add", incremental("mirror"));
    let summary = summary(&scene, &run);
    assert!(summary["notes"].to_string().contains("begins anew") || summary["status"] == "succeeded", "{summary}");
    equal(&scene);
    scene.sql("a.db", "UPDATE customer SET extra = 5 WHERE id = 2; UPDATE tag SET c = 2; UPDATE fresh SET id = 2");
    assert_eq!(
        carried(&scene, &run, "customer"),
        ("incremental: what was touched since the last run".to_owned(), [0, 1, 0])
    );
    equal(&scene);
    // A table that came later is tracked when somebody says so.
    scene.ok("track a.db");
    scene.sql("a.db", "INSERT INTO fresh VALUES (9)");
    scene.ok(&run);
    scene.sql("a.db", "INSERT INTO fresh VALUES (10)");
    assert_eq!(
        carried(&scene, &run, "fresh"),
        ("incremental: what was touched since the last run".to_owned(), [1, 0, 0])
    );
    equal(&scene);
}

/// From a to b to c: what a run writes to a tracked target is in its log.
#[test]
fn a_target_can_be_the_source_of_another() {
    let scene = linked("mirror");
    scene.ok("track b.db");
    let onward = "mirror b.db c.db --strategy incremental";
    scene.ok(onward);
    scene.sql(
        "a.db",
        "UPDATE customer SET note = 1 WHERE id = 1; DELETE FROM invoice WHERE id = 10;
        INSERT INTO tag VALUES ('new', 'new'); UPDATE invoice SET id = 7 WHERE id = 20",
    );
    scene.ok(&incremental("mirror"));
    assert_eq!(
        carried(&scene, onward, "customer"),
        ("incremental: what was touched since the last run".to_owned(), [0, 1, 0])
    );
    assert_eq!(scene.run("diff a.db c.db --exit-code").code, Some(0));
    assert_eq!(scene.rows("b.db", "SELECT DISTINCT length(origin) FROM _syncline_log_1 WHERE op <> 'M'"), ["32"]);
    // What is loaded or taken back as a whole is compared.
    scene.sql("b.db", "DELETE FROM tag");
    scene.ok(&format!("{onward} --allow-empty-source --max-delete 1000"));
    scene.ok(&incremental("mirror"));
    assert_eq!(carried(&scene, onward, "tag").1, [501, 0, 0]);
    assert_eq!(scene.run("diff a.db c.db --exit-code").code, Some(0));
    scene.ok("undo --yes");
    scene.ok(onward);
    assert_eq!(scene.run("diff b.db c.db --exit-code").code, Some(0));
}

#[test]
fn without_tracking_there_is_nothing_to_go_by() {
    let scene = linked("mirror");
    let catalog = || scene.rows("a.db", "SELECT name FROM sqlite_schema WHERE name LIKE '\\_syncline%' ESCAPE '\\'");
    assert!(!catalog().is_empty());
    scene.ok("untrack a.db");
    assert_eq!(catalog(), [] as [&str; 0]);
    let said = scene.run(&incremental("mirror"));
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("NOT_TRACKED") && said.err.contains("syncline track a.db"), "{}", said.err);
    assert_eq!(scene.run("untrack a.db").code, Some(2));
    assert!(scene.ok("status a.db").starts_with("a.db  not tracked: "));
    scene.ok("track a.db");
    assert_eq!(how(&scene, &incremental("mirror")), FIRST);
}
