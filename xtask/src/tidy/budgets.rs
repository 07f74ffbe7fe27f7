//! The budgets: how long a file and a function may be, and the listed exceptions.

use serde::Deserialize;
use toml::Spanned;

use super::Finding;
use super::manifests::line_at;
use super::tree::Tree;

/// Lines of a file, its inline tests not counted.
const FILE_LINES: usize = 600;

/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;

/// Where exceptions are listed, each with its limit and its reason.
const EXCEPTIONS: &str = "xtask/tidy.toml";

/// Files and functions keep to their budget, or are listed with a reason that still holds.
pub(super) fn budgets(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(EXCEPTIONS).unwrap_or_default();
    let exceptions: Exceptions = match toml::from_str(text) {
        Ok(exceptions) => exceptions,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            return vec![Finding::new(EXCEPTIONS, line, error.message())];
        }
    };
    let mut findings = over_budget(tree, &exceptions);
    findings.extend(unneeded(tree, &exceptions, text));
    findings
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[serde(default)]
    long_file: Vec<LongFile>,
    #[serde(default)]
    long_function: Vec<LongFunction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongFile {
    path: Spanned<String>,
    limit: usize,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongFunction {
    path: Spanned<String>,
    name: String,
    limit: usize,
    reason: String,
}

impl Exceptions {
    fn file_limit(&self, path: &str) -> usize {
        self.long_file.iter().find(|entry| entry.path.get_ref() == path).map_or(FILE_LINES, |entry| entry.limit)
    }

    fn function_limit(&self, path: &str, name: &str) -> usize {
        self.long_function
            .iter()
            .find(|entry| entry.path.get_ref() == path && entry.name == name)
            .map_or(FUNCTION_LINES, |entry| entry.limit)
    }
}

fn over_budget(tree: &Tree, exceptions: &Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let limit = exceptions.file_limit(&file.path);
        if file.lines > limit {
            let message = format!("{} lines without its tests; the limit is {limit}", file.lines);
            findings.push(Finding::new(&file.path, 1, message));
        }
        for function in &file.facts.functions {
            let limit = exceptions.function_limit(&file.path, &function.name);
            if function.lines > limit {
                let (name, lines) = (&function.name, function.lines);
                let message = format!("function `{name}` has {lines} lines; the limit is {limit}");
                findings.push(Finding::new(&file.path, function.line, message));
            }
        }
    }
    findings
}

/// Exceptions that nothing needs any more, or that give no reason.
fn unneeded(tree: &Tree, exceptions: &Exceptions, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut judge = |path: &Spanned<String>, what: &str, needed: bool, reason: &str| {
        let line = line_at(text, path.span().start);
        if !needed {
            let message = format!("the exception for {what} is no longer needed");
            findings.push(Finding::new(EXCEPTIONS, line, message));
        }
        if reason.trim().is_empty() {
            let message = format!("the exception for {what} needs a reason");
            findings.push(Finding::new(EXCEPTIONS, line, message));
        }
    };
    for entry in &exceptions.long_file {
        let path = entry.path.get_ref();
        let needed = tree.rust().any(|file| file.path == *path && file.lines > FILE_LINES);
        judge(&entry.path, path, needed, &entry.reason);
    }
    for entry in &exceptions.long_function {
        let path = entry.path.get_ref();
        let needed = tree
            .rust()
            .filter(|file| file.path == *path)
            .flat_map(|file| &file.facts.functions)
            .any(|function| function.name == entry.name && function.lines > FUNCTION_LINES);
        let what = format!("`{}` in {path}", entry.name);
        judge(&entry.path, &what, needed, &entry.reason);
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    const PATH: &str = "crates/a/src/lib.rs";

    fn check(source: &str, exceptions: &str) -> Vec<String> {
        findings(budgets, &[(PATH, source), (EXCEPTIONS, exceptions)])
    }

    fn file(lines: usize) -> String {
        "// line\n".repeat(lines)
    }

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    go();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_at_its_limit_passes_and_one_line_more_does_not() {
        assert_eq!(check(&file(600), ""), [""; 0]);
        assert_eq!(check(&file(601), ""), ["crates/a/src/lib.rs:1: 601 lines without its tests; the limit is 600"]);
    }

    #[test]
    fn inline_tests_do_not_count() {
        let source = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", file(600), file(300));
        assert_eq!(check(&source, ""), [""; 0]);
    }

    #[test]
    fn a_function_at_its_limit_passes_and_one_line_more_does_not() {
        assert_eq!(check(&function(70), ""), [""; 0]);
        assert_eq!(
            check(&format!("\n{}", function(71)), ""),
            ["crates/a/src/lib.rs:2: function `f` has 71 lines; the limit is 70"]
        );
    }

    #[test]
    fn a_listed_exception_passes_up_to_its_own_limit() {
        let long_file = "[[long_file]]\npath = \"crates/a/src/lib.rs\"\nlimit = 700\nreason = \"a catalogue\"\n";
        assert_eq!(check(&file(700), long_file), [""; 0]);
        assert_eq!(
            check(&file(701), long_file),
            ["crates/a/src/lib.rs:1: 701 lines without its tests; the limit is 700"]
        );
        let long_function =
            "[[long_function]]\npath = \"crates/a/src/lib.rs\"\nname = \"f\"\nlimit = 80\nreason = \"one match\"\n";
        assert_eq!(check(&function(80), long_function), [""; 0]);
        assert_eq!(check(&function(81), long_function).len(), 1);
    }

    #[test]
    fn an_exception_must_be_needed_and_have_a_reason() {
        let exceptions = "# head\n[[long_file]]\npath = \"crates/a/src/lib.rs\"\nlimit = 700\nreason = \" \"\n\n[[long_function]]\npath = \"crates/a/src/gone.rs\"\nname = \"f\"\nlimit = 80\nreason = \"one match\"\n";
        assert_eq!(
            check(&file(600), exceptions),
            [
                "xtask/tidy.toml:3: the exception for crates/a/src/lib.rs is no longer needed",
                "xtask/tidy.toml:3: the exception for crates/a/src/lib.rs needs a reason",
                "xtask/tidy.toml:8: the exception for `f` in crates/a/src/gone.rs is no longer needed",
            ]
        );
    }

    #[test]
    fn a_list_that_does_not_parse_is_a_finding() {
        let found = check("", "[[long_file]]\npath = \"x\"\nlimits = 3\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("xtask/tidy.toml:3: "), "{found:?}");
    }
}
