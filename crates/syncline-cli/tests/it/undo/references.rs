//! What an undo leaves alone because of references: rows that others have made point at something else since.

use serde_json::Value;

use crate::scene::{Said, Scene};

const SCHEMA: &str = "PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY, v);
     CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), n);";

/// Both databases hold these tables; the target was mirrored.
fn mirrored(schema: &str, source: &str, target: &str) -> Scene {
    let scene = Scene::with_pair(&format!("{schema} {source}"), &format!("{schema} {target}"));
    scene.ok("mirror a.db b.db --max-delete 100%");
    scene
}

fn dangling(scene: &Scene) -> i64 {
    scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check")
}

/// An undo that leaves something.
fn left(scene: &Scene, code: i32) -> (Said, Value) {
    let said = scene.run("undo --yes --json");
    assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
    let summary = said.last();
    (said, summary)
}

fn table<'s>(summary: &'s Value, name: &str) -> &'s Value {
    summary["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()
}

#[test]
fn rows_whose_parent_went_since_do_not_come_back() {
    let scene = mirrored(
        SCHEMA,
        "INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1, 1), (3, 1, 1), (4, 1, 1)",
        "INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1, 1), (2, 2, 0), (3, 2, 0), (4, 1, 0), (5, 1, 0)",
    );
    scene.sql("b.db", "DELETE FROM p WHERE id = 2");
    let (_, summary) = left(&scene, 3);
    let c = table(&summary, "c");
    assert_eq!((&c["held"], &c["updated"], &c["inserted"]), (&2.into(), &1.into(), &1.into()), "{summary}");
    let notes = summary["notes"].to_string();
    assert!(
        notes.contains("id=2") && notes.contains("id=3") && notes.contains("p=2 references no row of p"),
        "{notes}"
    );
    assert_eq!(dangling(&scene), 0);
    assert_eq!(scene.rows("b.db", "SELECT * FROM c"), ["1|1|1", "3|1|1", "4|1|0", "5|1|0"]);
    // With the parent back, so are they.
    scene.sql("b.db", "INSERT INTO p VALUES (2, 2)");
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM c"), ["1|1|1", "2|2|0", "3|2|0", "4|1|0", "5|1|0"]);
}

#[test]
fn people_are_told_which_rows_are_left_and_why() {
    let scene = mirrored(
        SCHEMA,
        "INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1, 1)",
        "INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1, 0), (2, 2, 0)",
    );
    scene.sql("b.db", "DELETE FROM p WHERE id = 2; UPDATE c SET n = 7");
    let said = scene.run("undo --yes");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    for words in
        ["row id=1 of c is left: ", "row id=2 of c is left: p=2 references no row of p", "next: syncline undo r_"]
    {
        assert!(said.out.contains(words), "{}", said.out);
    }
}

#[test]
fn rows_that_others_reference_by_now_stay() {
    let scene = mirrored(SCHEMA, "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)", "INSERT INTO p VALUES (1, 1)");
    scene.sql("b.db", "INSERT INTO c VALUES (9, 3, 0)");
    let (_, summary) = left(&scene, 3);
    let p = table(&summary, "p");
    assert_eq!((&p["held"], &p["deleted"]), (&1.into(), &1.into()), "{summary}");
    assert!(summary["notes"].to_string().contains("row id=3 of p is left: rows of c still reference it"), "{summary}");
    assert_eq!((dangling(&scene), scene.rows("b.db", "SELECT id FROM p")), (0, vec!["1".to_owned(), "3".to_owned()]));
    scene.sql("b.db", "DELETE FROM c");
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT id FROM p"), ["1"]);
}

#[test]
fn what_one_row_left_keeps_others() {
    // Others reference a row that references another one, and a row that does not come back keeps its own from coming.
    let schema = "PRAGMA foreign_keys = OFF; CREATE TABLE g (id INTEGER PRIMARY KEY, v);
         CREATE TABLE p (id INTEGER PRIMARY KEY, g INTEGER REFERENCES g (id));
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));";
    let scene = mirrored(
        schema,
        "INSERT INTO g VALUES (1, 1), (2, 2), (7, 7); INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1)",
        "INSERT INTO g VALUES (1, 1), (7, 7); INSERT INTO p VALUES (1, 1), (7, 7); INSERT INTO c VALUES (1, 1), (7, 7)",
    );
    scene.sql("b.db", "INSERT INTO c VALUES (9, 2); DELETE FROM g WHERE id = 7");
    let (_, summary) = left(&scene, 3);
    for name in ["g", "p", "c"] {
        let held = if name == "p" { 2 } else { 1 };
        assert_eq!(table(&summary, name)["held"], held, "{name}: {summary}");
    }
    assert_eq!(dangling(&scene), 0);
}

#[test]
fn what_dangled_before_the_run_stops_no_undo() {
    // The parent was missing; the run brought it, and brings it away again.
    let orphan = "INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, 7, 0), (2, 1, 0)";
    let whole = "INSERT INTO p VALUES (1, 1), (7, 7), (8, 8); INSERT INTO c VALUES (1, 7, 0), (2, 1, 0)";
    let scene = mirrored(SCHEMA, whole, orphan);
    scene.ok("undo --yes");
    assert_eq!((dangling(&scene), scene.rows("b.db", "SELECT id FROM p")), (1, vec!["1".to_owned()]));
    // So it is where the row that dangled was changed too, or taken out, and beside a reference that is new.
    for source in ["INSERT INTO c VALUES (1, 8, 1), (2, 1, 0)", "INSERT INTO c VALUES (2, 1, 0)"] {
        let source = format!("INSERT INTO p VALUES (1, 1), (7, 7), (8, 8); {source}");
        let scene = mirrored(SCHEMA, &source, orphan);
        scene.sql("b.db", "INSERT INTO c VALUES (9, 8, 0)");
        let (_, summary) = left(&scene, 3);
        assert_eq!(table(&summary, "p")["held"], 1, "{summary}");
        assert_eq!(scene.rows("b.db", "SELECT id FROM p"), ["1", "8"]);
        assert_eq!(scene.rows("b.db", "SELECT * FROM c"), ["1|7|0", "2|1|0", "9|8|0"]);
    }
}

#[test]
fn what_dangled_before_the_run_stops_no_undo_of_a_load() {
    let child = "PRAGMA foreign_keys = OFF; CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id), n);";
    let parent = "CREATE TABLE p (id INTEGER PRIMARY KEY, v);";
    let rows = "INSERT INTO c VALUES (1, 7, 0), (2, 8, 0);";
    for in_target in [parent, ""] {
        let scene = Scene::with_pair(
            &format!("{child}{parent}{rows} INSERT INTO p VALUES (7, 7), (8, 8)"),
            &format!("{child}{in_target}{rows}"),
        );
        scene.ok("mirror a.db b.db");
        assert_eq!(dangling(&scene), 0);
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), 2);
        scene.ok("mirror a.db b.db");
        scene.sql("b.db", "INSERT INTO c VALUES (9, 8, 0)");
        let (_, summary) = left(&scene, 3);
        let error = &table(&summary, "p")["error"];
        assert_eq!(error["code"], "FOREIGN_KEY_BROKEN");
        assert!(error["what"].as_str().unwrap().starts_with("1 row of c would reference no row of p"), "{error}");
        assert!(error["next"].to_string().contains("syncline undo"), "{error}");
        assert_eq!((dangling(&scene), scene.number("b.db", "SELECT count(*) FROM p")), (0, 2));
    }
}

const PEOPLE: &str =
    "PRAGMA foreign_keys = OFF; CREATE TABLE people (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES people (id));";

#[test]
fn an_old_reference_to_nothing_that_goes_hides_no_new_one() {
    let scene = mirrored(
        PEOPLE,
        "INSERT INTO people VALUES (1, NULL), (3, NULL), (5, 1), (6, 5)",
        "INSERT INTO people VALUES (1, NULL)",
    );
    // 6 dangles by now, and goes with the undo; 4 would dangle when 3 goes.
    scene.sql("b.db", "PRAGMA foreign_keys = OFF; DELETE FROM people WHERE id = 5; INSERT INTO people VALUES (4, 3)");
    let (_, summary) = left(&scene, 3);
    assert_eq!(table(&summary, "people")["held"], 1, "{summary}");
    assert_eq!(
        (dangling(&scene), scene.rows("b.db", "SELECT id FROM people")),
        (0, ["1", "3", "4"].map(str::to_owned).to_vec())
    );
}

#[test]
fn nor_does_it_in_a_mirror() {
    for flags in ["", " --strategy full"] {
        let scene = Scene::with_pair(
            &format!("{PEOPLE} INSERT INTO people VALUES (1, NULL), (4, 3)"),
            &format!("{PEOPLE} INSERT INTO people VALUES (1, NULL), (3, NULL), (4, 3), (10, 99)"),
        );
        let said = scene.run(&format!("mirror a.db b.db --json{flags}"));
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        assert_eq!(table(&said.last(), "people")["held"], 1, "{}", said.out);
        assert_eq!(
            (dangling(&scene), scene.rows("b.db", "SELECT id FROM people")),
            (0, ["1", "3", "4"].map(str::to_owned).to_vec())
        );
    }
}

const CODES: &str = "PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY, code UNIQUE);
     CREATE TABLE c (id INTEGER PRIMARY KEY, code REFERENCES p (code));";

#[test]
fn a_value_that_others_reference_by_now_is_not_set_back() {
    let source = "INSERT INTO p VALUES (1, 'a2'), (2, 'b2'), (3, 'c'); INSERT INTO c VALUES (1, 'a2'), (2, 'b2')";
    let target = "INSERT INTO p VALUES (1, 'a'), (2, 'b'); INSERT INTO c VALUES (1, 'a'), (2, 'b')";
    let scene = mirrored(CODES, source, target);
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM p"), ["1|a", "2|b"]);
    // A row that is changed, and one that would go.
    let scene = mirrored(CODES, source, target);
    scene.sql("b.db", "INSERT INTO c VALUES (8, 'b2'), (9, 'c')");
    let (_, summary) = left(&scene, 3);
    assert_eq!((&table(&summary, "p")["held"], &table(&summary, "c")["held"]), (&2.into(), &1.into()), "{summary}");
    assert_eq!(scene.rows("b.db", "SELECT * FROM p"), ["1|a", "2|b2", "3|c"]);
    assert_eq!(
        (dangling(&scene), scene.rows("b.db", "SELECT code FROM c")),
        (0, ["a", "b2", "b2", "c"].map(str::to_owned).to_vec())
    );
}

#[test]
fn nor_does_a_row_go_that_is_referenced_by_another_value_than_its_key() {
    let own = "CREATE TABLE k (id INTEGER PRIMARY KEY, code REFERENCES p (code)); INSERT INTO k VALUES (1, 'b')";
    for flags in ["", " --strategy full"] {
        let scene = Scene::with_pair(
            &format!("{CODES} INSERT INTO p VALUES (1, 'a')"),
            &format!("{CODES} {own}; INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c')"),
        );
        let said = scene.run(&format!("mirror a.db b.db --json{flags}"));
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        let p = table(&said.last(), "p").clone();
        assert_eq!((&p["held"], &p["deleted"]), (&1.into(), &1.into()), "{p}");
        assert_eq!(
            (dangling(&scene), scene.rows("b.db", "SELECT code FROM p")),
            (0, vec!["a".to_owned(), "b".to_owned()])
        );
    }
}

#[test]
fn what_an_undo_before_has_brought_back_is_not_taken_away_again() {
    let scene = mirrored(
        SCHEMA,
        "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3); INSERT INTO c VALUES (1, 1, 1)",
        "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3); INSERT INTO c VALUES (1, 1, 1), (2, 2, 0), (3, 3, 0)",
    );
    scene.sql("b.db", "DELETE FROM p WHERE id = 3");
    left(&scene, 3);
    // That it points at nothing now is somebody else's doing.
    scene.sql("b.db", "PRAGMA foreign_keys = OFF; DELETE FROM p WHERE id = 2; INSERT INTO p VALUES (3, 3)");
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM c"), ["1|1|1", "2|2|0", "3|3|0"]);
}
