//! Runs that go by a column where nothing may be installed, between engines.

use super::track::Sites;

/// A table whose column says when a row was written, and one whose column counts, in the words of a source's engine.
fn tables(source: &str) -> String {
    let time = match source {
        "env:PG" => "timestamptz",
        "env:MY" => "datetime(3)",
        _ => "TEXT",
    };
    format!(
        "CREATE TABLE event (id INTEGER PRIMARY KEY, note VARCHAR(40), changed {time});
         CREATE TABLE reading (id INTEGER PRIMARY KEY, value INTEGER, version BIGINT);"
    )
}

/// An event of so many minutes ago.
fn event(id: u32, minutes: i64) -> String {
    let at = syncline::calendar::timestamp((now_ms() - minutes * 60_000) * 1_000);
    format!("INSERT INTO event VALUES ({id}, 'event {id}', '{at}');")
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Goes from one state of the source to the next, and looks after each what has come.
fn follow(source: &str, target: &str) {
    let sites = Sites::new();
    let line = format!("mirror {source} {target} --strategy incremental");
    let go =
        || sites.scene.run_with(&line, &["--cursor", "event: changed, overlap 30m", "--cursor", "reading: version"]);
    let ids = |table: &str| sites.column(target, &format!("SELECT id FROM {table} ORDER BY id"));
    sites.write(source, &tables(source));
    sites.write(source, &(1..=60).map(|id| event(id, 1_000 - i64::from(id))).collect::<String>());
    sites.write(source, &(1..=50).map(|id| format!("INSERT INTO reading VALUES ({id}, 0, {id});")).collect::<String>());
    assert!(go().out.contains("not in the target yet"));
    // A transaction that commits late, a row without a time, one of the future, and one that is deleted.
    sites.write(
        source,
        &(event(101, 0) + &event(102, 10) + "INSERT INTO event VALUES (103, 'none', NULL);" + &event(104, -900)),
    );
    sites.write(
        source,
        "UPDATE reading SET value = 7, version = 51 WHERE id = 3; INSERT INTO reading VALUES (99, 1, 40)",
    );
    sites.write(source, "DELETE FROM event WHERE id = 60; DELETE FROM reading WHERE id = 50");
    let said = go();
    let (shown, code) = (format!("{}{}", said.out, said.err), said.code);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("new by its column changed") && shown.contains("verified equal-except"), "{shown}");
    assert!(shown.contains("event, reading go by a column: deleted rows"), "{shown}");
    let events = ids("event");
    assert!(
        [60, 101, 102, 103, 104].iter().all(|id| events.contains(&id.to_string())),
        "{source} {target}: {events:?}"
    );
    assert_eq!(sites.column(target, "SELECT value FROM reading WHERE id IN (3, 99) ORDER BY id"), ["7", "1"]);
    assert!(ids("reading").contains(&"50".to_owned()));

    // What the column does not tell of, a comparison does, and once it was asked for something else it compares anew.
    let first =
        sites.scene.run_with(&line, &["--cursor", "event: changed, overlap 30m", "--cursor", "reading: id"]).out;
    assert!(first.contains("the first run that goes by its column id"), "{first}");
    assert!(!ids("reading").contains(&"50".to_owned()));
    assert!(go().out.contains("the first run that goes by its column version"));

    // What comes after the row of the future is seen all the same.
    sites.write(source, &event(105, 0));
    go();
    assert!(ids("event").contains(&"105".to_owned()), "{source} {target}");

    // An older state of the source.
    sites.write(source, "DELETE FROM reading WHERE version > 47");
    assert!(go().out.contains("the highest version is lower than it was in the last run"));
    assert_eq!(ids("reading").len(), 47);
}

#[test]
fn from_a_file_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("a.db", target));
}

#[test]
fn from_postgres_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("env:PG", target));
}

#[test]
fn from_mariadb_to_every_engine() {
    ["b.db", "env:PG2", "env:MY2"].into_iter().for_each(|target| follow("env:MY", target));
}

/// A login that may only read is enough, and nothing is left in the source.
#[test]
fn nothing_is_installed() {
    let sites = Sites::new();
    sites.write("env:PG", &(tables("env:PG") + &event(1, 5)));
    let objects = "SELECT relname FROM pg_class ORDER BY 1";
    let before = sites.postgres.rows(objects);
    for _ in 0..3 {
        sites.scene.ok_with("copy env:PG b.db --strategy incremental", &["--cursor", "event: changed"]);
    }
    assert_eq!(sites.postgres.rows(objects), before);
}

/// Days that do not exist, numbers beyond 64 bits, and text that is no time, are read each time.
#[test]
fn what_says_nothing_is_read() {
    let sites = Sites::new();
    sites.write(
        "env:MY",
        "SET sql_mode = ''; CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, n BIGINT UNSIGNED, s VARCHAR(40));
         INSERT INTO t VALUES (1, '2024-01-01', 5, '2024-01-01')",
    );
    for column in ["at", "n", "s"] {
        let rule = format!("t: {column}, overlap {}", if column == "n" { "0" } else { "0s" });
        let go = || sites.scene.run_with("copy env:MY b.db --strategy incremental", &["--cursor", &rule]);
        go();
        go();
        sites.write("env:MY", "SET sql_mode = ''; DELETE FROM t WHERE id > 1;
             INSERT INTO t VALUES (2, '0000-00-00', 18446744073709551615, 'soon'), (3, NULL, NULL, NULL), (4, '2024-01-01', 5, '2024-01-01')");
        let said = go();
        assert!(said.out.contains("new by its column"), "{}{}", said.out, said.err);
        assert_eq!(sites.column("b.db", "SELECT id FROM t ORDER BY id"), ["1", "2", "3", "4"], "{column}");
        sites.scene.sql("b.db", "DELETE FROM t WHERE id > 1");
    }
}
