//! Hidden values.

use std::fs;
use std::path::Path;

use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, phone TEXT, card TEXT, age INT, rate REAL,
         photo BLOB, note TEXT, secret TEXT);
     CREATE TABLE logins (id INTEGER PRIMARY KEY, email TEXT REFERENCES people (email));
     INSERT INTO people VALUES
         (1, 'ada@plaintext.example', '+49 30 5551234567', '4111222233334444', 5786071404366813268, 6.543416708385437e+78, x'504c41494e54455854', 'plaintext-note', 'plaintext-secret'),
         (2, 'bob@plaintext.example', '030/5559876543', '5500666677778888', 654321, -2.5, NULL, NULL, 'plaintext-secret');
     INSERT INTO logins VALUES (1, 'bob@plaintext.example'), (2, NULL), (3, 'ada@plaintext.example')";

const RULES: [&str; 18] = [
    "--mask",
    "people.email=fake",
    "--mask",
    "logins.email=fake",
    "--mask",
    "people.phone=fake",
    "--mask",
    "people.card=last4",
    "--mask",
    "people.age=fake",
    "--mask",
    "people.rate=fake",
    "--mask",
    "people.photo=fake",
    "--mask",
    "people.note=text:hidden",
    "--mask",
    "people.secret=hash",
];

/// What the source holds and nobody else may ever hold; the numbers as SQLite and as the exact encoding write them.
const PLAIN: [&str; 10] = [
    "@plaintext",
    "plaintext-",
    "PLAINTEXT",
    "PLAINTXT",
    "PLAINREA",
    "TXTNIALP",
    "AERNIALP",
    "5551234567",
    "5559876543",
    "411122223333",
];

/// Every file below a directory but the source and the key itself.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != "a.db" {
            found.push(path);
        }
    }
    found
}

fn holds(path: &Path, plain: &str) -> bool {
    fs::read(path).unwrap().windows(plain.len()).any(|window| window == plain.as_bytes())
}

fn assert_no_plain_text(scene: &Scene) {
    let files = files(&scene.path("."));
    assert!(files.iter().any(|path| path.ends_with("state.db")) && files.iter().any(|path| path.ends_with("b.db")));
    for path in files {
        for plain in PLAIN {
            assert!(!holds(&path, plain), "{plain} is in {}", path.display());
        }
    }
}

#[test]
fn what_is_masked_is_found_nowhere() {
    let scene = Scene::with_pair(SOURCE, "");
    let mut said = scene.ok_with("copy a.db b.db --json", &RULES);
    assert_no_plain_text(&scene);
    // Every kind of change, with before-images, exchanged unique values and an undo.
    scene.sql("a.db", "PRAGMA foreign_keys = OFF; UPDATE people SET email = 'x' WHERE id = 1; UPDATE people SET email = 'ada@plaintext.example' WHERE id = 2;
        UPDATE people SET email = 'bob@plaintext.example', note = 'plaintext-2' WHERE id = 1; DELETE FROM logins WHERE id = 2;
        INSERT INTO people SELECT 3, 'cyd@plaintext.example', phone, card, age, rate, photo, note, secret FROM people WHERE id = 2");
    said += &scene.run_with("diff a.db b.db --rows --json", &RULES).out;
    said += &scene.ok_with("mirror a.db b.db --json", &RULES);
    said += &scene.ok("verify --json");
    said += &scene.ok("undo --yes --json");
    let run = scene.json("runs list --json")["data"][1]["id"].as_str().unwrap().to_owned();
    said += &scene.ok(&format!("runs logs {run}"));
    said += &scene.ok(&format!("runs show {run} --json"));
    // A run that the target refuses.
    scene.sql("b.db", "CREATE TABLE blocked (id INTEGER PRIMARY KEY, email TEXT CHECK (length(email) < 5))");
    scene.sql("a.db", "CREATE TABLE blocked (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO blocked VALUES (1, 'eve@plaintext.example')");
    let refused = scene.run_with("mirror a.db b.db -v", &[&RULES[..], &["--mask", "blocked.email=fake"]].concat());
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    said += &(refused.out + &refused.err);
    assert_no_plain_text(&scene);
    for plain in PLAIN {
        assert!(!said.contains(plain), "{plain} was said: {said}");
    }
}

#[test]
fn what_is_not_masked_would_have_been_found() {
    let scene = Scene::with_pair(SOURCE, "");
    scene.ok("copy a.db b.db");
    let found: Vec<_> = PLAIN.into_iter().filter(|plain| holds(&scene.path("b.db"), plain)).collect();
    assert_eq!(found.len(), 8, "all but the two of the exact encoding: {found:?}");
    scene.sql("b.db", "UPDATE people SET id = id + 10");
    scene.run("mirror a.db b.db --max-delete 100");
    let found: Vec<_> = PLAIN.into_iter().filter(|plain| holds(&scene.path("state/state.db"), plain)).collect();
    let found_in_log = PLAIN.into_iter().filter(|plain| {
        let log = scene.path("state/state.db-wal");
        log.exists() && holds(&log, plain)
    });
    assert!(found.len() + found_in_log.count() >= 8, "before-images hold values: {found:?}");
}

#[test]
fn masked_values_keep_their_shape_and_references_hold() {
    let scene = Scene::with_pair(SOURCE, "");
    let shown = scene.ok_with("copy a.db b.db", &RULES);
    assert!(shown.contains("masked: people.email, logins.email"), "{shown}");
    assert!(shown.contains("verified equal"), "{shown}");
    let one = |query: &str| scene.rows("b.db", query).join("");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM people WHERE email LIKE 'user-%@example.com'"), 2);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM logins JOIN people USING (email)"), 2);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM logins WHERE email IS NULL"), 1);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(one("SELECT card FROM people WHERE id = 1"), "************4444");
    assert_eq!(one("SELECT note FROM people"), "hiddenNULL");
    assert_eq!(one("SELECT phone GLOB '+[0-9][0-9] [0-9][0-9] [0-9]*' FROM people WHERE id = 1"), "1");
    assert_eq!(
        one("SELECT typeof(age), length(age), typeof(rate), typeof(photo), length(photo) FROM people WHERE id = 1"),
        "integer|19|real|blob|9"
    );
    assert_eq!(one("SELECT DISTINCT length(secret) FROM people"), "32");
}

#[test]
fn one_state_directory_gives_the_same_masks_for_ever() {
    let scene = Scene::with_pair(SOURCE, "");
    scene.ok_with("copy a.db b.db", &RULES);
    assert!(scene.ok_with("mirror a.db b.db", &RULES).contains("nothing to write"));
    scene.ok_with("copy a.db c.db", &RULES);
    let all = |database: &str| scene.rows(database, "SELECT * FROM people");
    assert_eq!(all("b.db"), all("c.db"));
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &RULES).code, Some(0));
    assert_eq!(scene.run("verify").code, Some(0));
    // Another key, other masks: that is what losing the file would do.
    fs::remove_file(scene.path("state").join("mask.key")).unwrap();
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &RULES).code, Some(10));
}

#[test]
fn no_key_is_made_where_none_is_needed() {
    let scene = Scene::with_pair(SOURCE, "");
    scene.ok_with("copy a.db b.db --tables people", &["--mask", "people.note=null"]);
    scene.run_with("copy a.db b.db", &["--mask", "people.nothing=fake"]);
    assert!(!scene.path("state").join("mask.key").exists());
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM people WHERE note IS NULL"), 2);
}

#[test]
fn a_column_computed_from_a_masked_one_is_not_carried_in_its_place() {
    let source = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, initial TEXT AS (substr(name, 1, 1)));
         INSERT INTO t (id, name) VALUES (1, 'Plain')";
    let scene = Scene::with_pair(source, "");
    scene.ok_with("copy a.db b.db", &["--mask", "t.name=text:Xavier"]);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|Xavier|X"], "the target computes its own");
    let scene = Scene::with_pair(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, initial TEXT)");
    let said = scene.run_with("copy a.db b.db", &["--mask", "t.name=text:Xavier"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("error[MASK_INVALID]: t.initial is computed"), "{}", said.err);
}
