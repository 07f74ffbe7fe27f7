//! Two databases with a table for each trap, and what every command is to find and to leave there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Comes;
use super::base::{Base, Cells};
use super::trap::Told;
use crate::scene::{Said, Scene};

/// What the cells of a trap are to be in the target, in the order of its values; `None` where the row is held.
pub(super) type Wanted<'w> = &'w dyn Fn(&Told) -> Vec<Option<String>>;

/// Edits that make of a table one that differs in its values, in missing rows and in one too many.
const EDITS: &str = "UPDATE {t} SET v = NULL WHERE id % 2 = 0; DELETE FROM {t} WHERE id % 3 = 0;
    INSERT INTO {t} (id, v) VALUES (1000, NULL);";

/// The traps, their two databases, and what went otherwise than it should.
pub(super) struct World {
    scene: Scene,
    traps: Vec<Told>,
    types: &'static str,
    source: Base,
    target: Base,
    failed: Vec<String>,
}

impl World {
    /// The tables of the source, those of the target that are there before, and the types they are made of in PostgreSQL.
    /// `TRAP=name` tries the traps with this in their names only.
    pub(super) fn new(traps: Vec<Told>, types: &'static str, source: Base, target: Base) -> Self {
        let only = std::env::var("TRAP").unwrap_or_default();
        let traps: Vec<_> = traps.into_iter().filter(|told| told.trap.name.contains(&only)).collect();
        let scene = target.added_to(source.added_to(Scene::new()));
        let (mut there, mut before) = (String::new(), String::new());
        for (at, told) in traps.iter().enumerate() {
            there += &made(at, told.trap.declared);
            for (row, (value, _)) in told.values.iter().enumerate() {
                there += &format!("INSERT INTO t{at} (id, v) VALUES ({}, {value});", row + 1);
            }
            if !told.into.is_empty() {
                before += &made(at, told.into);
            }
        }
        for (base, statements) in [(&source, there), (&target, before)] {
            if base.is_postgres() {
                base.run(&scene, types);
            }
            base.run(&scene, &statements);
        }
        Self { scene, traps, types, source, target, failed: Vec::new() }
    }

    /// What the source's own shell says of every trap.
    pub(super) fn source_shows(&self) -> BTreeMap<&'static str, Vec<Option<String>>> {
        let shown = |(at, told): (usize, &Told)| {
            (told.trap.name, self.source.cells(&self.scene, &format!("t{at}")).into_values().map(Some).collect())
        };
        self.traps.iter().enumerate().map(shown).collect()
    }

    /// Copied, compared, verified, copied again, mirrored over rows that differ, and taken back.
    pub(super) fn all_ends_as_told(&mut self, wanted: Wanted<'_>) {
        let (source, target) = (self.source.place(), self.target.place());
        let copied = self.scene.run(&format!("copy {source} {target} --json"));
        self.ends(&copied, wanted);
        self.holds(wanted);
        self.lists_held(wanted);
        self.differs(&source, &target, "only_source", wanted);
        self.differs(&target, &source, "only_target", wanted);
        let again = self.scene.run(&format!("mirror {source} {target} --json --no-undo"));
        self.ends(&again, wanted);
        for table in tables(&again) {
            let written: u64 =
                ["inserted", "updated", "deleted"].iter().map(|count| table[*count].as_u64().unwrap()).sum();
            self.expect(&table, written == 0, "written again");
        }
        self.mirrored_and_undone(wanted);
    }

    /// Copied from the target into a third database, each cell is as it was in the first, or as its trap says.
    pub(super) fn comes_back(&mut self, home: &Base, defined: bool) {
        let scene = std::mem::replace(&mut self.scene, Scene::new());
        self.scene = home.added_to(scene);
        if defined {
            if home.is_postgres() {
                home.run(&self.scene, self.types);
            }
            let tables = self.traps.iter().enumerate().map(|(at, told)| made(at, told.trap.declared));
            home.run(&self.scene, &tables.collect::<String>());
        }
        let (target, home_place) = (self.target.place(), home.place());
        let copied = self.scene.run(&format!("copy {target} {home_place} --json"));
        let comes_home: Wanted<'_> = &|told| {
            let value = |(_, comes): &(_, Comes)| comes.comes_home().then(String::new);
            told.values.iter().map(value).collect()
        };
        self.ends(&copied, comes_home);
        for at in 0..self.traps.len() {
            let table = format!("t{at}");
            let mut wanted = self.source.cells(&self.scene, &table);
            for (row, (_, comes)) in (1..).zip(&self.traps[at].values) {
                match comes {
                    Comes::To(_) | Comes::Blurs(..) => {}
                    Comes::Back(_, back) => drop(wanted.insert(row, (*back).to_owned())),
                    Comes::Stays(..) | Comes::Held(_) => drop(wanted.remove(&row)),
                }
            }
            let found = self.found(home, &table);
            self.same(at, "back home", &found, &wanted);
        }
        self.differs(&target, &home_place, "only_source", comes_home);
    }

    /// Panics with all that went wrong.
    pub(super) fn done(self) {
        assert!(self.failed.is_empty(), "{} things went wrong:\n{}", self.failed.len(), self.failed.join("\n"));
    }

    fn mirrored_and_undone(&mut self, wanted: Wanted<'_>) {
        let (source, target) = (self.source.place(), self.target.place());
        for at in 0..self.traps.len() {
            self.target.run(&self.scene, &EDITS.replace("{t}", &format!("t{at}")));
        }
        let before = self.dump();
        self.sees_edits(&source, &target, wanted);
        let mirrored = self.scene.run(&format!("mirror {source} {target} --max-delete 100% --json"));
        self.ends(&mirrored, wanted);
        self.holds(wanted);
        let run = mirrored.last()["run"].as_str().unwrap_or_default().to_owned();
        let undone = self.scene.run(&format!("undo {run} --yes"));
        self.expect_all(undone.code == Some(0), "undo", &undone);
        let after = self.dump();
        for (at, (found, wanted)) in after.iter().zip(&before).enumerate() {
            self.same(at, "taken back", found, wanted);
        }
        let again = self.scene.run(&format!("mirror {source} {target} --max-delete 100% --json"));
        self.ends(&again, wanted);
    }

    /// The differences that the edits have made, and no others.
    fn sees_edits(&mut self, source: &str, target: &str, wanted: Wanted<'_>) {
        let said = self.scene.run(&format!("diff {source} {target} --json"));
        for table in tables(&said) {
            let wanted = wanted(self.told(&table));
            let rows = || wanted.iter().enumerate().map(|(row, cell)| (row + 1, cell));
            let gone = rows().filter(|(id, cell)| cell.is_none() || id % 3 == 0).count() as u64;
            let is_changed = |cell: &Option<String>| cell.as_deref().is_some_and(|cell| cell != "NULL");
            let changed = rows().filter(|(id, cell)| id % 2 == 0 && id % 3 != 0 && is_changed(cell)).count() as u64;
            let found = ["only_source", "changed", "only_target"].map(|count| table[count].as_u64());
            self.expect(&table, found == [Some(gone), Some(changed), Some(1)], "the edits are not what is seen");
        }
    }

    /// The exit code and the verdict of a run; held rows by number.
    fn ends(&mut self, said: &Said, wanted: Wanted<'_>) {
        let held = |told: &Told| wanted(told).iter().filter(|cell| cell.is_none()).count() as u64;
        let any = self.traps.iter().any(|told| held(told) > 0);
        let code = if any { 3 } else { 0 };
        self.expect_all(said.code == Some(code), "the exit code", said);
        let verdict = if any { "equal-except" } else { "equal" };
        let found = tables(said);
        self.expect_all(said.last()["verified"] == verdict, "the verdict", said);
        for table in found {
            let held = held(self.told(&table));
            self.expect(&table, table["held"].as_u64() == Some(held), "other rows are held");
        }
    }

    /// Every cell of the target is as its own shell is to show it.
    fn holds(&mut self, wanted: Wanted<'_>) {
        for at in 0..self.traps.len() {
            let cells = wanted(&self.traps[at]).into_iter().enumerate();
            let wanted: Cells = cells.filter_map(|(row, cell)| Some((row as i64 + 1, cell?))).collect();
            let found = self.found(&self.target, &format!("t{at}"));
            self.same(at, "in the target", &found, &wanted);
        }
    }

    /// The held rows are on the list, each with its reason, and no others.
    fn lists_held(&mut self, wanted: Wanted<'_>) {
        let listed = self.scene.json("conflicts list --limit 1000 --json");
        let mut found: Vec<String> = listed["data"].as_array().unwrap().iter().map(entry).collect();
        let mut told = Vec::new();
        for (at, told_of) in self.traps.iter().enumerate() {
            for (row, cell) in wanted(told_of).iter().enumerate() {
                if let (None, Comes::Held(reason)) = (cell, told_of.values[row].1) {
                    told.push(format!("t{at} {} {reason}", row + 1));
                }
            }
        }
        found.sort();
        told.sort();
        for entry in found.iter().filter(|entry| !told.contains(entry)) {
            self.failed.push(format!("held and should not be: {entry}"));
        }
        for entry in told.iter().filter(|entry| !found.contains(entry)) {
            self.failed.push(format!("not held: {entry}"));
        }
    }

    /// Only held rows differ, and `verify` says the same.
    fn differs(&mut self, source: &str, target: &str, side: &str, wanted: Wanted<'_>) {
        let said = self.scene.run(&format!("diff {source} {target} --json"));
        self.expect_all(said.code == Some(0), "diff", &said);
        let mut differing = 0;
        for table in tables(&said) {
            let held = wanted(self.told(&table)).iter().filter(|cell| cell.is_none()).count() as u64;
            differing += held;
            for count in ["only_source", "changed", "only_target"] {
                let expected = if count == side { held } else { 0 };
                self.expect(&table, table[count].as_u64() == Some(expected), &format!("{count} is not {expected}"));
            }
            self.expect(&table, table["comparable"] == true, "not comparable");
        }
        let verified = self.scene.run(&format!("verify {source} {target}"));
        let code = if differing > 0 { 10 } else { 0 };
        self.expect_all(verified.code == Some(code), &format!("verify {source} {target}"), &verified);
    }

    fn dump(&self) -> Vec<Cells> {
        (0..self.traps.len()).map(|at| self.found(&self.target, &format!("t{at}"))).collect()
    }

    fn found(&self, base: &Base, table: &str) -> Cells {
        base.cells(&self.scene, table)
    }

    fn told(&self, table: &Value) -> &Told {
        let name = table["table"].as_str().unwrap();
        &self.traps[name.trim_start_matches('t').parse::<usize>().unwrap()]
    }

    fn same(&mut self, at: usize, what: &str, found: &Cells, wanted: &Cells) {
        let told = &self.traps[at];
        for (row, (value, _)) in (1..).zip(&told.values) {
            let (found, wanted) = (found.get(&row), wanted.get(&row));
            if found != wanted {
                self.failed.push(format!("{}: {value} {what}: {found:?} and not {wanted:?}", told.trap.name));
            }
        }
    }

    fn expect(&mut self, table: &Value, holds: bool, what: &str) {
        if !holds {
            let name = self.told(table).trap.name;
            self.failed.push(format!("{name}: {what}: {table}"));
        }
    }

    fn expect_all(&mut self, holds: bool, what: &str, said: &Said) {
        if !holds {
            let last = said.out.lines().last().unwrap_or_default();
            self.failed.push(format!("{what}: {:?} {last}{}", said.code, said.err));
        }
    }
}

fn made(at: usize, declared: &str) -> String {
    format!("CREATE TABLE t{at} (id INTEGER PRIMARY KEY, v {declared});")
}

fn tables(said: &Said) -> Vec<Value> {
    said.last()["tables"].as_array().cloned().unwrap_or_default()
}

fn entry(entry: &Value) -> String {
    let key = entry["key"].as_object().and_then(|key| key.values().next()).unwrap_or(&entry["key"]);
    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    format!("{} {key} {}", entry["table"].as_str().unwrap(), entry["kind"].as_str().unwrap())
}
