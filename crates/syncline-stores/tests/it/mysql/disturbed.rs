//! Streams that are dropped, and what others do to a view meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, future};
use syncline_core::error::Code;
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::Operand;
use syncline_core::schema::ForeignKey;
use syncline_core::store::{Share, Snapshot};
use syncline_core::value::{RowBatch, Value, ValueRef};
use syncline_stores::server::Password;

use super::desk::{Desk, digests, failure, fetch, scan};

/// A million rows, of which nobody wants more than the first few.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_stops_the_server_and_leaves_the_view_as_good() {
    let desk = Desk::with(
        "CREATE TABLE large (id integer PRIMARY KEY, s varchar(200) COLLATE utf8mb4_general_ci); INSERT INTO large SELECT seq, repeat('x', 150) FROM seq_1_to_1000000; \
         CREATE TABLE small (id integer PRIMARY KEY); INSERT INTO small SELECT seq FROM seq_1_to_5000",
    );
    let (large, small) = (desk.task("large").await, desk.task("small").await);
    let mut view = desk.view().await;
    let position = view.position().await.unwrap();
    desk.database.mariadb("INSERT INTO small VALUES (-1); DELETE FROM large WHERE id < 100");
    // How long it takes to the end, on this machine as it is now.
    let began = Instant::now();
    let mut stream = view.sum(&large, Share::ALL).await.unwrap();
    while stream.next().await.is_some() {}
    drop(stream);
    let whole = began.elapsed();
    let mut dropped = Duration::ZERO;
    for _ in 0..3 {
        for task in [&large, &small] {
            assert!(view.scan(task).await.unwrap().next().await.unwrap().is_ok());
            let began = Instant::now();
            assert!(view.digest(task).await.unwrap().next().await.unwrap().is_ok());
            drop(view.sum(task, Share::ALL).await.unwrap());
            drop(view.scan(task).await.unwrap());
            assert_eq!(view.count(&small).await.unwrap(), 5_000, "the same instant");
            dropped = dropped.max(began.elapsed());
        }
        assert_eq!(fetch(&mut view, &large, &[vec![Value::Int(7)]]).await.len(), 1);
    }
    assert!(dropped < whole / 2, "four streams that were dropped took {dropped:?}, and one to its end {whole:?}");
    assert_eq!(view.position().await.unwrap(), position);
    assert_eq!(digests(&mut view, &small).await.len(), 5_000);
}

/// The server sorts for a long time before the first row comes, or counts: it is asked to stop all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_is_busy_with_is_stopped_when_nobody_waits() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000",
    );
    // Each row of it takes a second.
    desk.database.mariadb("CREATE VIEW slow AS SELECT id, sleep(1) AS n FROM t");
    let task = desk.task("t").await;
    let mut table = (*task.table).clone();
    table.name = "slow".to_owned();
    let slow = syncline_core::change::TableTask { table: table.into(), ..task.clone() };
    let mut counted = slow.clone();
    let condition = Condition::Not(Box::new(Condition::IsNull(Operand::Column("n".to_owned()))));
    counted.mapped.filter = Some(Arc::new(condition));
    let mut view = desk.view().await;
    let busy = || {
        let name = desk.database.name();
        desk.database.mariadb(&format!(
            "SELECT count(*) FROM information_schema.processlist WHERE db = '{name}' AND info LIKE '%slow%' AND id <> connection_id()"
        )) == "1\n"
    };
    let until_busy = async || {
        while !busy() {
            tokio::task::yield_now().await;
        }
    };
    for _ in 0..2 {
        let began = Instant::now();
        {
            let mut stream = view.scan(&slow).await.unwrap();
            assert!(future::poll_immediate(stream.next()).await.is_none());
            until_busy().await;
        }
        assert_eq!(view.count(&task).await.unwrap(), 1_000);
        {
            let mut call = Box::pin(view.count(&counted));
            assert!(future::poll_immediate(&mut call).await.is_none());
            until_busy().await;
            assert!(future::poll_immediate(&mut call).await.is_none());
        }
        assert_eq!(view.count(&task).await.unwrap(), 1_000);
        assert!(began.elapsed() < Duration::from_secs(300), "a thousand seconds would have been slept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_leaves_the_view_as_good() {
    let desk = Desk::with("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_1000");
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    for polls in 0..4 {
        {
            let mut call = Box::pin(view.count(&task));
            for _ in 0..polls {
                let Some(count) = future::poll_immediate(&mut call).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                assert_eq!(count.unwrap(), 1_000);
                break;
            }
        }
        assert_eq!(view.count(&task).await.unwrap(), 1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_rebuilt_or_dropped_is_not_taken_for_what_it_was() {
    let desk = Desk::with(
        "CREATE TABLE cut (id integer PRIMARY KEY); CREATE TABLE turned (id integer PRIMARY KEY); CREATE TABLE gone (id integer PRIMARY KEY); \
         CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; CREATE TABLE moved (id integer PRIMARY KEY); \
         CREATE TABLE stays (id integer PRIMARY KEY); INSERT INTO cut VALUES (1); INSERT INTO turned VALUES (1); INSERT INTO parts VALUES (1); \
         INSERT INTO moved VALUES (1); INSERT INTO stays VALUES (1); CREATE TABLE spare LIKE moved; INSERT INTO spare VALUES (7)",
    );
    let tasks = desk.tasks(&["cut", "turned", "parts", "gone", "moved"]).await;
    let stays = desk.task("stays").await;
    let mut view = desk.view().await;
    desk.database.mariadb(
        "TRUNCATE cut; ALTER TABLE turned MODIFY id bigint; ALTER TABLE parts TRUNCATE PARTITION ALL; DROP TABLE gone; \
         DROP TABLE moved; CREATE TABLE moved LIKE spare; INSERT INTO moved SELECT * FROM spare; ALTER TABLE stays ADD n integer",
    );
    for task in &tasks {
        let name = &task.table.name;
        assert_eq!(failure(view.scan(task).await.unwrap()).await.code(), Code::TableRebuilt, "{name}");
        assert_eq!(failure(view.digest(task).await.unwrap()).await.code(), Code::TableRebuilt, "{name}");
        assert_eq!(view.count(task).await.unwrap_err().code(), Code::TableRebuilt, "{name}");
    }
    assert_eq!(scan(&mut view, &stays).await.len(), 1, "the others go on");
    // What has been read is kept from it.
    let refused = desk.database.try_mariadb("SET lock_wait_timeout = 1; TRUNCATE stays");
    assert!(refused.stderr.contains("Lock wait timeout"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_may_not_be_read_is_an_error_of_that_table() {
    let desk = Desk::with(
        "CREATE TABLE open (id integer PRIMARY KEY); INSERT INTO open VALUES (1); CREATE TABLE secret (id integer PRIMARY KEY); \
         CREATE TABLE half (id integer PRIMARY KEY, n integer)",
    );
    let (role, name) = (format!("reader_{}", desk.database.name()), desk.database.name());
    desk.database.mariadb(&format!(
        "CREATE USER {role} IDENTIFIED BY 'x'; GRANT SELECT ON {name}.open TO {role}; GRANT SELECT (id) ON {name}.half TO {role}"
    ));
    let tasks = desk.tasks(&["secret", "half"]).await;
    let open = desk.task("open").await;
    let mut options = desk.options();
    options.user = role.clone();
    options.password = Some(Password::new("x"));
    let mut view = desk.view_as(options).await;
    for task in &tasks {
        let error = failure(view.scan(task).await.unwrap()).await;
        assert_eq!(error.code(), Code::TableDenied, "{error:?}");
        let said = format!("{error:?}");
        assert!(said.contains(&task.table.name) || error.place() == Some(&task.table.name), "{error:?}");
        assert_eq!(scan(&mut view, &open).await.len(), 1, "the others go on");
    }
    let mut part = tasks[1].clone();
    part.columns.pop();
    assert!(scan(&mut view, &part).await.is_empty(), "what may be read is");
    let seen = view.schema().await.unwrap();
    assert!(
        seen.table("secret").is_none() && seen.table("open").is_some(),
        "what is no business of this user is not seen"
    );
    drop(view);
    desk.database.mariadb(&format!("DROP USER {role}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_stream_from_outside_is_said() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, s text); INSERT INTO t SELECT seq, repeat('x', 1000) FROM seq_1_to_60000",
    );
    let task = desk.task("t").await;
    for (end, code) in [("KILL QUERY", Code::StatementCancelled), ("KILL", Code::ConnectionLost)] {
        let mut view = desk.view().await;
        let mut stream = view.scan(&task).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        let kill = format!(
            "SELECT concat('{end} ', id, ';') FROM information_schema.processlist WHERE db = '{}' AND id <> connection_id()",
            desk.database.name()
        );
        let kills = desk.database.mariadb(&kill);
        desk.database.mariadb(&kills);
        assert_eq!(failure(stream).await.code(), code, "{end}");
        let after = view.count(&task).await;
        match end {
            "KILL QUERY" => assert_eq!(after.unwrap(), 60_000),
            _ => assert_eq!(after.unwrap_err().code(), Code::ConnectionLost),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_point_at_nothing_are_found() {
    let desk = Desk::with(
        "CREATE TABLE p (a integer, b varchar(9) COLLATE utf8mb4_general_ci, PRIMARY KEY (a, b)); INSERT INTO p VALUES (1, 'x'), (2, 'y'); \
         CREATE TABLE c (id integer PRIMARY KEY, a bigint, b varchar(9) COLLATE utf8mb4_general_ci); \
         INSERT INTO c VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'q'), (4, 2, NULL), (5, 7, 'z'), (6, 2, 'Y')",
    );
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let mut reference = ForeignKey {
        columns: names(["a", "b"]),
        parent: "p".to_owned(),
        parent_columns: names(["a", "b"]),
        on_delete: String::new(),
        on_update: String::new(),
    };
    let child = desk.task("c").await;
    let mut view = desk.view().await;
    let found = view.orphans(&child, &reference, None, 1).await.unwrap();
    assert_eq!((found.count, found.keys.len()), (2, 1), "by the collation of the reference, as the server has it");
    let mut keys = RowBatch::new(1);
    [1, 2, 3, 99].into_iter().for_each(|id| keys.push(ValueRef::Int(id)).unwrap());
    let found = view.orphans(&child, &reference, Some(&keys), 9).await.unwrap();
    assert_eq!((found.count, found.keys.row(0).get(0)), (1, ValueRef::Int(2)));
    assert_eq!(found.points_at.row(0).iter().collect::<Vec<_>>(), [ValueRef::Int(1), ValueRef::Text(b"y")]);
    reference.parent = "nowhere".to_owned();
    assert_eq!(view.orphans(&child, &reference, None, 9).await.unwrap().count, 4);
}

/// Two views stand at one place only if nobody has committed between them; reading moves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_tells_whether_somebody_has_written() {
    let server = syncline_testkit::mariadb::Options::default().without_fsync().start();
    let database = server.fresh_database();
    database.mariadb("CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t VALUES (1, 1); CREATE TABLE m (id integer) ENGINE = MyISAM; CREATE TABLE a (id integer) ENGINE = Aria");
    let low = "CREATE USER low IDENTIFIED BY 'x'; GRANT SELECT ON *.* TO low";
    database.mariadb(low);
    let options = syncline_stores::mysql::ConnectOptions {
        database: database.name().to_owned(),
        user: "low".to_owned(),
        password: Some(Password::new("x")),
        ..super::options(&server)
    };
    let stand = async || {
        let mut view = syncline_stores::mysql::snapshot::MysqlSnapshot::open(options.clone().into()).await.unwrap();
        let schema = view.schema().await.unwrap();
        for table in &schema.tables {
            let task = syncline_core::change::TableTask::whole(table.clone());
            scan(&mut view, &task).await;
            view.count(&task).await.unwrap();
            view.estimate(&task).await.unwrap();
        }
        view.position().await.unwrap()
    };
    // Once the server has done what it had to do by itself.
    let mut before = stand().await;
    let mut attempts = 0;
    loop {
        let again = stand().await;
        if again == before {
            break;
        }
        before = again;
        attempts += 1;
        assert!(attempts < 200, "reading moves it");
    }
    for write in [
        "INSERT INTO t VALUES (2, 2)",
        "UPDATE t SET n = 3 WHERE id = 2",
        "DELETE FROM t WHERE id = 2",
        "TRUNCATE t",
        "ALTER TABLE t ADD s text",
        "INSERT INTO m VALUES (1)",
        "UPDATE a SET id = 4; INSERT INTO a VALUES (1); UPDATE a SET id = 3",
        "CREATE TABLE x (id integer)",
        "DROP TABLE x",
        "BEGIN; INSERT INTO t VALUES (7, 7, 'x'); COMMIT",
    ] {
        database.mariadb(write);
        let after = stand().await;
        assert_ne!(after, before, "{write}");
        before = after;
    }
    // What was written before a view and is committed after it.
    let mut session = database.session();
    session.run("BEGIN; INSERT INTO t VALUES (8, 8, 'x')");
    let before = stand().await;
    session.run("COMMIT");
    assert_ne!(stand().await, before);
}
