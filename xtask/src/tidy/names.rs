//! Names of modules and files: no junk drawers, and siblings that share their file names.

use super::Finding;
use super::tree::Tree;

/// Names that say nothing about what is inside.
const BANNED: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "handler", "misc"];

/// The folder whose folders are the engines.
const STORES: &str = "crates/syncline-stores/src/";

/// Folders beside the engines that belong to no engine.
const NOT_ENGINES: &[&str] = &["sql", "digests", "dump", "lens", "server"];

/// What the files of an engine may be called; a missing one is a missing feature.
const SIBLINGS: &[&str] = &[
    "connect",
    "describe",
    "examine",
    "schema",
    "types",
    "snapshot",
    "digest",
    "bulk",
    "write",
    "migrate",
    "track",
    "capture",
    "backup",
    "claim",
    "thread",
    "translate",
    "codec",
    "literal",
    "filter",
    "names",
    "definition",
    "elsewhere",
    "position",
    "tests",
];

/// No module or file of any crate has a name that says nothing.
pub(super) fn banned(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let stem = file.path.trim_end_matches(".rs");
        if let Some(name) = stem.split('/').find(|part| BANNED.contains(part)) {
            findings.push(Finding::new(&file.path, 1, says_nothing(name)));
        }
        for (line, name) in &file.facts.inline_modules {
            if BANNED.contains(&name.as_str()) {
                findings.push(Finding::new(&file.path, *line, says_nothing(name)));
            }
        }
    }
    findings
}

/// The engines' folders hold the same file names.
pub(super) fn siblings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in tree.texts() {
        let Some((engine, rest)) = path.strip_prefix(STORES).and_then(|inside| inside.split_once('/')) else {
            continue;
        };
        let name = rest.split(['/', '.']).next().unwrap_or(rest);
        if path.ends_with(".rs") && !NOT_ENGINES.contains(&engine) && !SIBLINGS.contains(&name) {
            let message = format!("`{name}` is not a file name the engines share: {}", SIBLINGS.join(" "));
            findings.push(Finding::new(path, 1, message));
        }
    }
    findings
}

fn says_nothing(name: &str) -> String {
    format!("the name `{name}` says nothing about what is inside")
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_found_as_file_folder_and_module() {
        for name in BANNED {
            let file = format!("crates/a/src/{name}.rs");
            let folder = format!("crates/a/tests/it/{name}/seed.rs");
            let module = format!("\nmod {name} {{}}");
            assert_eq!(
                findings(banned, &[(&file, ""), (&folder, ""), ("xtask/src/b.rs", &module)]),
                [
                    format!("{file}:1: {}", says_nothing(name)),
                    format!("{folder}:1: {}", says_nothing(name)),
                    format!("xtask/src/b.rs:2: {}", says_nothing(name)),
                ]
            );
        }
    }

    #[test]
    fn a_name_that_merely_contains_one_passes() {
        let files = [
            ("crates/a/src/utility_bills.rs", "mod commons {}"),
            ("crates/a/src/handlers.rs", "fn helper() {}"),
            ("docs/common/a.md", ""),
        ];
        assert_eq!(findings(banned, &files), [""; 0]);
    }

    #[test]
    fn engines_share_their_file_names() {
        let files = [
            ("crates/syncline-stores/src/lib.rs", ""),
            ("crates/syncline-stores/src/sqlite.rs", ""),
            ("crates/syncline-stores/src/sqlite/connect.rs", ""),
            ("crates/syncline-stores/src/postgres/capture/slot.rs", ""),
            ("crates/syncline-stores/src/mysql/tests.rs", ""),
            ("crates/syncline-stores/src/sql/quote.rs", ""),
            ("crates/syncline/src/state/runs.rs", ""),
        ];
        assert_eq!(findings(siblings, &files), [""; 0]);
    }

    #[test]
    fn a_name_of_its_own_among_siblings_is_found() {
        let files =
            [("crates/syncline-stores/src/mysql/queries.rs", ""), ("crates/syncline-stores/src/oracle/mod.rs", "")];
        let found = findings(siblings, &files);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("crates/syncline-stores/src/mysql/queries.rs:1: `queries` is not a file name"),
            "{found:?}"
        );
    }
}
