//! Rules over the text of any tracked file: markers of unfinished work and paths of one machine.

use super::Finding;
use super::tree::Tree;

// The words are put together here so that this file does not find itself.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

const MACHINE_PATHS: &[&str] = &[concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];

/// A marker of unfinished work names its issue: `TODO(#12)`.
pub(super) fn markers(tree: &Tree) -> Vec<Finding> {
    each_line(tree, |line| {
        let marker = MARKERS.iter().find(|marker| {
            line.match_indices(**marker)
                .any(|(at, _)| is_word(line, at, marker.len()) && !has_issue(line, at + marker.len()))
        })?;
        Some(format!("`{marker}` without an issue: write `{marker}(#12)`"))
    })
}

/// No file names a path that exists on one machine only.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    each_line(tree, |line| {
        let path =
            MACHINE_PATHS.iter().find(|path| line.match_indices(**path).any(|(at, _)| starts_a_path(&line[..at])))?;
        Some(format!("`{path}` is a path of one machine"))
    })
}

fn each_line(tree: &Tree, judge: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            findings.extend(judge(line).map(|message| Finding::new(path, index + 1, message)));
        }
    }
    findings
}

fn is_word(line: &str, at: usize, length: usize) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    !line[..at].ends_with(part_of_word) && !line[at + length..].starts_with(part_of_word)
}

/// Whether `(#12)` stands at `at`.
fn has_issue(line: &str, at: usize) -> bool {
    line[at..]
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'))
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a slash after `before` begins an absolute path rather than going on with a relative one
/// or with the path of a web address.
fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "_-.~}*".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Finding>, text: &str) -> Vec<String> {
        findings(rule, &[("docs/a.md", text)])
    }

    #[test]
    fn a_marker_needs_an_issue() {
        for marker in MARKERS {
            for text in [
                format!("// {marker}: later"),
                format!("{marker}(me)"),
                format!("{marker}(#)"),
                format!("{marker}(#12"),
                format!("{marker}(#12) and {marker}"),
            ] {
                assert_eq!(
                    check(markers, &format!("one\n{text}\n")),
                    [format!("docs/a.md:2: `{marker}` without an issue: write `{marker}(#12)`")]
                );
            }
        }
    }

    #[test]
    fn a_marker_with_an_issue_or_inside_a_word_passes() {
        for marker in MARKERS {
            let text = format!("{marker}(#7): later\nx{marker}\n{marker}S\n_{marker}_\n");
            assert_eq!(check(markers, &text), [""; 0]);
        }
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in MACHINE_PATHS {
            for text in [format!("{path}main"), format!("see `{path}x`"), format!("a={path}")] {
                assert_eq!(check(machine_paths, &text), [format!("docs/a.md:1: `{path}` is a path of one machine")]);
            }
        }
    }

    #[test]
    fn a_relative_path_or_a_web_address_passes() {
        for path in MACHINE_PATHS {
            let text = format!("https://example.org{path}x a{path} .{path} ~{path}");
            assert_eq!(check(machine_paths, &text), [""; 0]);
        }
        assert_eq!(check(machine_paths, "/tmp/x /usr/bin"), [""; 0]);
    }
}
