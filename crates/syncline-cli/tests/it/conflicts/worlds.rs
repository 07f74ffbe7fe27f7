//! Tables, constraints and rows made up by a seed: whatever cannot be carried is held, and nothing else.
//!
//! What is expected is asked of the databases in plain SQL, which shares nothing with what did the work: every row is equal
//! on both sides or listed once, no reference points at nothing, no listed row could have been carried by itself, and once
//! the constraints are gone a retry or the next mirror carries all of them.

mod made;

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::Value;
use syncline_testkit::deterministic::Numbers;

use super::all;
use crate::scene::Scene;
use made::World;

/// Worlds tried.
const SEEDS: u64 = 32;

/// Ways to carry everything.
const WAYS: [&str; 4] = ["auto", "compare", "full", "full --truncate-target"];

#[test]
fn what_cannot_be_carried_is_held_and_nothing_else() {
    let (mut held, mut kinds) = (0, BTreeSet::new());
    for seed in 1..=SEEDS {
        for entry in live(seed) {
            held += 1;
            kinds.insert(format!("{} {}", entry["operation"], entry["kind"]));
        }
    }
    println!("{held} held: {kinds:?}");
    // What never happened was not tried.
    assert!(held > 100 && kinds.len() >= 7, "{held} {kinds:?}");
}

/// Makes a world, mirrors it, and mends it. Returns what was held in between.
fn live(seed: u64) -> Vec<Value> {
    let mut numbers = Numbers::new(seed);
    let world = World::new(&mut numbers);
    let scene = Scene::with_pair(&world.source(), &world.target());
    world.fill(&scene, &mut numbers);
    let before = dump(&scene, &world);
    let (way, batch) = (numbers.pick(&WAYS), numbers.pick(&[1, 2, 3, 100]));
    let line = format!(
        "mirror a.db b.db --max-delete 100% --allow-empty-source --batch-size {batch} --tables {} --strategy {way} --json",
        world.names().join(",")
    );
    let place = format!("seed {seed}: {line}");
    let said = scene.run(&line);
    assert!(matches!(said.code, Some(0 | 3)), "{place}\n{}{}", said.out, said.err);
    let summary = said.last();
    let mut tables = summary["tables"].as_array().unwrap().iter();
    assert!(tables.all(|table| table.get("error").is_none()), "{place}\n{summary}");
    let held = all(&scene, "conflicts list --json --limit 1000");
    assert_eq!(said.code == Some(3), !held.is_empty(), "{place}\n{summary}");
    check(&scene, &world, &held, &place);
    let puts: Vec<Value> = held.iter().filter(|entry| entry["operation"] != "delete").cloned().collect();
    check_each_is_stuck(&scene, &world, &puts, &place);
    if numbers.below(3) == 0 && summary["status"] != "failed" && before != dump(&scene, &world) {
        scene.ok("undo --yes");
        assert_eq!(dump(&scene, &world), before, "{place}: undo");
        assert!(matches!(scene.run(&line).code, Some(0 | 3)), "{place}: again");
        check(&scene, &world, &all(&scene, "conflicts list --json --limit 1000"), &place);
    }
    mend(&scene, &world, &line, &place, &mut numbers);
    held
}

/// While nothing is mended nothing changes; once the constraints are gone, everything comes.
fn mend(scene: &Scene, world: &World, line: &str, place: &str, numbers: &mut Numbers) {
    // What has kept a row from going may have been carried since.
    assert!(matches!(scene.run(line).code, Some(0 | 3)), "{place}: again");
    let waiting = all(scene, "conflicts list --json --limit 1000");
    check(scene, world, &waiting, place);
    check_each_is_stuck(scene, world, &waiting, place);
    if !waiting.is_empty() {
        let before = dump(scene, world);
        assert_eq!(scene.run("conflicts retry --json").code, Some(3), "{place}: retry");
        assert_eq!(dump(scene, world), before, "{place}: retry");
        let again = all(scene, "conflicts list --json --limit 1000");
        assert_eq!(rows(&again), rows(&waiting), "{place}: retry");
    }
    scene.sql("b.db", &world.relaxed());
    if numbers.below(2) == 0 {
        if !waiting.is_empty() {
            let one = waiting[numbers.below(waiting.len() as u64) as usize]["id"].as_str().unwrap();
            scene.ok(&format!("conflicts retry {one}"));
            check(scene, world, &all(scene, "conflicts list --json --limit 1000"), place);
        }
        scene.ok("conflicts retry");
    } else {
        scene.ok(line);
    }
    assert_eq!(all(scene, "conflicts list --json --limit 1000"), [] as [Value; 0], "{place}: mended");
    check(scene, world, &[], place);
}

/// Every row is equal on both sides or listed, once; what the target demands of its rows holds.
fn check(scene: &Scene, world: &World, held: &[Value], place: &str) {
    let listed = rows(held);
    assert_eq!(listed.len(), held.len(), "{place}: a row is listed twice");
    let connection = both(scene);
    let mut differing = BTreeSet::new();
    for table in world.names() {
        for (one, other) in [("a", "main"), ("main", "a")] {
            let query = format!("SELECT id FROM (SELECT * FROM {one}.{table} EXCEPT SELECT * FROM {other}.{table})");
            let mut statement = connection.prepare(&query).unwrap();
            let ids = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
            differing.extend(ids.map(|id| (table.clone(), id.unwrap())));
        }
    }
    assert_eq!(listed, differing, "{place}: listed, and differing");
    assert_eq!(dangling(&connection), 0, "{place}: rows point at nothing");
    let said: String = connection.query_row("PRAGMA main.integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok", "{place}");
}

/// None of the rows could have been carried alone, all others being as they are.
fn check_each_is_stuck(scene: &Scene, world: &World, held: &[Value], place: &str) {
    let connection = both(scene);
    for (table, id) in rows(held) {
        connection.execute_batch("SAVEPOINT alone").unwrap();
        let columns = world.columns(&table);
        let sets: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let statements = [
            format!("DELETE FROM main.{table} WHERE id = {id} AND id NOT IN (SELECT id FROM a.{table})"),
            format!(
                "INSERT INTO main.{table} SELECT * FROM a.{table} WHERE id = {id} ON CONFLICT (id) DO UPDATE SET {}",
                sets.join(", ")
            ),
        ];
        let is_written = statements.iter().all(|statement| connection.execute(statement, []).is_ok());
        assert!(!is_written || dangling(&connection) > 0, "{place}: {table} {id} could have been carried");
        connection.execute_batch("ROLLBACK TO alone; RELEASE alone").unwrap();
    }
}

fn both(scene: &Scene) -> Connection {
    let connection = Connection::open(scene.path("b.db")).unwrap();
    connection.execute("ATTACH ?1 AS a", [scene.path("a.db").to_str().unwrap()]).unwrap();
    connection
}

fn dangling(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM pragma_foreign_key_check(NULL, 'main')", [], |row| row.get(0)).unwrap()
}

fn rows(entries: &[Value]) -> BTreeSet<(String, i64)> {
    let row = |entry: &Value| (entry["table"].as_str().unwrap().to_owned(), entry["key"]["id"].as_i64().unwrap());
    entries.iter().map(row).collect()
}

fn dump(scene: &Scene, world: &World) -> Vec<String> {
    let of = |table: &String| scene.rows("b.db", &format!("SELECT '{table}', * FROM {table} ORDER BY id"));
    world.names().iter().flat_map(of).collect()
}
