//! Disks without room, and limits on the size of files.

use std::fs;
use std::process::Command;

use crate::scene::{Said, Scene};

fn scene() -> Scene {
    let rows = |width: u32| {
        format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO t SELECT i, printf('%0{width}d', i) FROM n"
        )
    };
    Scene::with_pair(&rows(400), &rows(399))
}

#[test]
fn a_state_directory_without_room_is_a_full_disk() {
    let scene = scene();
    let small = scene.path("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("not allowed to mount a small disk here: not tried");
        return;
    }
    scene.ok("runs list --state-dir small");
    let filled = fs::write(small.join("rest"), vec![0; 2 << 20]).is_err();
    let lines = ["mirror a.db b.db", "undo", "runs list", "diff a.db b.db --rows", "plan mirror a.db b.db"];
    let said = lines.map(|line| scene.run(&format!("{line} --state-dir small")));
    Command::new("umount").arg(&small).status().unwrap();
    assert!(filled);
    for (line, said) in lines.iter().zip(said) {
        assert_eq!(said.code, Some(1), "{line}: {}{}", said.out, said.err);
        assert!(
            said.err.contains("error[DISK_FULL]") && said.err.contains("nothing was changed"),
            "{line}: {}",
            said.err
        );
    }
    assert_eq!(scene.number("b.db", "SELECT max(length(v)) FROM t"), 399);
}

/// Runs a line where no file may grow beyond so many blocks of 512 bytes.
fn limited(scene: &Scene, blocks: u32, line: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_syncline");
    let shell = format!("ulimit -f {blocks} && exec '{program}' {line}");
    let output = Command::new("sh")
        .args(["-c", &shell])
        .current_dir(scene.path(""))
        .env("SYNCLINE_STATE_DIR", scene.path("state"))
        .env("HOME", scene.path(""))
        .output();
    output.unwrap().into()
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_like_others() {
    let scene = scene();
    scene.ok("runs list");
    for (blocks, line) in [(400, "mirror a.db b.db"), (1_000, "copy a.db new.db"), (500, "backup a.db -o saved.db")] {
        let said = limited(&scene, blocks, line);
        assert_eq!(said.code, Some(1), "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains("error[") && said.err.contains("ulimit -f"), "{line}: {}", said.err);
    }
    assert!(!scene.path("saved.db").exists());
    assert_eq!(scene.number("b.db", "SELECT count(DISTINCT length(v)) FROM t"), 1, "a batch is written whole or not");
    scene.ok("mirror a.db b.db");
    scene.ok("copy a.db new.db");
    assert_eq!(scene.run("verify a.db new.db").code, Some(0));
}
