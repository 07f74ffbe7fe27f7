//! Rows that the target refuses: nobody touches them again, and they come all the same once they can.

use super::*;

#[test]
fn held_rows_come_once_nothing_keeps_them_out() {
    let scene = linked("mirror");
    scene.sql("b.db", "CREATE UNIQUE INDEX only ON customer (note)");
    scene.sql("a.db", "UPDATE customer SET note = 'same' WHERE id IN (1, 2)");
    let said = scene.run(&incremental("mirror"));
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(scene.number("b.db", "SELECT count(note) FROM customer"), 1);
    // It is tried again by every run, and stays held.
    assert_eq!(scene.run(&incremental("mirror")).code, Some(3));
    scene.sql("b.db", "DROP INDEX only");
    let (how, rows) = carried(&scene, &incremental("mirror"), "customer");
    assert_eq!((how.as_str(), rows), ("incremental: nothing was touched", [0, 1, 0]));
    assert_eq!(scene.ok("conflicts list"), "no row waits\n");
    equal(&scene);
}

#[test]
fn a_row_whose_parent_comes_later_is_held_until_then() {
    let scene = linked("mirror");
    // Without checks, as SQLite is by default, the source may hold what points at nothing.
    scene.sql("a.db", "PRAGMA foreign_keys = OFF; INSERT INTO invoice VALUES (7, 7000, 1)");
    assert_eq!(scene.run(&incremental("mirror")).code, Some(3));
    scene.sql("a.db", "INSERT INTO customer VALUES (7000, 'late', NULL)");
    scene.ok(&incremental("mirror"));
    equal(&scene);
}
