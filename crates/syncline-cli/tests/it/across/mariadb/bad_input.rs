//! What goes wrong with a server: told with the right exit code and all that a person needs, and nothing half written.

use syncline_testkit::mariadb::{Options, PASSWORD};

use super::Maria;
use crate::across::bad_input::{fails, rows};

fn with_rows(maria: Maria, count: u32) -> Maria {
    maria.scene.sql("a.db", &rows(count, "v"));
    maria
}

#[test]
fn passwords_hosts_and_databases_that_are_wrong() {
    let maria = with_rows(Maria::new(), 3);
    let server = maria.database.server();
    let (user, _) = server.superuser();
    let wrong = server.url_as(user, "wrong", maria.database.name());
    let missing = server.url("no_such_database");
    let closed = format!("mysql://root@127.0.0.1:1/{}", maria.database.name());
    let urls = [("WRONG", &wrong), ("MISSING", &missing), ("CLOSED", &closed)];
    let scene = urls.into_iter().fold(maria.scene, |scene, (name, url)| scene.with_variable(name, url));
    fails(&scene, "mirror a.db env:WRONG", 4, "LOGIN_FAILED");
    fails(&scene, "mirror a.db env:MISSING", 5, "STORE_MISSING");
    fails(&scene, "mirror a.db env:CLOSED", 5, "STORE_UNREACHABLE");
    let said = scene.run("mirror a.db env:CLOSED").err;
    assert!(said.matches("Input/output error").count() <= 1, "{said}");
}

#[test]
fn one_table_of_many_may_not_be_written() {
    let maria = Maria::new();
    maria.scene.sql("a.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)");
    maria.scene.ok("copy a.db env:MY");
    maria.scene.sql("a.db", "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
    let (name, server) = (maria.database.name(), maria.database.server());
    maria.database.mariadb(&format!(
        "CREATE USER IF NOT EXISTS 'few_{name}'@'%' IDENTIFIED BY '{PASSWORD}';
         GRANT SELECT, CREATE, DROP, INSERT, UPDATE, DELETE ON `{name}`.`a` TO 'few_{name}'@'%';
         GRANT SELECT ON `{name}`.`b` TO 'few_{name}'@'%';
         GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER ON `{name}`.`_syncline_checkpoint` TO 'few_{name}'@'%';
         GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER ON `{name}`.`_syncline_pending` TO 'few_{name}'@'%';
         GRANT CREATE TEMPORARY TABLES ON `{name}`.* TO 'few_{name}'@'%'"
    ));
    let url = server.url_as(&format!("few_{name}"), PASSWORD, name);
    let scene = maria.scene.with_variable("FEW", &url);
    let said = scene.run("mirror a.db env:FEW --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let count = |table: &str| maria.database.mariadb(&format!("SELECT count(*) FROM {table}"));
    assert_eq!((count("a").trim(), count("b").trim()), ("1", "0"));
    maria.database.mariadb(&format!("DROP USER 'few_{name}'@'%'"));
}

/// Each of them is named, with a way out, and the others are carried.
#[test]
fn tables_without_transactions_are_left_alone() {
    let maria = Maria::new();
    let table = |name: &str| format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY); INSERT INTO {name} VALUES (1);");
    maria.scene.sql("a.db", &["a", "m1", "m2", "z"].map(table).concat());
    maria.database.mariadb(
        "CREATE TABLE m1 (id bigint PRIMARY KEY) ENGINE = MyISAM; CREATE TABLE m2 (id bigint PRIMARY KEY) ENGINE = Aria;
         INSERT INTO m2 VALUES (2)",
    );
    let said = maria.scene.run("copy a.db env:MY");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    for words in ["TABLE_NO_TRANSACTIONS", "MyISAM", "Aria", "--tables '*,!m1'", "--tables '*,!m2'"] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    let count = |table: &str| maria.database.mariadb(&format!("SELECT count(*) FROM {table}")).trim().to_owned();
    assert_eq!(["a", "m1", "m2", "z"].map(count), ["1", "0", "1", "1"]);
}

/// A name that is encoded in the url is shown as what it is, and two names of one database are not called files.
#[test]
fn a_database_is_called_alike_wherever_it_is_shown() {
    let maria = with_rows(Maria::new(), 1);
    let name = format!("{} läden", maria.database.name());
    maria.database.mariadb(&format!("CREATE DATABASE `{name}`"));
    let url = maria.database.server().url(&name);
    // An undo finds the target again without the password that was typed.
    let scene = maria.scene.with_variable("MYSQL_PWD", maria.database.server().superuser().1);
    let shown = [&format!("copy a.db {url}") as &str, "undo --yes"].map(|line| {
        let said = scene.run(line);
        assert_eq!(said.code, Some(0), "{line}: {}{}", said.out, said.err);
        said.out + &said.err
    });
    scene.run(&format!("copy a.db {url}"));
    let same = scene.run(&format!("copy {url} {url}"));
    maria.database.mariadb(&format!("DROP DATABASE `{name}`"));
    assert!(
        shown.iter().all(|shown| shown.contains(&format!("a.db -> {name}")) && !shown.contains("%C3")),
        "{shown:?}"
    );
    assert!(same.err.contains("GUARD_SAME_TABLE") && !same.err.contains("file"), "{}", same.err);
}

/// A server that takes small packets and no files.
#[test]
fn small_packets_and_no_files_are_enough() {
    let options = Options::default().setting("max_allowed_packet", "1M").setting("local_infile", "0");
    let maria = Maria::alone(options);
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, printf('%0700d', i) FROM n;
         INSERT INTO t VALUES (9001, printf('%0900000d', 1))",
    );
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.ok("verify a.db env:MY");
    maria.scene.sql("a.db", "UPDATE t SET v = 'x' || v; INSERT INTO t VALUES (9002, printf('%01100000d', 1))");
    let said = maria.scene.run("mirror a.db env:MY --json");
    assert_eq!(said.last()["tables"][0]["held"], 1, "what no packet takes is held: {}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT count(*), max(id) FROM t WHERE v LIKE 'x%'"), ["5001|9001"]);
}

#[test]
fn databases_of_latin1_hold_what_they_can() {
    let server = syncline_testkit::mariadb::Server::shared();
    let maria = Maria::on(server.database_with("CHARACTER SET latin1"));
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'ä'), (2, '日本'), (3, '😀')",
    );
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.ok("verify a.db env:MY");
    maria.database.mariadb("CREATE TABLE own (id int PRIMARY KEY, v varchar(20))");
    maria.scene.sql("a.db", "CREATE TABLE own (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO own SELECT * FROM t");
    let said = maria.scene.run("mirror a.db env:MY --tables own --json");
    assert_eq!(said.last()["tables"][0]["held"], 2, "{}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT id, hex(v) FROM own"), ["1|E4"]);
}

#[test]
fn names_that_the_server_writes_small_are_found() {
    let maria = Maria::alone(Options::default().setting("lower_case_table_names", "1"));
    maria
        .scene
        .sql("a.db", "CREATE TABLE Invoice (Id INTEGER PRIMARY KEY, Note TEXT); INSERT INTO Invoice VALUES (1, 'a')");
    maria.scene.ok("mirror a.db env:MY");
    assert_eq!(maria.tables(), ["invoice"]);
    maria.scene.ok("verify a.db env:MY");
    maria.scene.sql("a.db", "UPDATE Invoice SET Note = 'b'; INSERT INTO Invoice VALUES (2, 'c')");
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.ok("diff a.db env:MY --exit-code");
    maria.scene.ok("undo --yes");
    assert_eq!(maria.rows("SELECT * FROM invoice"), ["1|a"]);
}

#[test]
fn keys_that_the_collation_takes_for_one_are_told_and_never_merged() {
    let maria = Maria::new();
    maria
        .database
        .mariadb("CREATE TABLE t (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v int)");
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER); INSERT INTO t VALUES ('a', 1), ('A', 2), ('b', 3)",
    );
    let said = maria.scene.run("mirror a.db env:MY --json");
    let table = &said.last()["tables"][0];
    assert_eq!((&table["inserted"], &table["held"]), (&2.into(), &1.into()), "{}{}", said.out, said.err);
    assert_eq!(maria.rows("SELECT k, v FROM t WHERE v = 3"), ["b|3"]);
    assert_eq!(maria.rows("SELECT count(*) FROM t"), ["2"]);
}

#[test]
fn a_row_that_another_holds_is_waited_for_and_told() {
    let maria = with_rows(Maria::new(), 5);
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.sql("a.db", "UPDATE t SET v = 'new'");
    let mut other = maria.database.session();
    other.run("START TRANSACTION; UPDATE t SET v = 'theirs' WHERE id = 3");
    fails(&maria.scene, "mirror a.db env:MY", 5, "STORE_LOCKED");
    other.run("ROLLBACK");
    maria.scene.ok("mirror a.db env:MY");
    maria.scene.ok("verify a.db env:MY");
}
