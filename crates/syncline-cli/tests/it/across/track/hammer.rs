//! Sixteen writers, with deadlocks, rollbacks and savepoints, while runs go on; a reader of the target never sees a part of a
//! transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

const WRITERS: i64 = 16;

/// What one of them does in a transaction: moves money between accounts, in orders that lead to deadlocks, and adds and takes
/// away other rows.
const MOVE: &str = "CREATE PROCEDURE move (f int, t int, r int, n int, is_kept bool) BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION ROLLBACK;
    START TRANSACTION; UPDATE account SET total = total - 1 WHERE id = f;
    SAVEPOINT s; DELETE FROM tag WHERE code = concat('x', r);
    INSERT INTO tag VALUES (concat('x', r), 'k', n) ON DUPLICATE KEY UPDATE note = n;
    UPDATE account SET total = total + 1 WHERE id = t;
    SAVEPOINT t; DELETE FROM entry WHERE id > 1000; ROLLBACK TO t; DELETE FROM entry WHERE id = r;
    REPLACE INTO entry VALUES (r, f, n);
    IF is_kept THEN COMMIT; ELSE ROLLBACK; END IF; END";

#[test]
fn nothing_is_lost_of_postgres_while_many_write() {
    let sites = Sites::new();
    hammer(
        &sites,
        "env:PG",
        "env:PG2",
        |script| drop(sites.postgres.try_psql(script)),
        || sites.others.0.rows("SELECT sum(total)::text FROM account")[0][0].clone(),
    );
}

#[test]
fn nothing_is_lost_of_mariadb_while_many_write() {
    let sites = Sites::new();
    sites.maria.mariadb(&format!("DELIMITER //\n{MOVE}//\n"));
    hammer(
        &sites,
        "env:MY",
        "env:PG2",
        |script| drop(sites.maria.try_mariadb(script)),
        || sites.others.0.rows("SELECT sum(total)::text FROM account")[0][0].clone(),
    );
}

fn hammer(
    sites: &Sites,
    source: &str,
    target: &str,
    write: impl Fn(&str) + Sync,
    look: impl Fn() -> Option<String> + Sync + Send,
) {
    sites.write(source, TABLES);
    sites.write(source, &rows());
    sites.scene.ok(&format!("track {source}"));
    let run = format!("mirror {source} {target} --strategy incremental --no-verify --max-delete 100000");
    let done = AtomicBool::new(false);
    let is_postgres = source == "env:PG";
    let (written, looks) = thread::scope(|scope| {
        let (done, write, look) = (&done, &write, &look);
        let writer = |seed| scope.spawn(move || write_on(is_postgres, write, seed, done));
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        sites.scene.ok(&run);
        let reader = scope.spawn(move || {
            let mut looks = 0;
            while !done.load(Ordering::Acquire) {
                assert_eq!(look().as_deref(), Some("5000"), "a part of a transfer was seen");
                looks += 1;
            }
            looks
        });
        for _ in 0..8 {
            let said = sites.scene.run(&run);
            assert!(matches!(said.code, Some(0 | 3)), "{}{}", said.out, said.err);
        }
        done.store(true, Ordering::Release);
        (writers.into_iter().map(|writer| writer.join().unwrap()).sum::<u64>(), reader.join().unwrap())
    });
    assert!(written > 16 && looks > 5, "{written} scripts of ten transactions, {looks} looks");
    let shown = sites.scene.ok(&run);
    assert!(!shown.contains("compare:"), "{shown}");
    let said = sites.scene.run(&format!("diff {source} {target} --exit-code"));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

fn write_on(is_postgres: bool, write: impl Fn(&str), seed: i64, done: &AtomicBool) -> u64 {
    let (mut n, mut scripts) = (seed * 7_919 + 1, 0);
    while !done.load(Ordering::Acquire) {
        let mut script = String::new();
        for _ in 0..10 {
            n = (n * 1_103_515_245 + 12_345) % 1_000_003;
            let (from, to, row) = (n % 50 + 1, n / 50 % 50 + 1, 1_000 + n % 500);
            let is_kept = n % 5 != 0;
            script += &match is_postgres {
                true => in_postgres((from, to, row, n), is_kept),
                false => format!("CALL move({from}, {to}, {row}, {n}, {is_kept});\n"),
            };
        }
        // A deadlock ends one transaction, which is then rolled back as a whole, and the script goes on.
        write(&if is_postgres { format!("\\set ON_ERROR_STOP off\n{script}") } else { script });
        scripts += 1;
    }
    scripts
}

fn in_postgres((from, to, row, n): (i64, i64, i64, i64), is_kept: bool) -> String {
    let end = if is_kept { "COMMIT" } else { "ROLLBACK" };
    format!(
        "BEGIN; UPDATE account SET total = total - 1 WHERE id = {from}; SAVEPOINT s; DELETE FROM tag WHERE code = 'x{row}';
         INSERT INTO tag VALUES ('x{row}', 'k', '{n}') ON CONFLICT (code, kind) DO UPDATE SET note = '{n}';
         UPDATE account SET total = total + 1 WHERE id = {to};
         SAVEPOINT t; DELETE FROM entry; ROLLBACK TO t; DELETE FROM entry WHERE id = {row};
         INSERT INTO entry VALUES ({row}, {from}, {n}) ON CONFLICT (id) DO UPDATE SET amount = {n}; {end};\n"
    )
}
