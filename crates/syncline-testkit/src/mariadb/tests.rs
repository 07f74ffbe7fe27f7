use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{fs, thread};

use super::*;
use crate::server::tests::{Process, servers_go_with_the_process_of, until, wait_to_be_killed};

fn process(server: &Server) -> Process {
    Process::in_directory(server.directory())
}

fn quick() -> Options {
    Options::default().without_fsync()
}

#[test]
fn databases_of_one_server_are_apart_and_go_at_the_end() {
    let (one, two) = (fresh_database(), fresh_database());
    one.mariadb(
        "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, ''), (3, 'x\\ny<&lt;\"> z'), (4, 'NULL')",
    );
    let cell = |text: &str| Some(text.to_owned());
    let expected =
        [[cell("1"), None], [cell("2"), cell("")], [cell("3"), cell("x\ny<&lt;\"> z")], [cell("4"), cell("NULL")]];
    assert_eq!(one.rows("SELECT a, b AS \"<b>\" FROM t ORDER BY a"), expected);
    assert!(one.rows("SELECT a FROM t WHERE false").is_empty());
    assert_eq!(two.mariadb("SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"), "0\n");
    let failed = two.try_mariadb("SELECT 1; SELECT * FROM t; SELECT 2");
    assert_eq!((failed.code, &*failed.stdout), (Some(1), "1\n"));
    assert!(failed.stderr.contains("ERROR 1146 (42S02)"), "{}", failed.stderr);
    let (server, name) = (one.server(), one.name().to_owned());
    // A transaction that somebody has left open does not keep the database.
    let mut session = one.session();
    assert_eq!(session.run("START TRANSACTION; SELECT count(*) FROM t"), ("4\n".to_owned(), "0".to_owned()));
    drop(one);
    assert_eq!(server.mariadb("", &format!("SHOW DATABASES LIKE '{name}'")), "");
}

#[test]
fn texts_reach_the_server_as_they_are() {
    let database = fresh_database();
    let text = "tab\tline\r\nend \u{1f600} ; -- '' \\\\ \u{1}";
    let hex: String = text.replace("''", "'").replace("\\\\", "\\").bytes().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(database.mariadb(&format!("SELECT hex('{text}')")), format!("{hex}\n"));
}

#[test]
fn a_server_of_ones_own_goes_with_its_directory() {
    let server = quick().setting("init_connect", "SET @it = 'a # \\\\ \"quoted\" one'").start();
    let process = process(&server);
    assert!(process.runs());
    // By the socket the superuser is let in, so nobody else may get there.
    assert_eq!(fs::metadata(&process.directory).unwrap().permissions().mode() & 0o777, 0o700);
    let asked = "SELECT @@innodb_flush_log_at_trx_commit, @@init_connect, @@max_allowed_packet";
    assert_eq!(
        server.rows("", asked),
        [["2", "SET @it = 'a # \\\\ \"quoted\" one'", "268435456"].map(|cell| Some(cell.to_owned()))]
    );
    let durable = "SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite";
    assert_eq!(Server::own().mariadb("", durable), "1\t1\n");
    assert!(server.is_mariadb());
    drop(server);
    assert!(!process.runs());
    assert!(!process.directory.exists());
}

#[test]
fn a_server_goes_when_its_test_panics() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let test = thread::spawn(move || {
        let server = quick().start();
        sender.send(process(&server)).unwrap();
        panic!("as a test does that fails");
    });
    let process = receiver.recv().unwrap();
    assert!(test.join().is_err());
    assert!(!process.runs() && !process.directory.exists());
}

#[test]
fn every_restart_keeps_port_and_committed_rows() {
    let server = Server::own();
    let database = server.fresh_database();
    let port = server.port();
    database.mariadb("CREATE TABLE t (how varchar(10) PRIMARY KEY)");
    for how in [Stop::Fast, Stop::Kill] {
        database.mariadb(&format!("INSERT INTO t VALUES ('{how:?}')"));
        let mut open = database.session();
        open.run("START TRANSACTION; INSERT INTO t VALUES ('never')");
        let before = process(&server);
        server.stop(how);
        assert!(!before.runs());
        assert_ne!(database.try_mariadb("SELECT 1").code, Some(0));
        assert_eq!(open.run("SELECT 1").0, "", "the session has ended");
        server.start();
        assert_ne!(before.pid, process(&server).pid);
    }
    assert_eq!(database.mariadb("SELECT how FROM t ORDER BY how"), "Fast\nKill\n");
    assert_eq!(server.port(), port);
    assert_eq!(server.log().matches("Starting crash recovery").count(), 1, "{}", server.log());
}

#[test]
fn a_killed_server_comes_back_though_it_is_busy() {
    let server = quick().start();
    let database = server.fresh_database();
    let busy = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT benchmark%'";
    thread::scope(|scope| {
        let client = scope.spawn(|| database.try_mariadb("SELECT benchmark(1000000000, md5('a'))"));
        until("the server is busy", || !database.rows(busy).is_empty() || client.is_finished());
        server.restart(Stop::Kill);
    });
    assert_eq!(database.mariadb("SELECT 1"), "1\n");
}

/// What a client says that goes to the server by TCP.
fn ask(server: &Server, user: &str, password: &str, options: &[&str], sql: &str) -> Finished {
    let mut args = vec!["--no-defaults".to_owned(), "--protocol=tcp".to_owned(), "--host=127.0.0.1".to_owned()];
    args.extend([format!("--port={}", server.port()), format!("--user={user}"), format!("--password={password}")]);
    args.extend(["--batch", "--skip-column-names", "-e", sql].iter().chain(options).map(|arg| (*arg).to_owned()));
    crate::process::run(&server.program("mariadb"), args, server.directory())
}

#[test]
fn by_tcp_everyone_needs_a_password_and_urls_carry_any() {
    let server = quick().start();
    let database = server.fresh_database();
    server.mariadb("", "CREATE USER 'odd @user' IDENTIFIED BY 'p%:/?#[]'; CREATE USER other IDENTIFIED BY 'x'");
    let who = |user: &str, password: &str| ask(&server, user, password, &[], "SELECT current_user()");
    assert_eq!(who(SUPERUSER, PASSWORD).stdout, "root@%\n");
    assert_eq!(who("odd @user", "p%:/?#[]").stdout, "odd @user@%\n");
    for (user, password) in [("other", "y"), (SUPERUSER, ""), ("", ""), ("nobody", "")] {
        let refused = who(user, password);
        assert!(refused.stderr.contains("ERROR 1045 (28000): Access denied"), "{refused:?}");
    }
    let url = database.url_as("odd @user", "p%:/?#[]");
    let read = mysql_async::Opts::from_url(&url).unwrap();
    assert_eq!(
        (read.user(), read.pass(), read.db_name()),
        (Some("odd @user"), Some("p%:/?#[]"), Some(database.name()))
    );
    assert_eq!((read.ip_or_hostname(), read.tcp_port()), ("127.0.0.1", server.port()));
    assert!(database.url().starts_with("mysql://root:top%2Fsecret%3A%401@127.0.0.1:"), "{}", database.url());
}

#[test]
fn tls_is_by_a_certificate_for_the_names_given_from_an_authority_of_its_own() {
    let [one, other] = [["127.0.0.1", "localhost"], ["elsewhere.test", "10.0.0.1"]]
        .map(|names| quick().tls(&names).setting("require_secure_transport", "ON").start());
    let ask = |server: &Server, authority: PathBuf, verify: &str| {
        let options = [&*format!("--ssl-ca={}", authority.display()), verify];
        ask(server, SUPERUSER, PASSWORD, &options, "SHOW STATUS LIKE 'Ssl_version'")
    };
    let whole = "--ssl-verify-server-cert";
    assert!(ask(&one, one.authority(), whole).stdout.starts_with("Ssl_version\tTLSv1."), "by its name");
    assert!(ask(&other, other.authority(), "--ssl").stdout.starts_with("Ssl_version\tTLSv1."), "by its authority");
    for (refused, why) in [
        (ask(&one, one.authority(), "--skip-ssl"), "ERROR 1045 (28000): Access denied"),
        (ask(&one, other.authority(), whole), "ertificate"),
        (ask(&other, other.authority(), whole), "ertificate"),
    ] {
        assert!(refused.code == Some(1) && refused.stderr.contains(why), "{why}: {refused:?}");
    }
}

#[test]
fn a_database_may_have_a_character_set_of_its_own() {
    let charset = "SELECT @@character_set_database";
    assert_eq!(Server::shared().database_with("CHARACTER SET latin1").mariadb(charset), "latin1\n");
    assert_eq!(fresh_database().mariadb(charset), "utf8mb4\n");
}

#[test]
fn a_setting_that_is_none_is_told_in_the_servers_words() {
    let start = || quick().setting("no_such_setting", "1").start();
    let said = std::panic::catch_unwind(start).unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("unknown variable 'no_such_setting=1'"), "{said}");
}

#[test]
fn a_session_tells_errors_and_holds_its_locks() {
    let database = fresh_database();
    database.mariadb("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    let (mut one, mut two) = (database.session(), database.session());
    let said = |printed: &str, error: &str| (printed.to_owned(), error.to_owned());
    assert_eq!(one.run("SELECT a FROM t ORDER BY a; INSERT INTO t VALUES (1)"), said("1\n2\n", "1062"));
    assert_eq!(one.run("START TRANSACTION; DELETE FROM t WHERE a = 1"), said("", "0"));
    assert_eq!(two.run("SET innodb_lock_wait_timeout = 1; DELETE FROM t WHERE a = 1"), said("", "1205"));
    two.send("SET innodb_lock_wait_timeout = 60; DELETE FROM t WHERE a = 1; SELECT row_count()");
    let waits = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    if database.server().is_mariadb() {
        until("the other one waits", || database.mariadb(waits) != "0\n");
    }
    assert_eq!(one.run("ROLLBACK"), said("", "0"));
    assert_eq!(two.answer(), said("1\n", "0"));
    drop(two);
    until("its session has ended", || {
        database
            .mariadb(&format!("SELECT count(*) FROM information_schema.processlist WHERE db = '{}'", database.name()))
            == "2\n"
    });
    assert_eq!(one.run("KILL connection_id(); SELECT 1").0, "", "nobody answers, and nobody waits for ever");
}

#[test]
fn servers_go_when_their_process_is_killed() {
    servers_go_with_the_process_of("mariadb::tests::a_process_to_be_killed");
}

#[test]
fn a_server_goes_when_its_guard_is_killed() {
    let server = quick().start();
    let process = process(&server);
    process.kill_guard();
    until("the server has ended", || !process.runs());
    drop(server);
    assert!(!process.directory.exists());
}

/// The other side of [`servers_go_when_their_process_is_killed`].
#[test]
#[ignore = "does nothing but wait to be killed"]
fn a_process_to_be_killed() {
    wait_to_be_killed(|| {
        let both = [Server::own(), quick().start()];
        let processes = [process(&both[0]), process(&both[1])];
        (both, processes)
    });
}
