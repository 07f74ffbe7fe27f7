//! Streams that are dropped, and what others do to a view meanwhile.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::{io, thread};

use futures_util::{StreamExt, future};
use syncline_core::error::Code;
use syncline_core::schema::ForeignKey;
use syncline_core::store::Snapshot;
use syncline_core::value::{RowBatch, Value, ValueRef};
use syncline_stores::postgres::names::Names;
use syncline_stores::postgres::{ConnectOptions, PostgresSnapshot};
use syncline_stores::server::{Password, TlsMode};
use syncline_testkit::postgres::{Cluster, Options, Stop};

use super::desk::{Desk, digests, failure, fetch, scan};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_stops_the_server_and_leaves_the_view_as_good() {
    let desk = Desk::with(
        "CREATE TABLE dropped_early (id integer PRIMARY KEY, s text); \
         INSERT INTO dropped_early SELECT i, repeat('x', 1000) FROM generate_series(1, 60000) i; \
         CREATE TABLE small (id integer PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 5000)",
    );
    let (large, small) = (desk.task("dropped_early").await, desk.task("small").await);
    let mut view = desk.view().await;
    let position = view.position().await.unwrap();
    desk.database.psql("INSERT INTO small VALUES (-1); DELETE FROM dropped_early WHERE id < 100");
    for _ in 0..3 {
        for task in [&large, &small] {
            assert!(view.scan(task).await.unwrap().next().await.unwrap().is_ok());
            assert!(view.digest(task).await.unwrap().next().await.unwrap().is_ok());
            drop(view.sum(task, syncline_core::store::Share::ALL).await.unwrap());
            drop(view.scan(task).await.unwrap());
        }
        assert_eq!(view.count(&small).await.unwrap(), 5_000, "the same instant");
        assert_eq!(fetch(&mut view, &large, &[vec![Value::Int(7)]]).await.len(), 1);
    }
    assert_eq!(view.position().await.unwrap(), position);
    assert_eq!(digests(&mut view, &small).await.len(), 5_000);
    let log = desk.database.cluster().log();
    let said: Vec<_> = log.lines().collect();
    let is_asked = |pair: &[&str]| pair[0].contains("due to user request") && pair[1].contains("dropped_early");
    assert!(said.windows(2).any(is_asked), "the server was asked to stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_leaves_the_view_as_good() {
    let desk = Desk::with("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    for polls in 0..4 {
        {
            let mut call = Box::pin(view.count(&task));
            for _ in 0..polls {
                assert!(future::poll_immediate(&mut call).await.is_none_or(|count| count.unwrap() == 1_000));
                tokio::task::yield_now().await;
                if polls > 2 {
                    break;
                }
            }
        }
        assert_eq!(view.count(&task).await.unwrap(), 1_000);
    }
}

/// The port of a way to the server that restarts it before it lets the second connection through.
fn restarting_way(cluster: Arc<Cluster>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for nth in 0..2 {
            let (ours, _) = listener.accept().unwrap();
            if nth == 1 {
                cluster.restart(Stop::Immediate);
            }
            let theirs = TcpStream::connect(("127.0.0.1", cluster.port())).unwrap();
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    port
}

/// Found by `prove kill-postgres`: the server says of the view only that it knows no such thing.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_while_a_twin_opens_is_told_as_that() {
    let cluster = Arc::new(Options::default().without_fsync().start());
    let way = ConnectOptions {
        port: restarting_way(Arc::clone(&cluster)),
        tls: TlsMode::Disable,
        ..super::options(&cluster)
    };
    let mut view = PostgresSnapshot::open(Arc::new(way), Names::new("public")).await.unwrap();
    let error = view.twin().await.err().expect("the view is gone with its server");
    assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_shows_the_same_instant_beside_a_writer() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i",
    );
    let task = desk.task("t").await;
    let mut first: Box<dyn Snapshot> = Box::new(desk.view().await);
    let mut views = Vec::new();
    for round in 1..4 {
        desk.database.psql(&format!("UPDATE t SET n = {round}; INSERT INTO t VALUES ({}, 9)", 10_000 + round));
        let twin = first.twin().await.unwrap().unwrap();
        assert_eq!(first.position().await.unwrap(), {
            let mut twin = twin;
            let position = twin.position().await.unwrap();
            views.push(twin);
            position
        });
    }
    drop(first);
    for view in &mut views {
        assert_eq!(view.count(&task).await.unwrap(), 1_000);
        let rows = super::desk::rows(view.scan(&task).await.unwrap()).await;
        assert!(rows.iter().all(|row| row[1] == Value::Int(0)));
    }
    let mut next = desk.view().await;
    assert_eq!(next.count(&task).await.unwrap(), 1_003);
    assert_ne!(next.position().await.unwrap(), views[0].position().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_emptied_or_rebuilt_is_not_taken_for_what_it_was() {
    let desk = Desk::with(
        "CREATE TABLE cut (id integer PRIMARY KEY); CREATE TABLE turned (id integer PRIMARY KEY); CREATE TABLE gone (id integer PRIMARY KEY); \
         CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT; \
         CREATE TABLE stays (id integer PRIMARY KEY); INSERT INTO cut VALUES (1); INSERT INTO turned VALUES (1); INSERT INTO parts VALUES (1); \
         INSERT INTO stays VALUES (1)",
    );
    let tasks = desk.tasks(&["cut", "turned", "parts", "gone"]).await;
    let stays = desk.task("stays").await;
    let mut view = desk.view().await;
    desk.database.psql("TRUNCATE cut; ALTER TABLE turned ALTER id TYPE bigint; TRUNCATE part; DROP TABLE gone; ALTER TABLE stays ADD n integer");
    for task in &tasks {
        let expected = if task.table.name == "gone" { Code::StoreFailed } else { Code::TableRebuilt };
        assert_eq!(failure(view.scan(task).await.unwrap()).await.code(), expected, "{}", task.table.name);
        assert_eq!(failure(view.digest(task).await.unwrap()).await.code(), expected, "{}", task.table.name);
        assert_eq!(view.count(task).await.unwrap_err().code(), expected, "{}", task.table.name);
    }
    assert_eq!(scan(&mut view, &stays).await.len(), 1, "the others go on");
    // What has been read is kept from it.
    let refused = desk.database.try_psql("SET lock_timeout = 100; TRUNCATE stays");
    assert!(refused.stderr.contains("lock timeout"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_may_not_be_read_is_an_error_of_that_table() {
    let desk = Desk::with(
        "CREATE TABLE open (id integer PRIMARY KEY); INSERT INTO open VALUES (1); CREATE TABLE secret (id integer PRIMARY KEY); \
         CREATE TABLE hidden (id integer PRIMARY KEY); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; \
         CREATE TABLE half (id integer PRIMARY KEY, n integer)",
    );
    let role = format!("reader_{}", desk.database.name());
    desk.database.psql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON open, hidden TO {role}; GRANT SELECT (id) ON half TO {role}"
    ));
    let tasks = desk.tasks(&["secret", "hidden", "half"]).await;
    let open = desk.task("open").await;
    let mut options = desk.options();
    options.user = role.clone();
    options.password = Some(Password::new("x"));
    let mut view = desk.view_as(options).await;
    for task in &tasks {
        let error = failure(view.scan(task).await.unwrap()).await;
        assert_eq!(error.code(), Code::TableDenied, "{error:?}");
        assert!(error.to_string().contains(&task.table.name) || error.place() == Some(&task.table.name), "{error:?}");
        assert_eq!(scan(&mut view, &open).await.len(), 1, "the others go on");
    }
    let mut part = tasks[2].clone();
    part.columns.pop();
    assert!(scan(&mut view, &part).await.is_empty(), "what may be read is");
    drop(view);
    desk.database.psql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_stream_from_outside_is_said() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, s text); INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 60000) i",
    );
    let task = desk.task("t").await;
    for (end, code) in [("cancel", Code::StatementCancelled), ("terminate", Code::ConnectionLost)] {
        let mut view = desk.view().await;
        let mut stream = view.scan(&task).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        desk.database.psql(&format!(
            "SELECT pg_{end}_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()"
        ));
        assert_eq!(failure(stream).await.code(), code);
        let after = view.count(&task).await;
        match end {
            "cancel" => assert_eq!(after.unwrap(), 60_000),
            _ => assert_eq!(after.unwrap_err().code(), Code::ConnectionLost),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_point_at_nothing_are_found() {
    let desk = Desk::with(
        "CREATE SCHEMA other; CREATE TABLE other.p (a integer, b text, PRIMARY KEY (a, b)); INSERT INTO other.p VALUES (1, 'x'), (2, 'y'); \
         CREATE TABLE c (id integer PRIMARY KEY, a bigint, b text); CREATE TABLE loose (a integer, b text); \
         INSERT INTO c VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'q'), (4, 2, NULL), (5, 7, 'z'), (6, 2, 'y'); \
         INSERT INTO loose VALUES (1, 'x'), (3, 'w')",
    );
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let mut reference = ForeignKey {
        columns: names(["a", "b"]),
        parent: "other.p".to_owned(),
        parent_columns: names(["a", "b"]),
        on_delete: String::new(),
        on_update: String::new(),
    };
    let (child, loose) = (desk.task("c").await, desk.task("loose").await);
    let mut view = desk.view().await;
    let found = view.orphans(&child, &reference, None, 1).await.unwrap();
    assert_eq!((found.count, found.keys.len()), (2, 1));
    let mut keys = RowBatch::new(1);
    [1, 2, 3, 99].into_iter().for_each(|id| keys.push(ValueRef::Int(id)).unwrap());
    let found = view.orphans(&child, &reference, Some(&keys), 9).await.unwrap();
    assert_eq!((found.count, found.keys.row(0).get(0)), (1, ValueRef::Int(2)));
    assert_eq!(found.points_at.row(0).iter().collect::<Vec<_>>(), [ValueRef::Int(1), ValueRef::Text(b"y")]);
    let found = view.orphans(&loose, &reference, None, 9).await.unwrap();
    assert_eq!((found.count, found.keys.row(0).get(1)), (1, ValueRef::Int(2)), "by its place");
    let again = view.orphans(&loose, &reference, Some(&found.keys), 9).await.unwrap();
    assert_eq!(again.count, 1);
    reference.parent = "nowhere".to_owned();
    assert_eq!(view.orphans(&child, &reference, None, 9).await.unwrap().count, 4);
}
