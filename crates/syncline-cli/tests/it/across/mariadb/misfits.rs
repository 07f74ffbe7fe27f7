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
