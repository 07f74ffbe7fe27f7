//! `syncline doctor` on files. On servers it is in `across`.

use std::io::{Seek, SeekFrom, Write};

use serde_json::Value;

use crate::scene::Scene;

/// What is found about a topic, in JSON.
pub(crate) fn about(report: &Value, topic: &str) -> Vec<Value> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["topic"] == topic).cloned().collect()
}

#[test]
fn a_sound_file_has_nothing_against_it_and_stays_as_it_is() {
    let scene = Scene::new();
    scene.sql("a.db", "PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);");
    let before = std::fs::read(scene.path("a.db")).unwrap();
    for line in ["doctor a.db", "doctor a.db --as source", "doctor a.db --as target"] {
        assert!(scene.ok(line).ends_with("all is well\n"), "{}", scene.ok(line));
    }
    let report = scene.json("doctor a.db --as target --json");
    assert_eq!(
        (&report["type"], &report["verdict"], &report["as"]),
        (&"doctor".into(), &"ok".into(), &"target".into())
    );
    assert_eq!(std::fs::read(scene.path("a.db")).unwrap(), before);
    assert!(!scene.path("state").exists(), "no run is recorded");
}

#[test]
fn what_is_good_to_know_is_no_problem() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (n INTEGER); CREATE TABLE \"odd\x1b[2J\" (n INTEGER)");
    let report = scene.json("doctor a.db --json");
    assert_eq!(report["verdict"], "note");
    assert_eq!(about(&report, "key").len(), 2);
    assert!(about(&report, "journal")[0]["what"].to_string().contains("delete"), "{report}");
    let text = scene.ok("doctor a.db");
    assert!(text.contains("t has no key") && text.ends_with("no problem, 3 notes\n"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_table_that_cannot_be_carried_is_a_problem() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ TEXT)");
    let said = scene.run("doctor a.db --json");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert_eq!(about(&said.last(), "key")[0]["code"], "TABLE_NO_KEY");
}

#[test]
fn a_file_that_may_only_be_read_is_no_target() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let said = scene.run("doctor sqlite:a.db?mode=ro --as target --json");
    assert_eq!(said.code, Some(4), "{}{}", said.out, said.err);
    assert_eq!(about(&said.last(), "writable")[0]["code"], "STORE_READ_ONLY");
    scene.ok("doctor sqlite:a.db?mode=ro");
    scene.ok("doctor sqlite:a.db?mode=ro --as source");
}

#[test]
fn damage_is_found_and_what_is_missing_is_said() {
    let scene = Scene::new();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, hex(randomblob(40)) FROM n";
    scene.sql("a.db", &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t {rows}"));
    let mut file = std::fs::File::options().write(true).open(scene.path("a.db")).unwrap();
    file.seek(SeekFrom::Start(4 * 4096)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    drop(file);
    let said = scene.run("doctor a.db --json");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert_eq!(about(&said.last(), "integrity")[0]["code"], "STORE_CORRUPT");
    assert_eq!(scene.run("doctor missing.db").code, Some(5));
}

#[test]
fn a_file_has_no_rights_to_grant() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let said = scene.run("doctor a.db --grants");
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert_eq!(scene.run("doctor a.db --role x").code, Some(2), "a role of no script");
}

#[test]
fn help_offers_databases_only() {
    let help = Scene::new().ok("doctor --help");
    assert!(help.contains("<DATABASE>") && !help.contains("JOB") && !help.contains("PEER"), "{help}");
}
