//! What comes of traps that are whole tables.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::tables::{Ends, TABLES, TableTrap, Way};
use super::tables_of_mariadb::TABLES_OF_MARIADB;
use crate::scene::Scene;

#[test]
fn tables_end_as_the_page_says() {
    all_end_as_told(TABLES);
}

#[test]
fn keys_end_as_the_page_of_mariadb_says() {
    all_end_as_told(TABLES_OF_MARIADB[0]);
}

#[test]
fn definitions_end_as_the_page_of_mariadb_says() {
    all_end_as_told(TABLES_OF_MARIADB[1]);
}

fn all_end_as_told(traps: &[TableTrap]) {
    let only = std::env::var("TRAP").unwrap_or_default();
    let tries = traps.iter().filter(|trap| trap.name.contains(&only));
    let tries = tries.flat_map(|trap| trap.ways.iter().map(move |way| (trap, *way)));
    // All are tried, so that one that fails does not hide the others.
    let failed = tries.filter(|(trap, way)| catch_unwind(AssertUnwindSafe(|| ends(trap, *way))).is_err());
    let failed: Vec<_> = failed.map(|(trap, way)| (trap.name, way)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

fn ends(trap: &TableTrap, way: Way) {
    let name = format!("{} ({way:?})", trap.name);
    let [source, target, home] = way.bases();
    let scene = [&source, &target, &home].into_iter().fold(Scene::new(), |scene, base| base.added_to(scene));
    source.run(&scene, trap.source);
    target.run(&scene, trap.target);
    let (from, to) = (source.place(), target.place());
    let shows = |what: &str| {
        for (query, lines) in trap.shows {
            assert_eq!(target.lines(&scene, query), *lines, "{name}: {what}: {query}");
        }
    };
    let copied = scene.run_with(&format!("copy {from} {to} --json"), trap.rules);
    let (code, says) = match trap.ends {
        Ends::Carried => (0, "\"verified\":\"equal\""),
        Ends::Short(code, says) => (code, says),
    };
    let last = copied.out.lines().last().unwrap_or_default();
    assert_eq!(copied.code, Some(code), "{name}: {last}{}", copied.err);
    let held = scene.run("conflicts list --json").out;
    assert!(copied.out.contains(says) || held.contains(says), "{name}: {last}{held}");
    shows("copied");
    if matches!(trap.ends, Ends::Carried) {
        let back = format!("diff {to} {from} --exit-code");
        let lines = [format!("diff {from} {to} --exit-code"), format!("verify {from} {to}"), back];
        for line in lines.iter().take(if trap.one_way { 2 } else { 3 }) {
            let said = scene.run(line);
            assert_eq!(said.code, Some(0), "{name}: {line}: {}{}", said.out, said.err);
        }
    }
    // A second run finds nothing to write.
    let again = scene.run_with(&format!("mirror {from} {to} --json --no-undo"), trap.rules);
    assert_eq!(again.code, Some(code), "{name}: again: {}{}", again.out, again.err);
    for table in again.last()["tables"].as_array().into_iter().flatten() {
        let written: u64 = ["inserted", "updated", "deleted"].iter().map(|count| table[*count].as_u64().unwrap()).sum();
        assert_eq!(written, 0, "{name}: written again: {table}");
    }
    shows("again");
    if !trap.home.is_empty() {
        let said = scene.run(&format!("copy {to} {} --json", home.place()));
        assert_eq!(said.code, Some(0), "{name}: home: {}{}", said.out.lines().last().unwrap_or_default(), said.err);
        assert_eq!(home.lines(&scene, trap.home), source.lines(&scene, trap.home), "{name}: home");
    }
}
