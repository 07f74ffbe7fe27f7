//! Which files are read, and which are not.

use std::fs;
use std::time::{Duration, Instant};

use super::refused;
use crate::scene::Scene;

fn one(url: &str) -> String {
    format!("version = 1\n[connections.hq]\nurl = \"{url}\"\n")
}

#[test]
fn a_flag_counts_before_a_variable_before_the_project_before_the_user() {
    let scene = Scene::new();
    let leads = |scene: &Scene, line: &str| scene.json(&format!("{line} --json"))["url"].as_str().unwrap().to_owned();
    scene.write(".config/syncline/config.toml", one("user.db"));
    assert_eq!(leads(&scene, "conn show hq"), "user.db");
    scene.write("syncline.toml", one("project.db"));
    assert_eq!(leads(&scene, "conn show hq"), "project.db");
    scene.write("named.toml", one("named.db"));
    scene.write("flag.toml", one("flag.db"));
    let scene = scene.with_variable("SYNCLINE_CONFIG", "named.toml");
    assert_eq!(leads(&scene, "conn show hq"), "named.db");
    assert_eq!(leads(&scene, "conn show hq --config flag.toml"), "flag.db");
    // The user's own file stays beneath.
    scene.write("flag.toml", "version = 1\n");
    assert_eq!(leads(&scene, "conn show hq --config flag.toml"), "user.db");
    let list = scene.json("conn list --json");
    let in_force: Vec<_> = list["data"].as_array().unwrap().iter().map(|it| it["in_force"].clone()).collect();
    assert_eq!(in_force, [true, false]);
    refused(&scene.run("conn list --config missing.toml"), 2, "CONFIG_FAILED");
    let elsewhere = scene.json("config path --json --config flag.toml");
    assert_eq!(elsewhere["files"][0]["origin"], "named");
}

#[test]
fn the_user_directory_may_be_named() {
    let scene = Scene::new();
    scene.write("xdg/syncline/config.toml", one("xdg.db"));
    let scene = {
        let path = scene.path("xdg");
        scene.with_variable("XDG_CONFIG_HOME", path.to_str().unwrap())
    };
    assert_eq!(scene.json("conn show hq --json")["url"], "xdg.db");
}

#[test]
fn a_flag_that_names_the_configuration_is_part_of_the_hints() {
    let scene = Scene::with_connections();
    fs::rename(scene.path("syncline.toml"), scene.path("named.toml")).unwrap();
    let shown = scene.ok("copy hq branch --config named.toml");
    assert!(shown.trim_end().ends_with(" --config named.toml"), "{shown}");
}

#[test]
fn hostile_files_are_refused_in_good_time() {
    let scene = Scene::with_connections();
    let deep = format!("version = 1\nx = {}", "[".repeat(200_000));
    let dotted = format!("version = 1\n[{}x]\n", "a.".repeat(100_000));
    let twice = "version = 1\n[connections.hq]\nurl = 'a.db'\nurl = 'b.db'\n";
    for (text, code) in [
        ("#".repeat(10 << 20).into_bytes(), "CONFIG_FAILED"),
        (deep.into_bytes(), "CONFIG_INVALID"),
        (dotted.into_bytes(), "CONFIG_INVALID"),
        (b"version = 1\n[connections.hq]\nurl = 'a\0.db'\n".to_vec(), "CONFIG_INVALID"),
        (b"version = 1\n\xff\xfe".to_vec(), "CONFIG_INVALID"),
        (twice.into(), "CONFIG_INVALID"),
        (b"version = 2\n".to_vec(), "CONFIG_INVALID"),
        (b"".to_vec(), "CONFIG_INVALID"),
        (fs::read(scene.path("a.db")).unwrap(), "CONFIG_INVALID"),
    ] {
        scene.write("syncline.toml", text);
        let began = Instant::now();
        for line in ["diff hq branch", "copy a.db b.db", "conn list", "config show", "conn add x a.db"] {
            refused(&scene.run(line), 2, code);
        }
        assert!(began.elapsed() < Duration::from_secs(60));
        assert_eq!(scene.run("config validate").code, Some(2));
        // What names no connection and writes nothing needs no configuration.
        scene.ok("diff a.db b.db");
    }
    let place = {
        scene.write("syncline.toml", twice);
        scene.run("conn list").err
    };
    assert!(place.contains("syncline.toml:4:1"), "{place}");
}

#[test]
fn marks_and_ends_of_lines_of_other_systems_are_read() {
    let scene = Scene::with_connections();
    for text in [super::PAIR.replace('\n', "\r\n"), format!("\u{feff}{}", super::PAIR)] {
        scene.write("syncline.toml", &text);
        scene.ok("diff hq branch");
        scene.ok("conn edit hq --protected yes");
        let edited = text.replace("sqlite:a.db\"", "sqlite:a.db\"\nprotected = true");
        let edited = if text.contains('\r') { edited.replace("\"\nprotected", "\"\r\nprotected") } else { edited };
        assert_eq!(scene.read("syncline.toml"), edited);
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_what_is_no_file_is_refused() {
    let scene = Scene::with_connections();
    fs::create_dir(scene.path("deep")).unwrap();
    std::os::unix::fs::symlink("../syncline.toml", scene.path("deep/syncline.toml")).unwrap();
    // A link is another name of the file, and paths count from the file.
    assert_eq!(scene.run_in("deep", "diff hq branch").code, Some(0));
    assert_eq!(scene.run_in("deep", "conn edit hq --protected yes").code, Some(0));
    assert!(scene.path("deep/syncline.toml").symlink_metadata().unwrap().is_symlink());
    assert!(scene.read("syncline.toml").contains("protected = true"));
    fs::remove_file(scene.path("syncline.toml")).unwrap();
    refused(&scene.run_in("deep", "diff hq branch"), 2, "CONFIG_FAILED");
    fs::create_dir(scene.path("syncline.toml")).unwrap();
    refused(&scene.run("diff hq branch"), 2, "CONFIG_FAILED");
    fs::remove_dir(scene.path("syncline.toml")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(scene.path("syncline.toml")).status().unwrap().success());
    refused(&scene.run("diff hq branch"), 2, "CONFIG_FAILED");
}

#[cfg(unix)]
#[test]
fn a_file_that_strangers_may_write_is_not_used_by_itself() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let scene = Scene::with_connections();
    let path = scene.path("syncline.toml");
    let set = |mode| fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    set(0o666);
    for line in ["diff hq branch", "copy a.db b.db", "conn list"] {
        refused(&scene.run(line), 2, "CONFIG_UNTRUSTED");
    }
    let said = scene.run("config validate");
    assert!(said.code == Some(2) && said.out.contains("everybody may write it"), "{}", said.out);
    scene.ok("diff hq branch --config syncline.toml");
    set(0o664);
    scene.ok("diff hq branch");
    // Only root can give a file away.
    if chown(&path, Some(65_534), None).is_ok() {
        let said = scene.run("diff hq branch");
        refused(&said, 2, "CONFIG_UNTRUSTED");
        assert!(said.err.contains("belongs to another user"), "{}", said.err);
        scene.ok("diff hq branch --config syncline.toml");
    }
}
