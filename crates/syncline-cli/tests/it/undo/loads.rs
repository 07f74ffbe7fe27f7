//! Undo of runs that filled tables, of which rows were changed since.

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'never')); CREATE INDEX t_v ON t (v)";

/// So many rows.
fn rows(count: u64) -> String {
    format!(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO t SELECT i, 'v' || i FROM n"
    )
}

/// Ids and values of what is there.
fn there(scene: &Scene) -> Vec<String> {
    scene.rows("b.db", "SELECT id || ' ' || v FROM t ORDER BY id")
}

fn newest_run(scene: &Scene) -> String {
    scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned()
}

/// Found by testers: one changed row kept a whole table from being taken back, and nobody said which.
#[test]
fn rows_changed_since_stay_and_are_named_and_the_others_go() {
    for (target, is_new) in [("CREATE TABLE other (x)", true), (TABLE, false)] {
        let scene = Scene::with_pair(&format!("{TABLE}; {}", rows(5_000)), target);
        scene.ok("copy a.db b.db");
        let loaded = newest_run(&scene);
        scene.sql(
            "b.db",
            "UPDATE t SET v = 'mine' WHERE id IN (7, 4000); DELETE FROM t WHERE id = 9; INSERT INTO t VALUES (9999, 'new')",
        );
        let said = scene.run("undo --yes");
        assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
        assert_eq!(there(&scene), ["7 mine", "4000 mine", "9999 new"]);
        for id in [7, 4000, 9999] {
            let named = format!("row id={id} of t is left: ");
            assert!(said.err.contains(&named) || said.out.contains(&named), "{}{}", said.out, said.err);
        }
        // The table stays as it was made.
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name = 't_v'"), 1);
        let table = &scene.run("undo --yes --json").last()["tables"][0];
        assert_eq!([&table["deleted"], &table["conflicts"]], [0, 3], "{table}");
        assert_eq!(there(&scene).len(), 3);
        // Once they are as they were loaded they go too, and the table with them.
        scene.sql("b.db", "UPDATE t SET v = 'v' || id WHERE id < 9999");
        if is_new {
            assert_eq!(scene.run("undo --yes").code, Some(7));
            assert_eq!(there(&scene), ["9999 new"]);
            scene.sql("b.db", "DELETE FROM t");
        }
        let said = scene.run(&format!("undo {loaded} --yes"));
        assert_eq!(said.code, Some(if is_new { 0 } else { 7 }), "{}{}", said.out, said.err);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name = 't'"), i64::from(!is_new));
    }
}

#[test]
fn rows_that_others_have_only_added_or_deleted_are_in_nobodys_way() {
    let scene = Scene::with_pair(&format!("{TABLE}; {}", rows(30)), TABLE);
    scene.ok("copy a.db b.db");
    scene.sql("b.db", "INSERT INTO t VALUES (31, 'new')");
    scene.ok("undo --yes");
    assert_eq!(there(&scene), ["31 new"]);
    scene.sql("b.db", "DELETE FROM t");
    scene.ok("copy a.db b.db");
    scene.sql("b.db", "DELETE FROM t WHERE id > 3");
    scene.ok("undo --yes");
    assert_eq!((there(&scene).len(), scene.run("undo --yes").code), (0, Some(2)));
}

#[test]
fn what_was_taken_back_in_part_can_be_brought_back() {
    let scene = Scene::with_pair(&format!("{TABLE}; {}", rows(3_000)), TABLE);
    scene.ok("copy a.db b.db");
    let loaded = newest_run(&scene);
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 7");
    let before = there(&scene);
    assert_eq!(scene.run("undo --yes").code, Some(7));
    let undo = newest_run(&scene);
    scene.ok(&format!("undo {undo} --yes"));
    assert_eq!(there(&scene), before);
    assert_eq!(scene.run(&format!("undo {loaded} --yes")).code, Some(7));
    assert_eq!(there(&scene), ["7 mine"]);
}

#[test]
fn of_rows_without_a_key_those_go_that_are_as_they_were() {
    let table = "CREATE TABLE t (id, v)";
    let scene = Scene::with_pair(&format!("{table}; {0}; {0}", rows(500)), table);
    scene.ok("copy a.db b.db");
    scene.sql(
        "b.db",
        "UPDATE t SET v = 'mine' WHERE rowid = (SELECT max(rowid) FROM t WHERE id = 7); INSERT INTO t VALUES (8, 'v8')",
    );
    let said = scene.run("undo --yes");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!(there(&scene), ["7 mine", "8 v8"]);
    scene.sql("b.db", "UPDATE t SET v = 'v7' WHERE id = 7");
    scene.ok("undo --yes");
    assert_eq!(there(&scene), ["8 v8"]);
}

#[test]
fn rows_that_others_reference_stay_with_those_that_were_changed() {
    let children = "CREATE TABLE c (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id))";
    for flags in ["", " --strategy full"] {
        let scene = Scene::with_pair(
            &format!("{TABLE}; {}; {children}; INSERT INTO c VALUES (1, 1), (2, 2)", rows(40)),
            "CREATE TABLE other (x)",
        );
        scene.ok(&format!("mirror a.db b.db --tables t,c{flags}"));
        scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 7; INSERT INTO c VALUES (3, 3)");
        let said = scene.run("undo --yes");
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        assert_eq!(there(&scene), ["3 v3", "7 mine"], "{}{}", said.out, said.err);
        assert_eq!(scene.rows("b.db", "SELECT id FROM c"), ["3"]);
        scene.sql("b.db", "DELETE FROM c; UPDATE t SET v = 'v7' WHERE id = 7");
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"), 1);
    }
}

#[test]
fn a_table_with_too_many_changes_stays_whole_and_how_to_find_them_is_said() {
    let scene = Scene::with_pair(&format!("{TABLE}; {}", rows(4_000)), TABLE);
    scene.ok("copy a.db b.db");
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id % 2");
    let said = scene.run("undo --yes --json");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    let error = &said.last()["tables"][0]["error"];
    assert_eq!(error["code"], "UNDO_STALE", "{error}");
    assert_eq!(there(&scene).len(), 4_000);
    let next = error["next"][0]["command"].as_str().or_else(|| error["next"][0]["action"].as_str()).unwrap_or_default();
    let shown = scene.ok(next.strip_prefix("syncline ").unwrap_or_else(|| panic!("{error}")));
    assert_eq!(shown.matches("mine").count(), 2_000, "{shown}");
}
