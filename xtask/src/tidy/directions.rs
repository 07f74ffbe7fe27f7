//! The direction of imports inside the core crate.

use super::Finding;
use super::tree::{RustFile, Tree};

/// The crate that this table describes.
const CORE: &str = "syncline-core";

/// What a value, a table and a change are.
const WORDS: &[&str] = &["value", "schema", "clock", "mapping", "change"];
/// The ports to databases and to what a run remembers.
const PORTS: &[&str] = &["store", "state"];
/// The six stages, in the order in which a change flows through them.
const STAGES: &[&str] = &["capture", "transport", "resolve", "apply", "checkpoint"];
/// What a run tells while it works, how it is stopped and how it is slowed.
const CONTROL: &[&str] = &["event", "cancel", "pace"];
/// The loop over the stages.
const LOOP: &[&str] = &["pipeline"];
/// These use nothing, so everyone may use them.
const EVERYWHERE: &[&str] = &["error", "limits"];

/// Every module of the core and the modules it may use; besides, `error` and `limits` may be used by
/// all but each other. `checkpoint` comes last in the flow, but it is plain data that the ports
/// speak of, so it stands below them.
const MODULES: &[(&str, &[&[&str]])] = &[
    ("error", &[]),
    ("limits", &[]),
    ("value", &[]),
    ("schema", &[&["value"]]),
    ("clock", &[&["value"]]),
    ("mapping", &[&["value", "schema", "clock"]]),
    ("change", &[&["value", "schema", "clock", "mapping"]]),
    ("checkpoint", &[WORDS]),
    ("event", &[WORDS]),
    ("cancel", &[]),
    ("pace", &[&["cancel"]]),
    ("store", &[WORDS, &["checkpoint", "event"]]),
    ("state", &[WORDS, &["checkpoint", "event"]]),
    ("capture", &[WORDS, PORTS, CONTROL]),
    ("transport", &[WORDS, PORTS, CONTROL, &["capture"]]),
    ("resolve", &[WORDS, PORTS, &["capture", "transport"]]),
    ("apply", &[WORDS, PORTS, CONTROL, &["capture", "transport", "resolve", "checkpoint"]]),
    ("pipeline", &[WORDS, PORTS, CONTROL, STAGES]),
    ("two_way", &[WORDS, PORTS, CONTROL, STAGES, LOOP]),
    ("plan", &[WORDS, PORTS, CONTROL, STAGES, LOOP]),
    ("undo", &[WORDS, PORTS, CONTROL, STAGES, LOOP]),
    ("verify", &[WORDS, PORTS, CONTROL, STAGES, LOOP]),
    ("replica", &[WORDS, PORTS, CONTROL, STAGES, LOOP]),
];

/// Imports inside the core run in one direction: a module uses only what stands before it.
pub(super) fn inside_core(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter(|file| file.krate == CORE && file.path.contains("/src/") && !file.test).flat_map(check).collect()
}

fn check(file: &RustFile) -> Vec<Finding> {
    // The crate's root is the tour: it declares and re-exports everything.
    let Some(from) = file.module.first() else {
        return Vec::new();
    };
    let Some(allowed) = may_use(from) else {
        return vec![Finding::new(&file.path, 1, unknown(from))];
    };
    let mut findings = Vec::new();
    for mention in &file.facts.mentions {
        let [root, to, ..] = mention.path.as_slice() else {
            continue;
        };
        if root != "crate" || to == from || allowed.contains(&to.as_str()) {
            continue;
        }
        let message = if may_use(to).is_some() {
            format!("`{from}` may not use `{to}`: imports in {CORE} run in one direction")
        } else if to == "*" || to.starts_with(char::is_uppercase) {
            format!("`crate::{to}` hides its module: import it from where it is defined")
        } else {
            unknown(to)
        };
        findings.push(Finding::new(&file.path, mention.line, message));
    }
    findings
}

/// Returns the modules that `module` may use, or nothing if the table does not know it.
fn may_use(module: &str) -> Option<Vec<&'static str>> {
    let (_, groups) = MODULES.iter().find(|(name, _)| *name == module)?;
    let mut allowed = groups.concat();
    if !EVERYWHERE.contains(&module) {
        allowed.extend(EVERYWHERE);
    }
    Some(allowed)
}

fn unknown(module: &str) -> String {
    format!("unknown module `{module}` in {CORE}: add it to MODULES in xtask/src/tidy/directions.rs")
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn check_one(path: &str, source: &str) -> Vec<String> {
        let path = format!("crates/syncline-core/src/{path}");
        findings(inside_core, &[(&path, source)])
            .iter()
            .map(|found| found.replace("crates/syncline-core/src/", ""))
            .collect()
    }

    #[test]
    fn imports_along_the_flow_pass() {
        for (path, source) in [
            ("schema/table.rs", "use crate::value::Value;"),
            ("mapping.rs", "use crate::{clock::Hlc, error::Error, schema::Table};"),
            ("apply.rs", "use crate::{checkpoint::Checkpoint, resolve::Policy, store::Writer};"),
            ("store.rs", "fn f(_: crate::checkpoint::Checkpoint, _: crate::event::Event) {}"),
            ("pipeline.rs", "use crate::{apply, capture, event::EventSink, state::State};"),
            ("undo.rs", "use crate::pipeline::Pipeline;"),
            ("apply/order.rs", "use super::guards::Guard; use crate::apply::Expectation;"),
            ("lib.rs", "pub use crate::undo::Undo;"),
        ] {
            assert_eq!(check_one(path, source), [""; 0], "{path}");
        }
    }

    #[test]
    fn imports_against_the_flow_are_found() {
        for (path, source, to) in [
            ("value.rs", "use crate::schema::Table;", "schema"),
            ("schema.rs", "fn f() { crate::clock::now() }", "clock"),
            ("mapping.rs", "use crate::change;", "change"),
            ("capture.rs", "use crate::{value::Value, apply::Order};", "apply"),
            ("resolve.rs", "use crate::event::Event;", "event"),
            ("checkpoint.rs", "use crate::store::Writer;", "store"),
            ("value/exact.rs", "use super::super::schema::Table;", "schema"),
            ("store.rs", "fn f() { vec![crate::pipeline::run()]; }", "pipeline"),
            ("plan.rs", "use crate::undo::Undo;", "undo"),
            ("error.rs", "use crate::limits::ROWS;", "limits"),
            ("limits.rs", "use crate::error::Error;", "error"),
        ] {
            let from = path.split(['/', '.']).next().unwrap_or_default();
            assert_eq!(
                check_one(path, source),
                [format!("{path}:1: `{from}` may not use `{to}`: imports in syncline-core run in one direction")]
            );
        }
    }

    #[test]
    fn an_unknown_module_is_asked_for() {
        let message = "unknown module `session` in syncline-core: add it to MODULES in xtask/src/tidy/directions.rs";
        assert_eq!(check_one("session.rs", ""), [format!("session.rs:1: {message}")]);
        assert_eq!(check_one("apply.rs", "\nuse crate::session::S;"), [format!("apply.rs:2: {message}")]);
    }

    #[test]
    fn a_shortcut_through_the_root_is_found() {
        let hides = |what| format!("value.rs:1: `crate::{what}` hides its module: import it from where it is defined");
        assert_eq!(check_one("value.rs", "use crate::Table;"), [hides("Table")]);
        assert_eq!(check_one("value.rs", "use crate::*;"), [hides("*")]);
    }

    #[test]
    fn tests_and_other_crates_are_free() {
        let source = "#[cfg(test)] mod tests { use crate::undo::Undo; }";
        assert_eq!(check_one("value.rs", source), [""; 0]);
        let files = [
            ("crates/syncline-core/src/value.rs", "#[cfg(test)] mod tests;"),
            ("crates/syncline-core/src/value/tests.rs", "use crate::undo::U;"),
            ("crates/syncline-core/tests/it/main.rs", "use crate::undo::U;"),
            ("crates/syncline/src/open.rs", "use crate::run::Run;"),
        ];
        assert_eq!(findings(inside_core, &files), [""; 0]);
    }

    #[test]
    fn the_table_has_no_way_back() {
        for (at, (name, groups)) in MODULES.iter().enumerate() {
            for used in groups.concat() {
                let before = MODULES[..at].iter().any(|(known, _)| *known == used);
                assert!(before, "{name} uses {used}, which does not stand before it");
            }
        }
    }
}
