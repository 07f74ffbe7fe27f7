//! The decisions in `docs/adr`: one number each, and a title that repeats it.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// Where decisions are written down.
const FOLDER: &str = "docs/adr/";

/// Every decision is `NNN-title.md`, its number is its own, and it begins `# NNN. Title`.
pub(super) fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, text) in tree.texts() {
        let Some(name) = path.strip_prefix(FOLDER) else {
            continue;
        };
        if name == "README.md" || !name.ends_with(".md") {
            continue;
        }
        let Some(number) = number(name) else {
            let message = "a decision is called `NNN-title.md`";
            findings.push(Finding::new(path, 1, message));
            continue;
        };
        if let Some(other) = numbers.insert(number, path) {
            let message = format!("the number {number} is taken by {other}");
            findings.push(Finding::new(path, 1, message));
        }
        if !is_title(text.lines().next().unwrap_or_default(), number) {
            let message = format!("the first line must be `# {number}. Title`");
            findings.push(Finding::new(path, 1, message));
        }
    }
    findings
}

fn number(name: &str) -> Option<&str> {
    let (number, title) = name.split_once('-')?;
    let digits = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && title != ".md").then_some(number)
}

fn is_title(line: &str, number: &str) -> bool {
    line.strip_prefix("# ")
        .and_then(|rest| rest.strip_prefix(number))
        .and_then(|rest| rest.strip_prefix(". "))
        .is_some_and(|title| !title.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    #[test]
    fn numbered_decisions_with_titles_pass() {
        let files = [
            ("docs/adr/001-row-batch.md", "# 001. The row batch\n\ntext\n"),
            ("docs/adr/002-undo.md", "# 002. Undo\n"),
            ("docs/adr/README.md", "Decisions\n"),
            ("docs/book/src/summary.md", "Summary\n"),
        ];
        assert_eq!(findings(decisions, &files), [""; 0]);
    }

    #[test]
    fn a_number_is_used_once() {
        let files = [("docs/adr/001-a.md", "# 001. A\n"), ("docs/adr/001-b.md", "# 001. B\n")];
        assert_eq!(findings(decisions, &files), ["docs/adr/001-b.md:1: the number 001 is taken by docs/adr/001-a.md"]);
    }

    #[test]
    fn the_title_repeats_the_number() {
        for text in ["", "# 002. A\n", "001. A\n", "# 001 A\n", "# 001. \n", "\n# 001. A\n"] {
            assert_eq!(
                findings(decisions, &[("docs/adr/001-a.md", text)]),
                ["docs/adr/001-a.md:1: the first line must be `# 001. Title`"],
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_decision_has_a_number() {
        for path in ["docs/adr/a.md", "docs/adr/1-a.md", "docs/adr/0001-a.md", "docs/adr/001-.md"] {
            let found = findings(decisions, &[(path, "# 001. A\n")]);
            assert_eq!(found, [format!("{path}:1: a decision is called `NNN-title.md`")]);
        }
    }
}
