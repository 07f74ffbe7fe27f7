//! `syncline copy`.

use std::time::Instant;

use syncline_testkit::process::{Running, kill_after};

use crate::scene::{Scene, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn it_adds_and_updates_and_never_deletes() {
    let scene = Scene::with_demo();
    let shown = steady(&scene.ok(&format!("copy {DEMO}")));
    assert!(shown.starts_with("hq.db -> branch.db  3 tables  copy\n"), "{shown}");
    assert!(shown.ends_with("undo: syncline undo r_RUN\n"), "{shown}");
    let only_in_branch = "SELECT count(*) FROM orders WHERE id IN (1001, 1002, 1003)";
    assert_eq!(scene.number("syncline-demo/branch.db", only_in_branch), 3);
}

#[test]
fn a_missing_target_is_made() {
    let scene = Scene::with_demo();
    scene.ok("copy syncline-demo/hq.db new.db");
    assert_eq!(scene.run("diff syncline-demo/hq.db new.db --exit-code").code, Some(0));
}

#[test]
fn flags_about_deletes_are_taken_but_not_offered() {
    let scene = Scene::with_demo();
    scene.ok(&format!("copy {DEMO} --max-delete 5 --allow-empty-source"));
    let help = scene.ok("copy --help");
    assert!(!help.contains("--max-delete") && !help.contains("--allow-empty-source"), "{help}");
}

/// However a copy into a new file dies, what is there is a database with all rows of a table or without the table, and
/// the next copy leaves the same as one that never died.
#[test]
fn a_copy_into_a_new_file_that_is_killed_leaves_whole_tables_or_none() {
    const KILLS: u32 = 16;
    let scene = Scene::new();
    scene.sql(
        "a.db",
        "CREATE TABLE first (id INTEGER PRIMARY KEY, note TEXT UNIQUE); CREATE INDEX first_by_length ON first (length(note));
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO first SELECT i, printf('%0200d', i) FROM n;
         CREATE TABLE second AS SELECT 1 AS one; CREATE TABLE third (id INTEGER PRIMARY KEY REFERENCES first)",
    );
    let copy = || scene.command(&["copy", "a.db", "b.db", "--tables", "first,third", "--no-verify"]);
    let begin = Instant::now();
    assert!(copy().output().unwrap().status.success());
    let whole = begin.elapsed();
    let mut hits = 0;
    for kill in 0..KILLS {
        std::fs::remove_file(scene.path("b.db")).unwrap();
        let killed = kill_after(Running::start(copy()), whole * kill / KILLS);
        hits += u32::from(!killed.ended_before);
        if scene.path("b.db").exists() {
            let tables =
                scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name IN ('first', 'first_by_length')");
            assert!([0, 2].contains(&tables), "a table without its index");
            if tables == 2 {
                assert_eq!(scene.number("b.db", "SELECT count(*) FROM first"), 60_000);
            }
        }
        assert!(copy().output().unwrap().status.success());
        assert_eq!(scene.run("diff a.db b.db --tables first,third --exit-code").code, Some(0));
        let mut files: Vec<_> =
            std::fs::read_dir(scene.path(".")).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["a.db", "b.db", "state"]);
        assert_eq!(
            scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_syncline%' ESCAPE '\\'"),
            0
        );
    }
    assert!(hits > KILLS / 3, "{hits} of {KILLS} kills hit a copy at work");
}
