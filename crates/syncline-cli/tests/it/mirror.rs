//! `syncline mirror`.

use serde_json::Value;

use crate::scene::{Scene, keys, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn it_makes_the_target_equal_and_says_how_to_take_it_back() {
    let scene = Scene::with_demo();
    let expected = "\
hq.db -> branch.db  3 tables  mirror
TABLE      INSERTED  UPDATED  DELETED  UNCHANGED  HOW
customers         3        6        1        194  compare: the target has rows
orders            6        6        3        894  compare: the target has rows
products          1        5        0         95  compare: the target has rows
ok  31 rows in TIME s  verified equal  run r_RUN  undo: syncline undo r_RUN
";
    assert_eq!(steady(&scene.ok(&format!("mirror {DEMO}"))), expected);
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

#[test]
fn the_last_line_of_json_is_the_summary_of_the_contract() {
    let said = Scene::with_demo().run(&format!("mirror {DEMO} --json"));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let lines: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, before) = lines.split_last().unwrap();
    assert!(before.iter().all(|line| line["type"] == "progress" || line["type"] == "note"), "{}", said.out);
    assert!(before.iter().any(|line| line["state"] == "ended"), "{}", said.out);
    assert_eq!((last["type"].as_str(), last["status"].as_str()), (Some("summary"), Some("succeeded")));
    let line = said.out.lines().last().unwrap();
    assert_eq!(keys(line)[..7], ["format", "type", "run", "status", "verified", "tables", "duration_ms"]);
    let table = r#"{"table":"customers","direction":"source->target","inserted":3,"updated":6,"deleted":1,"unchanged":194,"conflicts":0,"held":0"#;
    assert!(line.contains(table), "{line}");
}

#[test]
fn quiet_json_is_the_summary_alone() {
    for silence in ["--quiet", "--progress none"] {
        let said = Scene::with_demo().run(&format!("mirror {DEMO} --json {silence}"));
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    }
}

#[test]
fn guards_stop_it_and_yes_does_not_open_them() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let many = "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1)"), &format!("{table}; {many}"));
    let said = scene.run("mirror a.db b.db --yes");
    assert_eq!((said.code, said.out.as_str()), (Some(6), ""));
    assert!(said.err.contains("error[GUARD_DELETES]: "), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 100);
    scene.ok("mirror a.db b.db --max-delete 99");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
    scene.sql("a.db", "DELETE FROM t");
    assert_eq!(scene.run("mirror a.db b.db --max-delete 99 --json").last()["code"], "GUARD_EMPTY_SOURCE");
    scene.ok("mirror a.db b.db --max-delete 99 --allow-empty-source");
}

#[test]
fn a_run_without_before_images_offers_no_undo() {
    let scene = Scene::with_demo();
    let shown = scene.ok(&format!("mirror {DEMO} --no-undo --no-verify --tables products"));
    assert!(shown.contains("not verified") && !shown.contains("undo"), "{shown}");
    assert_eq!(scene.run("undo --yes").code, Some(2));
}
