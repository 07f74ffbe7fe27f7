//! Transactions that commit in another order than they began, or wrote.

use super::*;

/// What a window shows of table `t`: the keys that were touched, and where it ends.
async fn read(desk: &Desk, task: &TableTask, since: &LogPosition) -> (Vec<String>, LogPosition) {
    let store = store(desk).await;
    let mut view = store.snapshot().await.unwrap();
    let end = view.logs().await.unwrap().unwrap().ends["t"].clone();
    if view.window(task, since).await.unwrap() == Window::Empty {
        return (Vec::new(), end);
    }
    let batches: Vec<_> = view.touched(task, since).await.unwrap().try_collect().await.unwrap();
    let keys = batches.iter().flat_map(|batch| batch.keys.rows().map(|key| shown(key.get(0))).collect::<Vec<_>>());
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    (keys, end)
}

/// With a sequencer before each window, with none, and with one that comes between.
#[tokio::test(flavor = "multi_thread")]
async fn what_commits_late_is_in_the_window_after_its_commit() {
    for sequenced in [[true; 5], [false; 5], [false, true, false, true, false], [true, false, false, true, true]] {
        let desk =
            Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT seq, 0 FROM seq_1_to_9");
        install(&desk, &["t"]).await;
        let (task, mut at) = (desk.task("t").await, end(&desk, "t").await);
        let mut sessions = [session(&desk).await, session(&desk).await, session(&desk).await];
        let mut say = async |session: usize, sql: &str| {
            for sql in sql.split(';') {
                sessions[session].query_drop(sql).await.unwrap();
            }
        };
        let (mut windows, mut steps) = (Vec::new(), sequenced.into_iter());
        let mut next = async |at: &mut LogPosition| {
            if steps.next().unwrap() {
                store(&desk).await.sequence().await.unwrap();
            }
            let (keys, end) = read(&desk, &task, at).await;
            *at = end;
            windows.push(keys.join(","));
        };
        // The oldest writes first and commits last; the second begins before the third and writes after it has committed.
        say(0, "START TRANSACTION; UPDATE t SET a = 1 WHERE id = 1").await;
        say(1, "START TRANSACTION WITH CONSISTENT SNAPSHOT").await;
        say(2, "START TRANSACTION; UPDATE t SET a = 3 WHERE id = 3; COMMIT").await;
        next(&mut at).await;
        say(1, "UPDATE t SET a = 2 WHERE id IN (2, 3); COMMIT").await;
        next(&mut at).await;
        say(2, "START TRANSACTION; UPDATE t SET a = 4 WHERE id = 4; SAVEPOINT s; UPDATE t SET a = 5 WHERE id = 5; ROLLBACK TO s; COMMIT").await;
        next(&mut at).await;
        say(0, "UPDATE t SET a = 6 WHERE id = 6; COMMIT").await;
        next(&mut at).await;
        next(&mut at).await;
        assert_eq!(windows, ["3", "2,3", "4", "1,6", ""], "{sequenced:?}");
    }
}

/// The sequencer waits for nobody who is still at work, and nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_work_and_the_sequencer_do_not_wait_for_each_other() {
    let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT seq, 0 FROM seq_1_to_9");
    install(&desk, &["t"]).await;
    let (task, at) = (desk.task("t").await, end(&desk, "t").await);
    let (mut one, mut other) = (session(&desk).await, session(&desk).await);
    for session in [&mut one, &mut other] {
        session.query_drop("SET innodb_lock_wait_timeout = 1").await.unwrap();
    }
    one.query_drop("START TRANSACTION").await.unwrap();
    one.query_drop("UPDATE t SET a = 1 WHERE id = 1").await.unwrap();
    for id in 2..6 {
        other.query_drop(format!("UPDATE t SET a = 1 WHERE id = {id}")).await.unwrap();
        store(&desk).await.sequence().await.unwrap();
        one.query_drop(format!("INSERT INTO t VALUES ({id} + 100, 0)")).await.unwrap();
    }
    assert_eq!(read(&desk, &task, &at).await.0, ["2", "3", "4", "5"]);
    one.query_drop("COMMIT").await.unwrap();
    assert_eq!(read(&desk, &task, &at).await.0, ["1", "102", "103", "104", "105", "2", "3", "4", "5"]);
}

/// A moment with more in it than a position names: it comes again, and is never left out.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_position_names_comes_again() {
    let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY)");
    install(&desk, &["t"]).await;
    let task = desk.task("t").await;
    desk.database.mariadb("INSERT INTO t SELECT seq FROM seq_1_to_1000");
    let at = end(&desk, "t").await;
    assert_eq!(read(&desk, &task, &at).await.0.len(), 1000 - syncline_core::limits::LOG_ENTRIES_NAMED);
    store(&desk).await.sequence().await.unwrap();
    assert_eq!(read(&desk, &task, &at).await.0.len(), 1000 - syncline_core::limits::LOG_ENTRIES_NAMED);
    let at = end(&desk, "t").await;
    assert_eq!(read(&desk, &task, &at).await.0.len(), 0);
}

/// A database that was put back to an earlier state has other batches, and not what a position names.
#[tokio::test(flavor = "multi_thread")]
async fn another_history_is_told_from_this_one() {
    for is_sequenced in [true, false] {
        let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY)");
        install(&desk, &["t"]).await;
        let task = desk.task("t").await;
        let keep = "CREATE TABLE kept_log AS SELECT * FROM _syncline_log_1; CREATE TABLE kept_inbox AS SELECT * FROM _syncline_inbox_1";
        desk.database.mariadb(keep);
        desk.database.mariadb("INSERT INTO t VALUES (1)");
        if is_sequenced {
            store(&desk).await.sequence().await.unwrap();
        }
        let at = end(&desk, "t").await;
        desk.database.mariadb(
            "DELETE FROM t; DELETE FROM _syncline_log_1; DELETE FROM _syncline_inbox_1;
             INSERT INTO _syncline_log_1 SELECT * FROM kept_log; INSERT INTO _syncline_inbox_1 SELECT * FROM kept_inbox; INSERT INTO t VALUES (2)",
        );
        if is_sequenced {
            store(&desk).await.sequence().await.unwrap();
        }
        let window = store(&desk).await.snapshot().await.unwrap().window(&task, &at).await.unwrap();
        assert!(matches!(window, Window::Cut(_)), "{window:?}");
    }
}
