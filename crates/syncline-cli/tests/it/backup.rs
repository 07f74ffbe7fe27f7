//! `syncline backup`, and `--backup` before a run.

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use syncline_testkit::process;

use crate::bad_input::{files, refused};
use crate::prove::state::Dump;
use crate::scene::{Scene, StopOnDrop, keys};

/// A table of about 4 MB, so that a copy takes several steps.
pub(crate) const LARGE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
    INSERT INTO t SELECT i, printf('%0500d', i) FROM n";

const SMALL: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')";

/// The files of a directory that need not exist, sorted.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// A disk of 1 MB at `small`; `None` where nobody may mount one.
pub(crate) fn small_disk(scene: &Scene) -> Option<SmallDisk> {
    let path = scene.path("small");
    std::fs::create_dir(&path).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&path).status();
    if mounted.is_ok_and(|status| status.success()) {
        return Some(SmallDisk(path));
    }
    println!("not allowed to mount a small disk here: not tried");
    None
}

pub(crate) struct SmallDisk(pub(crate) PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_backup_is_a_plain_database_for_its_owner_only() {
    let scene = Scene::new();
    for journal in ["delete", "wal"] {
        scene.sql("a.db", &format!("PRAGMA journal_mode = {journal}; DROP TABLE IF EXISTS t; {LARGE}"));
        let file = format!("{journal}.db");
        let said = scene.ok(&format!("backup a.db -o {file}"));
        assert!(said.contains("ok  a.db backed up, 1 table, 4.1 MB, in ") && said.contains(&file), "{said}");
        Dump::of(&scene.path(&file)).must_be(&Dump::of(&scene.path("a.db")), "the backup");
        assert_eq!(scene.path(&file).metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut shell = Command::new("sqlite3");
        shell.arg(scene.path(&file)).arg("PRAGMA integrity_check; SELECT count(*) FROM t");
        let shell = shell.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stdout), "ok\n8000\n");
    }
    assert!(!scene.path("state").exists(), "a backup to a file of its own needs no state");
    let expected = ["a.db", "delete.db", "wal.db"].map(|name| scene.path(name));
    assert_eq!(entries(&scene.path("")), expected, "nothing else is left");
}

#[test]
fn programs_get_one_document() {
    let scene = Scene::with_pair(SMALL, SMALL);
    let said = scene.ok("backup a.db -o c.db --json");
    assert_eq!(keys(said.trim()), ["format", "type", "database", "file", "bytes", "tables", "duration_ms"]);
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((made["type"].as_str(), made["tables"].as_u64()), (Some("backup"), Some(1)));
    assert_eq!(made["bytes"].as_u64().unwrap(), scene.path("c.db").metadata().unwrap().len());
    assert!(Path::new(made["file"].as_str().unwrap()).is_absolute());
}

#[test]
fn without_a_name_it_goes_to_the_backup_root() {
    let scene = Scene::with_pair(SMALL, SMALL);
    for _ in 0..3 {
        scene.ok("backup a.db");
    }
    let made = entries(&scene.path("state/backups"));
    assert_eq!(made.len(), 3, "{made:?}");
    for file in &made {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("a-20") && name.contains('T') && name.ends_with("Z.db"), "{name}");
    }
    assert_eq!(scene.path("state/backups").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    scene.ok("backup a.db --backup-root by/flag");
    assert_eq!(entries(&scene.path("by/flag")).len(), 1);
    let by_variable = scene.command(&["backup", "a.db"]).env("SYNCLINE_BACKUP_ROOT", "by/variable").status().unwrap();
    assert!(by_variable.success());
    assert_eq!(entries(&scene.path("by/variable")).len(), 1);
    assert_eq!(entries(&scene.path("state/backups")).len(), 3);
}

#[test]
fn backups_of_one_moment_do_not_collide() {
    let scene = Scene::with_pair(SMALL, SMALL);
    let run = |_| scene.command(&["backup", "a.db", "-q"]).stdout(Stdio::null()).spawn().unwrap();
    for mut child in (0..12).map(run).collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(entries(&scene.path("state/backups")).len(), 12);
}

#[test]
fn nothing_is_overwritten_and_what_cannot_be_read_is_no_backup() {
    let scene = Scene::with_pair(SMALL, LARGE);
    std::fs::write(scene.path("text.db"), "id,v\n1,one\n".repeat(1000)).unwrap();
    std::fs::write(scene.path("taken.db"), "precious").unwrap();
    std::os::unix::fs::symlink(scene.path("nowhere"), scene.path("link.db")).unwrap();
    for file in ["a.db", "b.db", "taken.db", "link.db", "text.db", "."] {
        refused(&scene, &format!("backup a.db -o {file}"), 2, "BACKUP_EXISTS");
    }
    refused(&scene, "backup none.db -o new.db", 5, "STORE_MISSING");
    refused(&scene, "backup text.db -o new.db", 2, "NOT_A_DATABASE");
    refused(&scene, "backup a.db -o no/such/directory/new.db", 5, "STORE_MISSING");
    refused(&scene, "backup a.db -o text.db/new.db", 5, "STORE_MISSING");
    refused(&scene, "backup a.db --backup-root text.db", 4, "STORE_DENIED");
    // A page in the middle of a table.
    let file = std::fs::OpenOptions::new().write(true).open(scene.path("b.db")).unwrap();
    file.write_all_at(&[0xab; 4096], 4096 * 100).unwrap();
    refused(&scene, "backup b.db -o new.db", 1, "STORE_CORRUPT");
    refused(&scene, "backup b.db", 1, "STORE_CORRUPT");
    assert!(entries(&scene.path("state/backups")).is_empty());
}

#[test]
fn what_only_the_application_can_check_is_left_to_it() {
    let scene = Scene::new();
    let conn = Connection::open(scene.path("a.db")).unwrap();
    let odd =
        rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC | rusqlite::functions::FunctionFlags::SQLITE_UTF8;
    conn.create_scalar_function("odd", 1, odd, |context| Ok(context.get::<i64>(0)? % 2)).unwrap();
    conn.create_collation("backwards", |a, b| b.cmp(a)).unwrap();
    conn.execute_batch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE backwards UNIQUE, c CHECK (c > 0));
         CREATE INDEX t_odd ON t (odd(id)); CREATE TABLE u (w CHECK (odd(w) = 1));
         INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1); INSERT INTO u VALUES (1);
         PRAGMA ignore_check_constraints = ON; UPDATE t SET c = -1",
    )
    .unwrap();
    drop(conn);
    scene.ok("backup a.db -o b.db");
    scene.ok("restore b.db c.db --yes");
    assert_eq!(scene.number("c.db", "SELECT sum(c) FROM t NOT INDEXED"), -2);
}

#[test]
fn a_full_disk_leaves_no_file() {
    let scene = Scene::with_pair(LARGE, SMALL);
    let Some(small) = small_disk(&scene) else { return };
    let said = scene.run("backup a.db -o small/a.db");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[DISK_FULL]") && said.err.contains("are needed"), "{}", said.err);
    assert!(entries(&small.0).is_empty());
    // A limit that cannot be seen beforehand is met on the way.
    let limited =
        format!("trap '' XFSZ; ulimit -f 1000; exec {} backup a.db -o limited.db", env!("CARGO_BIN_EXE_syncline"));
    let mut shell = scene.command(&[]);
    let mut limits = Command::new("sh");
    limits.args(["-c", &limited]).current_dir(scene.path("")).env_clear();
    limits.envs(shell.stdin(Stdio::null()).get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    let before = files(&scene.path(""));
    let output = limits.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&scene.path("")), before);
}

/// Two tables whose sums add up to nothing, moved from one to the other in small transactions.
fn transfers(path: &Path, done: &AtomicBool) -> u64 {
    let mut connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    let mut written = 0_i64;
    while !done.load(Ordering::Acquire) {
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let (from, to) = (written * 7919 % 8000 + 1, written * 104_729 % 8000 + 1);
        tx.execute("UPDATE debit SET amount = amount - 1 WHERE id = ?1", [from]).unwrap();
        tx.execute("UPDATE credit SET amount = amount + 1 WHERE id = ?1", [to]).unwrap();
        tx.commit().unwrap();
        written += 1;
    }
    u64::try_from(written).unwrap()
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    for journal in ["wal", "delete"] {
        let scene = Scene::new();
        let table = |name: &str| {
            format!(
                "CREATE TABLE {name} (id INTEGER PRIMARY KEY, amount INTEGER, filler TEXT);
                 WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
                 INSERT INTO {name} SELECT i, 0, printf('%0900d', i) FROM n"
            )
        };
        scene.sql("a.db", &format!("PRAGMA journal_mode = {journal}; {}; {}", table("debit"), table("credit")));
        let done = AtomicBool::new(false);
        let written = thread::scope(|scope| {
            let writer = scope.spawn(|| transfers(&scene.path("a.db"), &done));
            let stop = StopOnDrop(&done);
            for file in ["1.db", "2.db", "3.db", "4.db"] {
                scene.ok(&format!("backup a.db -o {file}"));
            }
            drop(stop);
            writer.join().unwrap()
        });
        let sum = "SELECT (SELECT sum(amount) FROM debit) + (SELECT sum(amount) FROM credit)";
        let moved = "SELECT sum(amount) FROM credit";
        let moments = ["1.db", "2.db", "3.db", "4.db"].map(|file| {
            assert_eq!(scene.number(file, sum), 0, "{journal}: {file} is of two moments");
            scene.number(file, moved)
        });
        println!("{journal}: {written} transfers, backups after {moments:?} of them");
        assert!(moments[3] > moments[0], "{journal}: nobody wrote: {moments:?}");
    }
}

#[test]
fn killed_at_any_moment_it_leaves_no_file_under_its_name() {
    let scene = Scene::with_pair(LARGE, SMALL);
    let directory = scene.path("to");
    std::fs::create_dir(&directory).unwrap();
    let mut killed = 0;
    for round in 0..12 {
        let file = directory.join(format!("{round}.db"));
        let command = scene.command(&["backup", "a.db", "-o", file.to_str().unwrap()]);
        let end = process::kill_after(process::Running::start(command), Duration::from_millis(round * 3));
        killed += u64::from(!end.ended_before);
        if file.exists() {
            // What has the name is whole, even where nobody was told.
            let found = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
            let count: i64 = found.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
            assert_eq!(count, 8000);
        } else {
            assert!(!end.ended_before, "{}{}", end.finished.stdout, end.finished.stderr);
        }
    }
    assert!(killed > 0, "nothing was killed");
    // What they have left goes with the next one.
    let left = entries(&directory).into_iter().filter(|path| path.is_dir()).count();
    println!("{killed} were killed, {left} of them left something");
    scene.ok("backup a.db -o to/last.db");
    let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "db") && path.is_file();
    assert!(entries(&directory).iter().all(named), "{:?}", entries(&directory));
}

#[test]
fn a_backup_leaves_the_drafts_of_others_at_work() {
    let scene = Scene::with_pair(LARGE, SMALL);
    let directory = scene.path("to");
    std::fs::create_dir(&directory).unwrap();
    // From when it is locked on: a directory that is not yet is taken for what a dead one has left.
    let is_draft = |path: &PathBuf| path.is_dir() && path.join("draft.db").exists();
    let drafts = || entries(&directory).into_iter().filter(is_draft).collect::<Vec<_>>();
    let mut round = 0;
    // One that is stopped while it writes; it may end first.
    let (stopped, draft) = loop {
        let file = format!("to/stopped-{round}.db");
        let running = process::Running::start(scene.command(&["backup", "a.db", "-o", &file]));
        let began = std::time::Instant::now();
        while drafts().is_empty() && !scene.path(&file).exists() {
            assert!(began.elapsed() < process::DEADLINE, "it never began");
        }
        let id = running.id();
        assert!(Command::new("kill").args(["-STOP", &id.to_string()]).status().unwrap().success());
        match drafts().as_slice() {
            [draft] => break (running, draft.clone()),
            _ => drop(running),
        }
        round += 1;
    };
    scene.ok("backup b.db -o to/other.db");
    assert_eq!(drafts(), [draft]);
    assert!(Command::new("kill").args(["-CONT", &stopped.id().to_string()]).status().unwrap().success());
    let end = stopped.finish(process::DEADLINE);
    assert_eq!(end.code, Some(0), "{}{}", end.stdout, end.stderr);
    assert!(drafts().is_empty());
    let made = scene.path(&format!("to/stopped-{round}.db"));
    Dump::of(&made).must_be(&Dump::of(&scene.path("a.db")), "the one that was stopped");
}

#[test]
fn a_run_backs_its_target_up_first() {
    let scene =
        Scene::with_pair("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x')", SMALL);
    let before = Dump::of(&scene.path("b.db"));
    let said = scene.run("mirror a.db b.db --backup --max-delete 5 --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let summary = said.last();
    let backup = PathBuf::from(summary["backup"].as_str().unwrap());
    assert_eq!(entries(&scene.path("state/backups")), std::slice::from_ref(&backup));
    Dump::of(&backup).must_be(&before, "the backup");
    let run = summary["run"].as_str().unwrap();
    assert_eq!(scene.json(&format!("runs show {run} --json"))["backup"], summary["backup"]);
    assert!(scene.ok(&format!("runs show {run}")).contains(backup.to_str().unwrap()));

    let said = scene.ok("copy a.db b.db --backup");
    assert!(said.contains("\nbackup: "), "{said}");
    assert_eq!(entries(&scene.path("state/backups")).len(), 2);
    scene.ok("copy a.db b.db");
    assert_eq!(entries(&scene.path("state/backups")).len(), 2);
}

#[test]
fn a_run_that_cannot_be_backed_up_changes_nothing() {
    let scene = Scene::with_pair(SMALL, LARGE);
    std::fs::write(scene.path("file"), "").unwrap();
    refused(&scene, "mirror a.db b.db --max-delete 100% --backup --backup-root file", 4, "STORE_DENIED");
    let history = scene.json("runs list --json");
    assert_eq!(history["data"][0]["status"], "failed");
    // A guard comes first: a run that is refused needs no backup.
    refused(&scene, "mirror a.db b.db --backup", 6, "GUARD_DELETES");
    assert!(entries(&scene.path("state/backups")).is_empty());
}

#[test]
fn a_target_that_is_not_there_is_not_backed_up() {
    let scene = Scene::with_pair(SMALL, SMALL);
    let said = scene.ok("copy a.db new.db --backup");
    assert!(said.contains("note: no backup was made: new.db was not there yet"), "{said}");
    assert!(entries(&scene.path("state/backups")).is_empty());
}
