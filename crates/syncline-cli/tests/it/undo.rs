//! `syncline undo`.

use crate::scene::{Scene, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn it_shows_its_plan_and_takes_the_run_back() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let shown = steady(&scene.ok("undo --yes"));
    assert!(shown.starts_with("undo of run r_RUN  hq.db -> branch.db  of 20"), "{shown}");
    assert!(shown.contains("customers           1         6         3\n"), "{shown}");
    assert!(shown.ends_with("undo: syncline undo r_RUN\n"), "{shown}");
    assert_eq!(scene.json(&format!("diff {DEMO} --json"))["tables"][0]["changed"], 6);
}

#[test]
fn an_undo_can_be_undone() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    scene.ok("undo --yes");
    let undo = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {undo} --yes"));
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

#[test]
fn without_a_terminal_it_names_the_flag() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let said = scene.run("undo");
    assert_eq!(said.code, Some(2));
    let expected = "\
error[CONFIRMATION_NEEDED]: this asks before it changes something
  why    standard input is no terminal
  state  nothing was changed
  next   syncline undo r_RUN --yes     agree beforehand
";
    assert_eq!(steady(&said.err), expected);
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

#[test]
fn programs_get_the_plan_first_and_the_end_last() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let said = scene.run("undo --json");
    assert!(said.out.starts_with(r#"{"format":1,"type":"undo-plan","run":"r_"#), "{}", said.out);
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("CONFIRMATION_NEEDED")));
    assert_eq!(said.err, "");
    let said = scene.run("undo --json --yes");
    assert!(said.out.starts_with(r#"{"format":1,"type":"undo-plan","run":"r_"#), "{}", said.out);
    assert_eq!((said.code, said.last()["type"].as_str()), (Some(0), Some("summary")));
}

#[test]
fn with_nothing_to_undo_it_says_so() {
    let said = Scene::with_demo().run("undo --yes --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NOTHING_TO_UNDO")));
}
