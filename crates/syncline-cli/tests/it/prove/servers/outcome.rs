//! What a process said at its end, and whether it may say that.

use std::collections::BTreeMap;

use serde_json::Value;
use syncline_testkit::process::Finished;

use super::content::{Content, Step};

/// Exit code of a run that holds rows.
const PARTIAL: i32 = 3;

/// Exit code of a run whose database cannot be reached any more.
const UNREACHABLE: i32 = 5;

/// Panics unless it ended well; rows may be held where some break a limit.
pub(crate) fn must_succeed(finished: &Finished, holds: bool, what: &str) {
    let is_fine = finished.code == Some(0) || (holds && finished.code == Some(PARTIAL));
    assert!(is_fine, "{what}: {:?}\n{}{}", finished.code, finished.stdout, finished.stderr);
}

/// The code of the error of a process whose server was killed; `None` when it was done before.
///
/// # Panics
/// When it ended in another way.
pub(crate) fn without_server(finished: &Finished, holds: bool) -> Option<String> {
    if finished.code == Some(0) || (holds && finished.code == Some(PARTIAL)) {
        return None;
    }
    let said: Vec<Value> = finished.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_table = |line: &Value| {
        let tables = line["tables"].as_array()?;
        tables.iter().find_map(|table| table["error"]["code"].as_str().map(str::to_owned))
    };
    let code = said.iter().find_map(|line| line["code"].as_str().map(str::to_owned).or_else(|| of_table(line)));
    let is_expected = finished.code == Some(UNREACHABLE)
        && code.as_ref().is_some_and(|code| matches!(&**code, "CONNECTION_LOST" | "STORE_UNREACHABLE"));
    assert!(is_expected, "without a server: {:?}\n{}{}", finished.code, finished.stdout, finished.stderr);
    code
}

/// What a summary says of a table.
struct Told {
    step: Step,
    /// All rows went, and all came again.
    is_refilled: bool,
}

/// The rows of each table that a summary says are in the target now; nothing when there is no summary.
fn told(finished: &Finished) -> BTreeMap<String, Told> {
    let mut lines = finished.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(summary) = lines.rfind(|line| line["type"] == "summary") else { return BTreeMap::new() };
    let step = |table: &Value| {
        let number = |name: &str| table[name].as_u64().unwrap();
        let step = Step { inserted: number("inserted"), updated: number("updated"), deleted: number("deleted") };
        let is_refilled = table["strategy"].as_str().is_some_and(|strategy| strategy.contains("emptied and filled"));
        Told { step, is_refilled }
    };
    let tables = summary["tables"].as_array().unwrap();
    tables.iter().map(|table| (table["table"].as_str().unwrap().to_owned(), step(table))).collect()
}

/// Holds what was told against what has become of the target, and returns how many rows that were.
///
/// # Panics
/// When they differ. A run that failed may have committed what it could not be told of.
pub(crate) fn check_told(finished: &Finished, before: &Content, after: &Content, is_complete: bool) -> u64 {
    let (told, steps) = (told(finished), after.since(before));
    let mut rows = 0;
    for (table, Told { step: told, is_refilled }) in &told {
        let Some(step) = steps.get(&**table) else { continue };
        let all = |content: &Content| content.rows(table).unwrap_or_default().len() as u64;
        let step = match is_refilled {
            true => &Step { inserted: all(after), updated: 0, deleted: all(before) },
            false => step,
        };
        let is_so = match is_complete {
            true => told == step,
            false => told.inserted <= step.inserted && told.updated <= step.updated && told.deleted <= step.deleted,
        };
        assert!(is_so, "{table}: told {told:?}, found {step:?}\n{}{}", finished.stdout, finished.stderr);
        rows += told.inserted + told.updated + told.deleted;
    }
    rows
}
