//! A connection that is cut in the middle of COPY: nothing half written, and the next run goes on.

use syncline_testkit::postgres::{Database, PASSWORD, SUPERUSER, fresh_database};

use super::proxy::{Proxy, Way};
use super::{is_told, rows};
use crate::scene::Scene;

const ROWS: u32 = 20_000;

/// Enough bytes to be in the middle of the rows: all that is said before them is less.
const CUT: u64 = 600_000;

fn behind(proxy: &Proxy, database: &Database<'_>) -> Scene {
    let secret = "top%2Fsecret%3A%401";
    assert_eq!(PASSWORD, "top/secret:@1");
    Scene::new()
        .with_variable("PG", &format!("postgres://{SUPERUSER}:{secret}@127.0.0.1:{}/{}", proxy.port, database.name()))
}

#[test]
fn a_source_that_goes_away_leaves_whole_transactions() {
    let database = fresh_database();
    database.psql(&rows(ROWS, &"x".repeat(100)));
    let proxy = Proxy::to(database.cluster().port());
    let scene = behind(&proxy, &database);
    for line in ["copy env:PG b.db --batch-size 500", "mirror env:PG c.db --batch-size 500"] {
        proxy.cut_after(Way::FromServer, CUT);
        let said = scene.run(&format!("{line} --json"));
        assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
        is_told(line, &said, "CONNECTION_LOST");
        proxy.mend();
        let said = scene.run(&format!("{line} --json"));
        assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    }
    proxy.cut_after(Way::FromServer, CUT);
    for line in ["diff env:PG b.db", "verify b.db env:PG"] {
        let said = scene.run(&format!("{line} --json"));
        assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
        is_told(line, &said, "CONNECTION_LOST");
    }
}

#[test]
fn a_target_that_goes_away_keeps_whole_transactions() {
    let database = fresh_database();
    let proxy = Proxy::to(database.cluster().port());
    let scene = behind(&proxy, &database);
    scene.sql("a.db", &rows(ROWS, &"x".repeat(100)));
    let count = || database.psql("SELECT count(*) FROM t").trim().parse::<u64>().unwrap();
    // Into a new table.
    proxy.cut_after(Way::ToServer, CUT);
    let said = scene.run("copy a.db env:PG --batch-size 500 --json");
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    is_told("copy", &said, "CONNECTION_LOST");
    assert_eq!(database.psql("SELECT to_regclass('t')").trim(), "");
    proxy.mend();
    let said = scene.run("copy a.db env:PG --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    // Rows that differ.
    scene.sql("a.db", "UPDATE t SET v = 'y' || v");
    proxy.cut_after(Way::ToServer, CUT);
    let said = scene.run("mirror a.db env:PG --batch-size 500 --json");
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    is_told("mirror", &said, "CONNECTION_LOST");
    let written = database.psql("SELECT count(*) FROM t WHERE v LIKE 'y%'").trim().parse::<u64>().unwrap();
    assert!(written > 0 && written < u64::from(ROWS) && written % 500 == 0, "{written} rows");
    proxy.mend();
    let run = scene.json("runs list --json")["data"][0]["id"].clone();
    let next = scene.run("mirror a.db env:PG --json");
    assert_eq!((next.code, next.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", next.out, next.err);
    assert_eq!(next.last()["continues"], run);
    // A full refresh is one transaction: readers see all of it or nothing.
    scene.sql("a.db", "UPDATE t SET v = 'z'");
    proxy.cut_after(Way::ToServer, CUT);
    let said = scene.run("mirror a.db env:PG --strategy full --json");
    if said.code != Some(0) {
        is_told("mirror", &said, "CONNECTION_LOST");
        assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'z'").trim(), "0");
    }
    assert_eq!(count(), u64::from(ROWS));
}
