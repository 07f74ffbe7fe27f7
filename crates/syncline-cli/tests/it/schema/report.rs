//! Every difference is told, by the error of a run and by `diff`.

use serde_json::Value;

use crate::scene::Scene;

const A: &str = "CREATE TABLE invoices (id INTEGER PRIMARY KEY, total REAL, vat_rate REAL, note TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, day TEXT);
    INSERT INTO invoices VALUES (1, 10, 0.2, 'n'); INSERT INTO orders VALUES (1, 'new', 'mon');";
const B: &str = "CREATE TABLE invoices (id INTEGER PRIMARY KEY, total TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, day TEXT NOT NULL UNIQUE CHECK (day <> ''));";

#[test]
fn a_run_names_every_difference_that_stops_it() {
    let scene = Scene::with_pair(A, B);
    let said = scene.run("copy a.db b.db");
    assert_eq!(said.code, Some(6));
    let expected = "\
error[SCHEMA_TYPE_DIFFERS]: invoices.total is REAL in the source and TEXT in the target, which would change values while storing them
  why    the target's invoices has no column vat_rate (source: REAL); the target's invoices has no column note (source: TEXT); \
the target's orders has no column state (source: TEXT); the target's orders has a column status that the source has not
  state  nothing was changed
";
    assert!(said.err.contains(expected), "{}", said.err);
    let next = said.err.split_once("  next   ").unwrap().1;
    let next: Vec<&str> = next.lines().map(str::trim).collect();
    let expected = [
        "--schema add                       add the missing columns to the target",
        "--rename 'orders.state=status'     it may be status in the target, under a new name",
        "--tables '*,!invoices'             leave the table out",
    ];
    assert_eq!(next, expected);
    assert!(!said.err.contains("--schema ignore"), "types are never ignored: {}", said.err);
    let mirror = scene.run("mirror a.db b.db --schema ignore");
    assert_eq!(mirror.code, Some(6));
    assert!(mirror.err.contains("SCHEMA_TYPE_DIFFERS") && !mirror.err.contains("vat_rate"), "{}", mirror.err);
}

#[test]
fn diff_lists_differences_that_stop_nothing_too() {
    let scene = Scene::with_pair(A, B);
    let report = scene.json("diff a.db b.db --json");
    let found = report["schema"].as_array().unwrap();
    let word = |difference: &Value, field: &str| difference[field].as_str().unwrap_or("-").to_owned();
    let short: Vec<String> = found
        .iter()
        .map(|difference| {
            let [table, kind, column, severity] =
                ["table", "kind", "column", "severity"].map(|field| word(difference, field));
            format!("{table}.{column} {kind} {severity} {}", difference["stops"])
        })
        .collect();
    let expected = [
        "invoices.total type major true",
        "invoices.vat_rate column-missing minor true",
        "invoices.note column-missing minor true",
        "orders.state column-missing major true",
        "orders.status column-extra major true",
        "orders.day not-null minor false",
        "orders.- unique minor false",
        "orders.- check minor false",
    ];
    assert_eq!(short, expected);
    let text = scene.ok("diff a.db b.db");
    assert!(
        text.contains("schema note: only the target's orders has CHECK (day <> ''); rows that break it are held\n"),
        "{text}"
    );
    assert!(
        text.contains("schema stops: the target's invoices has no column note (source: TEXT); --schema add adds it\n")
    );
    let rows: Value = scene.json("diff a.db b.db --rows --json");
    assert_eq!(rows["schema"], report["schema"]);
    let lines = scene.run("diff a.db b.db --format ndjson");
    assert_eq!(lines.last()["schema"], report["schema"]);
}

#[test]
fn equal_schemas_have_no_report() {
    let scene = Scene::with_pair(A, A);
    assert!(scene.json("diff a.db b.db --json").get("schema").is_none());
    assert!(!scene.ok("diff a.db b.db").contains("schema"));
}

#[test]
fn schemas_are_compared_through_the_mapping() {
    let scene = Scene::with_pair(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, old TEXT UNIQUE, secret TEXT, p INTEGER REFERENCES p(id));
         CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, new TEXT UNIQUE, p INTEGER REFERENCES q(id)); CREATE TABLE q (id INTEGER PRIMARY KEY)",
    );
    let rules = ["--rename", "a=b", "--rename", "p=q", "--rename", "a.old=new", "--columns", "a: !secret"];
    let report: Value = serde_json::from_str(&scene.ok_with("diff a.db b.db --json", &rules)).unwrap();
    assert!(report.get("schema").is_none(), "{report}");
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let columns: Vec<String> = (0..60).map(|column| format!("c{column} TEXT")).collect();
    let scene = Scene::with_pair(
        &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {})", columns.join(", ")),
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
    );
    let said = scene.run("copy a.db b.db --json").last();
    let why = said["why"].as_str().unwrap();
    assert!(why.ends_with("; and 34 more, which syncline diff lists"), "{why}");
    assert_eq!(scene.json("diff a.db b.db --json")["schema"].as_array().unwrap().len(), 60);
}

#[test]
fn bad_policies_are_refused() {
    let scene = Scene::with_pair(A, B);
    for (line, part) in [
        ("copy a.db b.db --schema drop", "invalid value 'drop' for '--schema <POLICY>'"),
        ("mirror a.db b.db --keep-existing", "--keep-existing goes with copy only"),
        ("plan mirror a.db b.db --keep-existing", "--keep-existing goes with copy only"),
        ("diff a.db b.db --schema add", "unexpected argument '--schema' found"),
    ] {
        let said = scene.run(line);
        assert_eq!(said.code, Some(2), "{line}");
        assert!(said.err.contains(part), "{line}\n{}", said.err);
    }
}
