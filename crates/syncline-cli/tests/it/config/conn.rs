//! `syncline conn`.

use std::io::Write;
use std::process::Stdio;

use super::refused;
use crate::scene::{Said, Scene};

#[test]
fn a_connection_is_added_shown_changed_and_removed() {
    let scene = Scene::with_connections();
    assert_eq!(scene.steady(&scene.ok("conn add lab sqlite:lab.db --protected")), "added lab to DIR/syncline.toml\n");
    let added = format!("{}\n[connections.lab]\nurl = \"sqlite:lab.db\"\nprotected = true\n", super::PAIR);
    assert_eq!(scene.read("syncline.toml"), added);
    let shown = "\
lab
  url        sqlite:lab.db
  protected  yes: it takes only syncline apply PLAN
  file       DIR/syncline.toml, line 10
";
    assert_eq!(scene.steady(&scene.ok("conn show lab")), shown);
    let listed = "\
NAME    URL            PROTECTED  FILE
hq      sqlite:a.db               DIR/syncline.toml
branch  b.db                      DIR/syncline.toml
lab     sqlite:lab.db  yes        DIR/syncline.toml
";
    // The columns are as wide as the directory's real name.
    let words =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(words(&scene.steady(&scene.ok("conn list"))), words(listed));
    scene.ok("conn edit lab --url other.db --protected no --rename Lab2");
    assert!(scene.read("syncline.toml").ends_with("[connections.Lab2]\nurl = \"other.db\"\nprotected = false\n"));
    refused(&scene.run("conn rm Lab2"), 2, "CONFIRMATION_NEEDED");
    scene.ok("conn rm Lab2 --yes");
    assert_eq!(scene.read("syncline.toml"), super::PAIR);
}

#[test]
fn every_command_has_its_json() {
    let scene = Scene::with_connections();
    let added = scene.json("conn add lab postgres://u:${env:PW}@h/d --json");
    assert_eq!(
        (&added["type"], &added["action"], &added["name"]),
        (&"connection-change".into(), &"added".into(), &"lab".into())
    );
    let shown = scene.json("conn show lab --json");
    assert_eq!(
        (&shown["type"], &shown["password"], &shown["line"]),
        (&"connection".into(), &"secret".into(), &10.into())
    );
    assert_eq!((&shown["secrets"][0]["kind"], &shown["secrets"][0]["argument"]), (&"env".into(), &"PW".into()));
    let list = scene.json("conn list --json");
    assert_eq!(
        (&list["format"], &list["type"], &list["next_cursor"]),
        (&1.into(), &"connections".into(), &serde_json::Value::Null)
    );
    assert_eq!(list["data"].as_array().unwrap().len(), 3);
    assert_eq!(scene.json("conn edit lab --protected yes --json")["action"], "changed");
    assert_eq!(scene.json("conn rm lab --yes --json")["action"], "removed");
    let tested = scene.json("conn test hq --json");
    let test = &tested["data"][0];
    assert_eq!(
        (&tested["type"], &test["connection"], &test["report"]["engine"]),
        (&"connection-tests".into(), &"hq".into(), &"sqlite".into())
    );
    assert!(test["identity"].as_str().is_some_and(|identity| !identity.is_empty()) && test["protected"] == false);
    let error = scene.run("conn show nobody --json").last();
    assert_eq!((&error["type"], &error["code"]), (&"error".into(), &"CONNECTION_UNKNOWN".into()));
}

#[test]
fn a_test_says_what_is_there_and_goes_through_all() {
    let scene = Scene::with_connections();
    let told = scene.ok("conn test");
    assert!(told.starts_with("hq  sqlite 3."), "{told}");
    assert!(
        told.contains("\nidentity ") && told.matches("all is well").count() + told.matches("no problem").count() == 2,
        "{told}"
    );
    scene.ok("conn add gone sqlite:gone.db");
    let said = scene.run("conn test");
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    assert!(said.out.contains("gone  failed\n") && said.out.contains("branch  sqlite"), "{}", said.out);
    assert!(said.err.contains("STORE_MISSING"), "{}", said.err);
    scene.ok("conn test hq branch");
    refused(&scene.run("conn test hq nobody"), 2, "CONNECTION_UNKNOWN");
    assert!(!scene.path("gone.db").exists() && !scene.path("state").exists(), "nothing is made");
}

#[test]
fn the_file_is_made_where_there_is_none() {
    let scene = Scene::new();
    scene.ok("conn add hq a.db");
    assert!(scene.read("syncline.toml").ends_with("\n[connections.hq]\nurl = \"a.db\"\n"));
    scene.ok("conn add mine b.db --user");
    assert!(scene.read(".config/syncline/config.toml").contains("[connections.mine]"));
    scene.ok("conn add other c.db --config sub/other.toml");
    assert!(scene.read("sub/other.toml").contains("[connections.other]"));
    scene.ok("conn add hq mine.db --user");
    let said = scene.run("conn show hq --json");
    assert_eq!(said.last()["url"], "a.db", "the project counts before the user");
    let list = scene.ok("conn list");
    assert!(list.contains("not in force"), "{list}");
    std::fs::create_dir(scene.path("deep")).unwrap();
    assert_eq!(scene.run_in("deep", "conn add up d.db").code, Some(0));
    assert!(scene.read("syncline.toml").contains("[connections.up]"));
}

#[test]
fn a_url_can_come_from_standard_input() {
    let scene = Scene::new();
    let mut child = scene
        .command(&["conn", "add", "hq", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"postgres://u:hunter2@h/d\n").unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("the password is in ") && !said.err.contains("command line"), "{}", said.err);
    assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"));
    assert_eq!(scene.json("conn show hq --json")["password"], "file");
    refused(&scene.run("conn add x -"), 2, "USAGE_INVALID");
    refused(&scene.run("conn add x"), 2, "USAGE_INVALID");
    let typed = scene.run("conn add y postgres://u:hunter2@h/d");
    assert!(typed.err.contains("command line is seen") && !typed.err.contains("hunter2"), "{}", typed.err);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_users_alone_and_an_old_one_keeps_its_rights() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let mode = || scene.path("syncline.toml").metadata().unwrap().permissions().mode() & 0o777;
    scene.ok("conn add hq a.db");
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(scene.path("syncline.toml"), PermissionsExt::from_mode(0o640)).unwrap();
    scene.ok("conn add b b.db");
    assert_eq!(mode(), 0o640);
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let scene = Scene::with_connections();
    for (line, code) in [
        ("conn add hq x.db", "CONNECTION_EXISTS"),
        ("conn add new nowhere", "CONNECTION_INVALID"),
        ("conn add new env:HQ", "CONNECTION_INVALID"),
        ("conn add new connection:hq", "CONNECTION_INVALID"),
        ("conn add new ${x}", "CONNECTION_INVALID"),
        ("conn edit hq", "USAGE_INVALID"),
        ("conn edit hq --rename branch", "CONNECTION_EXISTS"),
        ("conn edit hq --rename a.db", "CONNECTION_INVALID"),
        ("conn edit nobody --protected yes", "CONNECTION_UNKNOWN"),
        ("conn rm nobody --yes", "CONNECTION_UNKNOWN"),
        ("conn show nobody", "CONNECTION_UNKNOWN"),
    ] {
        refused(&scene.run(line), 2, code);
        assert_eq!(scene.read("syncline.toml"), super::PAIR, "{line}");
    }
}
