//! The list and the comparison of the two databases, which know nothing of each other, name the same rows: after every
//! mirror of data made up by a seed, in tables that reference each other and themselves.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::Value;
use syncline_testkit::deterministic::Numbers;

use super::all;
use crate::scene::Scene;

/// Worlds tried; each takes about a second.
const SEEDS: u64 = 8;

/// Mirrors in each.
const STEPS: usize = 4;

const SOURCE: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, u TEXT, v INTEGER, up INTEGER);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER, w INTEGER)";

const TARGET: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v INTEGER CHECK (v > 0), up INTEGER REFERENCES p (id));
    CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), w INTEGER NOT NULL)";

#[test]
fn the_list_names_exactly_the_rows_that_differ() {
    let mut seen = Seen::default();
    for seed in 1..=SEEDS {
        live(seed, &mut seen);
    }
    println!("{seen:?}");
    // What never happened was not tried.
    assert!(seen.held > 50 && seen.settled > 10 && seen.retried > 3, "{seen:?}");
}

/// What came up.
#[derive(Debug, Default)]
struct Seen {
    mirrors: usize,
    held: usize,
    settled: usize,
    retried: usize,
    whole_tables: usize,
}

fn live(seed: u64, seen: &mut Seen) {
    let mut numbers = Numbers::new(seed);
    let scene = Scene::with_pair(SOURCE, TARGET);
    for step in 0..STEPS {
        let edits = numbers.below(25) + 1;
        edit(&scene, "a.db", edits, &mut numbers);
        // An application writes to the target too, as far as the target lets it.
        let edits = numbers.below(4);
        edit(&scene, "b.db", edits, &mut numbers);
        let batch = numbers.pick(&[1, 2, 3, 100]);
        let line = format!("mirror a.db b.db --allow-empty-source --max-delete 100% --batch-size {batch} --json");
        let said = scene.run(&line);
        let place = format!("seed {seed}, step {step}");
        assert!(matches!(said.code, Some(0 | 3)), "{place}: {}{}", said.out, said.err);
        let tables = said.last()["tables"].as_array().unwrap().clone();
        if tables.iter().any(|table| table.get("error").is_some()) {
            seen.whole_tables += 1;
            continue;
        }
        seen.mirrors += 1;
        let held = listed(&scene);
        assert_eq!(held, differing(&scene), "{place}: {}", said.out);
        let counted: u64 = tables.iter().map(|table| table["held"].as_u64().unwrap()).sum();
        assert_eq!(counted, held.len() as u64, "{place}: {}", said.out);
        assert_eq!(said.code == Some(3), !held.is_empty(), "{place}");
        seen.held += held.len();
        if numbers.below(3) == 0 && !held.is_empty() {
            mend(&scene, &mut numbers);
            let said = scene.run("conflicts retry --json");
            assert!(matches!(said.code, Some(0 | 3)), "{place}: {}{}", said.out, said.err);
            let (left, differing) = (listed(&scene), differing(&scene));
            assert!(left.is_subset(&held) && left.is_subset(&differing), "{place}: {left:?} {differing:?}");
            assert_eq!(said.code == Some(3), !left.is_empty(), "{place}: {}", said.out);
            seen.retried += held.len() - left.len();
        }
    }
    seen.settled += all(&scene, "conflicts list --json --limit 1000 --filter state:settled").len();
}

/// Changes, each of which the database may refuse.
fn edit(scene: &Scene, database: &str, edits: u64, numbers: &mut Numbers) {
    let connection = Connection::open(scene.path(database)).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
    for _ in 0..edits {
        let _ = connection.execute_batch(&change(numbers));
    }
}

fn change(numbers: &mut Numbers) -> String {
    let (id, other) = (1 + numbers.below(10), 1 + numbers.below(12));
    let or_null = |number: u64, one_in: u64, numbers: &mut Numbers| {
        if numbers.below(one_in) == 0 { "NULL".to_owned() } else { number.to_string() }
    };
    let reference = or_null(other, 2, numbers);
    let letter = char::from(b'a' + u8::try_from(numbers.below(9)).unwrap());
    let (v, w) = (numbers.below(6), or_null(numbers.below(4), 5, numbers));
    match numbers.below(7) {
        0..=1 => format!("INSERT OR REPLACE INTO p VALUES ({id}, '{letter}', {v}, {reference})"),
        2 => format!("UPDATE p SET u = '{letter}' WHERE id = {id}"),
        3 => format!("DELETE FROM p WHERE id = {id}"),
        4..=5 => format!("INSERT OR REPLACE INTO c VALUES ({id}, {reference}, {w})"),
        _ => format!("DELETE FROM c WHERE id = {id}"),
    }
}

/// Takes some causes away in the source.
fn mend(scene: &Scene, numbers: &mut Numbers) {
    let causes = [
        "UPDATE p SET v = 1 WHERE v <= 0",
        "UPDATE c SET w = 1 WHERE w IS NULL",
        "UPDATE p SET u = u || id",
        "UPDATE p SET up = NULL WHERE up NOT IN (SELECT id FROM p); UPDATE c SET p = NULL WHERE p NOT IN (SELECT id FROM p)",
    ];
    let chosen: Vec<&str> = causes.into_iter().filter(|_| numbers.below(2) == 0).collect();
    scene.sql("a.db", &chosen.join("; "));
}

fn listed(scene: &Scene) -> BTreeSet<(String, i64)> {
    let entries = all(scene, "conflicts list --json --limit 1000");
    let rows: BTreeSet<_> = entries.iter().map(row).collect();
    assert_eq!(rows.len(), entries.len(), "a row is listed twice");
    rows
}

fn differing(scene: &Scene) -> BTreeSet<(String, i64)> {
    let lines = scene.ok("diff a.db b.db --format ndjson");
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "row").map(|line| row(&line)).collect()
}

fn row(value: &Value) -> (String, i64) {
    (value["table"].as_str().unwrap().to_owned(), value["key"]["id"].as_i64().unwrap())
}
