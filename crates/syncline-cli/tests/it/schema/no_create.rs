//! `--no-create`: what is missing stays missing.

use crate::scene::Scene;

const TWO: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);
    CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1), (2);";

#[test]
fn missing_tables_are_listed_and_the_others_carried() {
    let scene = Scene::with_pair(TWO, "CREATE TABLE b (id INTEGER PRIMARY KEY)");
    let said = scene.run("mirror a.db b.db --no-create --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let tables = said.last()["tables"].clone();
    assert_eq!((&tables[0]["table"], &tables[0]["strategy"]), (&"a".into(), &"not carried: not in the target".into()));
    assert_eq!(tables[1]["inserted"], 2);
    assert!(said.last()["notes"].to_string().contains("not in the target, and not created: a"));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'a'"), 0);
    let verified = scene.ok("verify");
    assert!(verified.contains("not in the target, and not to be created"), "{verified}");
    scene.sql("a.db", "INSERT INTO b VALUES (3)");
    scene.ok("plan copy a.db b.db --no-create -o it.plan");
    scene.ok("apply it.plan");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM b"), 3);
}

#[test]
fn nothing_to_carry_is_an_error() {
    let scene = Scene::with_pair(TWO, "CREATE TABLE z (id INTEGER PRIMARY KEY)");
    let said = scene.run("copy a.db b.db --no-create --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NO_TABLES")), "{}", said.out);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema"), 1);
}

#[test]
fn a_missing_database_stays_missing() {
    let scene = Scene::new();
    scene.sql("a.db", TWO);
    for line in ["copy a.db new.db --no-create", "plan mirror a.db new.db --no-create"] {
        let said = scene.run(&format!("{line} --json"));
        assert_eq!((said.code, said.last()["code"].as_str()), (Some(5), Some("STORE_MISSING")), "{}", said.out);
        assert!(!scene.path("new.db").exists());
    }
}
