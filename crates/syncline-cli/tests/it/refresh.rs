//! `syncline mirror --strategy full`: readers go from what all tables were to what they are to be in one step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::scene::{Scene, StopOnDrop};

const SCHEMA: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER, u UNIQUE);
     CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE, n INTEGER);
     CREATE INDEX c_p ON c (p);";

/// Parents and children that all carry one number, the generation they belong to.
fn generation(number: i64, rows: i64, shift: i64) -> String {
    format!(
        "BEGIN; DELETE FROM c; DELETE FROM p;
         INSERT INTO p WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             SELECT i + {shift}, {number}, 'u' || ((i + {number}) % {rows}) FROM n;
         INSERT INTO c SELECT id * 10, id, {number} FROM p; COMMIT;"
    )
}

fn dump(scene: &Scene, database: &str) -> String {
    let conn = Connection::open(scene.path(database)).unwrap();
    let all = "SELECT group_concat(line, char(10)) FROM (
                   SELECT 'p' || id || ' ' || n || ' ' || u AS line FROM p UNION ALL
                   SELECT 'c' || id || ' ' || ifnull(p, '') || ' ' || n FROM c ORDER BY 1)";
    conn.query_row(all, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or_default()
}

/// Reads until told to stop; every look must show one generation whole.
fn watch(path: &std::path::Path, done: &AtomicBool) -> (u64, u64) {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(30)).unwrap();
    let (mut looks, mut changes, mut last) = (0, 0, None);
    while !done.load(Ordering::Acquire) {
        let seen: Option<(i64, i64, i64, i64)> = conn
            .query_row(
                "SELECT (SELECT min(n) FROM p), (SELECT max(n) FROM p), (SELECT min(n) FROM c), (SELECT max(n) FROM c)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()
            .expect("a reader saw an empty table");
        let (a, b, c, d) = seen.unwrap();
        assert!(a == b && b == c && c == d, "a reader saw generations {a} to {b} and {c} to {d}");
        changes += u64::from(last.is_some_and(|last| last != a));
        last = Some(a);
        looks += 1;
    }
    (looks, changes)
}

#[test]
fn readers_never_see_a_table_half_refreshed_or_empty() {
    // Where unique values pass from one row to the next, an exchange writes several tables at once anyway.
    for (journal, truncate, shift) in
        [("wal", "", 500), ("wal", "", 0), ("delete", "", 0), ("wal", " --truncate-target", 500)]
    {
        let scene = Scene::with_pair(SCHEMA, &format!("PRAGMA journal_mode = {journal}; {SCHEMA}"));
        scene.sql("b.db", &generation(0, 3_000, 0));
        if shift == 0 {
            scene.sql("b.db", "UPDATE p SET u = id");
        }
        let done = AtomicBool::new(false);
        let path = scene.path("b.db");
        let (looks, changes) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| watch(&path, &done));
            let stop = StopOnDrop(&done);
            for number in 1..=4 {
                // Rows go, rows come, every row changes, and unique values pass from one row to the next.
                scene.sql("a.db", &generation(number, 3_000, number * shift));
                if shift == 0 {
                    scene.sql("a.db", "UPDATE p SET u = id");
                }
                let flags = "--max-delete 100% --strategy full --batch-size 100";
                scene.ok(&format!("mirror a.db b.db {flags}{truncate}"));
                assert_eq!(dump(&scene, "a.db"), dump(&scene, "b.db"));
            }
            // One generation after the other goes back in one step, too, and comes again when the undo is undone.
            for number in (0..=3).rev() {
                scene.ok("undo --yes");
                assert_eq!(scene.number("b.db", "SELECT DISTINCT n FROM p"), number);
            }
            let undo = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
            scene.ok(&format!("undo {undo} --yes"));
            drop(stop);
            reader.join().unwrap()
        });
        assert!(looks > 0 && changes <= 9, "{looks} looks saw {changes} changes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    }
}

#[test]
fn it_is_taken_back_whole() {
    for flags in ["", " --truncate-target"] {
        let scene = Scene::with_pair(SCHEMA, SCHEMA);
        scene.sql("a.db", &generation(1, 500, 100));
        scene.sql("b.db", &generation(0, 400, 0));
        let before = dump(&scene, "b.db");
        let said = scene.ok(&format!("mirror a.db b.db --strategy full --max-delete 100%{flags}"));
        assert!(said.contains("full: what differs, all in one transaction"), "{said}");
        assert_eq!(said.contains("full: emptied and filled again"), !flags.is_empty(), "{said}");
        assert_eq!(dump(&scene, "b.db"), dump(&scene, "a.db"));
        scene.ok("undo --yes");
        assert_eq!(dump(&scene, "b.db"), before);
    }
}

#[test]
fn what_cannot_be_taken_back_of_it_keeps_nothing_else() {
    let filled = "CREATE TABLE e (id INTEGER PRIMARY KEY, v)";
    let scene =
        Scene::with_pair(&format!("{SCHEMA}; {filled}; INSERT INTO e VALUES (1, 1)"), &format!("{SCHEMA}; {filled}"));
    scene.sql("a.db", &generation(1, 50, 10));
    scene.sql("b.db", &generation(0, 40, 0));
    let before = dump(&scene, "b.db");
    scene.ok("mirror a.db b.db --strategy full --max-delete 100%");
    // A row of a loaded table that somebody has changed stays; the others go back together.
    scene.sql("b.db", "UPDATE e SET v = 2");
    let said = scene.run("undo --yes --json");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!((dump(&scene, "b.db"), scene.number("b.db", "SELECT v FROM e")), (before, 2));
    scene.sql("b.db", "UPDATE e SET v = 1");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM e"), 0);
}

#[test]
fn views_triggers_indexes_and_children_survive() {
    let own = "CREATE VIEW v AS SELECT * FROM p; CREATE TABLE log (id INTEGER PRIMARY KEY, t);
               CREATE TRIGGER t AFTER DELETE ON p BEGIN INSERT INTO log (t) VALUES (old.id); END;
               CREATE INDEX mine ON p (n);
               CREATE TABLE kept (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE);
               INSERT INTO kept VALUES (1, 1)";
    let scene = Scene::with_pair(SCHEMA, SCHEMA);
    scene.sql("a.db", &generation(1, 50, 0));
    scene.sql("b.db", &generation(0, 50, 0));
    scene.sql("b.db", own);
    let objects = "SELECT count(*) FROM sqlite_schema";
    let before = scene.number("b.db", objects);
    for flags in ["", "--truncate-target"] {
        scene.ok(format!("mirror a.db b.db --strategy full {flags}").trim_end());
        assert_eq!(scene.number("b.db", objects), before);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM kept"), 1, "no cascade ran");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM log"), 0, "no trigger fired");
        scene.sql("a.db", &generation(2, 50, 0));
    }
}

#[test]
fn a_row_at_fault_is_held_and_a_failure_leaves_everything_as_it_was() {
    for flags in ["", " --truncate-target"] {
        let strict = "CREATE TABLE t (id INTEGER PRIMARY KEY, v CHECK (v > 0))";
        let scene = Scene::with_pair(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1), (2, -2), (3, 3)",
            &format!("{strict}; INSERT INTO t VALUES (1, 9), (2, 9), (4, 9)"),
        );
        let said = scene.run(&format!("mirror a.db b.db --strategy full{flags} --json"));
        let table = &said.last()["tables"][0];
        assert_eq!((said.code, &table["held"]), (Some(3), &1.into()), "{}{}", said.out, said.err);
        assert_eq!(scene.number("b.db", "SELECT sum(v) FROM t WHERE id IN (1, 3)"), 4);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE id = 4"), 0);
        assert!(scene.ok("conflicts list").contains("check"));
    }
}

#[test]
fn the_guards_hold_and_contradictions_are_refused() {
    let scene = Scene::with_pair(SCHEMA, SCHEMA);
    scene.sql("a.db", &generation(1, 10, 0));
    scene.sql("b.db", &generation(0, 200, 0));
    let before = dump(&scene, "b.db");
    for flags in ["", " --truncate-target"] {
        assert_eq!(scene.run(&format!("mirror a.db b.db --strategy full{flags}")).code, Some(6));
    }
    for line in [
        "copy a.db b.db --truncate-target",
        "copy a.db b.db --strategy full --truncate-target",
        "mirror a.db b.db --truncate-target",
        "plan mirror a.db b.db --strategy full --truncate-target --max-delete 100%",
    ] {
        let said = scene.run(line);
        assert_eq!(said.code, Some(2), "{line}: {}{}", said.out, said.err);
    }
    assert_eq!(dump(&scene, "b.db"), before);
    scene.ok("plan mirror a.db b.db --strategy full --max-delete 100% -o p.plan");
    scene.ok("apply p.plan");
    assert_eq!(dump(&scene, "b.db"), dump(&scene, "a.db"));
}

#[test]
fn a_full_copy_adds_and_updates_and_deletes_nothing() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let scene = Scene::with_pair(
        &format!("{table}; INSERT INTO t VALUES (1, 'new'), (2, 'same')"),
        &format!("{table}; INSERT INTO t VALUES (1, 'old'), (2, 'same'), (3, 'own')"),
    );
    let said = scene.ok("copy a.db b.db --strategy full");
    assert!(said.contains("full: as asked; rows that are equal are not written again"), "{said}");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 3);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 1);
}

/// A child of nobody, a row that a CHECK refuses with a child and a grandchild, and neighbours of each that are fine.
const AT_FAULT: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, v, up INTEGER);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, v);
    CREATE TABLE g (id INTEGER PRIMARY KEY, c INTEGER);
    INSERT INTO p VALUES (1, 1, NULL), (2, -2, 1), (3, 3, 1), (4, 4, 2), (8, 8, NULL);
    INSERT INTO c VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 77, 'd'), (6, 99, 'f');
    INSERT INTO g VALUES (1, 1), (2, 2), (3, 4), (5, 4)";

/// What the target makes of it: some rows are new there, some differ, some go, and something of its own references one.
const STRICT: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, v CHECK (v > 0), up INTEGER REFERENCES p);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, v);
    CREATE TABLE g (id INTEGER PRIMARY KEY, c INTEGER REFERENCES c);
    CREATE TABLE own (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p)";
const THEIRS: &str = "
    INSERT INTO p VALUES (1, 9, NULL), (5, 9, NULL), (6, 9, 5), (7, 9, NULL);
    INSERT INTO c VALUES (3, 1, 'old'), (5, 5, 'gone'), (6, 7, 'old'); INSERT INTO g VALUES (3, 5), (4, 5);
    INSERT INTO own VALUES (1, 6)";

#[test]
fn rows_at_fault_and_what_depends_on_them_are_held_and_the_others_are_carried() {
    for (theirs, flags) in [(THEIRS, ""), (THEIRS, " --truncate-target"), ("", ""), ("", " --truncate-target")] {
        let scene = Scene::with_pair(AT_FAULT, &format!("{STRICT}; {theirs}"));
        let before = everything(&scene);
        let line = format!("mirror a.db b.db --strategy full --max-delete 100%{flags}");
        let said = scene.run(&format!("{line} --json"));
        assert_eq!(said.code, Some(3), "{line}: {}{}", said.out, said.err);
        assert_eq!(said.last()["verified"], "equal-except", "{line}: {}", said.out);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0, "{line}");
        let carried = ["p: 1 1 3 3 8 8", "c: 1 a 3 c", "g: 1 1"];
        let rows = [
            "SELECT 'p: ' || group_concat(id || ' ' || v, ' ') FROM (SELECT * FROM p WHERE id IN (1, 3, 8) ORDER BY id)",
            "SELECT 'c: ' || group_concat(id || ' ' || v, ' ') FROM (SELECT * FROM c WHERE id IN (1, 3) ORDER BY id)",
            "SELECT 'g: ' || group_concat(id || ' ' || c, ' ') FROM (SELECT * FROM g WHERE id IN (1) ORDER BY id)",
        ];
        for (rows, carried) in rows.iter().zip(carried) {
            assert_eq!(scene.rows("b.db", rows), [carried], "{line}");
        }
        let list = scene.json("conflicts list --json");
        let listed = list["data"].as_array().unwrap();
        let mut listed: Vec<_> =
            listed.iter().map(|entry| format!("{} {}", entry["table"], entry["key"]["id"])).collect();
        listed.sort_unstable();
        assert_eq!(listed, differing(&scene), "{line}");
        let at_fault = ["c 2", "c 4", "c 6", "g 2", "g 3", "g 5", "p 2", "p 4"];
        let is_listed = |row: &str| listed.contains(&format!("\"{}\" {}", &row[..1], &row[2..]));
        assert!(at_fault.iter().all(|row| is_listed(row)), "{line}: {listed:?}");
        scene.ok("undo --yes");
        assert_eq!(everything(&scene), before, "{line}");
        // Once nothing is at fault any more, all of them come.
        scene.sql("a.db", "UPDATE p SET v = 2 WHERE id = 2; INSERT INTO p VALUES (77, 1, 1), (99, 1, 1)");
        scene.sql("b.db", "DELETE FROM own");
        scene.ok(&line);
        assert_eq!(scene.run("diff a.db b.db --tables p,c,g --exit-code").code, Some(0), "{line}");
        assert!(scene.ok("conflicts list").starts_with("no row waits"), "{line}");
    }
}

fn everything(scene: &Scene) -> Vec<String> {
    ["p", "c", "g", "own"].iter().flat_map(|table| scene.rows("b.db", &format!("SELECT * FROM {table}"))).collect()
}

fn differing(scene: &Scene) -> Vec<String> {
    let lines = scene.ok("diff a.db b.db --tables p,c,g --format ndjson");
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let rows = lines.filter(|line| line["type"] == "row");
    let mut rows: Vec<_> = rows.map(|row| format!("{} {}", row["table"], row["key"]["id"])).collect();
    rows.sort_unstable();
    rows
}
