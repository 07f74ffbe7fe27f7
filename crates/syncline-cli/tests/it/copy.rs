//! `syncline copy`.

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
