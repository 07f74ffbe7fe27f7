//! Tables read side by side: what comes of it is the same however many there are at once.

use serde_json::Value;

use crate::scene::Scene;

/// Values of this size are met by nobody who reads beside others.
const LARGE: u64 = 3_000_000;

/// Twelve tables with keys that differ a little, among them parents and children; two without a key; one that is new, one that
/// is empty, one with large values, and one whose rows break a rule of the target.
fn scene() -> Scene {
    let scene = Scene::new();
    for (database, note) in [("a.db", "new"), ("b.db", "old")] {
        let is_source = database == "a.db";
        let mut sql = String::from("BEGIN;");
        for n in 0..12 {
            let parent = if n % 3 == 2 { format!("REFERENCES t{}", n - 1) } else { String::new() };
            let (from, to) = if is_source { (1, 400 + 100 * n) } else { (11, 390 + 100 * n) };
            sql += &format!(
                "CREATE TABLE t{n} (id INTEGER PRIMARY KEY, up INTEGER {parent}, note TEXT);
                 WITH RECURSIVE i (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM i WHERE i < {to})
                 INSERT INTO t{n} SELECT i, 20 + i % 300, CASE i % 7 WHEN 0 THEN '{note}' ELSE 'same' END FROM i;"
            );
        }
        let copies = if is_source { 40 } else { 30 };
        for bag in ["bag", "sack"] {
            sql += &format!("CREATE TABLE {bag} (n INTEGER); INSERT INTO {bag} SELECT id % {copies} FROM t0;");
        }
        let check = if is_source { "" } else { "CHECK (n <> 13)" };
        sql += &format!(
            "CREATE TABLE strict (id INTEGER PRIMARY KEY, n INTEGER {check}, child_of INTEGER REFERENCES t1);"
        );
        sql += "CREATE TABLE empty (id INTEGER PRIMARY KEY, n);";
        sql +=
            &format!("CREATE TABLE wide (id INTEGER PRIMARY KEY, value BLOB); INSERT INTO wide VALUES (1, '{note}');");
        sql += &format!("INSERT INTO wide VALUES (2, zeroblob({LARGE})), (3, '{note}');");
        if is_source {
            sql += "INSERT INTO strict SELECT id, id % 20, id FROM t1 WHERE id <= 100; INSERT INTO empty SELECT id, note FROM t0;
                    CREATE TABLE fresh (id INTEGER PRIMARY KEY, n); INSERT INTO fresh SELECT id, note FROM t1;
                    UPDATE wide SET value = value || x'01' WHERE id = 2";
        }
        scene.sql(database, &format!("{sql}; COMMIT"));
    }
    scene
}

/// All that a document says but times, names that were made up, and how it was asked for.
fn steady(mut document: Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !name.ends_with("_ms") && name != "identity" && name != "jobs");
                fields.values_mut().for_each(clean);
            }
            Value::Array(items) => items.iter_mut().for_each(clean),
            Value::String(text) if ["r_", "c_", "p_"].iter().any(|made| text.starts_with(made)) => text.truncate(2),
            _ => {}
        }
    }
    clean(&mut document);
    document
}

fn tables() -> Vec<String> {
    let numbered = (0..12).map(|n| format!("t{n}"));
    numbered.chain(["bag", "sack", "strict", "empty", "fresh", "wide"].map(str::to_owned)).collect()
}

fn content(scene: &Scene) -> Vec<Vec<String>> {
    let has =
        |table: &String| scene.number("b.db", &format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'"));
    let tables = tables().into_iter().filter(|table| has(table) > 0);
    tables.map(|table| scene.rows("b.db", &format!("SELECT rowid, * FROM {table} ORDER BY 1"))).collect()
}

/// Everything that is said and done on the way from the differences to the end and back.
fn story(jobs: u32) -> Vec<(String, Value)> {
    let scene = scene();
    let before = content(&scene);
    let mut told = Vec::new();
    let mut tell = |line: &str| {
        let said = scene.run(&format!("{line} --progress none --json"));
        // The last line of a plan sums up what came before, its name included.
        let out = said.out.replace(&*scene.path("").to_string_lossy(), "");
        let lines = out.lines().map(|line| steady(serde_json::from_str(line).unwrap()));
        let lines = lines.filter(|line| line["type"] != "end").collect();
        told.push((line.split(" --jobs").next().unwrap().to_owned(), Value::Array(lines)));
    };
    tell(&format!("diff a.db b.db --jobs {jobs}"));
    tell(&format!("diff a.db b.db --jobs {jobs} --rows --tables t*,bag"));
    tell(&format!("plan mirror a.db b.db --jobs {jobs} --max-delete 100%"));
    tell(&format!("verify a.db b.db --jobs {jobs}"));
    tell(&format!("mirror a.db b.db --jobs {jobs}"));
    tell(&format!("mirror a.db b.db --jobs {jobs} --max-delete 100%"));
    tell("conflicts list");
    tell(&format!("verify a.db b.db --jobs {jobs}"));
    told.push(("content".to_owned(), serde_json::json!(content(&scene))));
    let undone = scene.ok("undo --yes --json --progress none");
    assert!(undone.contains("\"status\":\"succeeded\""), "{undone}");
    assert_eq!(content(&scene), before, "{jobs} at once, and back");
    told
}

#[test]
fn what_is_said_and_done_is_the_same() {
    let one = story(1);
    let (_, wide) = &one[0];
    assert!(
        wide[0]["tables"].as_array().unwrap().iter().any(|table| table["table"] == "wide" && table["changed"] == 3)
    );
    let mirrored = one[5].1.as_array().unwrap().last().unwrap();
    assert_eq!((mirrored["status"].as_str(), mirrored["verified"].as_str()), (Some("partial"), Some("equal-except")));
    for jobs in [2, 8] {
        for ((line, expected), (_, said)) in one.iter().zip(story(jobs)) {
            let lines = |of: &Value| of.as_array().unwrap().clone();
            for (said, expected) in lines(&said).iter().zip(&lines(expected)) {
                // Values in it may be megabytes.
                let brief = |line: &Value| line.to_string().chars().take(2_000).collect::<String>();
                assert!(said == expected, "{line}, {jobs} at once:\n{}\nand one:\n{}", brief(said), brief(expected));
            }
            assert_eq!(lines(&said).len(), lines(expected).len(), "{line}");
        }
    }
}

#[test]
fn they_are_numbers_within_bounds() {
    let scene = Scene::with_demo();
    for command in ["copy", "mirror", "diff", "verify"] {
        for jobs in ["0", "9", "-1", "many", ""] {
            let args = [command, "syncline-demo/hq.db", "syncline-demo/branch.db", "--jobs", jobs];
            assert_eq!(scene.command(&args).output().unwrap().status.code(), Some(2), "{command} --jobs {jobs:?}");
        }
    }
}

#[test]
fn a_rate_holds_for_all_of_them_together() {
    let scene = scene();
    let tell = |jobs: u32| {
        let line = format!("diff a.db b.db --tables t0,t1,t2,bag --rate 20000 --jobs {jobs} --json");
        steady(scene.run(&line).last())
    };
    assert_eq!(tell(1), tell(3));
}
