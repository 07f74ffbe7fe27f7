//! The whole way on real databases, checked by the `sqlite3` shell alone: into a new file, edits, exactly those again
//! by plan, and back. The suite stands on the demonstration's shop; Chinook is taken too where the checkout has it beside it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::across::shared;
use crate::scene::Scene;

/// A database to go the whole way with, and edits of its source.
struct Journey<'a> {
    source: PathBuf,
    edits: &'a str,
    /// What the edits come to: operation, table, key.
    expected: &'a [(&'a str, &'a str, &'a str)],
}

#[test]
fn a_shop_goes_the_whole_way() {
    let scene = Scene::with_demo();
    travel(&Journey {
        source: scene.path("syncline-demo/hq.db"),
        edits: "CREATE TEMP TABLE e AS SELECT id, email FROM customers WHERE id IN (1, 2);
                UPDATE customers SET email = email || '#' WHERE id IN (1, 2);
                UPDATE customers SET email = (SELECT email FROM e WHERE e.id = 3 - customers.id) WHERE id IN (1, 2);
                DELETE FROM orders WHERE id IN (5, 906);
                INSERT INTO orders SELECT 5000, customer, product, quantity, ordered, status, note FROM orders WHERE id = 1;
                UPDATE products SET price = price + 1 WHERE sku = 'P-001';",
        expected: &[
            ("update", "customers", "id=1"),
            ("update", "customers", "id=2"),
            ("delete", "orders", "id=5"),
            ("delete", "orders", "id=906"),
            ("insert", "orders", "id=5000"),
            ("update", "products", "sku=\"P-001\""),
        ],
    });
}

#[test]
fn chinook_goes_the_whole_way() {
    let Some(source) = shared("chinook.sqlite") else { return };
    travel(&Journey {
        source,
        edits: "UPDATE Track SET Name = 'changed' WHERE TrackId IN (7, 3000);
                UPDATE Employee SET ReportsTo = 2 WHERE EmployeeId = 8;
                INSERT INTO Artist VALUES (9001, 'New');
                INSERT INTO Album VALUES (9001, 'First', 9001);
                DELETE FROM PlaylistTrack WHERE PlaylistId = 1 AND TrackId = 3402;
                DELETE FROM InvoiceLine WHERE InvoiceLineId = 5;",
        expected: &[
            ("insert", "Album", "AlbumId=9001"),
            ("insert", "Artist", "ArtistId=9001"),
            ("update", "Employee", "EmployeeId=8"),
            ("delete", "InvoiceLine", "InvoiceLineId=5"),
            ("delete", "PlaylistTrack", "PlaylistId=1,TrackId=3402"),
            ("update", "Track", "TrackId=7"),
            ("update", "Track", "TrackId=3000"),
        ],
    });
}

fn travel(journey: &Journey<'_>) {
    let scene = Scene::new();
    std::fs::write(scene.path("a.db"), std::fs::read(&journey.source).unwrap()).unwrap();
    scene.ok("mirror a.db b.db");
    assert_same_by_shell(&scene);
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
    let before = shell(&scene, "b.db", ".dump");
    assert_eq!(schema_of(&scene, "b.db"), schema_of(&scene, "a.db"));

    shell(&scene, "a.db", journey.edits);
    let named = named_by(&scene, "diff a.db b.db --rows --format ndjson");
    assert_eq!(sorted(named_by(&scene, "plan mirror a.db b.db --format json")), sorted(named.clone()));
    let expected: Vec<_> = journey.expected.iter().map(|(a, b, c)| [*a, *b, *c].map(str::to_owned)).collect();
    assert_eq!(sorted(named.clone()), sorted(expected));
    scene.ok("plan mirror a.db b.db -o p.plan");
    let summary = scene.run("apply p.plan --json").last();
    assert_eq!(summary["verified"], "equal", "{summary}");
    assert_eq!(counted(&summary), named.len() as u64, "{summary}");
    assert_same_by_shell(&scene);

    scene.ok("undo --yes");
    assert!(shell(&scene, "b.db", ".dump") == before, "undo did not bring the target back as it was");
    scene.ok("undo --yes");
    assert_eq!(schema_of(&scene, "b.db"), "", "undoing the first mirror leaves an empty database");
}

/// Every table holds the same rows on both sides, says SQLite's own shell.
fn assert_same_by_shell(scene: &Scene) {
    let tables =
        shell(scene, "a.db", "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for table in tables.lines() {
        let difference = format!(
            "ATTACH 'b.db' AS b; SELECT (SELECT count(*) FROM main.\"{table}\") - (SELECT count(*) FROM b.\"{table}\"), \
             (SELECT count(*) FROM (SELECT * FROM main.\"{table}\" EXCEPT SELECT * FROM b.\"{table}\"))"
        );
        assert_eq!(shell(scene, "a.db", &difference), "0|0\n", "{table}");
    }
    assert_eq!(shell(scene, "b.db", "PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok\n");
    assert_eq!(shell(scene, "b.db", "SELECT name FROM sqlite_master WHERE name LIKE '%syncline%'"), "");
}

/// Tables and indexes with their statements, foreign keys among them.
fn schema_of(scene: &Scene, database: &str) -> String {
    shell(
        scene,
        database,
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    )
}

/// The rows that a diff or a plan names.
fn named_by(scene: &Scene, command: &str) -> Vec<[String; 3]> {
    let lines = scene.ok(command);
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["type"] == "row")
        .map(|row| {
            let key = row["key"].as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}"));
            let key = key.collect::<Vec<_>>().join(",");
            [row["operation"].as_str().unwrap().to_owned(), row["table"].as_str().unwrap().to_owned(), key]
        })
        .collect()
}

fn counted(summary: &Value) -> u64 {
    let tables = summary["tables"].as_array().unwrap();
    tables.iter().map(|t| ["inserted", "updated", "deleted"].map(|n| t[n].as_u64().unwrap()).iter().sum::<u64>()).sum()
}

fn sorted(mut named: Vec<[String; 3]>) -> Vec<[String; 3]> {
    named.sort();
    named
}

fn shell(scene: &Scene, database: &str, statements: &str) -> String {
    let path = scene.path(database);
    let directory = path.parent().unwrap();
    let output = Command::new("sqlite3").arg(&path).arg(statements).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
