//! `syncline config validate`.

use std::fs;
use std::process::Command;

use super::refused;
use crate::scene::Scene;

const WRONG: &str = r#"version = "1"
jobs = 1
[connections.hq]
url = "postgres://app:hunter2@db1/shop"
protectd = true
[connections."my db"]
url = 'a.db'
[connections.branch]
url = "x"
"#;

#[test]
fn every_mistake_is_told_with_its_place_and_remedy() {
    let scene = Scene::new();
    scene.write("syncline.toml", WRONG);
    #[cfg(unix)]
    fs::set_permissions(scene.path("syncline.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let expected = r#"DIR/syncline.toml:1:11: error: version is not a whole number
  why    The version of this format.
  next   write version = 1
DIR/syncline.toml:2:1: error: "jobs" is no key that is known
  why    known are version, connections
  next   take it out
DIR/syncline.toml:5:1: error: "connections.hq.protectd" is no key that is known
  why    known are url, protected
  next   write protected, if that is meant
DIR/syncline.toml:6:14: error: "my db" cannot be the name of a connection
  why    it holds something else than letters and digits of ASCII, '-', '_' and '.'
  next   give it another name
DIR/syncline.toml:9:7: error: connections.branch.url names no database
  why    "x" is no path to a SQLite file
  next   syncline explain CONNECTION_INVALID says what a url may be
DIR/syncline.toml cannot be used, 5 errors
"#;
    let said = scene.run("config validate");
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""));
    assert_eq!(scene.steady(&said.out), expected);
    let last = scene.run("config validate --json").last();
    assert_eq!((&last["type"], &last["valid"]), (&"config-validation".into(), &false.into()));
    let problem = &last["problems"][2];
    assert_eq!((&problem["line"], &problem["column"], &problem["severity"]), (&5.into(), &1.into(), &"error".into()));
    let said = scene.run("conn list");
    refused(&said, 2, "CONFIG_INVALID");
    assert!(said.err.contains("syncline.toml:1:11") && said.err.contains("4 things more"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn a_password_in_the_file_is_warned_of_where_others_get_at_it() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.write("syncline.toml", "version = 1\n[connections.hq]\nurl = 'postgres://u:hunter2@h/d'\n[connections.b]\nurl = 'postgres://u:${env:PW}@h/d'\n");
    let set = |mode| fs::set_permissions(scene.path("syncline.toml"), PermissionsExt::from_mode(mode)).unwrap();
    let warning = |why: &str| {
        let text = scene.ok("config validate");
        assert!(
            text.contains("syncline.toml:3:7: warning: the url of hq holds a password") && text.contains(why),
            "{text}"
        );
        assert!(text.ends_with("is valid, 2 connections, 1 warning\n") && !text.contains("hunter2"), "{text}");
    };
    set(0o644);
    warning("others on this machine may read the file");
    set(0o600);
    assert!(scene.ok("config validate").ends_with("is valid, 2 connections\n"));
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        assert!(
            git.args(args).current_dir(scene.path("")).env("HOME", scene.path("")).output().unwrap().status.success()
        );
    };
    git(&["init", "-q"]);
    assert!(scene.ok("config validate").ends_with("is valid, 2 connections\n"), "it is not tracked yet");
    git(&["add", "syncline.toml"]);
    warning("git tracks the file");
}

#[test]
fn a_file_may_be_named_and_one_is_needed() {
    let scene = Scene::new();
    refused(&scene.run("config validate"), 2, "CONFIG_FAILED");
    scene.write("any.toml", "version = 1\n");
    assert_eq!(scene.steady(&scene.ok("config validate any.toml")), "DIR/any.toml is valid, 0 connections\n");
    refused(&scene.run("config validate missing.toml"), 2, "CONFIG_FAILED");
    scene.write("syncline.toml", "version = 1\n");
    scene.write(".config/syncline/config.toml", "x");
    let said = scene.run("config validate");
    assert!(said.code == Some(2) && said.out.contains("syncline.toml is valid"), "{}", said.out);
}
