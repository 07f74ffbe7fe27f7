//! `syncline verify`.

use crate::scene::Scene;

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn only_shown_equality_exits_with_0() {
    let scene = Scene::with_demo();
    let said = scene.run(&format!("verify {DEMO}"));
    assert_eq!(said.code, Some(10), "{}", said.err);
    assert!(said.out.starts_with("hq.db -> branch.db\nTABLE"), "{}", said.out);
    let said = scene.run(&format!("verify {DEMO} --json"));
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(10), Some("different")));
    scene.ok(&format!("mirror {DEMO}"));
    assert_eq!(scene.json(&format!("verify {DEMO} --json"))["verified"], "equal");
}

#[test]
fn a_run_can_be_checked_again() {
    let scene = Scene::with_demo();
    assert_eq!(scene.run("verify").code, Some(2));
    scene.ok(&format!("copy {DEMO}"));
    // A copy leaves rows that only the target has: every row of the source being there is what was promised.
    assert!(scene.ok("verify").ends_with("equal: 3 of 3 tables\n"));
    let run = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    scene.sql("syncline-demo/branch.db", "UPDATE products SET stock = stock + 1 WHERE sku = 'P-001'");
    assert_eq!(scene.run(&format!("verify {run}")).code, Some(10));
}

#[test]
fn one_database_is_compared_with_nothing() {
    assert_eq!(Scene::with_demo().run("verify syncline-demo/hq.db").code, Some(2));
}

#[test]
fn rows_that_are_held_are_exceptions_and_no_others() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1), (2, -2), (3, 3)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v CHECK (v > 0)); INSERT INTO t VALUES (4, 4)",
    );
    let summary = scene.run("mirror a.db b.db --json").last();
    assert_eq!(summary["verified"], "equal-except");
    for line in ["verify --json", "verify a.db b.db --json"] {
        let said = scene.run(line);
        let table = &said.last()["tables"][0];
        assert_eq!((said.code, &table["verified"]), (Some(10), &"equal-except".into()), "{}{}", said.out, said.err);
        assert!(table["note"].as_str().unwrap().ends_with("; 1 of them are held"), "{table}");
    }
    // As many rows as before differ, and one of them is another.
    scene.sql("a.db", "DELETE FROM t WHERE id = 2");
    scene.sql("b.db", "DELETE FROM t WHERE id = 3");
    assert_eq!(scene.run("verify a.db b.db --json").last()["verified"], "different");
}
