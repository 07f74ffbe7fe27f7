//! What cannot be carried is refused with a clear error, its exit code, and both files as they were.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use crate::scene::{Said, Scene};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)";

fn rows(count: u32) -> String {
    format!(
        "{TABLE}; WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO t SELECT i, printf('%0500d', i) FROM n"
    )
}

fn pair() -> Scene {
    Scene::with_pair(&rows(3), &rows(2))
}

/// Runs a line that is refused with this exit code and error, and leaves every file as it was and no new one.
pub(crate) fn refused(scene: &Scene, line: &str, exit: i32, code: &str) -> Said {
    let before = files(&scene.path("."));
    let said = scene.run(line);
    assert_eq!(said.code, Some(exit), "{line}\n{}{}", said.out, said.err);
    assert!(said.err.contains(&format!("error[{code}]")), "{line}\n{}", said.err);
    assert_eq!(files(&scene.path(".")), before, "{line} changed a file");
    said
}

/// Every file in the directory itself, with its content; the state directory is none of them.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_is_not_there_is_not_made_up() {
    let scene = pair();
    for line in ["mirror none.db b.db", "copy none.db new.db", "diff a.db none.db", "verify none.db b.db"] {
        refused(&scene, line, 5, "STORE_MISSING");
    }
    refused(&scene, "mirror a.db no/such/directory/b.db", 5, "STORE_MISSING");
}

#[test]
fn a_locked_database_is_waited_for_and_then_left() {
    for locked in ["a.db", "b.db"] {
        let scene = pair();
        let before = files(&scene.path("."));
        // Reading the file in this process would drop the lock that this process holds on it.
        let holder = Connection::open(scene.path(locked)).unwrap();
        holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let said = scene.run("mirror a.db b.db");
        drop(holder);
        assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[STORE_LOCKED]"), "{}", said.err);
        assert_eq!(files(&scene.path(".")), before);
        scene.ok("mirror a.db b.db");
    }
}

/// Lets everybody do anything in the directory, with a state directory that is new.
fn open_to_all(scene: &Scene) {
    // What a command before has left there belongs to the superuser.
    let _ = std::fs::remove_dir_all(scene.path("state"));
    std::fs::create_dir(scene.path("state")).unwrap();
    for path in [".", "a.db", "state"] {
        std::fs::set_permissions(scene.path(path), PermissionsExt::from_mode(0o777)).unwrap();
    }
}

/// Runs a line as somebody whom rights concern: the superuser may do anything, so it becomes nobody.
fn without_rights(scene: &Scene, line: &str) -> Said {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = scene.command(&line.split(' ').collect::<Vec<_>>());
    if is_root {
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut nobody = Command::new("setpriv");
        nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(command.get_program()).args(arguments);
        nobody.current_dir(scene.path(".")).env("SYNCLINE_STATE_DIR", scene.path("state"));
        command = nobody;
    }
    command.output().unwrap().into()
}

#[test]
fn a_file_that_may_not_be_read_is_told_as_that() {
    let scene = pair();
    open_to_all(&scene);
    std::fs::set_permissions(scene.path("b.db"), PermissionsExt::from_mode(0o000)).unwrap();
    for line in ["diff a.db b.db", "mirror a.db b.db", "copy b.db a.db"] {
        let said = without_rights(&scene, line);
        assert_eq!(said.code, Some(4), "{line}: {}{}", said.out, said.err);
        assert!(
            said.err.contains("error[STORE_DENIED]: access to ") && !said.err.contains("WAL"),
            "{line}: {}",
            said.err
        );
    }
}

#[test]
fn a_target_that_cannot_be_written_is_left() {
    let scene = pair();
    refused(&scene, "mirror a.db file:b.db?mode=ro", 4, "STORE_READ_ONLY");
    open_to_all(&scene);
    std::fs::set_permissions(scene.path("b.db"), PermissionsExt::from_mode(0o444)).unwrap();
    let before = files(&scene.path("."));
    let said = without_rights(&scene, "mirror a.db b.db");
    assert_eq!(said.code, Some(4), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_READ_ONLY]"), "{}", said.err);
    assert_eq!(files(&scene.path(".")), before);
}

#[test]
fn a_damaged_database_is_not_carried() {
    for damaged in ["a.db", "b.db"] {
        for target in ["b.db", "new.db"] {
            let scene = Scene::with_pair(&rows(2_000), &rows(1_999));
            let file = std::fs::OpenOptions::new().write(true).open(scene.path(damaged)).unwrap();
            file.write_all_at(&[0xab; 4096], 4096 * 100).unwrap();
            if target == damaged || damaged == "a.db" {
                refused(&scene, &format!("mirror a.db {target}"), 1, "STORE_CORRUPT");
            }
        }
    }
}

#[test]
fn a_full_disk_is_seen_before_the_first_row() {
    let scene = Scene::with_pair(&rows(8_000), TABLE);
    let small = scene.path("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("not allowed to mount a small disk here: not tried");
        return;
    }
    std::fs::copy(scene.path("b.db"), small.join("b.db")).unwrap();
    let before = files(&small);
    let said = ["mirror a.db small/b.db", "mirror a.db small/new.db"].map(|line| scene.run(line));
    let after = files(&small);
    Command::new("umount").arg(&small).status().unwrap();
    for said in said {
        assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[DISK_FULL]") && said.err.contains("are needed"), "{}", said.err);
    }
    assert_eq!(after, before);
}

#[test]
fn what_is_no_database_is_not_read_as_one() {
    let scene = pair();
    std::fs::write(scene.path("text.db"), "id,v\n1,one\n".repeat(1000)).unwrap();
    std::fs::create_dir(scene.path("directory.db")).unwrap();
    for other in ["text.db", "directory.db", "/dev/null"] {
        refused(&scene, &format!("mirror {other} b.db"), 2, "NOT_A_DATABASE");
        refused(&scene, &format!("mirror a.db {other}"), 2, "NOT_A_DATABASE");
    }
    assert_eq!(std::fs::read_dir(scene.path("directory.db")).unwrap().count(), 0);
}

#[test]
fn names_must_be_those_of_tables() {
    let scene = pair();
    scene.sql("a.db", "CREATE VIEW everything AS SELECT * FROM t");
    refused(&scene, "mirror a.db b.db --tables everything", 2, "NOT_A_TABLE");
    refused(&scene, "mirror a.db b.db --tables nothing", 2, "TABLE_NOT_FOUND");
    refused(&scene, "mirror a.db b.db --tables no*", 2, "NO_TABLES");
    scene.sql("c.db", "CREATE TABLE other (id INTEGER PRIMARY KEY)");
    refused(&scene, "diff a.db c.db", 2, "NO_TABLES");
    scene.sql("empty.db", "");
    refused(&scene, "mirror empty.db b.db", 2, "NO_TABLES");
}

#[test]
fn one_database_under_two_names_is_one_database() {
    let scene = pair();
    symlink(scene.path("a.db"), scene.path("link.db")).unwrap();
    std::fs::hard_link(scene.path("a.db"), scene.path("hard.db")).unwrap();
    std::fs::create_dir(scene.path("sub")).unwrap();
    let absolute = scene.path("a.db").display().to_string();
    let uri = format!("file://{absolute}");
    let names = [
        "a.db",
        "link.db",
        "hard.db",
        "./sub/../a.db",
        "sqlite:a.db",
        "file:a.db",
        "file:%61.db?mode=rw",
        &absolute,
        &uri,
    ];
    for name in names {
        refused(&scene, &format!("mirror a.db {name}"), 6, "GUARD_SAME_TABLE");
    }
}

#[test]
fn tables_that_do_not_fit_stop_the_run_before_it_begins() {
    let cases = [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY)", "SCHEMA_COLUMN_MISSING"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT)", "SCHEMA_COLUMN_EXTRA"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)", "SCHEMA_TYPE_DIFFERS"),
        ("CREATE TABLE t (id INTEGER, v TEXT PRIMARY KEY)", "SCHEMA_KEY_DIFFERS"),
    ];
    for (target, code) in cases {
        let scene = Scene::with_pair(&rows(3), target);
        refused(&scene, "mirror a.db b.db", 6, code);
        assert_eq!(scene.run("diff a.db b.db --json").last()["tables"][0]["comparable"], false);
    }
}

#[test]
fn one_table_that_cannot_be_carried_does_not_stop_the_others() {
    // Not even row numbers can be asked for.
    let keyless = "CREATE TABLE keyless (rowid, _rowid_, oid); CREATE TABLE nullable (id TEXT PRIMARY KEY, v);
                   INSERT INTO nullable VALUES (NULL, 1), ('x', 2)";
    let scene = Scene::with_pair(&format!("{}; {keyless}", rows(3)), TABLE);
    let said = scene.run("mirror a.db b.db --json");
    assert_eq!(said.code, Some(3), "{}", said.out);
    let summary = said.last();
    assert_eq!(summary["status"], "partial");
    let error = |at: usize| summary["tables"][at]["error"]["code"].as_str().map(str::to_owned);
    assert_eq!([error(0), error(1), error(2)], [Some("TABLE_NO_KEY".into()), Some("KEY_NULL".into()), None]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 3);
}

#[test]
fn a_row_the_target_refuses_stops_nothing_else() {
    let source = "CREATE TABLE c (id INTEGER PRIMARY KEY, v); INSERT INTO c VALUES (1, 1), (2, -1)";
    let target = "CREATE TABLE c (id INTEGER PRIMARY KEY, v CHECK (v > 0)); INSERT INTO c VALUES (3, 3)";
    let scene = Scene::with_pair(&format!("{source}; {}", rows(3)), &format!("{target}; {TABLE}"));
    let said = scene.run("mirror a.db b.db --json");
    let summary = said.last();
    assert_eq!(
        (said.code, &summary["tables"][0]["held"], &summary["verified"]),
        (Some(3), &1.into(), &"equal-except".into())
    );
    assert_eq!(scene.number("b.db", "SELECT count(*) * 10 + max(id) FROM c"), 11, "the row beside it is carried");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 3);
}

#[test]
fn a_table_that_cannot_be_created_does_not_stop_the_others() {
    let source = "CREATE TABLE a (id INTEGER PRIMARY KEY, v); CREATE INDEX taken ON a (v); INSERT INTO a VALUES (1, 1);
                  CREATE TABLE v (id INTEGER PRIMARY KEY); INSERT INTO v VALUES (1);";
    let target = "CREATE TABLE other (v); CREATE INDEX taken ON other (v); CREATE VIEW v AS SELECT 1";
    let scene = Scene::with_pair(&format!("{source}; {}", rows(3)), target);
    let said = scene.run("mirror a.db b.db --json");
    assert_eq!(said.code, Some(3), "{}", said.out);
    let summary = said.last();
    let codes: Vec<_> =
        summary["tables"].as_array().unwrap().iter().map(|table| table["error"]["code"].as_str()).collect();
    assert_eq!(codes, [Some("TABLE_NOT_CREATED"), None, Some("TABLE_NOT_CREATED")]);
    assert_eq!(summary["verified"], "equal-except");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 3);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_master WHERE name = 'a'"), 0);
}

#[test]
fn nothing_carried_is_nothing_proven() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (k PRIMARY KEY); INSERT INTO t VALUES (NULL)",
        "CREATE TABLE t (k PRIMARY KEY)",
    );
    let said = scene.run("mirror a.db b.db --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(3), Some("skipped")));
}

#[test]
fn columns_that_are_computed_differently_are_no_proof_of_equality() {
    let table = |factor: u32| {
        format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v AS (id * {factor})); INSERT INTO t (id) VALUES (1)")
    };
    let scene = Scene::with_pair(&table(2), &table(3));
    assert_eq!(scene.run("verify a.db b.db").code, Some(10));
}
