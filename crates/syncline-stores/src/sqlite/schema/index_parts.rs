//! The parts of an index that SQLite shows only in the text of its definition: expressions, and the condition of a partial one.

use super::checks::{Token, Tokens};

/// The terms of a CREATE INDEX statement without their direction, and its condition where it has one. `None` where the text is
/// no such statement.
pub(in crate::sqlite) fn parts_of_index(definition: &str) -> Option<(Vec<String>, Option<String>)> {
    let mut terms = Vec::new();
    let (mut depth, mut start, mut end) = (0_usize, None, 0);
    let mut condition = None;
    for token in Tokens::of(definition) {
        match token {
            Token::Open(at) => {
                depth += 1;
                if depth == 1 && terms.is_empty() {
                    (start, end) = (Some(at + 1), 0);
                }
            }
            Token::Comma(at) if depth == 1 => {
                terms.push(term(definition, start.replace(at + 1)?, if end > 0 { end } else { at }));
                end = 0;
            }
            Token::Close(at) => {
                depth = depth.checked_sub(1)?;
                if depth == 0
                    && let Some(start) = start.take()
                {
                    terms.push(term(definition, start, if end > 0 { end } else { at }));
                }
                end = 0;
            }
            Token::Word(word) => {
                let is = |other: &str| definition[word.clone()].eq_ignore_ascii_case(other);
                if depth == 0 && start.is_none() && !terms.is_empty() && is("where") {
                    condition = Some(definition[word.end..].trim().to_owned());
                    break;
                }
                // Only as the last word of a term; whatever follows takes it back.
                end = if depth == 1 && (is("asc") || is("desc")) { word.start } else { 0 };
            }
            Token::Comma(_) | Token::Other => end = 0,
        }
    }
    (!terms.is_empty() && start.is_none()).then_some((terms, condition))
}

/// With a line end behind it, so that a comment at its end ends there.
fn term(definition: &str, start: usize, end: usize) -> String {
    format!("{}\n", definition[start..end].trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(definition: &str) -> Option<(Vec<String>, Option<String>)> {
        let (terms, condition) = parts_of_index(definition)?;
        Some((terms.iter().map(|term| term.trim().to_owned()).collect(), condition))
    }

    #[test]
    fn terms_and_conditions_are_found() {
        let of = |terms: &[&str], condition: Option<&str>| {
            Some((terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>(), condition.map(str::to_owned)))
        };
        assert_eq!(parts("CREATE UNIQUE INDEX i ON t(a, b DESC)"), of(&["a", "b"], None));
        assert_eq!(
            parts("create unique index \"i (\" on t ( lower(a) COLLATE NOCASE ASC , substr(b, 1, 2) ) WHERE (a > ')')"),
            of(&["lower(a) COLLATE NOCASE", "substr(b, 1, 2)"], Some("(a > ')')"))
        );
        assert_eq!(parts("CREATE UNIQUE INDEX i ON t(a || \"desc\", (b))"), of(&["a || \"desc\"", "(b)"], None));
        assert_eq!(parts("CREATE UNIQUE INDEX i ON t(a -- , b)\n)"), of(&["a -- , b)"], None));
        for broken in ["", "CREATE UNIQUE INDEX i ON t", "CREATE UNIQUE INDEX i ON t(a", ")"] {
            assert_eq!(parts(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~\n\u{e9}]{0,60}|([('\"\\[\\]`)/*,-]|desc| where ){0,30}") {
            parts_of_index(&text);
        }
    }
}
