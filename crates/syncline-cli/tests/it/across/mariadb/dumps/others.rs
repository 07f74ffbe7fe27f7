//! Others at work on the database meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::mariadb::Options;
use syncline_testkit::process::{self, Running};

use super::{ROWS, maria, names, put_back};
use crate::across::bad_input::fails;
use crate::across::mariadb::Maria;
use crate::scene::StopOnDrop;

const SUM: &str = "SELECT (SELECT sum(amount) FROM debit) + (SELECT sum(amount) FROM credit)";

/// Two tables whose sums add up to nothing. `odd` is said of both columns, and `engine` of the second table.
fn balances(of_debit: &str, of_credit: &str) -> Maria {
    maria(&format!(
        "CREATE TABLE debit (id int PRIMARY KEY, amount int, filler text {of_debit};
         CREATE TABLE credit (id int PRIMARY KEY, amount int, filler text {of_credit};
         INSERT INTO debit (id, amount, filler) SELECT seq, 0, repeat(md5(seq), 20) FROM seq_1_to_4000;
         INSERT INTO credit (id, amount, filler) SELECT id, amount, filler FROM debit"
    ))
}

/// Amounts are moved all the time while backups are made: each of them has a sum of nothing, and a later one has more of them.
fn is_of_one_moment(maria: &Maria, begin: &str, end: &str) {
    let (done, database) = (AtomicBool::new(false), &maria.database);
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut session, mut written) = (database.session(), 0);
            while !done.load(Ordering::Acquire) {
                let (from, to) = (written * 7919 % 4000 + 1, written * 104_729 % 4000 + 1);
                let (_, error) = session.run(&format!(
                    "{begin}; UPDATE debit SET amount = amount - 1 WHERE id = {from}; \
                     UPDATE credit SET amount = amount + 1 WHERE id = {to}; {end}"
                ));
                assert_eq!(error, "0", "a writer had to give way to a backup");
                written += 1;
            }
            written
        });
        let _stop = StopOnDrop(&done);
        for round in 0..4 {
            maria.scene.ok(&format!("backup env:MY -o {round}.sql"));
        }
        done.store(true, Ordering::Release);
        writer.join().unwrap()
    });
    assert!(written > 20, "only {written} were written meanwhile");
    let mut moved = Vec::new();
    for round in 0..4 {
        let copy = put_back(maria, &format!("{round}.sql"));
        assert_eq!(copy.mariadb(SUM).trim(), "0", "backup {round}");
        moved.push(copy.mariadb("SELECT sum(amount) FROM credit").trim().parse::<i64>().unwrap());
    }
    assert!(moved.is_sorted() && moved[3] > moved[0], "{moved:?}");
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    is_of_one_moment(&balances(")", ")"), "BEGIN", "COMMIT");
}

/// The rows of one table are read by the program and those of the other by us.
#[test]
fn so_it_is_where_two_views_are_read() {
    is_of_one_moment(&balances(", f float)", ")"), "BEGIN", "COMMIT");
}

#[test]
fn so_it_is_where_several_tables_are_locked() {
    is_of_one_moment(&balances(", f float)", ", f float)"), "BEGIN", "COMMIT");
}

/// Rows of such tables are in no view, so they are kept from changing.
#[test]
fn so_it_is_where_a_table_has_no_transactions() {
    let lock = "LOCK TABLES debit WRITE, credit WRITE";
    is_of_one_moment(&balances(")", ") ENGINE = MyISAM"), lock, "UNLOCK TABLES");
}

/// Two tables with `FLOAT` columns, on a server of their own.
fn two_floats() -> Maria {
    let maria = Maria::alone(Options::default());
    maria.database.mariadb(
        "CREATE TABLE a (id int PRIMARY KEY, f float); INSERT INTO a VALUES (1, 0.1); CREATE TABLE b AS SELECT * FROM a",
    );
    maria
}

#[test]
fn who_writes_to_a_table_that_is_to_be_locked_is_waited_for_in_vain() {
    let maria = two_floats();
    let mut writer = maria.database.session();
    writer.run("BEGIN; UPDATE b SET f = 0.2");
    fails(&maria.scene, "backup env:MY -o b.sql", 5, "STORE_LOCKED");
    assert!(names(&maria).is_empty(), "{:?}", names(&maria));
    assert_eq!(writer.run("COMMIT").1, "0");
    maria.scene.ok("backup env:MY -o b.sql");
}

/// Were one table held while the other is waited for, the server would end the writer's transaction.
#[test]
fn a_writer_does_not_have_to_give_way_to_a_backup() {
    let maria = two_floats();
    let mut writer = maria.database.session();
    writer.run("BEGIN; UPDATE b SET f = 0.2");
    let backup = Running::start(maria.scene.command(&["backup", "env:MY", "-o", "b.sql"]));
    let began = Instant::now();
    let attempts =
        "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_LOCK_TABLES'";
    while maria.database.mariadb(attempts).trim() == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "it never tried to lock them");
    }
    assert_eq!(writer.run("UPDATE a SET f = 0.2").1, "0");
    assert_eq!(writer.run("COMMIT").1, "0");
    let done = backup.finish(process::DEADLINE);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(put_back(&maria, "b.sql").mariadb("SELECT a.f, b.f FROM a JOIN b USING (id)").trim(), "0.2\t0.2");
}

/// The program would wait for a day, and we with it.
#[test]
fn a_definition_that_is_being_changed_is_not_waited_for_without_end() {
    let maria = maria("CREATE TABLE isam (id int) ENGINE = MyISAM; CREATE TABLE t (id int)");
    let mut other = maria.database.session();
    other.run("LOCK TABLES t WRITE");
    fails(&maria.scene, "backup env:MY -o b.sql", 5, "STORE_LOCKED");
    assert!(names(&maria).is_empty(), "{:?}", names(&maria));
    other.run("UNLOCK TABLES");
    maria.scene.ok("backup env:MY -o b.sql");
}

/// A program that goes on after us would write to a file that nobody wants any more.
#[test]
fn a_backup_that_is_killed_takes_its_program_along() {
    let maria = maria(
        "CREATE TABLE t (i int PRIMARY KEY, v text); INSERT INTO t SELECT seq, repeat(md5(seq), 40) FROM seq_1_to_60000",
    );
    let mut killed = 0;
    for round in 0..6_u32 {
        let file = format!("{round}.sql");
        let backup = Running::start(maria.scene.command(&["backup", "env:MY", "-o", &file]));
        if round % 2 == 0 {
            wait_for_program(&maria, |count| count > 0);
        }
        let end = process::kill_after(backup, Duration::from_millis(u64::from(round) * 20));
        killed += u32::from(!end.ended_before);
        assert_eq!(maria.scene.path(&file).exists(), end.ended_before, "round {round}");
        wait_for_program(&maria, |count| count == 0);
    }
    assert!(killed > 0, "nothing was killed");
    maria.scene.ok("backup env:MY -o last.sql");
    assert!(names(&maria).iter().all(|name| name.ends_with(".sql") && !name.starts_with('.')), "{:?}", names(&maria));
}

/// Waits until so many sessions of the program are on the database.
fn wait_for_program(maria: &Maria, enough: impl Fn(u32) -> bool) {
    let began = Instant::now();
    let query =
        "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'SELECT /*!40001%'";
    while !enough(maria.database.mariadb(query).trim().parse().unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(60), "the program does not come, or does not go");
    }
}

/// The dump of an open transaction's table is what was committed before.
#[test]
fn what_is_not_committed_is_not_in_it() {
    let maria = maria(ROWS);
    let mut writer = maria.database.session();
    writer.run("BEGIN; DELETE FROM t WHERE id > 10");
    maria.scene.ok("backup env:MY -o b.sql");
    assert_eq!(put_back(&maria, "b.sql").mariadb("SELECT count(*) FROM t").trim(), "3000");
    writer.run("ROLLBACK");
}
