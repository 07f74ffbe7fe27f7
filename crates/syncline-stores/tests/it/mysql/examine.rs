//! What is told to those who look after a database, and the rights that a run needs.

use syncline_core::error::Code;
use syncline_core::store::{Finding, Grants, Side, Snapshot, Verdict};
use syncline_stores::mysql::examine::{examine, script, warnings};
use syncline_stores::mysql::{ConnectOptions, MysqlClaim, connect};
use syncline_stores::server::Password;
use syncline_testkit::mariadb::Options;

use super::desk::{Desk, scan};

async fn findings(desk: &Desk, options: &ConnectOptions, side: Option<Side>) -> Vec<Finding> {
    let schema = desk.view_as(options.clone()).await.schema().await.unwrap();
    examine(&connect(options).await.unwrap(), options, &schema, side).await.unwrap()
}

fn of<'f>(findings: &'f [Finding], topic: &str) -> Vec<&'f Finding> {
    findings.iter().filter(|finding| finding.topic == topic).collect()
}

/// A user of the desk's own, without rights.
fn user(desk: &Desk, called: &str) -> ConnectOptions {
    let name = format!("{called}_{}", desk.database.name());
    desk.database.mariadb(&format!("CREATE OR REPLACE USER {name} IDENTIFIED BY 'x'"));
    ConnectOptions { user: name, password: Some(Password::new("x")), ..desk.options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_it_should_be_and_what_is_not_are_told() {
    let desk = Desk::with(
        "CREATE TABLE good (id integer PRIMARY KEY); CREATE TABLE nokey (n integer); CREATE TABLE m (id integer PRIMARY KEY) ENGINE = MyISAM; \
         CREATE TABLE fired (k varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY); CREATE TRIGGER tr BEFORE INSERT ON fired FOR EACH ROW SET NEW.k = 'x'",
    );
    let options = desk.options();
    let all = findings(&desk, &options, Some(Side::Target)).await;
    assert_eq!(of(&all, "superuser")[0].verdict, Verdict::Note);
    for topic in ["writable", "create", "readable", "tables", "durability", "local_infile", "tls"] {
        assert_eq!(of(&all, topic)[0].verdict, Verdict::Ok, "{topic}: {all:?}");
    }
    let engine = of(&all, "engine");
    assert_eq!((engine.len(), engine[0].table.as_deref()), (1, Some("m")));
    assert_eq!(engine[0].verdict, Verdict::Problem(Code::TableDenied));
    assert!(of(&all, "triggers")[0].what.contains("tr"), "{all:?}");
    assert_eq!(of(&all, "key")[0].table.as_deref(), Some("nokey"));
    assert_eq!(of(&all, "collation")[0].table.as_deref(), Some("fired"));
    assert!(of(&all, "claim").is_empty());
    let claim = MysqlClaim::take(&options, "the other run").await.unwrap();
    let all = findings(&desk, &options, None).await;
    assert!(of(&all, "claim")[0].why.contains("the other run"), "{all:?}");
    drop(claim);
    let source = findings(&desk, &options, Some(Side::Source)).await;
    for topic in ["triggers", "create", "local_infile", "writable", "claim"] {
        assert!(of(&source, topic).is_empty(), "{topic}");
    }
    let said = warnings(&connect(&options).await.unwrap(), true).await.unwrap();
    assert!(said.len() == 1 && said[0].contains("superuser"), "{said:?}");
}

/// They are carried on either side, where their rows have places.
#[tokio::test(flavor = "multi_thread")]
async fn tables_without_a_key_are_a_problem_only_where_their_rows_have_no_places() {
    let desk = Desk::with("CREATE TABLE nokey (n integer); CREATE TABLE m (n integer) ENGINE = MyISAM");
    for side in [None, Some(Side::Source), Some(Side::Target)] {
        let all = findings(&desk, &desk.options(), side).await;
        let verdicts: Vec<_> = of(&all, "key").iter().map(|one| (one.table.as_deref(), one.verdict)).collect();
        let expected = [(Some("m"), Verdict::Problem(Code::TableNoKey)), (Some("nokey"), Verdict::Note)];
        assert_eq!(verdicts, expected, "{side:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_what_was_committed_is_named() {
    let server = Options::default()
        .setting("innodb_flush_log_at_trx_commit", "2")
        .setting("log_bin", "binlog")
        .setting("sync_binlog", "0")
        .setting("local_infile", "0")
        .setting("read_only", "1")
        .start();
    let database = server.fresh_database();
    database.mariadb(
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE USER low IDENTIFIED BY 'x'; GRANT SELECT ON *.* TO low",
    );
    let options = ConnectOptions {
        database: database.name().to_owned(),
        user: "low".to_owned(),
        password: Some(Password::new("x")),
        ..super::options(&server)
    };
    let mut view = syncline_stores::mysql::snapshot::MysqlSnapshot::open(options.clone().into()).await.unwrap();
    let schema = view.schema().await.unwrap();
    let all = examine(&connect(&options).await.unwrap(), &options, &schema, Some(Side::Target)).await.unwrap();
    let durability: Vec<&str> = of(&all, "durability").iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(durability, ["innodb_flush_log_at_trx_commit is 2", "sync_binlog is 0"]);
    assert_eq!(of(&all, "writable")[0].verdict, Verdict::Problem(Code::StoreReadOnly));
    assert_eq!(of(&all, "local_infile")[0].verdict, Verdict::Note);
    assert_eq!(of(&all, "superuser")[0].verdict, Verdict::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_is_missing_is_named_with_the_statement_that_gives_it() {
    let desk = Desk::with(
        "CREATE TABLE a (id integer PRIMARY KEY, n integer); CREATE TABLE b (id integer PRIMARY KEY, v integer AS (id + 1))",
    );
    let options = user(&desk, "some");
    let (name, login) = (desk.database.name(), options.user.clone());
    desk.database.mariadb(&format!(
        "GRANT SELECT (id), INSERT ON {name}.a TO {login}; GRANT SELECT, UPDATE ON {name}.b TO {login}"
    ));
    let all = findings(&desk, &options, Some(Side::Target)).await;
    let rights: Vec<(&str, Verdict)> =
        of(&all, "rights").iter().map(|found| (found.what.as_str(), found.verdict)).collect();
    let denied = Verdict::Problem(Code::TableDenied);
    assert_eq!(
        rights,
        [
            ("a may not be read: the login has no SELECT on all of its columns", denied),
            ("a may not be written: the login has no INSERT, UPDATE, DELETE", denied),
            ("b may not be written: the login has no INSERT, DELETE", denied),
        ]
    );
    assert_eq!(of(&all, "create").len(), 6);
    // Carried out, the statements mend all of it.
    let statements: Vec<String> = all
        .iter()
        .filter(|finding| ["rights", "create"].contains(&finding.topic))
        .map(|finding| finding.next[0].action.clone())
        .collect();
    desk.database.mariadb(&statements.join(";"));
    let all = findings(&desk, &options, Some(Side::Target)).await;
    assert!(of(&all, "rights").is_empty() && of(&all, "create")[0].verdict == Verdict::Ok, "{all:?}");
}

/// Carries out a script, lets its user in, and returns the way.
async fn granted(desk: &Desk, grants: &Grants, role: &str) -> ConnectOptions {
    let statements: Vec<&str> = grants.statements.iter().map(|grant| grant.sql.as_str()).collect();
    desk.database.mariadb(&statements.join(";"));
    let refused = ConnectOptions { user: role.to_owned(), password: None, ..desk.options() };
    assert_eq!(connect(&refused).await.err().unwrap().code(), Code::LoginFailed, "locked until it has a password");
    desk.database.mariadb(&format!("ALTER USER `{role}`@`%` IDENTIFIED BY 'x' ACCOUNT UNLOCK"));
    ConnectOptions { password: Some(Password::new("x")), ..refused }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rights_of_the_script_has_enough_and_no_more() {
    let desk = Desk::with(
        "CREATE TABLE `o``t` (id integer PRIMARY KEY); INSERT INTO `o``t` VALUES (1); CREATE TABLE other (id integer PRIMARY KEY)",
    );
    let connection = connect(&desk.options()).await.unwrap();
    let schema = desk.view().await.schema().await.unwrap();
    let chosen = ["o`t".to_owned()];
    let reader = format!("reader`{}", desk.database.name());
    let grants = script(&connection, (&schema, &chosen), (Side::Source, &reader)).await.unwrap();
    let reader = granted_quoted(&desk, &grants, &reader).await;
    let mut view = desk.view_as(reader.clone()).await;
    let seen = view.schema().await.unwrap();
    assert_eq!(seen.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["o`t"]);
    let task = syncline_core::change::TableTask::whole(seen.tables[0].clone());
    assert_eq!(scan(&mut view, &task).await.len(), 1);
    let all = findings(&desk, &reader, Some(Side::Source)).await;
    assert!(all.iter().all(|finding| !matches!(finding.verdict, Verdict::Problem(_))), "{all:?}");
    assert!(!all.iter().any(|finding| finding.topic == "rights"), "{all:?}");
    let target = findings(&desk, &reader, Some(Side::Target)).await;
    assert!(target.iter().any(|finding| finding.verdict == Verdict::Problem(Code::PermissionDenied)), "{target:?}");

    let writer = format!("writer_{}", desk.database.name());
    let grants = script(&connection, (&schema, &chosen), (Side::Target, &writer)).await.unwrap();
    let writer = granted(&desk, &grants, &writer).await;
    let all = findings(&desk, &writer, Some(Side::Target)).await;
    assert!(all.iter().all(|finding| !matches!(finding.verdict, Verdict::Problem(_))), "{all:?}");
    assert_eq!(of(&all, "create")[0].verdict, Verdict::Ok);
    // Of this database only.
    let elsewhere = Desk::with("CREATE TABLE t (id integer PRIMARY KEY)");
    let there = ConnectOptions { database: elsewhere.database.name().to_owned(), ..writer };
    assert_eq!(connect(&there).await.err().unwrap().code(), Code::PermissionDenied);

    for everybody in ["", "PUBLIC", "@localhost"] {
        let error = script(&connection, (&schema, &chosen), (Side::Source, everybody)).await.unwrap_err();
        assert_eq!(error.code(), Code::UsageInvalid, "{everybody}");
    }
}

async fn granted_quoted(desk: &Desk, grants: &Grants, role: &str) -> ConnectOptions {
    let options = granted(desk, grants, &role.replace('`', "``")).await;
    ConnectOptions { user: role.to_owned(), ..options }
}
