//! `syncline demo`.

use crate::scene::Scene;

#[test]
fn it_makes_two_shops_and_says_what_to_type_next() {
    let scene = Scene::new();
    let expected = "\
made syncline-demo/hq.db and syncline-demo/branch.db
TABLE      ROWS  ONLY hq.db  CHANGED  ONLY branch.db
customers   203           3        6               1
products    101           1        5               0
orders      906           6        6               3

now try:
  syncline diff syncline-demo/hq.db syncline-demo/branch.db --rows     see what differs
  syncline mirror syncline-demo/hq.db syncline-demo/branch.db          make the branch equal to headquarters
  syncline undo                                                        take that back
";
    assert_eq!(scene.ok("demo"), expected);
    assert_eq!(scene.number("syncline-demo/hq.db", "SELECT count(*) FROM orders"), 906);
    assert!(!scene.path("state").exists(), "a demo needs no state");
}

#[test]
fn every_command_it_names_works() {
    let scene = Scene::new();
    let made = scene.json("demo --dir shop --json");
    assert_eq!(made["type"], "demo");
    for command in made["next"].as_array().unwrap() {
        let line = command.as_str().unwrap().strip_prefix("syncline ").unwrap();
        scene.ok(&format!("{line} --yes"));
    }
}

#[test]
fn it_writes_over_nothing() {
    let scene = Scene::with_demo();
    scene.sql("syncline-demo/hq.db", "DELETE FROM orders");
    let again = scene.run("demo");
    assert_eq!(again.code, Some(2));
    assert!(
        again.err.starts_with("error[USAGE_INVALID]: there is something at syncline-demo already\n"),
        "{}",
        again.err
    );
    assert_eq!(scene.number("syncline-demo/hq.db", "SELECT count(*) FROM orders"), 0);
}
