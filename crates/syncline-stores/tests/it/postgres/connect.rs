//! Reaching a server, and what can go wrong there.

use std::net::TcpListener;
use std::time::Duration;

use syncline_core::error::{Code, Error};
use syncline_stores::postgres::{ConnectOptions, Connection, connect};
use syncline_stores::server::{Host, Password};
use syncline_testkit::postgres::{Cluster, Options, Stop, fresh_database};

use super::options;

/// The error of an attempt, which shows no password.
async fn refused(options: &ConnectOptions) -> Error {
    let Err(error) = connect(options).await else { panic!("{options:?} was let in") };
    let said = format!("{error:?} {:?}", error.next_steps());
    assert!(!said.contains("secret"), "{said}");
    error
}

/// The error of a query, in our words.
async fn failure(connection: &Connection, query: &str) -> Error {
    let error = connection.client.simple_query(query).await.unwrap_err();
    connection.error(error)
}

#[tokio::test]
async fn a_session_is_pinned_whatever_the_database_says() {
    let database = fresh_database();
    let name = database.name();
    database.psql(&format!(
        "CREATE SCHEMA sales; ALTER DATABASE {name} SET search_path = nowhere, sales, public;
         ALTER DATABASE {name} SET DateStyle = 'German'; ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo';
         ALTER DATABASE {name} SET statement_timeout = '5s'; ALTER DATABASE {name} SET bytea_output = 'escape';
         ALTER DATABASE {name} SET extra_float_digits = -3; ALTER DATABASE {name} SET IntervalStyle = 'iso_8601';
         ALTER DATABASE {name} SET idle_session_timeout = '5s'; ALTER DATABASE {name} SET quote_all_identifiers = on;
         ALTER DATABASE {name} SET array_nulls = off; ALTER DATABASE {name} SET transform_null_equals = on;
         ALTER DATABASE {name} SET gin_fuzzy_search_limit = 5; ALTER DATABASE {name} SET exit_on_error = on"
    ));
    let mut here = options(database.cluster());
    here.database = name.to_owned();
    for host in [here.host.clone(), Host::Socket(database.cluster().socket().to_owned())] {
        let connection = connect(&ConnectOptions { host, ..here.clone() }).await.unwrap();
        assert_eq!(connection.default_schema.as_deref(), Some("sales"));
        assert!(connection.version.starts_with(|c: char| c.is_ascii_digit()), "{}", connection.version);
        let row = "SELECT timestamptz '2000-01-01 12:00+00' || ' ' || interval '1 day' || ' ' || '\\x00'::bytea || ' ' ||
                   0.1::float4 || ' ' || current_setting('search_path') || ' ' || current_setting('row_security') || ' ' ||
                   current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' ||
                   current_setting('idle_session_timeout') || ' ' || 'pg_class'::regclass::text || ' ' ||
                   (('{NULL}'::text[])[1] IS NULL) || ' ' || ((NULL = 1) IS NULL) || ' ' ||
                   current_setting('gin_fuzzy_search_limit') || ' ' || current_setting('exit_on_error')";
        let row = connection.client.query_one(row, &[]).await.unwrap();
        let expected = "2000-01-01 12:00:00+00 1 day \\x00 0.1 pg_catalog off 0 10s 0 pg_class true true 0 off";
        assert_eq!(row.get::<_, &str>(0), expected);
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so() {
    let here = options(Cluster::shared());
    let wrong = ConnectOptions { password: Some(Password::new("secret")), ..here.clone() };
    let error = refused(&wrong).await;
    assert_eq!((error.code(), error.code().exit()), (Code::LoginFailed, 4), "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("password authentication failed")), "{error:?}");

    let error = refused(&ConnectOptions { password: None, ..here.clone() }).await;
    assert_eq!(error.code(), Code::LoginFailed, "{error:?}");
    assert!(error.next_steps().iter().any(|step| step.action.contains("PGPASSWORD")), "{error:?}");

    let error = refused(&ConnectOptions { user: "nobody_here".to_owned(), ..wrong }).await;
    assert_eq!(error.code(), Code::LoginFailed, "{error:?}");

    let error = refused(&ConnectOptions { database: "no_such_database".to_owned(), ..here }).await;
    assert_eq!((error.code(), error.code().exit()), (Code::StoreMissing, 5), "{error:?}");
    assert!(error.what().contains("no_such_database"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    let here = options(Cluster::shared());
    let unknown = ConnectOptions { host: Host::Name("no-such-host.invalid".to_owned()), ..here.clone() };
    let nowhere = ConnectOptions { host: Host::Socket("/no/such/directory".into()), ..here.clone() };
    // Bound and then let go: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refusing = ConnectOptions { port, ..here.clone() };
    for unreachable in [unknown, nowhere, refusing] {
        let error = refused(&unreachable).await;
        assert_eq!((error.code(), error.code().exit()), (Code::StoreUnreachable, 5), "{error:?}");
        assert!(error.what().contains(&unreachable.label()), "{error:?}");
    }
    // One that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let waiting = ConnectOptions { port, connect_timeout: Duration::from_secs(1), ..here };
    let error = refused(&waiting).await;
    assert_eq!(error.code(), Code::StoreUnreachable, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("within 1 s")), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_full_says_so() {
    let cluster = Options::default()
        .without_fsync()
        .setting("max_connections", "2")
        .setting("superuser_reserved_connections", "0")
        .setting("max_wal_senders", "0")
        .start();
    let here = options(&cluster);
    let mut open = Vec::new();
    let error = loop {
        assert!(open.len() <= 2, "more than the server allows");
        match connect(&here).await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::StoreUnreachable, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("too many clients")), "{error:?}");
    // Also to those who wait for a shorter time than a place is worth.
    let hasty = ConnectOptions { connect_timeout: Duration::from_secs(1), ..here.clone() };
    let error = refused(&hasty).await;
    assert!(error.why().is_some_and(|why| why.contains("too many clients")), "{error:?}");
    // The server counts a session that has ended for a while yet.
    for _ in 0..20 {
        drop(open.pop());
        open.push(connect(&here).await.unwrap());
    }
}

#[tokio::test]
async fn a_session_that_ended_says_why() {
    let cluster = Options::default().without_fsync().start();
    let here = options(&cluster);
    let connection = connect(&here).await.unwrap();
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncline'";
    cluster.psql("postgres", ended);
    let error = failure(&connection, "SELECT 1").await;
    assert_eq!((error.code(), error.code().exit()), (Code::ConnectionLost, 5), "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("administrator command")), "{error:?}");

    for how in [Stop::Fast, Stop::Kill] {
        let connection = connect(&here).await.unwrap();
        cluster.restart(how);
        let error = failure(&connection, "SELECT 1").await;
        assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
        connect(&here).await.unwrap();
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_for_the_server_is_told_so() {
    let connection = connect(&options(Cluster::shared())).await.unwrap();
    connection.client.batch_execute("SET statement_timeout = '20ms'").await.unwrap();
    let error = failure(&connection, "SELECT pg_sleep(60)").await;
    assert_eq!(error.code(), Code::StatementCancelled, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("statement timeout")), "{error:?}");
}
