//! New names for tables and columns.

use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
     CREATE TABLE orders (id INTEGER PRIMARY KEY, user_mail TEXT REFERENCES users (mail), total_cents INT, note TEXT);
     CREATE INDEX by_total ON orders (total_cents);
     INSERT INTO users VALUES (1, 'a@x.de'), (2, 'b@x.de');
     INSERT INTO orders VALUES (10, 'a@x.de', 5, NULL), (11, 'b@x.de', 6, 'n')";

const RULES: [&str; 6] =
    ["--rename", "users=members", "--rename", "users.mail=address", "--rename", "orders.total_cents=\"total (cents)\""];

#[test]
fn tables_and_columns_get_new_names_and_references_follow() {
    let scene = Scene::with_pair(SOURCE, "");
    let shown = scene.ok_with("copy a.db b.db", &RULES);
    let brief = "renamed: users -> members, users.mail -> address, orders.total_cents -> total (cents)";
    assert!(shown.contains(brief) && shown.contains("verified equal"), "{shown}");
    assert_eq!(scene.rows("b.db", "SELECT id, address FROM members"), ["1|a@x.de", "2|b@x.de"]);
    assert_eq!(scene.rows("b.db", "SELECT \"total (cents)\", note FROM orders"), ["5|NULL", "6|n"]);
    assert_eq!(
        scene.rows("b.db", "SELECT \"table\", \"to\" FROM pragma_foreign_key_list('orders')"),
        ["members|address"]
    );
    assert_eq!(scene.rows("b.db", "SELECT name FROM pragma_index_info('by_total')"), ["total (cents)"]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(scene.run("verify").code, Some(0));
    assert!(scene.ok_with("mirror a.db b.db", &RULES).contains("nothing to write"));
    let runs = scene.json("runs list --json");
    let first = runs["data"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {first} --yes"));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_master"), 0);
}

#[test]
fn a_table_nobody_renames_follows_one_that_is() {
    let scene = Scene::with_pair(SOURCE, "");
    scene.ok_with("copy a.db b.db", &["--rename", "users=members"]);
    assert_eq!(scene.rows("b.db", "SELECT \"table\" FROM pragma_foreign_key_list('orders')"), ["members"]);
    assert!(scene.ok_with("mirror a.db b.db", &["--rename", "users=members"]).contains("nothing to write"));
}

#[test]
fn undo_finds_what_was_renamed_and_can_be_undone_itself() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE members (address TEXT UNIQUE, id INTEGER PRIMARY KEY); INSERT INTO members VALUES ('old', 2), ('z', 9);
         CREATE TABLE users (mine); INSERT INTO users VALUES ('another table')",
    );
    let target = |scene: &Scene| scene.rows("b.db", "SELECT id, address FROM members ORDER BY id");
    let rules = ["--rename", "users=members", "--rename", "users.mail=address"];
    let shown = scene.ok_with("mirror a.db b.db --tables users", &rules);
    assert!(shown.contains("only in the target, left as they are: users"), "{shown}");
    assert_eq!(target(&scene), ["1|a@x.de", "2|b@x.de"]);
    scene.ok("undo --yes");
    assert_eq!(target(&scene), ["2|old", "9|z"]);
    let runs = scene.json("runs list --json");
    let undo = runs["data"][0]["id"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {undo} --yes"));
    assert_eq!(target(&scene), ["1|a@x.de", "2|b@x.de"]);
    assert_eq!(scene.rows("b.db", "SELECT * FROM users"), ["another table"]);
}

#[test]
fn a_difference_as_sql_speaks_of_the_target() {
    let scene = Scene::with_pair(SOURCE, "");
    scene.ok_with("copy a.db b.db", &RULES);
    scene.sql("a.db", "PRAGMA foreign_keys = OFF; UPDATE users SET mail = 'c@x.de' WHERE id = 2; UPDATE orders SET user_mail = 'c@x.de', total_cents = 9 WHERE id = 11");
    let script = scene.ok_with("diff a.db b.db --format sql", &RULES);
    scene.sql("b.db", &script.replace(".bail on", ""));
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &RULES).code, Some(0), "{script}");
}

#[test]
fn a_table_only_one_side_has_is_named_by_its_new_name() {
    let scene = Scene::with_pair(SOURCE, "CREATE TABLE users (id INTEGER PRIMARY KEY)");
    let said = scene.run_with("verify a.db b.db", &["--rename", "users=members"]);
    assert_eq!(said.code, Some(10));
    assert!(said.out.contains("members is not in the target"), "{}", said.out);
}

#[test]
fn what_the_target_lacks_is_said_of_its_own_table() {
    let scene = Scene::with_pair(
        "CREATE TABLE cust (id INTEGER PRIMARY KEY, grp TEXT); INSERT INTO cust VALUES (1, 'a')",
        "CREATE TABLE people (id INTEGER PRIMARY KEY)",
    );
    let said = scene.run("copy a.db b.db --rename cust=people");
    assert!(said.err.contains("the target's people has no column grp"), "{}", said.err);
    assert!(said.err.contains("--tables '*,!cust'"), "{}", said.err);
    let said = scene.run("diff a.db b.db --rename cust=people");
    assert!(said.out.contains("the target's people has no column grp"), "{}", said.out);
}
