//! Which database it is: what was kept about one file is never applied to another that has taken its place.

use std::os::unix::fs::MetadataExt;

use crate::bad_input::refused;
use crate::prove::state::Dump;
use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL);
    INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'bad')";

const TARGET: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL CHECK (v <> 'bad'));
    INSERT INTO t VALUES (1, 'former')";

/// A pair after a run that can be undone, with a row held.
fn scene() -> Scene {
    let scene = Scene::with_pair(SOURCE, TARGET);
    assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
    scene
}

fn copy(scene: &Scene, from: &str, to: &str) {
    std::fs::copy(scene.path(from), scene.path(to)).unwrap();
}

fn rename(scene: &Scene, from: &str, to: &str) {
    std::fs::rename(scene.path(from), scene.path(to)).unwrap();
}

/// Nothing that is known of the former file is done to this one.
fn is_another(scene: &Scene) {
    let said = refused(scene, "undo --yes", 6, "UNDO_STALE");
    assert!(said.err.contains("another database has taken its place"), "{}", said.err);
    refused(scene, "conflicts retry --yes", 6, "CONFLICT_STALE");
}

/// The run is taken back, so the file is the one it wrote to.
fn is_the_same(scene: &Scene) {
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|former"]);
}

#[test]
fn a_new_file_with_the_number_of_the_old_one_is_another() {
    let scene = scene();
    let number = |name: &str| scene.path(name).metadata().unwrap().ino();
    let old = number("b.db");
    // A copy of what the run left: undo would find every row as it expects it.
    copy(&scene, "b.db", "kept.db");
    std::fs::remove_file(scene.path("b.db")).unwrap();
    let mut others = 0;
    copy(&scene, "kept.db", "b.db");
    while number("b.db") != old && others < 100 {
        rename(&scene, "b.db", &format!("other-{others}.db"));
        copy(&scene, "kept.db", "b.db");
        others += 1;
    }
    println!("the number was given out again: {}, after {others} others", number("b.db") == old);
    is_another(&scene);
    Dump::of(&scene.path("b.db")).must_be(&Dump::of(&scene.path("kept.db")), "the new file");
}

#[test]
fn a_file_that_was_put_in_its_place_is_another() {
    for make in ["a copy", "VACUUM INTO"] {
        let scene = scene();
        match make {
            "a copy" => copy(&scene, "b.db", "c.db"),
            _ => scene.sql("b.db", &format!("VACUUM INTO '{}'", scene.path("c.db").display())),
        }
        rename(&scene, "b.db", "old.db");
        rename(&scene, "c.db", "b.db");
        is_another(&scene);
        // The old one in its place again.
        rename(&scene, "old.db", "b.db");
        is_the_same(&scene);
    }
}

#[test]
fn what_is_done_to_a_file_leaves_it_the_same() {
    let scene = scene();
    scene.sql(
        "b.db",
        "CREATE TABLE u (a); DROP TABLE u; VACUUM; PRAGMA journal_mode = wal; VACUUM; PRAGMA journal_mode = delete",
    );
    rename(&scene, "b.db", "moved.db");
    refused(&scene, "undo --yes", 5, "STORE_MISSING");
    rename(&scene, "moved.db", "b.db");
    // Copied over, it is the same file with other content; here with the content that undo expects.
    copy(&scene, "b.db", "copy.db");
    copy(&scene, "copy.db", "b.db");
    is_the_same(&scene);
}

#[test]
fn a_copy_of_the_target_is_a_database_of_its_own() {
    let scene = scene();
    copy(&scene, "b.db", "copy.db");
    scene.ok("mirror b.db copy.db");
    scene.sql("b.db", "UPDATE t SET v = 'later' WHERE id = 2");
    scene.ok("mirror b.db copy.db");
    scene.ok("undo --yes");
    assert_eq!(scene.rows("copy.db", "SELECT v FROM t WHERE id = 2"), ["two"]);
    assert_eq!(scene.rows("b.db", "SELECT v FROM t WHERE id = 2"), ["later"]);
}

#[test]
fn what_an_earlier_version_has_kept_goes_on() {
    // Before births were looked at.
    let age = |scene: &Scene| {
        for column in ["source_identity", "target_identity"] {
            for (file, tables) in [("a.db", "run ledger_table"), ("b.db", "run ledger_table incarnation")] {
                let metadata = scene.path(file).metadata().unwrap();
                let former = format!("sqlite:{}:{}", metadata.dev(), metadata.ino());
                for table in tables.split(' ').filter(|table| column == "target_identity" || *table != "incarnation") {
                    let update = format!("UPDATE {table} SET {column} = '{former}' WHERE {column} LIKE '{former}:%'");
                    scene.sql("state/state.db", &update);
                }
            }
        }
        let left = "SELECT count(*) FROM run WHERE target_identity LIKE 'sqlite:%:%:%'";
        assert_eq!(scene.number("state/state.db", left), 0);
    };
    let scene = scene();
    age(&scene);
    is_the_same(&scene);

    let scene = self::scene();
    age(&scene);
    scene.sql("a.db", "UPDATE t SET v = 'good' WHERE id = 3");
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.json("conflicts list --json")["data"].as_array().unwrap().len(), 0);

    let scene = self::scene();
    age(&scene);
    let said = scene.run("verify a.db b.db");
    assert!(said.out.contains("1 of them are held"), "{}{}", said.out, said.err);

    // From then on it is known exactly.
    assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
    let exact = "SELECT count(*) FROM run WHERE target_identity NOT LIKE 'sqlite:%:%:%'";
    assert_eq!(scene.number("state/state.db", exact), 0);
}
