//! Reaching a server, and what can go wrong there.

use std::net::TcpListener;
use std::time::Duration;

use syncline_core::error::{Code, Error};
use syncline_core::store::Snapshot;
use syncline_stores::mysql::{ConnectOptions, Product, connect, describe};
use syncline_stores::server::{Host, Password, TlsMode};
use syncline_testkit::mariadb::{Options, Server, Stop};

use super::desk::{Desk, scan};
use super::options;

/// The error of an attempt, which shows no password.
async fn refused(options: &ConnectOptions) -> Error {
    let Err(error) = connect(options).await else { panic!("{options:?} was let in") };
    let said = format!("{error:?} {:?}", error.next_steps());
    assert!(!said.contains("secret"), "{said}");
    error
}

/// Whatever the server and the user are set to, a view reads the same: times in UTC, floats to the last bit, all characters,
/// and rows without end.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_pinned_whatever_the_server_says() {
    let server = Options::default()
        .without_fsync()
        .setting("default_time_zone", "+09:00")
        .setting("sql_mode", "ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_ZERO_DATE")
        .setting("max_join_size", "2")
        .setting("max_statement_time", "0.2")
        .setting("character_set_server", "latin1")
        .setting(
            "init_connect",
            "SET NAMES latin1, sql_select_limit = 2, lc_time_names = 'de_DE', old_mode = 'NO_PROGRESS_INFO'",
        )
        .setting("group_concat_max_len", "4")
        .setting("join_cache_level", "8")
        .setting("lc_messages", "de_DE")
        .start();
    let database = server.fresh_database();
    database.mariadb(
        "SET NAMES utf8mb4; SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'; \
         CREATE TABLE t (id integer PRIMARY KEY, c char(9) CHARACTER SET utf8mb4, at timestamp(6) NULL, d date, f float); \
         INSERT INTO t VALUES (1, '漢🦀', '2024-05-06 07:08:09.25', '0000-00-00', 16777217), (2, 'x', NULL, '2024-02-31', 1), (3, NULL, NULL, NULL, 0.1)",
    );
    // Not a superuser, for whom `init_connect` is passed over.
    database.mariadb("CREATE USER u IDENTIFIED BY 'secret'; GRANT SELECT ON *.* TO u");
    let here = ConnectOptions { database: database.name().to_owned(), ..options(&server) };
    let user = ConnectOptions { user: "u".to_owned(), password: Some(Password::new("secret")), ..here.clone() };
    let socket = ConnectOptions { host: Host::Socket(server.socket()), ..user.clone() };
    for options in [here, user, socket] {
        let mut view = syncline_stores::mysql::snapshot::MysqlSnapshot::open(options.into()).await.unwrap();
        let table = view.schema().await.unwrap().table("t").unwrap().clone();
        let task = syncline_core::change::TableTask::whole(table);
        let rows = scan(&mut view, &task).await;
        let printed: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        assert_eq!(rows.len(), 3, "{printed:?}");
        let expected: Vec<syncline_core::value::Value> = vec![
            syncline_core::value::Value::Int(1),
            syncline_core::value::Value::text("漢🦀"),
            syncline_core::value::Value::Instant(1_714_979_289_250_000),
            syncline_core::value::Value::Other { type_name: "date".to_owned(), text: "0000-00-00".to_owned() },
            syncline_core::value::Value::Real(16_777_216.0),
        ];
        assert_eq!(rows[0], expected);
        assert_eq!(rows[1][1], syncline_core::value::Value::text("x"), "no padding");
        assert_eq!(rows[2][4], syncline_core::value::Value::Real(0.1));
        // The message of an error is in one language.
        let missing =
            syncline_core::change::TableTask::whole(std::sync::Arc::new(syncline_core::schema::TableSchema {
                name: "missing".to_owned(),
                ..(*task.table).clone()
            }));
        let error = view.count(&missing).await.unwrap_err();
        assert!(error.why().is_some_and(|why| why.contains("doesn't exist")), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_says_what_it_is() {
    let desk = Desk::with("");
    let connection = connect(&desk.options()).await.unwrap();
    let said = describe(&connection).await.unwrap();
    assert_eq!(connection.version.product == Product::MariaDb, desk.database.server().is_mariadb());
    assert_eq!((said.engine, said.writable), ("mysql", true));
    assert!(said.version.contains(desk.database.server().version()), "{}", said.version);
    let socket = Host::Socket(desk.database.server().socket());
    let by_socket = ConnectOptions { host: socket, password: None, ..desk.options() };
    let again = describe(&connect(&by_socket).await.unwrap()).await.unwrap();
    assert_eq!(again.identity, said.identity, "by whatever way");
    let other = Desk::with("");
    assert_ne!(describe(&connect(&other.options()).await.unwrap()).await.unwrap().identity, said.identity);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so() {
    let desk = Desk::with("");
    let here = desk.options();
    let wrong = ConnectOptions { password: Some(Password::new("secret")), ..here.clone() };
    let error = refused(&wrong).await;
    assert_eq!((error.code(), error.code().exit()), (Code::LoginFailed, 4), "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("Access denied")), "{error:?}");

    let error = refused(&ConnectOptions { password: None, ..here.clone() }).await;
    assert_eq!(error.code(), Code::LoginFailed, "{error:?}");
    assert!(error.next_steps().iter().any(|step| step.action.contains("MYSQL_PWD")), "{error:?}");

    let error = refused(&ConnectOptions { user: "nobody_here".to_owned(), ..wrong }).await;
    assert_eq!(error.code(), Code::LoginFailed, "{error:?}");

    let error = refused(&ConnectOptions { database: "no_such_database".to_owned(), ..here.clone() }).await;
    assert_eq!((error.code(), error.code().exit()), (Code::StoreMissing, 5), "{error:?}");
    assert!(error.what().contains("no_such_database"), "{error:?}");

    // Who has no right on any database is not told which there are.
    let name = format!("stranger_{}", desk.database.name());
    desk.database.mariadb(&format!("CREATE USER {name} IDENTIFIED BY 'secret'"));
    let stranger = ConnectOptions { user: name.clone(), password: Some(Password::new("secret")), ..here };
    let error = refused(&stranger).await;
    assert_eq!(error.code(), Code::PermissionDenied, "{error:?}");
    desk.database.mariadb(&format!("DROP USER {name}"));
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    let here = options(Server::shared());
    let unknown = ConnectOptions { host: Host::Name("no-such-host.invalid".to_owned()), ..here.clone() };
    let nowhere = ConnectOptions { host: Host::Socket("/no/such/socket".into()), ..here.clone() };
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
    let server = Options::default()
        .without_fsync()
        .setting("max_connections", "10")
        .setting("extra_max_connections", "1")
        .start();
    server.mariadb("", "CREATE USER u IDENTIFIED BY 'secret'; GRANT SELECT ON *.* TO u");
    let user = ConnectOptions { user: "u".to_owned(), password: Some(Password::new("secret")), ..options(&server) };
    let mut open = Vec::new();
    let error = loop {
        assert!(open.len() <= 11, "more than the server allows");
        match connect(&user).await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::StoreUnreachable, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("Too many connections")), "{error:?}");
    // Also to those who wait for a shorter time than a place is worth.
    let hasty = ConnectOptions { connect_timeout: Duration::from_secs(1), ..user.clone() };
    let error = refused(&hasty).await;
    assert!(error.why().is_some_and(|why| why.contains("Too many connections")), "{error:?}");
    // The server counts a session that has ended for a while yet.
    for _ in 0..20 {
        drop(open.pop());
        open.push(connect(&user).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_is_told_as_that() {
    let server = Options::default().without_fsync().start();
    let database = server.fresh_database();
    database.mariadb("CREATE TABLE t (id integer PRIMARY KEY)");
    let here = ConnectOptions { database: database.name().to_owned(), ..options(&server) };
    let open = || syncline_stores::mysql::snapshot::MysqlSnapshot::open(here.clone().into());
    let task = {
        let table = open().await.unwrap().schema().await.unwrap().table("t").unwrap().clone();
        syncline_core::change::TableTask::whole(table)
    };
    let mut view = open().await.unwrap();
    let kill = format!(
        "SELECT concat('KILL ', id, ';') FROM information_schema.processlist WHERE db = '{}' AND id <> connection_id()",
        database.name()
    );
    let kills = server.mariadb("", &kill);
    server.mariadb("", &kills);
    let error = view.count(&task).await.unwrap_err();
    assert_eq!((error.code(), error.code().exit()), (Code::ConnectionLost, 5), "{error:?}");
    for how in [Stop::Fast, Stop::Kill] {
        let mut view = open().await.unwrap();
        server.restart(how);
        for _ in 0..2 {
            let error = view.count(&task).await.unwrap_err();
            assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
        }
        open().await.unwrap();
    }
}

#[tokio::test]
async fn an_old_server_is_refused() {
    let server = Options::default().without_fsync().setting("version", "10.5.29-MariaDB").start();
    let error = refused(&ConnectOptions { tls: TlsMode::Disable, ..options(&server) }).await;
    assert_eq!(error.code(), Code::StoreTooOld, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("10.6")), "{error:?}");
}
