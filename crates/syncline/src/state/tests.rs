use std::fs;
use std::path::Path;

use syncline_core::error::Code;
use syncline_core::state::Evidence;

use crate::state::fixtures::{end, image, open, record, run, table};
use crate::state::{LogLevel, LogLine, State};
use crate::summary::Status;

#[tokio::test]
async fn logs_keep_their_order() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    state.log(&id, LogLevel::Info, "began", 2).await.unwrap();
    state.log(&id, LogLevel::Warn, "the clock went back", 1).await.unwrap();
    let lines = state.logs(&id).await.unwrap();
    assert_eq!(lines[0], LogLine { at_ms: 2, level: LogLevel::Info, message: "began".into() });
    assert_eq!(lines[1].level, LogLevel::Warn);
    // A log without a run would never be found again.
    assert_eq!(state.log("r_none", LogLevel::Info, "", 1).await.unwrap_err().code(), Code::StateFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_open_and_write_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a").join("b");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move {
                let state = State::open(&path).await.unwrap();
                let id = state.begin_run(run(0)).await.unwrap();
                for line in 0..10 {
                    state.log(&id, LogLevel::Info, "at work", line).await.unwrap();
                }
                state.finish_run(&id, end(false)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (runs, _) = State::open(&path).await.unwrap().list_runs(99, None).await.unwrap();
    assert_eq!(runs.len(), 8);
    assert!(runs.iter().all(|run| run.status == Status::Succeeded));
}

#[cfg(unix)]
#[tokio::test]
async fn everything_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(state.dir()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(state.dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{path:?}");
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["locks", "state.db", "state.db-shm", "state.db-wal"], "{id}");
}

#[tokio::test]
async fn a_state_that_is_not_ours_is_left_alone() {
    let refused = async |write: &str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        match write {
            "" => fs::write(&file, "no database at all, only some text that is long enough").unwrap(),
            sql => rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap(),
        }
        let before = fs::read(&file).unwrap();
        let error = State::open(dir.path()).await.unwrap_err();
        assert_eq!(error.code(), Code::StateFailed, "{write}");
        assert_eq!(error.place(), file.to_str(), "{write}");
        assert_eq!(fs::read(&file).unwrap(), before, "{write}");
        error.why().unwrap().to_owned()
    };
    assert!(refused("").await.contains("not a database"));
    assert!(refused("CREATE TABLE mine (a)").await.contains("another program's"));
    assert!(refused("PRAGMA application_id = 5").await.contains("another program's"));
    let newer = "PRAGMA application_id = 0x53796e63; PRAGMA user_version = 999";
    assert!(refused(newer).await.contains("its format is 999"));
}

#[tokio::test]
async fn a_state_that_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = State::open(&file).await.unwrap_err();
    assert_eq!(error.code(), Code::StateFailed);
    assert!(error.why().is_some() && error.place().is_some(), "{error:?}");

    let (_dir, state) = open().await;
    let other = rusqlite::Connection::open(state.dir().join("state.db")).unwrap();
    other.execute_batch("DROP TABLE log").unwrap();
    let error = state.logs("r_1").await.unwrap_err();
    assert_eq!((error.code(), error.why()), (Code::StateFailed, Some("no such table: log")));
}

#[tokio::test]
async fn a_full_disk_is_called_so_and_loses_nothing() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let limited = "set a limit";
    state.database.read(limited, |db| Ok(db.execute_batch("PRAGMA max_page_count = 1")?)).await.unwrap();
    let large: Vec<_> = (0..99).map(|n| image(&n.to_string(), Some(&"x".repeat(9_000)), None)).collect();
    assert_eq!(record(&evidence, 1, "t", large.clone()).await.unwrap_err().code(), Code::DiskFull);
    assert!(!state.has_changes(&id).await.unwrap());
    state.database.read(limited, |db| Ok(db.execute_batch("PRAGMA max_page_count = 99999")?)).await.unwrap();
    record(&evidence, 1, "t", large.clone()).await.unwrap();
    assert_eq!(state.images(&id, "t", 0, 999).await.unwrap().len(), 99);
}
