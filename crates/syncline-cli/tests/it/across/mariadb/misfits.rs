//! Values that do not fit, where the target is a server that takes more than others.

use syncline_testkit::mariadb::fresh_database;

use super::{Maria, lines};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, ti time, dt datetime, v varchar(9))";

const ROWS: &str = "
    SET sql_mode = '';
    INSERT INTO t VALUES (1, '-10:00', '0000-00-00', 'a\\0b'), (2, '100:00', '2024-01-01', 'x')";

const RULES: [&str; 6] = ["--misfit", "t.ti=clamp", "--misfit", "t.dt=null", "--misfit", "t.v=null"];

const SHOWN: &str = "SELECT id, ti, dt, hex(v) FROM t ORDER BY id";

/// Two databases, the first with the rows.
fn both() -> (Maria, syncline_testkit::mariadb::Database<'static>) {
    let (mut maria, other) = (Maria::new(), fresh_database());
    maria.scene = maria.scene.with_variable("MY2", &other.url());
    maria.database.mariadb(&format!("{TABLE}; {ROWS}"));
    (maria, other)
}

#[test]
fn what_the_target_takes_is_not_bent() {
    let expected = ["1|-10:00:00|0000-00-00 00:00:00|610062", "2|100:00:00|2024-01-01 00:00:00|78"];
    // Into a table that is there, and into one that is to be made.
    for is_there in [true, false] {
        let (maria, other) = both();
        if is_there {
            other.mariadb(TABLE);
        }
        let said = maria.scene.run_with("copy env:MY env:MY2 --json", &RULES);
        assert_eq!((said.code, &said.last()["verified"]), (Some(0), &"equal".into()), "{}{}", said.out, said.err);
        assert_eq!(lines(&other, SHOWN), expected);
        let said = maria.scene.run_with("verify env:MY env:MY2 --json", &["--misfit", "t.ti=null"]);
        assert_eq!((said.code, &said.last()["verified"]), (Some(0), &"equal".into()), "{}{}", said.out, said.err);
    }
}

#[test]
fn a_choice_still_bends_what_the_column_has_no_room_for() {
    let (maria, other) = both();
    maria
        .database
        .mariadb("ALTER TABLE t MODIFY ti time(3); SET sql_mode = ''; UPDATE t SET ti = '-10:00:00.999' WHERE id = 1");
    other.mariadb("CREATE TABLE t (id int PRIMARY KEY, ti time, dt datetime, v varchar(2))");
    let rules = ["--misfit", "t.ti=clamp", "--misfit", "t.dt=clamp", "--misfit", "t.v=clamp"];
    let said = maria.scene.run_with("copy env:MY env:MY2 --json", &rules);
    assert_eq!(said.last()["verified"], "equal-except", "{}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["bent"], 1, "{}", said.out);
    assert_eq!(lines(&other, "SELECT id, ti, hex(v) FROM t ORDER BY id")[0], "1|-10:00:00|6100");
}

/// Columns that are tiny or unsigned hold fewer numbers than others of their size elsewhere.
#[test]
fn numbers_are_kept_within_what_the_column_holds() {
    let types = ["tinyint", "tinyint unsigned", "smallint unsigned", "mediumint", "int unsigned", "bigint unsigned"];
    let columns: Vec<String> = types.iter().enumerate().map(|(at, name)| format!("c{at} {name}")).collect();
    let wide = (0..types.len()).map(|at| format!("c{at} decimal(30)")).collect::<Vec<_>>().join(", ");
    let (mut maria, other) = (Maria::new(), fresh_database());
    maria.scene = maria.scene.with_variable("MY2", &other.url());
    let row = |id: i32, value: &str| format!("({id}{})", format!(", {value}").repeat(types.len()));
    let rows = [row(1, "-99999999999999999999"), row(2, "99999999999999999999"), row(3, "7")].join(", ");
    maria.database.mariadb(&format!("CREATE TABLE t (id int PRIMARY KEY, {wide}); INSERT INTO t VALUES {rows}"));
    other.mariadb(&format!("CREATE TABLE t (id int PRIMARY KEY, {})", columns.join(", ")));
    let held = maria.scene.run("copy env:MY env:MY2 --json");
    assert_eq!(held.last()["tables"][0]["held"], 2, "{}{}", held.out, held.err);
    let rules: Vec<String> =
        (0..types.len()).flat_map(|at| ["--misfit".to_owned(), format!("t.c{at}=clamp")]).collect();
    let said =
        maria.scene.run_with("copy env:MY env:MY2 --json", &rules.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(said.last()["tables"][0]["bent"], 2, "{}{}", said.out, said.err);
    let expected =
        ["1|-128|0|0|-8388608|0|0", "2|127|255|65535|8388607|4294967295|18446744073709551615", "3|7|7|7|7|7|7"];
    assert_eq!(lines(&other, "SELECT * FROM t ORDER BY id"), expected);
}

/// Where an enumeration has an empty label, what was none of its labels reads the same as that one, and is not.
#[test]
fn the_error_value_of_an_enumeration_is_not_its_empty_label() {
    let table = "CREATE TABLE t (id int PRIMARY KEY, e enum('','a'), f enum('a'))";
    let (mut maria, other) = (Maria::new(), fresh_database());
    maria.scene = maria.scene.with_variable("MY2", &other.url());
    maria.database.mariadb(&format!(
        "{table}; SET sql_mode = ''; INSERT INTO t VALUES (1,'','a'), (2,'bad','a'), (3,NULL,'bad')"
    ));
    let said = maria.scene.run("copy env:MY env:MY2 --json");
    assert_eq!((said.code, &said.last()["tables"][0]["held"]), (Some(3), &2.into()), "{}{}", said.out, said.err);
    assert_eq!(lines(&other, "SELECT id, e + 0, f FROM t"), ["1|1|a"]);
    // As labels they are equal, as they are kept they are not.
    other.mariadb("INSERT INTO t VALUES (2, '', 'a')");
    let said = maria.scene.run_with("verify env:MY env:MY2 --json", &["--where", "t: id <= 2"]);
    assert_eq!(said.code, Some(10), "{}{}", said.out, said.err);
    other.mariadb("SET sql_mode = ''; UPDATE t SET e = 'worse' WHERE id = 2");
    let said = maria.scene.run_with("verify env:MY env:MY2 --json", &["--where", "t: id <= 2"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    // A file knows no labels: there both are what the server shows.
    maria.scene.run("copy env:MY a.db --tables t");
    assert_eq!(maria.scene.rows("a.db", "SELECT id, e FROM t WHERE id < 3"), ["1|", "2|"]);
}
