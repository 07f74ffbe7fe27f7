//! Transactions that commit in another order than they began, or wrote.

use super::*;

/// What each window shows of table `t`: the keys that were touched, and where it ends.
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

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_late_is_in_the_window_after_its_commit() {
    let desk = Desk::with(
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 9) AS i",
    );
    store(&desk).await.install(&["t".to_owned()]).await.unwrap();
    let (task, mut at) = (desk.task("t").await, end(&desk, "t").await);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let session = syncline_stores::postgres::connect(&desk.options()).await.unwrap();
        session.client.batch_execute("SET search_path = public").await.unwrap();
        sessions.push(session);
    }
    let say = async |session: usize, sql: &str| sessions[session].client.batch_execute(sql).await.unwrap();
    // The oldest writes first and commits last; the second begins before the third and writes after it has committed.
    say(0, "BEGIN; UPDATE t SET a = 1 WHERE id = 1").await;
    say(1, "BEGIN; SELECT pg_current_xact_id()").await;
    say(2, "BEGIN; UPDATE t SET a = 3 WHERE id = 3; COMMIT").await;
    let mut windows = Vec::new();
    let mut next = async |at: &mut LogPosition| {
        let (keys, end) = read(&desk, &task, at).await;
        *at = end;
        windows.push(keys.join(","));
    };
    next(&mut at).await;
    say(1, "UPDATE t SET a = 2 WHERE id IN (2, 3); COMMIT").await;
    next(&mut at).await;
    say(
        2,
        "BEGIN; UPDATE t SET a = 4 WHERE id = 4; SAVEPOINT s; UPDATE t SET a = 5 WHERE id = 5; ROLLBACK TO s; COMMIT",
    )
    .await;
    next(&mut at).await;
    say(0, "UPDATE t SET a = 6 WHERE id = 6; COMMIT").await;
    next(&mut at).await;
    next(&mut at).await;
    assert_eq!(windows, ["3", "2,3", "4", "1,6", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_transaction_is_in_the_window_after_its_commit() {
    let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY)");
    let has_room = desk.database.rows("SHOW max_prepared_transactions")[0][0].as_deref() != Some("0");
    if !has_room {
        return;
    }
    store(&desk).await.install(&["t".to_owned()]).await.unwrap();
    let (task, at) = (desk.task("t").await, end(&desk, "t").await);
    desk.database.psql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'later'");
    let (keys, at) = read(&desk, &task, &at).await;
    assert_eq!(keys, [] as [&str; 0]);
    desk.database.psql("COMMIT PREPARED 'later'");
    assert_eq!(read(&desk, &task, &at).await.0, ["1"]);
}
