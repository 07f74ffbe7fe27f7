//! What cannot be meant is refused with a clear error, before anything is written.

use std::fs;

use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL, age INT, born DATETIME,
         code INT UNIQUE, bio, twice AS (age * 2));
     CREATE TABLE orders (id INTEGER PRIMARY KEY, mail TEXT REFERENCES users (email), user_id INT REFERENCES users (id), total REAL);
     CREATE TABLE tags (tag TEXT NOT NULL, label TEXT, PRIMARY KEY (tag)) STRICT, WITHOUT ROWID;
     CREATE TABLE photos (id INTEGER PRIMARY KEY, data BLOB) STRICT;
     CREATE VIEW totals AS SELECT 1;
     INSERT INTO users (id, email, name) VALUES (1, 'a@b.c', 'x'); INSERT INTO orders VALUES (1, 'a@b.c', 1, 1.5)";

fn scene() -> Scene {
    Scene::with_pair(SOURCE, SOURCE)
}

fn both(scene: &Scene) -> [Vec<u8>; 2] {
    ["a.db", "b.db"].map(|name| fs::read(scene.path(name)).unwrap())
}

/// Every rule is refused by copy, mirror, diff and verify, with this exit code and error.
fn refused(scene: &Scene, rules: &[&str], code: &str, says: &str) {
    let before = both(scene);
    for command in ["copy", "mirror", "diff", "verify"] {
        let said = scene.run_with(&format!("{command} a.db b.db"), rules);
        assert_eq!(said.code, Some(2), "{command} {rules:?}\n{}{}", said.out, said.err);
        assert!(said.err.contains(&format!("error[{code}]")), "{rules:?}\n{}", said.err);
        assert!(said.err.contains(says), "{rules:?}: {says}\n{}", said.err);
    }
    assert!(before == both(scene), "{rules:?} changed a file");
}

#[test]
fn filters() {
    let scene = scene();
    let cases = [
        ("orders", "FILTER_INVALID", "':' is expected at character 7"),
        ("orders: id >", "FILTER_INVALID", "character 13"),
        ("orders: id > 1 OR", "FILTER_INVALID", "a column or a value is expected here, not the end"),
        ("nothing: id > 1", "TABLE_NOT_FOUND", "a table nothing"),
        ("order: id > 1", "TABLE_NOT_FOUND", "orders"),
        ("totals: id > 1", "NOT_A_TABLE", "a view"),
        ("orders: totl > 1", "COLUMN_NOT_FOUND", "total"),
        ("orders: total = '1.5'", "FILTER_INVALID", "write the number without quotes"),
        ("orders: mail IN ('x', 5)", "FILTER_INVALID", "put the number in single quotes"),
        ("orders: total LIKE '1%'", "FILTER_INVALID", "LIKE compares text"),
        ("orders: id > now() - interval '1 year'", "FILTER_INVALID", "months and years have no fixed length"),
        ("orders: id IN (SELECT id FROM users)", "FILTER_INVALID", "a list holds plain values only"),
    ];
    for (rule, code, says) in cases {
        refused(&scene, &["--where", rule], code, says);
    }
    refused(
        &scene,
        &["--where", "orders: id = 1", "--where", "ORDERS: id = 2"],
        "FILTER_INVALID",
        "given twice for \"ORDERS\"",
    );
    let masked = ["--mask", "orders.mail=null", "--where", "orders: mail = 'x'"];
    refused(&scene, &masked, "FILTER_INVALID", "mail is masked");
    refused(
        &scene,
        &["--mask", "users.age=fake", "--where", "users: twice > 1"],
        "FILTER_INVALID",
        "twice is computed",
    );
    refused(
        &scene,
        &["--columns", "orders: !total", "--where", "orders: total > 1"],
        "FILTER_INVALID",
        "total is left out",
    );
}

#[test]
fn column_lists() {
    let scene = scene();
    let cases = [
        ("users", "COLUMNS_INVALID", "':' is expected"),
        ("users: id, !name", "COLUMNS_INVALID", "not both"),
        ("users: id, name, ID", "COLUMNS_INVALID", "ID is named twice"),
        ("users: name", "COLUMNS_INVALID", "leaves out users.id"),
        ("tags: !tag", "COLUMNS_INVALID", "it belongs to the key"),
        ("users: !nam", "COLUMN_NOT_FOUND", "name"),
        ("user: !name", "TABLE_NOT_FOUND", "users"),
    ];
    for (rule, code, says) in cases {
        refused(&scene, &["--columns", rule], code, says);
    }
    refused(&scene, &["--columns", "users: !bio", "--columns", "users: !age"], "COLUMNS_INVALID", "twice");
}

#[test]
fn renames() {
    let scene = scene();
    let cases: [(&[&str], &str, &str); 16] = [
        (&["users"], "RENAME_INVALID", "'=' is expected"),
        (&["users=a.b"], "RENAME_INVALID", "behind '=' stands the new name alone"),
        (&["users=members", "users=people"], "RENAME_INVALID", "twice"),
        (&["users=USERS"], "RENAME_INVALID", "the new name is the old one"),
        (&["users=orders"], "RENAME_INVALID", "orders is carried under that name already"),
        (&["users=orders", "orders=users"], "RENAME_INVALID", "no chains or circles"),
        (&["users=orders", "orders=x"], "RENAME_INVALID", "no chains or circles"),
        (&["users=x", "orders=X"], "RENAME_INVALID", "two are to be called x"),
        (&["users=sqlite_users"], "RENAME_INVALID", "reserved"),
        (&["users=_Syncline_x"], "RENAME_INVALID", "reserved"),
        (&["users.name=bio"], "RENAME_INVALID", "bio is carried under that name already"),
        (&["users.name=bio", "users.bio=name"], "RENAME_INVALID", "no chains or circles"),
        (&["users.name=x", "users.bio=x"], "RENAME_INVALID", "two are to be called x"),
        (&["users.nmae=x"], "COLUMN_NOT_FOUND", "name"),
        (&["usrs.name=x"], "TABLE_NOT_FOUND", "users"),
        (&["totals=x"], "NOT_A_TABLE", "a view"),
    ];
    for (rules, code, says) in cases {
        let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--rename", rule]).collect();
        refused(&scene, &rules, code, says);
    }
    let gone = ["--columns", "users: !bio", "--rename", "users.bio=x"];
    refused(&scene, &gone, "RENAME_INVALID", "the column is left out by --columns");
}

#[test]
fn masks() {
    let scene = scene();
    let cases = [
        ("users.email", "MASK_INVALID", "'=' is expected"),
        ("users=fake", "MASK_INVALID", "a mask is put on a column"),
        ("users.email=md5", "MASK_INVALID", "the masks are fake, hash, last4, null and text:V"),
        ("users.mail=fake", "COLUMN_NOT_FOUND", "email"),
        ("users.id=fake", "MASK_INVALID", "belongs to the key"),
        ("tags.tag=fake", "MASK_INVALID", "belongs to the key"),
        ("users.email=text:x", "MASK_INVALID", "the column is unique"),
        ("users.email=last4", "MASK_INVALID", "the column is unique"),
        ("users.code=fake", "MASK_INVALID", "the column is unique"),
        ("users.name=null", "MASK_INVALID", "must not be NULL"),
        ("users.age=hash", "MASK_INVALID", "the column holds numbers"),
        ("users.age=last4", "MASK_INVALID", "the column holds numbers"),
        ("users.age=text:x", "MASK_INVALID", "the column holds numbers"),
        ("users.born=text:1984", "MASK_INVALID", "would turn the text \"1984\" into a number"),
        ("orders.total=hash", "MASK_INVALID", "the column holds numbers"),
        ("photos.data=hash", "MASK_INVALID", "takes BLOB only"),
        ("orders.user_id=fake", "MASK_INVALID", "not masked alike"),
        ("users.email=fake", "MASK_INVALID", "orders.mail references users.email"),
        ("orders.mail=fake", "MASK_INVALID", "orders.mail references users.email"),
    ];
    for (rule, code, says) in cases {
        refused(&scene, &["--mask", rule], code, says);
    }
    refused(&scene, &["--mask", "users.bio=fake", "--mask", "users.bio=null"], "MASK_INVALID", "twice");
    let differently = ["--mask", "users.email=fake", "--mask", "orders.mail=hash"];
    refused(&scene, &differently, "MASK_INVALID", "one is hash and the other fake");
    refused(&scene, &["--columns", "users: !bio", "--mask", "users.bio=fake"], "MASK_INVALID", "left out by --columns");
}

#[test]
fn what_the_target_cannot_take() {
    let target = |users: &str| Scene::with_pair("CREATE TABLE users (id INTEGER PRIMARY KEY, name, n INT)", users);
    let cases = [
        (
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name NOT NULL, n INT)",
            ["--mask", "users.name=null"],
            "must not be NULL",
        ),
        ("CREATE TABLE users (id INTEGER PRIMARY KEY, name UNIQUE, n INT)", ["--mask", "users.name=last4"], "unique"),
        (
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name BLOB, n INT) STRICT",
            ["--mask", "users.name=hash"],
            "takes BLOB only",
        ),
    ];
    for (users, rules, says) in cases {
        refused(&target(users), &rules, "MASK_INVALID", says);
    }
}

#[test]
fn a_mapping_belongs_to_its_run() {
    let said = scene().run_with("verify", &["--where", "orders: id = 1"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("a mapping goes with two databases"), "{}", said.err);
}
