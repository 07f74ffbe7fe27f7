//! The type traps: each is carried cell by cell, or stopped and named. One table, in `type_traps/table.rs`, says what the
//! source holds and what becomes of it; the book's page shows the same table, and a test holds the two together.
//!
//! What a database holds is read by a driver that has no part in carrying it, as storage class and bytes.

mod cells;
mod page;
mod table;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scene::{Said, Scene};

use self::cells::{Cells, cells, columns};
use self::table::{Outcome, TRAPS, Trap};

#[test]
fn every_trap_ends_as_the_page_says() {
    let ends = |trap: &Trap| match trap.outcome {
        Outcome::Carried { edits } => carried(trap, edits),
        Outcome::Stopped { target, code } => stopped(trap, target, code),
        Outcome::Reported { target, code } => reported(trap, target, code),
        Outcome::Held { target, reason } => held(trap, target, reason),
    };
    // All are tried, so that one that fails does not hide the others.
    let failed = TRAPS.iter().filter(|trap| catch_unwind(AssertUnwindSafe(|| ends(trap))).is_err());
    let failed: Vec<&str> = failed.map(|trap| trap.name).collect();
    assert!(failed.is_empty(), "{} of {} traps: {failed:?}", failed.len(), TRAPS.len());
}

#[test]
fn traps_have_names_of_their_own() {
    let names: BTreeSet<&str> = TRAPS.iter().map(|trap| trap.name).collect();
    assert_eq!(names.len(), TRAPS.len());
}

/// Carried into a new file and into a target that differs in a way that is easily overlooked, and taken back from there.
fn carried(trap: &Trap, edits: &str) {
    let name = trap.name;
    let source = trap.source();
    let scene = Scene::with_pair(&source, &format!("{source}; {edits}"));
    let (wanted, before) = (cells(&scene, "a.db"), cells(&scene, "b.db"));

    succeeds(name, scene.run("copy a.db new.db --json"));
    same(name, "into a new file", &cells(&scene, "new.db"), &wanted);
    assert_eq!(columns(&scene, "new.db"), columns(&scene, "a.db"), "{name}: what the columns are declared as");

    // No difference is overlooked.
    let seen = scene.json("diff a.db b.db --json");
    for table in seen["tables"].as_array().unwrap() {
        let of = table["table"].as_str().unwrap();
        let differing = wanted.differing(&before, of);
        let found = ["only_source", "changed"].iter().map(|count| table[*count].as_u64().unwrap()).sum::<u64>();
        assert_eq!((found, table["comparable"].as_bool()), (differing, Some(true)), "{name}: {table}");
    }
    assert_eq!(seen["equal"], false, "{name}: the edits change nothing that is seen");

    succeeds(name, scene.run("mirror a.db b.db --max-delete 100% --json"));
    same(name, "into rows that differ", &cells(&scene, "b.db"), &wanted);
    same(name, "the source", &cells(&scene, "a.db"), &wanted);
    // And no difference is made up.
    for target in ["new.db", "b.db"] {
        assert_eq!(scene.run(&format!("diff a.db {target} --exit-code")).code, Some(0), "{name}: diff with {target}");
        assert_eq!(scene.run(&format!("verify a.db {target}")).code, Some(0), "{name}: verify with {target}");
        let again = scene.run(&format!("mirror a.db {target} --json --no-undo"));
        let summary = again.last();
        for table in summary["tables"].as_array().unwrap() {
            let written = ["inserted", "updated", "deleted"].iter().map(|count| table[*count].as_u64().unwrap());
            assert_eq!(written.sum::<u64>(), 0, "{name}: written again into {target}: {table}");
        }
    }
    let runs = scene.json("runs list --json");
    let mirror =
        runs["data"].as_array().unwrap().iter().find(|run| run["written_rows"] != 0 && run["verb"] == "mirror");
    let undone = scene.run(&format!("undo {} --yes", mirror.unwrap()["id"].as_str().unwrap()));
    assert_eq!(undone.code, Some(0), "{name}: {}{}", undone.out, undone.err);
    same(name, "taken back", &cells(&scene, "b.db"), &before);
}

/// The run does not begin, and nothing is changed.
fn stopped(trap: &Trap, target: &str, code: &str) {
    let scene = Scene::with_pair(&trap.source(), target);
    let before = cells(&scene, "b.db");
    for verb in ["copy", "mirror"] {
        let said = scene.run(&format!("{verb} a.db b.db --json"));
        assert_eq!((said.code, said.last()["code"].as_str()), (Some(6), Some(code)), "{}: {}", trap.name, said.out);
        same(trap.name, "stopped", &cells(&scene, "b.db"), &before);
    }
    let seen = scene.json("diff a.db b.db --json");
    assert_eq!(seen["equal"], false, "{}: {seen}", trap.name);
    assert_eq!(scene.run("verify a.db b.db").code, Some(10), "{}", trap.name);
}

/// What cannot be carried is said with its code; every row that is in the target is one of the source's or was there.
fn reported(trap: &Trap, target: &str, code: &str) {
    let scene = Scene::with_pair(&trap.source(), target);
    let (wanted, before) = (cells(&scene, "a.db"), cells(&scene, "b.db"));
    for verb in ["copy", "mirror"] {
        let said = scene.run(&format!("{verb} a.db b.db --max-delete 100% --json"));
        assert_eq!(said.code, Some(3), "{}: {}{}", trap.name, said.out, said.err);
        assert!(said.out.contains(code), "{}: {}", trap.name, said.out);
        let found = cells(&scene, "b.db");
        let strays = found.strays(&[&wanted, &before]);
        assert!(strays.is_empty(), "{}: {strays:?}", trap.name);
    }
    // Where a table cannot even be read by its key, that is what verify says.
    let verified = scene.run("verify a.db b.db");
    assert!(matches!(verified.code, Some(3 | 10)), "{}: {}{}", trap.name, verified.out, verified.err);
}

/// Rows that the target does not take are on the list, each with its reason; what is in the target is the source's.
fn held(trap: &Trap, target: &str, reason: &str) {
    let scene = Scene::with_pair(&trap.source(), target);
    let (wanted, before) = (cells(&scene, "a.db"), cells(&scene, "b.db"));
    for verb in ["copy", "mirror"] {
        let said = scene.run(&format!("{verb} a.db b.db --max-delete 100% --json"));
        let summary = said.last();
        let held = summary["tables"][0]["held"].as_u64().unwrap();
        assert_eq!((said.code, held > 0), (Some(3), true), "{}: {}{}", trap.name, said.out, said.err);
        assert_eq!(summary["verified"], "equal-except", "{}: {summary}", trap.name);
        let listed = scene.json("conflicts list --json");
        let listed = listed["data"].as_array().unwrap();
        assert_eq!(listed.len() as u64, held, "{}: {listed:?}", trap.name);
        assert!(listed.iter().all(|entry| entry["kind"] == reason), "{}: {listed:?}", trap.name);
        let found = cells(&scene, "b.db");
        let strays = found.strays(&[&wanted, &before]);
        assert!(strays.is_empty(), "{}: {strays:?}", trap.name);
    }
}

fn succeeds(name: &str, said: Said) {
    let verified = said.last()["verified"].as_str().map(str::to_owned);
    assert_eq!((said.code, verified.as_deref()), (Some(0), Some("equal")), "{name}: {}{}", said.out, said.err);
}

fn same(name: &str, what: &str, found: &Cells, wanted: &Cells) {
    assert!(found == wanted, "{name}: {what}\nfound  {found:?}\nwanted {wanted:?}");
}
