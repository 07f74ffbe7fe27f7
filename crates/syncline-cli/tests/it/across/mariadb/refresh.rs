//! `mirror --strategy full` on a server where emptying a table ends the transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Maria, lines};
use crate::scene::StopOnDrop;

/// Parents and children that all carry one number, the generation they belong to.
fn generation(number: u32) -> String {
    format!(
        "DELETE FROM c; DELETE FROM p;
         INSERT INTO p WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i, {number} FROM n;
         INSERT INTO c SELECT id * 10, id, {number} FROM p;"
    )
}

const SCHEMA: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER);
     CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE, n INTEGER);";

#[test]
fn readers_never_see_a_table_half_refreshed_or_empty_and_children_stay_attached() {
    let maria = Maria::new();
    maria.scene.sql("a.db", &format!("{SCHEMA} {}", generation(0)));
    maria.scene.ok("mirror a.db env:MY");
    // Children of the application's own, which no run knows of.
    maria.database.mariadb(
        "CREATE TABLE own (p bigint NOT NULL, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
         INSERT INTO own SELECT id FROM p",
    );
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = StopOnDrop(&done);
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Acquire) {
                let look = "START TRANSACTION WITH CONSISTENT SNAPSHOT;
                    SELECT count(*), min(n), max(n), (SELECT count(*) FROM c), (SELECT min(n) FROM c), (SELECT max(n) FROM c) FROM p";
                let seen = lines(&maria.database, look).remove(0);
                let cells: Vec<&str> = seen.split('|').collect();
                assert!(cells[0] == "400" && cells[3] == "400", "{seen}");
                assert!(cells[1..].iter().filter(|cell| **cell == cells[1]).count() == 4, "{seen}");
                looks += 1;
            }
            looks
        });
        for number in 1..=6 {
            maria.scene.sql("a.db", &format!("BEGIN; {} COMMIT;", generation(number)));
            let truncate = if number % 2 == 0 { " --truncate-target" } else { "" };
            maria.scene.ok(&format!("mirror a.db env:MY --strategy full --max-delete 100%{truncate}"));
            maria.scene.ok("verify a.db env:MY");
        }
        drop(stop);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(maria.rows("SELECT count(*) FROM own"), ["400"]);
    maria.scene.ok("undo --yes");
    assert_eq!(maria.rows("SELECT DISTINCT n FROM p"), ["5"]);
}
