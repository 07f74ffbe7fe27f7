//! What goes wrong with a server: told with the right exit code and all that a person needs, and nothing half written.

mod alike;
mod cancelled;
mod collisions;
mod cut;
mod disk;
mod encoding;
mod granted;
mod names;
mod others;
mod proxy;
mod reach;
mod rights;
mod rows;
mod sizes;

use std::path::{Path, PathBuf};

use serde_json::Value;
use syncline_testkit::postgres::{Database, PASSWORD};

use super::Server;
use crate::four_parts;
use crate::scene::{Said, Scene};

/// A directory whose binary reaches this database as `env:PG`, and the file `a.db` made by these statements.
pub(crate) fn scene_with(database: &Database<'_>, sqlite: &str) -> Scene {
    let scene = Scene::new().with_variable("PG", &database.url());
    scene.sql("a.db", sqlite);
    scene
}

/// Numbered rows in a table `t`, in the words of both engines.
pub(crate) fn rows(count: u32, value: &str) -> String {
    format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i, '{value}' FROM n;"
    )
}

/// Runs a line that fails: with this exit code and this code among its errors, with all four parts of each error, for
/// people too, and without a password.
pub(crate) fn fails(scene: &Scene, line: &str, exit: i32, code: &str) -> Value {
    let told = scene.run(line);
    assert_eq!(told.code, Some(exit), "{line}\n{}{}", told.out, told.err);
    keeps_the_password(line, &told);
    fails_in_json(scene, line, exit, code)
}

/// As [`fails`], for lines that are not the same twice.
pub(crate) fn fails_in_json(scene: &Scene, line: &str, exit: i32, code: &str) -> Value {
    let said = scene.run(&format!("{line} --json"));
    assert_eq!(said.code, Some(exit), "{line}\n{}{}", said.out, said.err);
    is_told(line, &said, code)
}

/// The error with this code among those of an output, all of which are whole.
pub(crate) fn is_told(line: &str, said: &Said, code: &str) -> Value {
    keeps_the_password(line, said);
    let errors = four_parts::errors(&said.out);
    for error in &errors {
        let lacking = four_parts::lacking(error);
        assert!(lacking.is_empty(), "{line}: no {} in {error}", lacking.join(", "));
    }
    let found = errors.iter().find(|error| error["code"] == code);
    found.unwrap_or_else(|| panic!("{line}: no {code} in {}{}", said.out, said.err)).clone()
}

fn keeps_the_password(line: &str, said: &Said) {
    for secret in [PASSWORD, "top%2Fsecret"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{line}\n{}{}", said.out, said.err);
    }
}

/// Every file below a directory.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
