//! `syncline runs`.

use crate::scene::{Scene, keys, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn lists_have_the_shape_of_the_contract() {
    let scene = Scene::with_demo();
    assert_eq!(scene.ok("runs list --json"), "{\"format\":1,\"type\":\"runs\",\"data\":[],\"next_cursor\":null}\n");
    assert_eq!(scene.ok("runs list"), "no runs are recorded\n");
    scene.ok(&format!("mirror {DEMO}"));
    scene.ok("undo --yes");
    let shown = scene.ok("runs list --json");
    assert_eq!(keys(shown.trim()), ["format", "type", "data", "next_cursor"]);
    let data = &scene.json("runs list --json")["data"];
    assert_eq!((data[0]["verb"].as_str(), data[1]["verb"].as_str()), (Some("undo"), Some("mirror")));
    assert_eq!(data[0]["undoes"], data[1]["id"]);
    let shown = steady(&scene.ok("runs list"));
    assert!(shown.starts_with("RUN         STARTED"), "{shown}");
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let scene = Scene::with_demo();
    for _ in 0..3 {
        scene.ok(&format!("mirror {DEMO}"));
    }
    let first = scene.json("runs list --limit 2 --json");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = scene.json(&format!("runs list --limit 2 --cursor {cursor} --json"));
    assert_eq!((first["data"].as_array().unwrap().len(), second["data"].as_array().unwrap().len()), (2, 1));
    assert!(scene.ok("runs list --limit 2").contains("\nnext: syncline runs list --limit 2 --cursor "));
}

#[test]
fn one_run_in_detail() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let id = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    let shown = scene.ok(&format!("runs show {id}"));
    assert!(shown.contains("status     succeeded\n") && shown.contains("verified equal"), "{shown}");
    assert_eq!(scene.json(&format!("runs show {id} --json"))["type"], "run");
    assert_eq!(scene.json(&format!("runs logs {id} --json"))["type"], "logs");
    scene.ok(&format!("runs logs {id}"));
    for command in ["resume", "retry", "cancel"] {
        let said = scene.run(&format!("runs {command} {id}"));
        assert_eq!(said.code, Some(2), "{command}");
        assert!(said.err.contains(&format!("  next   syncline runs show {id} ")), "{}", said.err);
    }
}

#[test]
fn unknown_runs_are_not_found() {
    let scene = Scene::new();
    for command in ["show", "logs", "cancel", "resume", "retry"] {
        let said = scene.run(&format!("runs {command} r_none --json"));
        assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("RUN_NOT_FOUND")), "{command}");
    }
}

#[test]
fn failed_tables_are_tried_again() {
    let schema = "CREATE TABLE t (id TEXT PRIMARY KEY, v); CREATE TABLE u (id INTEGER PRIMARY KEY, v)";
    let rows = "INSERT INTO t VALUES (NULL, 9); INSERT INTO u VALUES (1, 1)";
    let scene = Scene::with_pair(&format!("{schema}; {rows}"), &format!("{schema}; INSERT INTO t VALUES ('x', 1)"));
    let said = scene.run("copy a.db b.db");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[KEY_NULL]: "), "{}", said.err);
    assert!(steady(&said.out).contains("1 of 2 tables not carried"), "{}", said.out);
    assert!(steady(&said.out).ends_with("next: syncline runs retry r_RUN\n"), "{}", said.out);
    let id = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    let said = scene.run(&format!("runs resume {id}"));
    assert!(said.err.contains(&format!("  next   syncline runs retry {id} ")), "{}", said.err);
    scene.sql("a.db", "UPDATE t SET id = 'y'");
    assert!(scene.ok(&format!("runs retry {id}")).contains("1 table "));
    assert_eq!(scene.number("b.db", "SELECT v FROM t WHERE id = 'y'"), 9);
}
