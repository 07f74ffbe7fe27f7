//! `cargo xtask tidy`: the house rules, each of which fails the build when it is broken.
//!
//! A rule is a function from the tracked files to findings. It reads nothing else, so its tests
//! hand it a few files written in memory.

mod adr;
mod budgets;
mod directions;
mod facts;
mod manifests;
mod names;
mod panics;
mod purity;
mod text;
mod tree;

use std::fmt;

use anyhow::{Result, ensure};

use self::tree::Tree;
use crate::cargo;

const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    manifests::between_crates,
    manifests::workspace_lints,
    directions::inside_core,
    purity::purity,
    budgets::budgets,
    text::markers,
    text::machine_paths,
    names::banned,
    names::siblings,
    panics::panics,
    adr::decisions,
    unreadable,
];

/// Prints every finding as `path:line: message`, then their count; the exit code is 1 if there are any.
pub(crate) fn run(args: &[String]) -> Result<u8> {
    ensure!(args.is_empty(), "tidy takes no arguments");
    let tree = Tree::tracked(cargo::root())?;
    let findings = check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings in {} files", findings.len(), tree.texts().count());
    Ok(u8::from(!findings.is_empty()))
}

/// One place where a house rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    // Two uses of the same thing on one line are one finding.
    findings.dedup();
    findings
}

/// Rust files that do not parse: no other rule can look into them.
fn unreadable(tree: &Tree) -> Vec<Finding> {
    tree.unreadable().map(|(path, line, why)| Finding::new(path, line, format!("does not parse: {why}"))).collect()
}

/// What the rules' tests share: a tree from texts, and findings as text.
#[cfg(test)]
mod testing {
    use super::*;

    /// Runs `rule` over `files` and returns its findings as text, sorted.
    pub(super) fn findings(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        let mut found = rule(&Tree::from_texts(files));
        found.sort();
        found.iter().map(Finding::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::findings;
    use super::*;

    #[test]
    fn a_finding_reads_as_path_line_message() {
        let finding = Finding::new("a/b.rs", 3, "too long");
        assert_eq!(finding.to_string(), "a/b.rs:3: too long");
    }

    #[test]
    fn all_rules_run_and_the_same_finding_is_told_once() {
        let source = "pub fn f() { a().unwrap(); b(todo!(), todo!()) }\n";
        let tree = Tree::from_texts(&[("crates/syncline/src/run.rs", source)]);
        let found: Vec<_> = check(&tree).iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_file_that_does_not_parse_is_a_finding() {
        let found = findings(unreadable, &[("xtask/src/a.rs", "fn f() {\n  let = 1;\n}\n")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("xtask/src/a.rs:2: does not parse: "), "{found:?}");
        assert!(findings(unreadable, &[("xtask/src/a.rs", "fn f() {}\n")]).is_empty());
    }
}
