//! `syncline init`.

use super::refused;
use crate::scene::Scene;

#[test]
fn a_file_with_comments_is_made_and_nothing_overwritten() {
    let scene = Scene::new();
    assert_eq!(scene.ok("init"), "made syncline.toml\nnext: syncline conn add NAME URL\n");
    let made = scene.read("syncline.toml");
    assert!(made.contains("\nversion = 1\n") && made.contains("# [connections.hq]"), "{made}");
    scene.ok("config validate");
    scene.ok("conn add hq a.db");
    let edited = scene.read("syncline.toml");
    refused(&scene.run("init"), 2, "CONFIG_EXISTS");
    refused(&scene.run("init --yes --no-input"), 2, "CONFIG_EXISTS");
    assert_eq!(scene.read("syncline.toml"), edited);
    let said = scene.json("init --config other/one.toml --json");
    assert_eq!((&said["type"], &said["file"]), (&"init".into(), &"other/one.toml".into()));
    assert!(scene.path("other/one.toml").exists());
}

#[test]
fn a_file_above_is_named() {
    let scene = Scene::with_connections();
    std::fs::create_dir(scene.path("deep")).unwrap();
    let said = scene.run_in("deep", "init");
    assert!(said.code == Some(0) && said.err.contains("is not used from here any more"), "{}", said.err);
}

/// On a terminal, which `script` of util-linux plays.
#[cfg(target_os = "linux")]
#[test]
fn a_person_is_asked_for_connections() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let scene = Scene::new();
    let line = format!("{} init", env!("CARGO_BIN_EXE_syncline"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(scene.path("")).env("HOME", scene.path(""));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let typed = b"hq\npostgres://app:${env:PW}@db1/shop\ny\nno good\nbranch\nnowhere\n\nbranch\nb.db\n\n\n";
    child.stdin.take().unwrap().write_all(typed).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("name of a connection") && shown.contains("CONNECTION_INVALID"), "{shown}");
    let list = scene.json("conn list --json");
    let told = |it: &serde_json::Value| format!("{} {} {}", it["name"], it["url"], it["protected"]);
    let told: Vec<String> = list["data"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(told, [r#""hq" "postgres://app:${env:PW}@db1/shop" true"#, r#""branch" "b.db" false"#]);
}
