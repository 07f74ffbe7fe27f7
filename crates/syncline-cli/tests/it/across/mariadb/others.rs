//! What others have made, on the server and around the tables: it stays as it is, and does not mislead.

use serde_json::json;
use syncline_testkit::mariadb::{Database, Options, PASSWORD, fresh_database};

use super::{Maria, lines};

/// Two databases on the server, `env:MY` and the target `env:TO`.
fn pair(source: &str, target: &str) -> (Maria, Database<'static>) {
    let (mut maria, to) = (Maria::new(), fresh_database());
    maria.scene = maria.scene.with_variable("TO", &to.url());
    maria.database.mariadb(source);
    to.mariadb(target);
    (maria, to)
}

/// A table with a name like those of tables that wait for theirs.
#[test]
fn a_table_with_a_name_of_ours_stays() {
    let other = "CREATE TABLE _syncline_new_1 (x int); INSERT INTO _syncline_new_1 VALUES (1)";
    let (maria, to) = pair("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)", other);
    maria.scene.ok("copy env:MY env:TO");
    maria.scene.ok("undo --yes");
    maria.scene.ok("mirror env:MY env:TO");
    assert_eq!(lines(&to, "SELECT x, id FROM _syncline_new_1, t"), ["1|1"]);
}

/// The server would number a row whose 0 it takes for no number.
#[test]
fn a_row_with_the_number_0_keeps_it() {
    let rows = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
        CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, b blob); INSERT INTO t VALUES (0, 'zero'), (1, 'one'), (-2, 'two');
        CREATE TABLE u (b varbinary(9), id bigint unsigned AUTO_INCREMENT UNIQUE NOT NULL, d decimal(9,2), r float);
        INSERT INTO u VALUES ('a', 0, 0, 0), ('b', 18446744073709551610, -1.5, 1.1)";
    let (maria, to) = pair(rows, "");
    maria.scene.ok("copy env:MY env:TO");
    assert_eq!(lines(&to, "SELECT id, b FROM t ORDER BY id"), ["-2|two", "0|zero", "1|one"]);
    assert_eq!(lines(&to, "SELECT id, b, d, r FROM u ORDER BY id"), ["0|a|0.00|0", "18446744073709551610|b|-1.50|1.1"]);
    maria.scene.ok("diff env:MY env:TO --exit-code");
}

/// Nobody looks at the rows of another database, but the server does.
#[test]
fn rows_that_another_database_references_stay() {
    for rule in ["", "ON DELETE CASCADE", "ON DELETE SET NULL"] {
        let parents = "CREATE TABLE p (id int PRIMARY KEY)";
        let (maria, to) = pair(&format!("{parents}; INSERT INTO p VALUES (1)"), parents);
        to.mariadb("INSERT INTO p VALUES (1), (2), (3)");
        let third = fresh_database();
        let parent = to.name();
        third.mariadb(&format!(
            "CREATE TABLE c (p int, FOREIGN KEY (p) REFERENCES `{parent}`.p (id) {rule}); INSERT INTO c VALUES (2)"
        ));
        let said = maria.scene.run("mirror env:MY env:TO --json --max-delete 9");
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        // Where rows would act, which of them are referenced is not known.
        let stay = if rule.is_empty() { &["1", "2"][..] } else { &["1", "2", "3"] };
        assert_eq!(lines(&to, "SELECT id FROM p ORDER BY id"), stay, "{rule}");
        assert_eq!(said.last()["tables"][0]["held"], json!(stay.len() - 1), "{rule}");
        assert_eq!(lines(&third, "SELECT p FROM c"), ["2"], "{rule}");
        // What a run has added and somebody has referenced since is not taken back either.
        maria.database.mariadb("INSERT INTO p VALUES (5)");
        maria.scene.run("mirror env:MY env:TO");
        third.mariadb("INSERT INTO c VALUES (5)");
        maria.scene.run("undo --yes");
        assert_eq!(lines(&to, "SELECT count(*) FROM p WHERE id = 5"), ["1"], "{rule}");
        assert_eq!(lines(&third, "SELECT count(*) FROM c"), ["2"], "{rule}");
        third.mariadb("DROP TABLE c");
    }
}

/// The catalog tells who references whom only to those who may do more than read.
#[test]
fn references_are_carried_for_a_login_that_may_only_read() {
    let tables = "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE c (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES p (a, b) ON DELETE CASCADE ON UPDATE SET NULL)";
    let (maria, to) = pair(tables, "");
    let (name, user) = (maria.database.name(), "only_reads");
    maria.database.mariadb(&format!(
        "CREATE OR REPLACE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON `{name}`.* TO {user}@'%'"
    ));
    let url = maria.database.url_as(user, PASSWORD);
    maria.scene.ok(&format!("copy {url} env:TO"));
    let rule = "SELECT DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()";
    assert_eq!(lines(&to, rule), ["CASCADE|SET NULL"]);
    maria.scene.ok(&format!("copy {url} k.db"));
    let found =
        maria.scene.rows("k.db", "SELECT \"from\", \"to\", on_delete FROM pragma_foreign_key_list('c') ORDER BY 1");
    assert_eq!(found, ["a|a|CASCADE", "b|b|CASCADE"]);
    maria.database.mariadb(&format!("DROP USER {user}@'%'"));
}

/// The number that a table goes on from changes with rows that have nothing to do with a plan.
#[test]
fn a_plan_is_not_stale_because_a_number_was_given_out() {
    let table = "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(9) COMMENT ' AUTO_INCREMENT=5') COMMENT ' AUTO_INCREMENT=7'";
    let (maria, to) = pair(&format!("{table}; INSERT INTO t VALUES (1, 'a')"), table);
    to.mariadb("INSERT INTO t VALUES (1, 'x'), (5, 'k')");
    maria.scene.ok("plan copy env:MY env:TO -o p.plan");
    to.mariadb("INSERT INTO t (v) VALUES ('new'); START TRANSACTION; INSERT INTO t (v) VALUES ('never'); ROLLBACK");
    maria.scene.ok("apply p.plan --yes");
    assert_eq!(lines(&to, "SELECT id, v FROM t ORDER BY id"), ["1|a", "5|k", "6|new"]);
}

/// A server that makes a table of a list of values reads rows in another order.
#[test]
fn lists_of_values_stay_lists() {
    let maria = Maria::alone(Options::default().setting("in_predicate_conversion_threshold", "2"));
    let to = maria.database.server().fresh_database();
    let scene = &maria.scene.with_variable("TO", &to.url());
    maria.database.mariadb("CREATE TABLE nk (a int, t text); INSERT INTO nk SELECT seq % 50, 'x' FROM seq_1_to_600");
    to.mariadb(&format!(
        "CREATE TABLE nk (a int, t text); INSERT INTO nk SELECT * FROM `{}`.nk WHERE a % 2",
        maria.database.name()
    ));
    scene.ok("mirror env:MY env:TO --no-verify");
    scene.ok("diff env:MY env:TO --exit-code");
    assert_eq!(scene.run("undo --yes").code, Some(0));
    assert_eq!(lines(&to, "SELECT count(*), sum(a % 2) FROM nk"), ["300|300"]);
}

/// A file comes in packets, too.
#[test]
fn files_come_in_packets_that_the_server_takes() {
    let maria = Maria::alone(Options::default().setting("max_allowed_packet", "16384").setting("local_infile", "1"));
    maria.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, printf('%01000d', i) FROM n",
    );
    maria.scene.ok("copy a.db env:MY");
    assert_eq!(maria.rows("SELECT count(*), sum(v) FROM t"), ["3000|4501500"]);
}

/// What the server says of an index names neither it nor its table.
#[test]
fn a_table_that_cannot_be_made_is_named() {
    let maria = Maria::alone(Options::default().setting("innodb_default_row_format", "redundant"));
    maria
        .scene
        .sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(700) UNIQUE); INSERT INTO t VALUES (1, 'a')");
    let said = maria.scene.run("copy a.db env:MY");
    assert!(said.err.contains("the table t cannot be made in the target"), "{}{}", said.out, said.err);
    assert_eq!(maria.tables(), Vec::<String>::new());
}
