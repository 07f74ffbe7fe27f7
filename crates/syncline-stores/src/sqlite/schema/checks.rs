//! The expressions of a table, which SQLite shows only in the text of its definition: conditions of CHECK constraints and
//! what computed columns are computed by.

use std::ops::Range;

use syncline_core::schema::Check;

/// The expressions in a CREATE TABLE statement, in the order they stand there.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// The conditions of CHECK constraints.
    pub(super) checks: Vec<Check>,
    /// What computed columns are computed by.
    pub(super) computed: Vec<String>,
}

/// What a word announces that an opening parenthesis follows.
#[derive(Clone, Copy)]
enum Announced {
    Check,
    Computed,
}

/// Finds them.
pub(super) fn of_definition(definition: &str) -> Expressions {
    let mut found = Expressions::default();
    let mut depth = 0_usize;
    let mut announced: Option<Announced> = None;
    let mut open: Option<(Announced, usize, usize)> = None;
    for token in Tokens::of(definition) {
        match token {
            Token::Open(at) => {
                if let Some(announced) = announced {
                    open = Some((announced, depth, at + 1));
                }
                depth += 1;
            }
            Token::Close(at) => {
                depth = depth.saturating_sub(1);
                if let Some((announced, outer, start)) = open
                    && outer == depth
                {
                    let expression = definition[start..at].trim().to_owned();
                    match announced {
                        Announced::Check => found.checks.push(Check { expression }),
                        Announced::Computed => found.computed.push(expression),
                    }
                    open = None;
                }
            }
            Token::Word(_) | Token::Comma(_) | Token::Other => {}
        }
        // Both stand directly inside the parentheses of the table, and CHECK and AS are reserved words.
        announced = match &token {
            Token::Word(word) if depth == 1 => announces(&definition[word.clone()]),
            _ => None,
        };
    }
    found
}

fn announces(word: &str) -> Option<Announced> {
    if word.eq_ignore_ascii_case("check") {
        Some(Announced::Check)
    } else if word.eq_ignore_ascii_case("as") {
        Some(Announced::Computed)
    } else {
        None
    }
}

/// A token of a statement.
pub(super) enum Token {
    /// A word without quotes: a keyword, a name or a number.
    Word(Range<usize>),
    Open(usize),
    Close(usize),
    Comma(usize),
    /// Quoted text or any other character.
    Other,
}

/// The tokens of a statement, as far as parentheses and words go. Comments and space are passed over.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    fn skip_to(&mut self, end: &[u8]) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = rest.windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.text.len(), |found| self.at + found + end.len());
    }

    /// Passes over quoted text; a doubled quote stands for itself, except in brackets.
    fn skip_quoted(&mut self, close: u8) {
        loop {
            self.skip_to(&[close]);
            if close == b']' || self.text.get(self.at) != Some(&close) {
                return;
            }
            self.at += 1;
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let byte = *self.text.get(start)?;
            self.at += 1;
            match (byte, self.text.get(self.at)) {
                (b'-', Some(b'-')) => self.skip_to(b"\n"),
                (b'/', Some(b'*')) => {
                    self.at += 1;
                    self.skip_to(b"*/");
                }
                (b'\'' | b'"' | b'`', _) => {
                    self.skip_quoted(byte);
                    return Some(Token::Other);
                }
                (b'[', _) => {
                    self.skip_quoted(b']');
                    return Some(Token::Other);
                }
                (b'(', _) => return Some(Token::Open(start)),
                (b')', _) => return Some(Token::Close(start)),
                (b',', _) => return Some(Token::Comma(start)),
                (byte, _) if in_word(byte) => {
                    while self.text.get(self.at).is_some_and(|byte| in_word(*byte)) {
                        self.at += 1;
                    }
                    return Some(Token::Word(start..self.at));
                }
                (byte, _) if byte.is_ascii_whitespace() => {}
                _ => return Some(Token::Other),
            }
        }
    }
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checks(definition: &str) -> Vec<String> {
        of_definition(definition).checks.into_iter().map(|check| check.expression).collect()
    }

    #[test]
    fn what_columns_are_computed_by_is_found() {
        let definition = "CREATE TABLE t(a DEFAULT (CAST('as (1)' AS TEXT)), b AS (a || ')') STORED, \"as\" (10), \
             c INT GENERATED ALWAYS as /* ( */ (length(b)) CHECK (c > 0))";
        let found = of_definition(definition);
        assert_eq!(found.computed, ["a || ')'", "length(b)"]);
        assert_eq!(found.checks.len(), 1);
        assert!(of_definition("CREATE TABLE t AS SELECT (1)").computed.is_empty());
    }

    #[test]
    fn checks_are_found_among_everything_that_looks_like_one() {
        let cases: [(&str, &[&str]); 9] = [
            ("CREATE TABLE t(a CHECK (a > 0), b, check( length(b) < 3 ))", &["a > 0", "length(b) < 3"]),
            ("CREATE TABLE t(a /* CHECK (1) */ CHECK/* ( */(a IN (1, 2)))", &["a IN (1, 2)"]),
            ("CREATE TABLE t(a -- CHECK (1)\n, CONSTRAINT c CHECK\n(a <> ')'))", &["a <> ')'"]),
            ("CREATE TABLE t(\"check\" (10), [check] , `check`, a DEFAULT 'CHECK (1)')", &[]),
            (
                "CREATE TABLE t(a CHECK (a <> 'it''s ('), b CHECK (\"b\"\")\" > 1))",
                &["a <> 'it''s ('", "\"b\"\")\" > 1"],
            ),
            ("CREATE TABLE t(checked (1), rechecké (2), a DEFAULT (check (1)))", &[]),
            ("CREATE TABLE \"t(\"(a CHECK (a))", &["a"]),
            ("CREATE TABLE t(a CHECK (a", &[]),
            ("CREATE TABLE t AS SELECT 'unclosed", &[]),
        ];
        for (definition, expected) in cases {
            assert_eq!(checks(definition), expected, "{definition}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~\n\u{e9}]{0,60}|([('\"\\[\\]`)/*-]|check| ){0,30}") {
            checks(&text);
        }
    }
}
