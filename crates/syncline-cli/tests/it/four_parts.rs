//! Every error says what failed, why, what state things are in and what to do next.

use std::fs;

use serde_json::Value;

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)";

/// Two databases that differ, others that are odd, one run that is over, and files that are no databases.
fn scene() -> Scene {
    let scene = Scene::with_pair(
        &format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'b'); CREATE VIEW seen AS SELECT * FROM t"),
        &format!("{TABLE}; INSERT INTO t VALUES (1, 'x'); CREATE TABLE parent (id INTEGER PRIMARY KEY)"),
    );
    scene.sql("empty.db", TABLE);
    scene.sql("none.db", "CREATE TABLE other (id INTEGER PRIMARY KEY)");
    scene.sql("wide.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT)");
    scene.sql("required.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT NOT NULL)");
    scene.sql("typed.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)");
    scene.sql("keyed.db", "CREATE TABLE t (id INTEGER, v TEXT PRIMARY KEY)");
    scene.sql(
        "many.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) INSERT INTO t SELECT i, 'z' FROM n",
    );
    scene.sql("nokey.db", "CREATE TABLE t (rowid, _rowid_, oid); INSERT INTO t VALUES (1, 2, 3)");
    scene.sql("nullkey.db", "CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL)");
    scene.sql("view.db", "CREATE VIEW t AS SELECT 1");
    scene.sql("checked.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'))");
    scene.ok("copy a.db done.db");
    scene.ok("plan mirror a.db b.db -o stale.plan");
    scene.ok("plan mirror a.db b.db -o cut.plan");
    fs::write(scene.path("cut.plan"), &fs::read(scene.path("cut.plan")).unwrap()[..300]).unwrap();
    scene.ok("plan copy a.db applied.db -o spent.plan");
    scene.ok("apply spent.plan --yes");
    scene.sql("b.db", "UPDATE t SET v = 'y'");
    fs::write(
        scene.path("text.db"),
        "no database, only a text that is longer than the header of one would be, said twice",
    )
    .unwrap();
    fs::write(scene.path("void.db"), "").unwrap();
    fs::create_dir(scene.path("dir.db")).unwrap();
    scene.ok("backup a.db -o saved.db");
    let named =
        "version = 1\n[connections.kept]\nurl = 'kept.db'\nprotected = true\n[connections.lost]\nurl = '${env:LOST}'\n";
    let files =
        [("named.toml", named), ("wrong.toml", "version = 1\nconections = 1\n"), ("broken.toml", "version = \n")];
    files.into_iter().for_each(|(name, text)| fs::write(scene.path(name), text).unwrap());
    scene
}

const LINES: &[&str] = &[
    "",
    "mirror",
    "mirror a.db",
    "mirror a.db b.db c.db",
    "miror a.db b.db",
    "mirror a.db b.db --max-deletes 3",
    "mirror a.db b.db --strategy never",
    "mirror a.db b.db --batch-size 0",
    "mirror a.db b.db --max-delete many",
    "mirror a.db b.db --keep-existing",
    "mirror a.db b.db --truncate-target",
    "mirror a.db b.db --tables",
    "mirror a.db b.db --tables=",
    "mirror a.db b.db --tables a,,b",
    "mirror a.db b.db --tables nothing",
    "mirror a.db b.db --tables seen",
    "mirror a.db b.db --tables !t",
    "mirror a.db b.db -q -v",
    "mirror a.db b.db --state-dir void.db",
    "mirror a.db missing/b.db",
    "mirror a.db b.db --no-create --tables seen",
    "mirror a.db none.db --no-create",
    "mirror a.db new.db --no-create",
    "mirror a.db sqlite:b.db?mode=ro",
    "mirror a.db b.db --backup --backup-root void.db",
    "mirror missing.db b.db",
    "mirror text.db b.db",
    "mirror dir.db b.db",
    "mirror a.db text.db",
    "mirror a.db dir.db",
    "mirror a.db a.db",
    "mirror a.db ./a.db",
    "mirror a.db -",
    "mirror a.db b",
    "mirror env:NOTHING b.db",
    "mirror postgres://host/db b.db",
    "mirror file:a.db?immutable=1 b.db",
    "mirror a.db wide.db",
    "mirror wide.db a.db",
    "mirror a.db required.db --schema ignore",
    "mirror a.db typed.db",
    "mirror a.db keyed.db",
    "mirror a.db view.db",
    "mirror none.db many.db --tables t",
    "mirror empty.db many.db",
    "mirror a.db many.db",
    "mirror nokey.db new.db",
    "mirror nullkey.db new.db",
    "copy a.db void.db --tables nothing",
    "diff a.db",
    "diff a.db missing.db",
    "diff a.db none.db",
    "diff a.db b.db --tables nothing",
    "diff a.db b.db --format csv --json",
    "diff text.db b.db",
    "verify a.db",
    "verify r_nothing",
    "verify r_nothing --tables t",
    "verify a.db missing.db",
    "verify a.db b.db c.db",
    "plan mirror a.db b.db --format sql --json",
    "plan mirror a.db b.db -o void.db",
    "plan mirror a.db b.db -o missing/b.plan",
    "plan mirror a.db many.db",
    "plan mirror a.db b.db --strategy full --truncate-target",
    "plan sync a.db b.db",
    "apply missing.plan",
    "apply void.db",
    "apply text.db",
    "apply dir.db",
    "apply stale.plan --yes",
    "apply cut.plan --yes",
    "apply spent.plan --yes",
    "undo",
    "undo r_nothing",
    "undo r_ --yes",
    "runs",
    "runs show r_nothing",
    "runs logs r_nothing",
    "runs cancel r_nothing",
    "runs resume r_nothing",
    "runs retry r_nothing",
    "runs show r_",
    "runs list --cursor nothing",
    "conflicts show c_9",
    "conflicts retry c_9",
    "conflicts list --filter nonsense",
    "conflicts list --filter kind:nonsense",
    "conflicts export --format csv --json",
    "backup missing.db",
    "backup a.db -o saved.db",
    "backup a.db -o missing/saved.db",
    "backup text.db",
    "restore missing.db b.db --yes",
    "restore text.db b.db --yes",
    "restore void.db b.db --yes",
    "restore saved.db b.db",
    "restore saved.db saved.db --yes",
    "restore saved.db missing/b.db --yes",
    "mirror a.db kept --config named.toml",
    "mirror a.db kept.db --config named.toml",
    "restore saved.db kept --yes --config named.toml",
    "mirror a.db lost --config named.toml",
    "mirror a.db nobody --config named.toml",
    "mirror a.db connection:nobody",
    "mirror a.db connection:nobody@relative",
    "mirror a.db connection:nobody@/missing.toml",
    "mirror a.db b.db --config wrong.toml",
    "mirror a.db b.db --config broken.toml",
    "mirror a.db b.db --config missing.toml",
    "mirror a.db b.db --config dir.db",
    "config show --config wrong.toml",
    "config validate",
    "config validate missing.toml",
    "conn add kept x.db --config named.toml",
    "conn add a.db x.db",
    "conn add new",
    "conn add new nowhere",
    "conn edit kept --config named.toml",
    "conn edit nobody --url x.db --config named.toml",
    "conn rm kept --config named.toml",
    "conn rm nobody --yes",
    "conn show nobody",
    "conn test nobody",
    "init --config named.toml",
    "demo --dir void.db",
    "explain NOTHING",
    "completions nothing",
    "man --dir void.db",
];

/// Rules of a mapping, whose texts hold blanks.
const RULES: &[[&str; 2]] = &[
    ["--where", "t"],
    ["--where", "t: v ="],
    ["--where", "t: nothing = 1"],
    ["--where", "nothing: v = 1"],
    ["--where", "seen: v = 1"],
    ["--where", "t: v = 1"],
    ["--columns", "t: nothing"],
    ["--columns", "t: !id"],
    ["--columns", "nothing"],
    ["--rename", "t"],
    ["--rename", "nothing=t"],
    ["--rename", "t.nothing=v"],
    ["--rename", "t.v=id"],
    ["--mask", "t.v=nothing"],
    ["--mask", "t.id=fake"],
    ["--mask", "t.nothing=fake"],
    ["--mask", "nothing.v=fake"],
];

/// All errors in the lines of an output: the one that ends it, and those of tables.
pub(crate) fn errors(output: &str) -> Vec<Value> {
    let lines: Vec<Value> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let tables = lines.iter().filter_map(|line| line["tables"].as_array()).flatten();
    let of_tables = tables.map(|table| table["error"].clone()).filter(Value::is_object);
    lines.iter().filter(|line| line["type"] == "error").cloned().chain(of_tables).collect()
}

pub(crate) fn lacking(error: &Value) -> Vec<&'static str> {
    let says = |part: &str| error[part].as_str().is_some_and(|text| !text.is_empty());
    let has_step = error["next"]
        .as_array()
        .is_some_and(|steps| steps.iter().any(|step| step["action"].as_str().is_some_and(|action| !action.is_empty())));
    let mut lacking: Vec<_> = ["code", "what", "why", "state"].into_iter().filter(|part| !says(part)).collect();
    lacking.extend(Some("next").filter(|_| !has_step));
    lacking
}

#[test]
fn every_error_has_all_four() {
    let scene = scene();
    let mut bare = Vec::new();
    let mut check = |name: String, args: &[&str]| {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let output = scene.command(&args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = errors(&said);
        if output.status.code() == Some(0) || found.is_empty() {
            bare.push(format!("{name} does not fail: {said}"));
        }
        for error in found {
            let lacking = lacking(&error);
            if !lacking.is_empty() {
                bare.push(format!("{name}: no {} in {error}", lacking.join(", ")));
            }
        }
    };
    for line in LINES {
        check((*line).to_owned(), &line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>());
    }
    for [flag, text] in RULES {
        check(format!("copy {flag} {text}"), &["copy", "a.db", "b.db", flag, text]);
        check(format!("diff {flag} {text}"), &["diff", "a.db", "b.db", flag, text]);
    }
    assert!(bare.is_empty(), "{} errors lack a part:\n{}", bare.len(), bare.join("\n"));
}
