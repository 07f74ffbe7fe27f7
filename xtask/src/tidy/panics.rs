//! Calls that panic: only a broken invariant may, and it says so.

use super::Finding;
use super::facts::PanicKind;
use super::tree::{RustFile, Tree};

/// Crates that run only when the product is tested or built.
const TEST_CRATES: &[&str] = &["syncline-testkit", "xtask"];

/// Macros that stand for code that is not there.
const MISSING: &[&str] = &["todo", "unimplemented"];

/// Outside tests nothing is unwrapped, and `expect` names a bug; code that is missing is missing
/// in tests too.
pub(super) fn panics(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .flat_map(|file| {
            let mut findings = missing(file);
            if !file.test && !TEST_CRATES.contains(&file.krate.as_str()) {
                findings.extend(unwraps(file));
            }
            findings
        })
        .collect()
}

fn missing(file: &RustFile) -> Vec<Finding> {
    file.facts
        .macros
        .iter()
        .filter(|call| MISSING.contains(&call.name.as_str()))
        .map(|call| {
            let message = format!("`{}!()`: write the code or leave it out", call.name);
            Finding::new(&file.path, call.line, message)
        })
        .collect()
}

fn unwraps(file: &RustFile) -> Vec<Finding> {
    let calls = file.facts.panics.iter().filter_map(|panic| {
        let message = match &panic.kind {
            PanicKind::Unwrap => "`.unwrap()`: return the error, or `.expect(\"BUG: ...\")`",
            PanicKind::Expect(Some(message)) if message.starts_with("BUG: ") => return None,
            PanicKind::Expect(_) => "`.expect(..)` must be given a literal that starts with `BUG: `",
        };
        Some(Finding::new(&file.path, panic.line, message))
    });
    // `.map(Option::unwrap)` is the same call without its dot.
    let paths = file.facts.mentions.iter().filter_map(|mention| {
        let [.., owner, call] = mention.path.as_slice() else {
            return None;
        };
        let panics = ["Option", "Result"].contains(&owner.as_str()) && call == "unwrap";
        panics.then(|| Finding::new(&file.path, mention.line, format!("`{owner}::{call}`")))
    });
    calls.chain(paths).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn check(path: &str, source: &str) -> Vec<String> {
        findings(panics, &[(path, source)])
    }

    #[test]
    fn unwrap_and_a_plain_expect_are_found() {
        for source in [
            "fn f() { a.unwrap(); }",
            "fn f() { a.expect(\"it works\"); }",
            "fn f() { a.expect(&format!(\"BUG: {x}\")); }",
            "fn f() { println!(\"{}\", a.unwrap()); }",
            "fn f() { a.map(Option::unwrap); }",
        ] {
            assert_eq!(check("crates/a/src/lib.rs", source).len(), 1, "{source}");
        }
        assert_eq!(
            check("crates/a/src/lib.rs", "\nfn f() { a.unwrap(); }"),
            ["crates/a/src/lib.rs:2: `.unwrap()`: return the error, or `.expect(\"BUG: ...\")`"]
        );
    }

    #[test]
    fn a_named_bug_and_calls_that_do_not_panic_pass() {
        let source = "fn f() { a.expect(\"BUG: set above\"); b.unwrap_or(1); c.expect_err(); }";
        assert_eq!(check("crates/a/src/lib.rs", source), [""; 0]);
    }

    #[test]
    fn tests_may_unwrap() {
        let source = "fn f() { a.unwrap(); b.expect(\"b\"); }";
        for path in [
            "crates/a/tests/it/main.rs",
            "crates/a/benches/batch.rs",
            "crates/syncline-testkit/src/world.rs",
            "xtask/src/main.rs",
        ] {
            assert_eq!(check(path, source), [""; 0], "{path}");
        }
        let source = format!("#[cfg(test)] mod tests {{ {source} }}");
        assert_eq!(check("crates/a/src/lib.rs", &source), [""; 0]);
    }

    #[test]
    fn missing_code_is_found_in_tests_too() {
        for (source, name) in
            [("fn f() { todo!() }", "todo"), ("#[test] fn f() { unimplemented!(\"x\") }", "unimplemented")]
        {
            for path in ["crates/a/src/lib.rs", "crates/a/tests/t.rs", "xtask/src/a.rs"] {
                assert_eq!(check(path, source), [format!("{path}:1: `{name}!()`: write the code or leave it out")]);
            }
        }
    }
}
