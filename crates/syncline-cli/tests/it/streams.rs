//! Streams: data apart from messages, pipes that close, signals.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::scene::Scene;

const MANY: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); \
    INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i, printf('%.100c', 'x') FROM n";

#[test]
fn a_reader_that_goes_away_ends_a_diff_quietly() {
    let scene = Scene::with_pair(MANY, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    for format in ["ndjson", "csv", "sql", "text"] {
        let mut child = scene
            .command(&["diff", "a.db", "b.db", "--rows", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(141), "{format}");
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "", "{format}");
    }
}

#[test]
fn a_reader_that_goes_away_stops_no_run() {
    let scene = Scene::with_pair(MANY, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    let mut child = scene
        .command(&["copy", "a.db", "b.db", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 50_000);
}

#[test]
fn quiet_leaves_the_result_and_nothing_else() {
    let scene = Scene::with_demo();
    let said = scene.run("mirror syncline-demo/hq.db syncline-demo/branch.db --quiet");
    assert_eq!(said.err, "");
    assert!(said.out.contains("verified equal") && !said.out.contains("undo"), "{}", said.out);
}

#[cfg(unix)]
#[test]
fn signals_end_a_run_with_their_codes_and_it_can_be_resumed() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let scene =
            Scene::with_pair(MANY, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'old')");
        // Small batches make the run long enough to be interrupted, and give it many places to stop at.
        let mut child = scene
            .command(&["copy", "a.db", "b.db", "--json", "--batch-size", "500", "--strategy", "compare"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.find(|line| line.contains(r#""phase":"apply""#)).expect("the run comes to write");
        let killed = std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let last = lines.last().expect("the summary follows");
        assert_eq!(child.wait().unwrap().code(), Some(code), "{last}");
        let last: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!((last["type"].as_str(), last["status"].as_str()), (Some("summary"), Some("cancelled")));
        scene.ok(&format!("runs resume {}", last["run"].as_str().unwrap()));
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 50_000);
    }
}
