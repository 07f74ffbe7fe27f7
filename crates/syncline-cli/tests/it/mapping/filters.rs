//! Filters bound both ends.

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, at)";

fn scene() -> Scene {
    let source = "INSERT INTO orders VALUES (1, 'open', 1), (2, 'open', 2), (3, 'shut', 3), (4, 'open', 4)";
    let target = "INSERT INTO orders VALUES (2, 'open', 'old'), (3, 'shut', 'mine'), (8, 'open', 8), (9, 'shut', 9)";
    Scene::with_pair(&format!("{TABLE}; {source}"), &format!("{TABLE}; {target}"))
}

fn target(scene: &Scene) -> Vec<String> {
    scene.rows("b.db", "SELECT * FROM orders ORDER BY id")
}

#[test]
fn a_copy_takes_the_rows_of_the_filter() {
    let scene = Scene::with_pair(&format!("{TABLE}; INSERT INTO orders VALUES (1, 'open', 1), (2, 'shut', 2)"), "");
    let shown = scene.ok_with("copy a.db b.db", &["--where", "orders: id > 1"]);
    assert!(shown.contains("copy  (where: orders)"), "{shown}");
    assert!(shown.contains("verified equal"), "{shown}");
    assert_eq!(target(&scene), ["2|shut|2"]);
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_master"), 0, "the table was made by the run");
}

#[test]
fn a_mirror_deletes_only_inside_the_filter() {
    let scene = scene();
    let before = target(&scene);
    let rules = ["--where", "orders: state = 'open'"];
    let shown = scene.ok_with("mirror a.db b.db", &rules);
    assert!(shown.contains("verified equal"), "{shown}");
    assert_eq!(target(&scene), ["1|open|1", "2|open|2", "3|shut|mine", "4|open|4", "9|shut|9"]);
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &rules).code, Some(0));
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(10));
    assert_eq!(scene.run_with("verify a.db b.db", &rules).code, Some(0));
    assert_eq!(scene.run("verify").code, Some(0), "the run's own filter counts");
    scene.ok("undo --yes");
    assert_eq!(target(&scene), before);
}

#[test]
fn a_target_row_outside_the_filter_is_never_written() {
    let scene = Scene::with_pair(
        &format!("{TABLE}; INSERT INTO orders VALUES (1, 'open', 'new'), (2, 'open', 'new')"),
        &format!("{TABLE}; INSERT INTO orders VALUES (1, 'shut', 'mine')"),
    );
    let said = scene.run_with("mirror a.db b.db --json", &["--where", "orders: state = 'open'"]);
    assert_eq!(target(&scene), ["1|shut|mine", "2|open|new"]);
    let table = &said.last()["tables"][0];
    let counts = ["inserted", "held", "conflicts"].map(|number| table[number].as_u64().unwrap());
    assert_eq!((counts, said.code), ([1, 1, 0], Some(3)), "{}", said.out);
    let said = scene.run_with("mirror a.db b.db", &["--where", "orders: state = 'open'"]);
    assert!(said.out.contains("1 row held") && !said.out.contains("meanwhile"), "{}", said.out);
}

#[test]
fn a_table_whose_rows_are_all_outside_the_filter_is_not_empty() {
    let scene = Scene::with_pair(
        &format!("{TABLE}; INSERT INTO orders VALUES (1, 'open', 1)"),
        &format!("{TABLE}; INSERT INTO orders VALUES (7, 'shut', 7)"),
    );
    scene.ok_with("copy a.db b.db", &["--where", "orders: state = 'open'"]);
    assert_eq!(target(&scene), ["1|open|1", "7|shut|7"]);
    scene.ok("undo --yes");
    assert_eq!(target(&scene), ["7|shut|7"], "undo takes the rows of the run and no others");
}

#[test]
fn an_empty_source_is_one_inside_the_filter() {
    let scene = scene();
    let said = scene.run_with("mirror a.db b.db --json", &["--where", "orders: id >= 8"]);
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(6), Some("GUARD_EMPTY_SOURCE")), "{}", said.out);
    scene.ok_with("mirror a.db b.db --allow-empty-source", &["--where", "orders: id = 8"]);
    assert_eq!(target(&scene), ["2|open|old", "3|shut|mine", "9|shut|9"]);
}

#[test]
fn now_is_one_instant_for_a_whole_run_and_its_verification() {
    let days = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) \
         INSERT INTO orders SELECT i, 'open', datetime('now', '-' || i || ' days') FROM n";
    let scene = Scene::with_pair(&format!("{TABLE}; {days}"), "");
    scene.ok_with("copy a.db b.db", &["--where", "orders: at > now() - interval '100 hours'"]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM orders"), 4);
    assert_eq!(scene.run("verify").code, Some(0));
    // A filter that is younger than the run's finds another row set; the run's own must not.
    scene.sql("a.db", "UPDATE orders SET at = datetime('now', '+1 hour') WHERE id = 9");
    assert_eq!(scene.run("verify").code, Some(10));
}

#[test]
fn a_difference_as_sql_leaves_the_rest_alone() {
    let scene = scene();
    let rules = ["--where", "orders: state = 'open'"];
    let script = scene.ok_with("diff a.db b.db --format sql", &rules);
    assert!(!script.contains("OR REPLACE"), "{script}");
    scene.sql("b.db", &script.replace(".bail on", ""));
    assert_eq!(target(&scene), ["1|open|1", "2|open|2", "3|shut|mine", "4|open|4", "9|shut|9"]);
}

#[test]
fn a_difference_as_sql_leaves_out_what_would_be_held() {
    let scene = Scene::with_pair(
        &format!("{TABLE}; INSERT INTO orders VALUES (1, 'open', 'new'), (2, 'open', 'new')"),
        &format!("{TABLE}; INSERT INTO orders VALUES (1, 'shut', 'mine'), (2, 'open', 'old')"),
    );
    let script = scene.ok_with("diff a.db b.db --format sql", &["--where", "orders: state = 'open'"]);
    assert!(
        script.contains("-- left out: orders id=1: the target's row with this key lies outside the filter\n"),
        "{script}"
    );
    assert!(script.ends_with("-- 1 row, 1 left out\n"), "{script}");
    scene.sql("b.db", &script.replace(".bail on", ""));
    assert_eq!(target(&scene), ["1|shut|mine", "2|open|new"]);
}

#[test]
fn every_command_takes_a_filter_in_the_same_way_whatever_the_collation() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)";
    let source = format!("{table}; INSERT INTO t VALUES (1, 'Ada'), (2, 'ada'), (3, 'ADA'), (4, 'Bob')");
    for (filter, found) in [
        ("t: name = 'ada'", 1),
        ("t: name IN ('ada', 'BOB')", 1),
        ("t: name < 'a'", 3),
        ("t: name LIKE 'a%'", 1),
        ("t: name ILIKE 'a%'", 3),
    ] {
        let scene = Scene::with_pair(&source, &format!("{table}; INSERT INTO t VALUES (9, 'ADa')"));
        let rules = ["--where", filter];
        let count = |line: &str, name: &str| {
            let said = scene.run_with(line, &rules);
            let line =
                said.out.lines().find(|line| line.contains("\"tables\":[")).unwrap_or_else(|| panic!("{}", said.out));
            let document: serde_json::Value = serde_json::from_str(line).unwrap();
            document["tables"][0][name].as_u64()
        };
        assert_eq!(count("diff a.db b.db --json", "only_source"), Some(found), "{filter}");
        assert_eq!(count("plan copy a.db b.db --format json", "insert"), Some(found), "{filter}");
        assert_eq!(count("copy a.db b.db --json", "inserted"), Some(found), "{filter}");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), i64::try_from(found).unwrap() + 1, "{filter}");
        assert_eq!(count("mirror a.db b.db --json", "inserted"), Some(0), "{filter}");
        for line in ["diff a.db b.db --exit-code", "verify a.db b.db"] {
            assert_eq!(scene.run_with(line, &rules).code, Some(0), "{filter}: {line}");
        }
        assert_eq!(scene.run("verify").code, Some(0), "{filter}");
    }
}
