//! Protected connections take plans only.

use std::fs;

use super::refused;
use crate::scene::Scene;

/// `hq` and a protected `branch`.
fn scene() -> Scene {
    let scene = Scene::with_connections();
    scene.write("syncline.toml", format!("{}protected = true\n", super::PAIR));
    scene
}

#[test]
fn nothing_but_a_plan_writes_it_and_every_refusal_says_so() {
    let scene = scene();
    scene.ok("backup hq -o saved.db");
    let before = fs::read(scene.path("b.db")).unwrap();
    for line in [
        "copy hq branch",
        "mirror hq branch",
        "mirror hq branch --yes",
        "mirror hq connection:branch --strategy full",
        "copy hq branch --max-delete 100% --allow-empty-source --no-undo",
        "restore saved.db branch --yes",
        "restore saved.db branch",
        "copy hq b.db",
        "copy hq ./b.db",
        "copy hq sqlite:b.db",
        "copy hq file:b%2Edb",
    ] {
        let said = scene.run(line);
        refused(&said, 6, "GUARD_PROTECTED");
        assert!(said.err.contains("a protected database takes only syncline apply PLAN"), "{line}: {}", said.err);
        assert!(said.err.contains("syncline apply FILE"), "{line}: {}", said.err);
    }
    assert_eq!(fs::read(scene.path("b.db")).unwrap(), before);
    assert!(scene.ok("runs list").contains("no runs are recorded"));
    let last = scene.run("copy hq branch --json").last();
    assert_eq!((&last["code"], &last["state"]), (&"GUARD_PROTECTED".into(), &"nothing was changed".into()));
}

#[test]
fn reading_and_planning_are_free_and_a_plan_is_carried_out_once() {
    let scene = scene();
    for line in ["diff hq branch", "copy branch hq --dry-run", "copy hq branch --dry-run", "doctor branch --as target"]
    {
        scene.ok(line);
    }
    scene.ok("backup branch -o saved.db");
    scene.ok("plan copy hq branch -o p.plan");
    scene.ok("apply p.plan");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
    scene.ok("verify hq branch");
    refused(&scene.run("undo --yes"), 6, "GUARD_PROTECTED");
    refused(&scene.run("apply p.plan"), 6, "PLAN_SPENT");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
    scene.ok("conn edit branch --protected no");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
    scene.ok("conn edit branch --protected yes");
    scene.ok("copy branch new.db");
}

#[test]
fn runs_of_before_are_not_gone_on_with() {
    let scene = Scene::with_connections();
    scene.sql("b.db", "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'))");
    assert_eq!(scene.run("copy hq branch").code, Some(3));
    scene.sql("a.db", "INSERT INTO t VALUES (3, 'c')");
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    scene.ok("conn edit branch --protected yes");
    let runs = scene.json("runs list --json");
    for run in runs["data"].as_array().unwrap() {
        let id = run["id"].as_str().or(run["run"].as_str()).unwrap();
        refused(&scene.run(&format!("undo {id} --yes")), 6, "GUARD_PROTECTED");
    }
    refused(&scene.run("conflicts retry --yes"), 6, "GUARD_PROTECTED");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
}

#[cfg(unix)]
#[test]
fn no_other_name_leads_around_the_guard() {
    let scene = scene();
    std::os::unix::fs::symlink("b.db", scene.path("link.db")).unwrap();
    fs::hard_link(scene.path("b.db"), scene.path("hard.db")).unwrap();
    fs::create_dir(scene.path("deep")).unwrap();
    let toml = scene.read("syncline.toml") + "[connections.alias]\nurl = \"sqlite:deep/../b.db\"\n";
    scene.write("syncline.toml", toml);
    for name in ["link.db", "hard.db", "deep/../b.db", "alias", "env:BRANCH"] {
        let said: crate::scene::Said =
            scene.command(&["copy", "hq", name]).env("BRANCH", "sqlite:b.db").output().unwrap().into();
        refused(&said, 6, "GUARD_PROTECTED");
    }
    refused(&scene.run_in("deep", "copy hq ../b.db"), 6, "GUARD_PROTECTED");
    // Protection by a variable's value counts too; what a command would print is not asked for.
    scene.write("syncline.toml", "version = 1\n[connections.x]\nurl = '${env:TARGET}'\nprotected = true\n");
    let said: crate::scene::Said =
        scene.command(&["copy", "a.db", "b.db"]).env("TARGET", "b.db").output().unwrap().into();
    refused(&said, 6, "GUARD_PROTECTED");
    scene.write("syncline.toml", "version = 1\n[connections.x]\nurl = '${cmd:touch ran}'\nprotected = true\n");
    scene.ok("copy a.db b.db");
    assert!(!scene.path("ran").exists());
}

#[test]
fn a_missing_database_is_protected_before_it_is_made() {
    let scene = Scene::with_connections();
    scene.write("syncline.toml", "version = 1\n[connections.x]\nurl = 'new.db'\nprotected = true\n");
    for line in ["copy a.db new.db", "copy a.db x", "restore a.db new.db --yes"] {
        refused(&scene.run(line), 6, "GUARD_PROTECTED");
    }
    assert!(!scene.path("new.db").exists());
    scene.ok("plan copy a.db x -o p.plan");
    scene.ok("apply p.plan");
    assert_eq!(scene.number("new.db", "SELECT count(*) FROM t"), 2);
}
