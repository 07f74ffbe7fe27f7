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
