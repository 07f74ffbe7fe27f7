//! `syncline restore`, and what becomes of the runs before it.

mod afterwards;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use syncline::error::Code;
use syncline::event::Silent;
use syncline::{Cancel, Owners, RestoreRequest, Syncline};

use crate::backup::{LARGE, small_disk};
use crate::bad_input::{files, refused};
use crate::prove::state::Dump;
use crate::scene::{Scene, keys, steady};

const ONE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')";
const OTHER: &str = "CREATE TABLE u (name TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID; INSERT INTO u VALUES ('kept')";

/// `a.db`, a backup of another database in `backup.db`, and `b.db` to be replaced.
fn scene() -> Scene {
    let scene = Scene::with_pair(LARGE, OTHER);
    scene.ok("backup a.db -o backup.db");
    scene
}

fn dump(scene: &Scene, database: &str) -> Dump {
    Dump::of(&scene.path(database))
}

fn newest(scene: &Scene, verb: &str) -> Value {
    let list = scene.json("runs list --json");
    list["data"].as_array().unwrap().iter().find(|run| run["verb"] == verb).unwrap().clone()
}

fn id(run: &Value) -> String {
    run["id"].as_str().unwrap().to_owned()
}

#[test]
fn everything_is_replaced_and_what_was_there_is_kept() {
    let scene = scene();
    let before = dump(&scene, "b.db");
    let shown = steady(&scene.ok("restore backup.db b.db --yes"));
    let expected = "\
restore  backup.db -> b.db
backup     1 table, 4.1 MB, checked
target     8.2 kB are replaced, with all that was written since
kept       as a backup in ";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.contains("\nok  b.db restored, 1 table, 4.1 MB, in TIME s  run r_RUN\n"), "{shown}");
    assert!(shown.contains("to go back: syncline restore /"), "{shown}");
    dump(&scene, "b.db").must_be(&dump(&scene, "a.db"), "the restored database");
    let kept = newest(&scene, "restore")["backup"].as_str().unwrap().to_owned();
    Dump::of(Path::new(&kept)).must_be(&before, "what was there");
    scene.ok(&format!("restore {kept} b.db --yes --no-safety-backup"));
    dump(&scene, "b.db").must_be(&before, "the way back");
    assert_eq!(std::fs::read_dir(scene.path("state/backups")).unwrap().count(), 1);
}

#[test]
fn a_missing_target_is_made() {
    let scene = scene();
    let shown = scene.ok("restore backup.db new.db --yes");
    assert!(shown.contains("target     is not there yet and will be made\nok  new.db restored"), "{shown}");
    dump(&scene, "new.db").must_be(&dump(&scene, "a.db"), "the new database");
    assert!(!scene.path("state/backups").exists());
    refused(&scene, "restore backup.db no/such/directory/new.db --yes", 5, "STORE_MISSING");
}

#[test]
fn programs_get_the_plan_first_and_the_end_last() {
    let scene = scene();
    let said = scene.run("restore backup.db b.db --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("CONFIRMATION_NEEDED")));
    assert_eq!(said.last()["next"][0]["action"], "syncline restore backup.db b.db --yes");
    let said = scene.run("restore backup.db b.db --json --yes");
    let lines: Vec<&str> = said.out.lines().collect();
    let plan = ["format", "type", "backup", "bytes", "tables", "target", "replaces_bytes", "safety_backup_in"];
    assert_eq!(keys(lines[0]), plan);
    let done =
        ["format", "type", "run", "backup", "target", "bytes", "tables", "safety_backup", "incarnation", "duration_ms"];
    assert_eq!(keys(lines[1]), done);
    assert_eq!((said.code, lines.len(), said.err.as_str()), (Some(0), 2, ""));
    assert_eq!((said.last()["type"].as_str(), said.last()["incarnation"].as_u64()), (Some("restore"), Some(2)));
}

#[test]
fn without_a_terminal_it_names_the_flag() {
    let said = refused(&scene(), "restore backup.db b.db", 2, "CONFIRMATION_NEEDED");
    assert!(said.err.contains("next   syncline restore backup.db b.db --yes     agree beforehand"), "{}", said.err);
    let said = refused(&scene(), "restore backup.db b.db --state-dir ./state", 2, "CONFIRMATION_NEEDED");
    assert!(
        said.err.contains("next   syncline restore backup.db b.db --yes --state-dir ./state     agree"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_no_sound_backup_is_refused() {
    let scene = scene();
    std::fs::write(scene.path("text.db"), "id,v\n1,one\n".repeat(1000)).unwrap();
    std::fs::write(scene.path("empty.db"), "").unwrap();
    std::fs::create_dir(scene.path("directory.db")).unwrap();
    for (backup, exit, code) in [
        ("none.db", 5, "STORE_MISSING"),
        ("text.db", 2, "NOT_A_DATABASE"),
        ("empty.db", 2, "NOT_A_DATABASE"),
        ("directory.db", 2, "NOT_A_DATABASE"),
    ] {
        refused(&scene, &format!("restore {backup} b.db --yes"), exit, code);
        refused(&scene, &format!("restore {backup} new.db --yes"), exit, code);
    }
    let file = OpenOptions::new().write(true).open(scene.path("backup.db")).unwrap();
    file.write_all_at(&[0xab; 4096], 4096 * 100).unwrap();
    refused(&scene, "restore backup.db b.db --yes", 1, "STORE_CORRUPT");
    file.set_len(4096 * 300).unwrap();
    refused(&scene, "restore backup.db b.db --yes", 1, "STORE_CORRUPT");
}

#[test]
fn a_database_is_not_restored_onto_itself() {
    let scene = scene();
    std::os::unix::fs::symlink(scene.path("b.db"), scene.path("link.db")).unwrap();
    std::fs::hard_link(scene.path("b.db"), scene.path("hard.db")).unwrap();
    for backup in ["b.db", "link.db", "hard.db", "./sub/../b.db", "sqlite:b.db"] {
        std::fs::create_dir_all(scene.path("sub")).unwrap();
        refused(&scene, &format!("restore {backup} b.db --yes"), 6, "GUARD_SAME_TABLE");
    }
}

#[test]
fn a_target_that_may_not_be_written_is_left() {
    let scene = scene();
    refused(&scene, "restore backup.db sqlite:b.db?mode=ro --yes", 4, "STORE_READ_ONLY");
    refused(&scene, "restore backup.db sqlite:new.db?mode=rw --yes", 5, "STORE_MISSING");
}

#[test]
fn a_damaged_database_is_replaced_and_kept_as_it_is() {
    let scene = Scene::with_pair(LARGE, LARGE);
    scene.ok("backup a.db -o backup.db");
    let file = OpenOptions::new().write(true).open(scene.path("b.db")).unwrap();
    file.write_all_at(&[0xab; 4096], 4096 * 100).unwrap();
    let damaged = std::fs::read(scene.path("b.db")).unwrap();
    scene.ok("restore backup.db b.db --yes");
    dump(&scene, "b.db").must_be(&dump(&scene, "a.db"), "the restored database");
    let kept = std::fs::read(newest(&scene, "restore")["backup"].as_str().unwrap()).unwrap();
    assert_eq!(kept.len(), damaged.len());
    assert_eq!(kept[4096 * 100..4096 * 101], damaged[4096 * 100..4096 * 101]);
    // SQLite cannot open what has lost its first page, so it cannot write into it either.
    file.write_all_at(&[0xab; 4096], 0).unwrap();
    let said = refused(&scene, "restore backup.db b.db --yes", 2, "NOT_A_DATABASE");
    assert!(said.err.contains("move the file away"), "{}", said.err);
    std::fs::remove_file(scene.path("b.db")).unwrap();
    scene.ok("restore backup.db b.db --yes");
}

/// As a program finds it that opens the file now.
fn journal(scene: &Scene, database: &str) -> String {
    scene.rows(database, "PRAGMA journal_mode").remove(0)
}

#[test]
fn a_restore_keeps_the_journal_and_takes_the_page_size() {
    for (backup_journal, page, encoding) in
        [("delete", 512, "UTF-16le"), ("wal", 4096, "UTF-8"), ("wal", 65_536, "UTF-16be"), ("delete", 4096, "UTF-8")]
    {
        let scene = Scene::new();
        let encoded = format!("PRAGMA encoding = '{encoding}'");
        scene.sql(
            "a.db",
            &format!("{encoded}; PRAGMA page_size = {page}; PRAGMA journal_mode = {backup_journal}; {LARGE}"),
        );
        scene.ok("backup a.db -o backup.db");
        let filler =
            LARGE.rsplit_once("WITH").unwrap().1.replace("INSERT INTO t", "").replacen(" n(i)", "WITH n(i)", 1);
        let old = format!("{OTHER}; CREATE TABLE filler AS {filler}");
        scene.sql("rollback.db", &format!("{encoded}; {old}"));
        let open = Connection::open(scene.path("rollback.db")).unwrap();
        let names =
            || open.query_row("SELECT group_concat(name) FROM sqlite_schema", [], |row| row.get::<_, String>(0));
        assert_eq!(names().unwrap(), "u,filler");
        let before = files(&scene.path(""));
        scene.ok("restore backup.db rollback.db --yes");
        assert_eq!(names().unwrap(), "t", "a connection that was open all the time");
        open.execute("INSERT INTO t VALUES (-1, 'from a connection that was open')", []).unwrap();
        open.execute("DELETE FROM t WHERE id = -1", []).unwrap();
        drop(open);
        assert_eq!(files(&scene.path("")).into_keys().collect::<Vec<_>>(), before.into_keys().collect::<Vec<_>>());
        dump(&scene, "rollback.db").must_be(&dump(&scene, "a.db"), "with a rollback journal");
        assert_eq!(scene.number("rollback.db", "PRAGMA page_size"), page);
        assert_eq!(journal(&scene, "rollback.db"), "delete", "a backup from {backup_journal}");
        scene.sql("wal.db", &format!("{encoded}; PRAGMA page_size = {page}; PRAGMA journal_mode = wal; {old}"));
        scene.ok("restore backup.db wal.db --yes");
        dump(&scene, "wal.db").must_be(&dump(&scene, "a.db"), "with a write-ahead log");
        assert_eq!(journal(&scene, "wal.db"), "wal", "a backup from {backup_journal}");
        // What is made anew becomes what was backed up.
        std::fs::write(scene.path("empty.db"), "").unwrap();
        for new in ["new.db", "empty.db"] {
            scene.ok(&format!("restore backup.db {new} --yes"));
            dump(&scene, new).must_be(&dump(&scene, "a.db"), new);
            assert_eq!(journal(&scene, new), backup_journal, "{new}");
        }
    }
}

#[test]
fn another_text_encoding_is_refused() {
    for (backup, old, journal) in [("UTF-16le", "UTF-8", "delete"), ("UTF-8", "UTF-16be", "wal")] {
        let scene = Scene::new();
        scene.sql("a.db", &format!("PRAGMA encoding = '{backup}'; {ONE}"));
        scene.sql("b.db", &format!("PRAGMA encoding = '{old}'; PRAGMA journal_mode = {journal}; {OTHER}"));
        scene.ok("backup a.db -o backup.db");
        let said = refused(&scene, "restore backup.db b.db --yes", 6, "RESTORE_REFUSED");
        assert!(said.err.contains(backup) && said.err.contains(old), "{}", said.err);
        assert!(said.err.contains("move its file away"), "{}", said.err);
        assert!(!scene.path("state/backups").exists(), "what is there was copied for nothing");
        // What has it open goes on with it.
        let open = Connection::open(scene.path("b.db")).unwrap();
        let name = || open.query_row("SELECT name FROM u", [], |row| row.get::<_, String>(0));
        assert_eq!(name().unwrap(), "kept");
        assert_eq!(scene.run("restore backup.db b.db --yes --no-safety-backup").code, Some(6));
        assert_eq!(name().unwrap(), "kept");
        drop(open);
        // The advice works.
        std::fs::rename(scene.path("b.db"), scene.path("old.db")).unwrap();
        scene.ok("restore backup.db b.db --yes");
        dump(&scene, "b.db").must_be(&dump(&scene, "a.db"), "made anew");
    }
}

#[test]
fn pages_that_a_write_ahead_log_cannot_take_are_refused() {
    let scene = Scene::new();
    scene.sql("a.db", &format!("PRAGMA page_size = 8192; {ONE}"));
    scene.sql("b.db", &format!("PRAGMA journal_mode = wal; {OTHER}"));
    scene.ok("mirror a.db b.db");
    scene.ok("backup a.db -o backup.db");
    let said = refused(&scene, "restore backup.db b.db --yes", 6, "RESTORE_REFUSED");
    assert!(said.err.contains("PRAGMA journal_mode = DELETE"), "{}", said.err);
    // What was refused has changed nothing, so what came before it can still be taken back.
    scene.ok("undo --yes");
    scene.sql("b.db", "PRAGMA journal_mode = DELETE");
    scene.ok("restore backup.db b.db --yes");
    dump(&scene, "b.db").must_be(&dump(&scene, "a.db"), "the restored database");
}

#[test]
fn readers_go_on_and_see_the_old_content_or_the_new() {
    for journal in ["wal", "delete"] {
        let scene = scene();
        scene.sql("b.db", &format!("PRAGMA journal_mode = {journal}"));
        let reader = Connection::open(scene.path("b.db")).unwrap();
        let names = "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'";
        let seen = || reader.query_row(names, [], |row| row.get::<_, String>(0)).unwrap();
        if journal == "wal" {
            // With a rollback journal the restore would wait for this reader.
            reader.execute_batch("BEGIN").unwrap();
        }
        assert_eq!(seen(), "u");
        scene.ok("restore backup.db b.db --yes");
        if journal == "wal" {
            assert_eq!(seen(), "u", "a view stays what it was");
            reader.execute_batch("COMMIT").unwrap();
        }
        assert_eq!(seen(), "t");
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    let scene = scene();
    let Some(small) = small_disk(&scene) else { return };
    std::fs::copy(scene.path("b.db"), small.0.join("b.db")).unwrap();
    let before = files(&small.0);
    for target in ["small/b.db", "small/new.db"] {
        let said = scene.run(&format!("restore backup.db {target} --yes"));
        assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[DISK_FULL]"), "{}", said.err);
    }
    // A safety backup that finds no room stops it, too.
    let said = scene.run("restore backup.db a.db --yes --backup-root small");
    assert!(said.err.contains("error[DISK_FULL]"), "{}", said.err);
    assert_eq!(files(&small.0), before);
    drop(small);
    let limited =
        format!("trap '' XFSZ; ulimit -f 1000; exec {} restore backup.db b.db --yes", env!("CARGO_BIN_EXE_syncline"));
    let before = dump(&scene, "b.db");
    let output = std::process::Command::new("sh")
        .args(["-c", &limited])
        .current_dir(scene.path(""))
        .env_clear()
        .env("SYNCLINE_STATE_DIR", scene.path("state"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    dump(&scene, "b.db").must_be(&before, "after a limit met on the way");
}

#[test]
fn an_interrupted_restore_changes_nothing() {
    let scene = scene();
    let before = dump(&scene, "b.db");
    let cancel = Cancel::new();
    cancel.cancel();
    let settings = scene.settings(Arc::new(Silent), cancel);
    let request = RestoreRequest {
        backup: "backup.db".into(),
        target: "b.db".into(),
        safety_backup: true,
        owners: Owners::AsSaved,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let session = Syncline::open(settings).await.unwrap();
        let error = session.restore(&request).await.unwrap_err();
        assert_eq!(session.incarnation("b.db").await.unwrap(), 1);
        error
    });
    assert_eq!((error.code(), error.state()), (Code::RunCancelled, Some("nothing was changed")));
    dump(&scene, "b.db").must_be(&before, "after an interrupted restore");
    assert_eq!(newest(&scene, "restore")["status"], "cancelled");
}

#[test]
fn names_with_spaces_and_quotes_can_be_pasted() {
    let scene = Scene::new();
    let odd = PathBuf::from("it's $HOME.db");
    scene.sql(odd.to_str().unwrap(), ONE);
    scene.sql("a.db", OTHER);
    let args = ["restore", "a.db", odd.to_str().unwrap(), "--yes"];
    let output = scene.command(&args).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    let back = shown.lines().find_map(|line| line.strip_prefix("to go back: syncline ")).unwrap();
    let script = format!("exec {} {back} --yes", env!("CARGO_BIN_EXE_syncline"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(scene.path("")).env("SYNCLINE_STATE_DIR", scene.path("state"));
    assert!(shell.output().unwrap().status.success(), "{script}");
    assert_eq!(scene.number(odd.to_str().unwrap(), "SELECT count(*) FROM t"), 2);
}
