//! AUTOINCREMENT: numbers that were given out once are not given out again, in the copy either.

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)";

/// A table whose numbers up to 50 were given out, and those from 3 on taken back.
fn ahead() -> String {
    format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (50, 'z'); DELETE FROM t WHERE id = 50")
}

fn counter(scene: &Scene) -> Vec<String> {
    scene.rows("b.db", "SELECT seq FROM sqlite_sequence WHERE name = 't'")
}

#[test]
fn a_new_table_goes_on_where_the_source_is() {
    let lines = [
        ("copy a.db b.db", &[][..]),
        ("mirror a.db b.db", &[]),
        ("mirror a.db b.db --strategy full", &[]),
        // Row by row, not taken over.
        ("copy a.db b.db", &["--rename", "t.v=w"]),
        ("copy a.db b.db", &["--where", "t: id = 1"]),
    ];
    for (line, rules) in lines {
        let scene = Scene::with_pair(&ahead(), "");
        scene.ok_with(line, rules);
        assert_eq!(counter(&scene), ["50"], "{line} {rules:?}");
        scene.sql("b.db", "INSERT INTO t (id) VALUES (NULL)");
        assert_eq!(scene.number("b.db", "SELECT max(id) FROM t"), 51);
        scene.sql("b.db", "DELETE FROM t WHERE id = 51");
        scene.ok("undo --yes");
        assert_eq!(scene.rows("b.db", "SELECT * FROM sqlite_sequence"), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_new_table_without_rows_goes_on_where_the_source_is() {
    let scene = Scene::with_pair(&format!("{}; DELETE FROM t", ahead()), "");
    scene.ok("copy a.db b.db");
    assert_eq!(counter(&scene), ["50"]);
}

#[test]
fn an_empty_table_keeps_a_counter_that_is_further_on_and_gets_its_own_back() {
    for (before, after) in [(10, "50"), (70, "70")] {
        let target = format!("{TABLE}; INSERT INTO t VALUES ({before}, 'gone'); DELETE FROM t");
        let scene = Scene::with_pair(&ahead(), &target);
        scene.ok("mirror a.db b.db");
        assert_eq!(counter(&scene), [after]);
        scene.ok("undo --yes");
        assert_eq!(counter(&scene), [before.to_string()]);
    }
}

#[test]
fn a_plan_carries_the_counter_too() {
    let scene = Scene::with_pair(&ahead(), "");
    scene.ok("plan copy a.db b.db -o a.plan");
    scene.ok("apply a.plan --yes");
    assert_eq!(counter(&scene), ["50"]);
}

#[test]
fn a_counter_that_is_no_number_is_none() {
    let scene = Scene::with_pair(&format!("{}; UPDATE sqlite_sequence SET seq = 'many'", ahead()), "");
    scene.ok("copy a.db b.db");
    assert_eq!(counter(&scene), ["2"]);
}

#[test]
fn undo_leaves_a_counter_that_others_have_moved_since() {
    // A run that moved it, one that did not, one that filled the table, and one that only deleted.
    let pairs = [
        ("copy", "(1, 5), (90, 1)", "(1, 5), (70, 5)", "91"),
        ("copy", "(1, 1)", "(1, 5), (70, 5)", "71"),
        ("copy", "(1, 5), (90, 1)", "", "91"),
        ("mirror", "(1, 1)", "(1, 1), (70, 5)", "71"),
    ];
    for (verb, source, target, given) in pairs {
        let fill = |rows: &str| {
            if rows.is_empty() { TABLE.to_owned() } else { format!("{TABLE}; INSERT INTO t VALUES {rows}") }
        };
        let scene = Scene::with_pair(&fill(source), &fill(target));
        scene.ok(&format!("{verb} a.db b.db"));
        scene.sql("b.db", "INSERT INTO t (v) VALUES ('invoice'); DELETE FROM t WHERE v = 'invoice'");
        assert_eq!(counter(&scene), [given], "{verb} {source} into {target}");
        scene.ok("undo --yes");
        assert_eq!(counter(&scene), [given], "{verb} {source} into {target}");
    }
}

#[test]
fn an_undo_in_two_parts_puts_back_only_what_nobody_else_has_moved() {
    for (is_moved, expected) in [(false, "2"), (true, "51")] {
        let target = format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'q')");
        let scene = Scene::with_pair(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (50, 'z')"), &target);
        scene.ok("copy a.db b.db");
        let run = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
        scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 2");
        if is_moved {
            scene.sql("b.db", "INSERT INTO t (v) VALUES ('invoice'); DELETE FROM t WHERE v = 'invoice'");
        }
        assert_eq!(scene.run("undo --yes").code, Some(7));
        scene.sql("b.db", "UPDATE t SET v = 'b' WHERE id = 2");
        scene.ok(&format!("undo {run} --yes"));
        assert_eq!(scene.rows("b.db", "SELECT id || v FROM t"), ["1a", "2q"]);
        assert_eq!(counter(&scene), [expected]);
    }
}

#[test]
fn an_undo_that_is_undone_gives_the_counter_back_and_can_be_undone_again() {
    let target = format!("{TABLE}; INSERT INTO t VALUES (1, 'a')");
    let scene = Scene::with_pair(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (50, 'z')"), &target);
    scene.ok("copy a.db b.db");
    let newest = || scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    let run = newest();
    for (run, expected) in [(Some(run.clone()), "1"), (None, "50"), (Some(run), "1")] {
        let run = run.unwrap_or_else(newest);
        scene.ok(&format!("undo {run} --yes"));
        assert_eq!(counter(&scene), [expected]);
    }
}

#[test]
fn rows_that_are_all_held_leave_no_counter_behind() {
    let source = format!("{TABLE}; INSERT INTO t VALUES (9, -1)");
    let target = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v CHECK (v > 0))";
    for rows in ["", "; INSERT INTO t VALUES (3, 1)"] {
        let scene = Scene::with_pair(&source, &format!("{target}{rows}"));
        let before = counter(&scene);
        assert_eq!(scene.run("copy a.db b.db").code, Some(3));
        assert_eq!(counter(&scene), before, "{rows}");
        assert_eq!(scene.run("undo --yes").code, Some(2), "{rows}");
    }
}

#[test]
fn rows_that_went_in_and_out_again_leave_no_counter_behind() {
    let parent = "CREATE TABLE p (id INTEGER PRIMARY KEY, v CHECK (v > 0))";
    let child = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, p REFERENCES p)";
    for rows in ["", "; INSERT INTO t VALUES (3, NULL)"] {
        let source = format!(
            "PRAGMA foreign_keys = 0; CREATE TABLE p (id INTEGER PRIMARY KEY, v); {child}; \
             INSERT INTO p VALUES (1, -1); INSERT INTO t VALUES (9, 1)"
        );
        let scene = Scene::with_pair(&source, &format!("{parent}; {child}{rows}"));
        let before = counter(&scene);
        assert_eq!(scene.run("copy a.db b.db").code, Some(3));
        assert_eq!(counter(&scene), before, "{rows}");
    }
}
