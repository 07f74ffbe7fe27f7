use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, thread};

use super::*;
use crate::server::tests::{Process, servers_go_with_the_process_of, until, wait_to_be_killed};

fn process(cluster: &Cluster) -> Process {
    Process::in_directory(cluster.socket())
}

#[test]
fn databases_of_one_server_are_apart_and_go_at_the_end() {
    let (one, two) = (fresh_database(), fresh_database());
    one.psql("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, ''), (3, E'x\\ny|z')");
    let cell = |text: &str| Some(text.to_owned());
    let expected = [[cell("1"), None], [cell("2"), cell("")], [cell("3"), cell("x\ny|z")]];
    assert_eq!(one.rows("SELECT a, b FROM t ORDER BY a"), expected);
    assert!(one.rows("SELECT a FROM t WHERE false").is_empty());
    assert_eq!(two.psql("SELECT to_regclass('t') IS NULL"), "t\n");
    let failed = two.try_psql("SELECT 1; SELECT * FROM t; SELECT 2");
    assert_eq!((failed.code, &*failed.stdout), (Some(3), "1\n"));
    assert!(failed.stderr.contains("relation \"t\" does not exist"), "{}", failed.stderr);
    let (cluster, name) = (one.cluster(), one.name().to_owned());
    drop(one);
    assert_eq!(cluster.psql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'")), "");
}

#[test]
fn a_server_of_ones_own_goes_with_its_directory() {
    let cluster = Options::default().without_fsync().setting("application_name", "it's").start();
    let server = process(&cluster);
    assert!(server.runs());
    // By the socket everybody is let in, so nobody else may get there.
    assert_eq!(fs::metadata(&server.directory).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(
        cluster.psql("postgres", "SHOW fsync; SELECT reset_val FROM pg_settings WHERE name = 'bytea_output'"),
        "off\nhex\n"
    );
    assert_eq!(Cluster::own().psql("postgres", "SHOW fsync"), "on\n");
    drop(cluster);
    assert!(!server.runs());
    assert!(!server.directory.exists());
}

#[test]
fn a_server_goes_when_its_test_panics() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let test = thread::spawn(move || {
        let cluster = Cluster::own();
        sender.send(process(&cluster)).unwrap();
        panic!("as a test does that fails");
    });
    let server = receiver.recv().unwrap();
    assert!(test.join().is_err());
    assert!(!server.runs() && !server.directory.exists());
}

#[test]
fn every_restart_keeps_port_and_committed_rows() {
    let cluster = Options::default().without_fsync().start();
    let database = cluster.fresh_database();
    let port = cluster.port();
    database.psql("CREATE TABLE t (how text)");
    for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        database.psql(&format!("INSERT INTO t VALUES ('{how:?}')"));
        let before = process(&cluster);
        cluster.stop(how);
        assert!(!before.runs());
        assert_ne!(database.try_psql("SELECT 1").code, Some(0));
        cluster.start();
        assert_ne!(before.pid, process(&cluster).pid);
    }
    assert_eq!(database.psql("SELECT * FROM t"), "Fast\nImmediate\nKill\n");
    assert_eq!(cluster.port(), port);
    assert_eq!(cluster.log().matches("was not properly shut down").count(), 2, "{}", cluster.log());
}

#[test]
fn a_killed_server_comes_back_though_its_backends_are_busy() {
    let cluster = Options::default().without_fsync().start();
    let database = cluster.fresh_database();
    let busy = "SELECT 1 FROM pg_stat_activity WHERE query ~ '^SELECT count.*a CROSS' AND state = 'active'";
    thread::scope(|scope| {
        // Work without a pause for about half a second, in which a backend does not see that its server is gone.
        let long = "SET statement_timeout = '60s'; SELECT count(*) FROM generate_series(1, 3000) a CROSS JOIN generate_series(1, 3000) b";
        let client = scope.spawn(|| database.try_psql(long));
        until("the backend is busy", || !database.rows(busy).is_empty() || client.is_finished());
        cluster.restart(Stop::Kill);
    });
    assert_eq!(database.psql("SELECT 1"), "1\n");
}

#[test]
fn by_tcp_everyone_needs_a_password_and_urls_carry_any() {
    let database = fresh_database();
    let cluster = database.cluster();
    database.psql("CREATE ROLE \"odd @role\" LOGIN PASSWORD 'p%:/?#[]'; CREATE ROLE other LOGIN PASSWORD 'x'");
    let who = |url: &str| {
        let args = ["-X", "-A", "-t", "-c", "SELECT current_user, current_database()", url];
        let program = cluster.program("psql");
        crate::process::run(&program, args, cluster.socket())
    };
    assert_eq!(who(&database.url()).stdout, format!("postgres|{}\n", database.name()));
    assert_eq!(who(&database.url_as("odd @role", "p%:/?#[]")).stdout, format!("odd @role|{}\n", database.name()));
    let refused = who(&database.url_as("other", "y"));
    assert!(refused.stderr.contains("password authentication failed"), "{refused:?}");
    database.psql("DROP ROLE \"odd @role\"; DROP ROLE other");
}

#[test]
fn a_line_of_hba_comes_before_the_others() {
    let cluster = Options::default().hba("host all postgres 127.0.0.1/32 reject").start();
    let refused =
        Command::new(cluster.program("psql")).args(["-X", "-c", "SELECT 1", &cluster.url("postgres")]).output();
    let said = String::from_utf8_lossy(&refused.unwrap().stderr).into_owned();
    assert!(said.contains("pg_hba.conf rejects connection"), "{said}");
}

#[test]
fn tls_is_by_a_certificate_for_the_names_given_from_an_authority_of_its_own() {
    let reject = "hostnossl all all all reject";
    let [one, other] = [["127.0.0.1", "localhost"], ["elsewhere.test", "10.0.0.1"]]
        .map(|names| Options::default().tls(&names).hba(reject).start());
    let ask = |cluster: &Cluster, mode: &str, authority: PathBuf| {
        let url = format!("{}?sslmode={mode}&sslrootcert={}", cluster.url("postgres"), authority.display());
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        crate::process::run(&cluster.program("psql"), ["-X", "-A", "-t", "-c", sql, &url], cluster.socket())
    };
    assert_eq!(ask(&one, "verify-full", one.authority()).stdout, "t\n");
    assert_eq!(ask(&other, "verify-ca", other.authority()).stdout, "t\n");
    for (refused, why) in [
        (ask(&one, "disable", one.authority()), "pg_hba.conf rejects connection"),
        (ask(&one, "verify-full", other.authority()), "certificate verify failed"),
        (ask(&other, "verify-full", other.authority()), "does not match host name"),
    ] {
        assert!(refused.code == Some(2) && refused.stderr.contains(why), "{why}: {refused:?}");
    }
}

#[test]
fn a_database_may_sort_as_people_do() {
    let database = Cluster::shared().database_with("LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
    assert_eq!(database.psql("SELECT x FROM (VALUES ('B'), ('a')) v (x) ORDER BY x"), "a\nB\n");
    let database = fresh_database();
    assert_eq!(database.psql("SELECT x FROM (VALUES ('B'), ('a')) v (x) ORDER BY x"), "B\na\n");
}

#[test]
fn a_setting_that_is_none_is_told_in_the_servers_words() {
    let start = || Options::default().setting("no_such_setting", "1").start();
    let said = std::panic::catch_unwind(start).unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("unrecognized configuration parameter \"no_such_setting\""), "{said}");
}

#[test]
fn servers_go_when_their_process_is_killed() {
    servers_go_with_the_process_of("postgres::tests::a_process_to_be_killed");
}

#[test]
fn a_server_goes_when_its_guard_is_killed() {
    let cluster = Cluster::own();
    let server = process(&cluster);
    server.kill_guard();
    until("the server has ended", || !server.runs());
    drop(cluster);
    assert!(!server.directory.exists());
}

/// The other side of [`servers_go_when_their_process_is_killed`].
#[test]
#[ignore = "does nothing but wait to be killed"]
fn a_process_to_be_killed() {
    wait_to_be_killed(|| {
        let own = Cluster::own();
        let processes = [process(&own), process(Cluster::shared())];
        (own, processes)
    });
}
