//! The CHECK constraints of a table, which SQLite shows only in the text of its definition.

use std::ops::Range;

use syncline_core::schema::Check;

/// The conditions in a CREATE TABLE statement, in the order they stand there.
pub(super) fn of_definition(definition: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut depth = 0_usize;
    let mut armed = false;
    let mut open: Option<(usize, usize)> = None;
    for token in Tokens::of(definition) {
        match token {
            Token::Open(at) => {
                if armed {
                    open = Some((depth, at + 1));
                }
                depth += 1;
            }
            Token::Close(at) => {
                depth = depth.saturating_sub(1);
                if let Some((outer, start)) = open
                    && outer == depth
                {
                    checks.push(Check { expression: definition[start..at].trim().to_owned() });
                    open = None;
                }
            }
            Token::Word(_) | Token::Other => {}
        }
        // A constraint stands directly inside the parentheses of the table; CHECK is a reserved word.
        armed =
            depth == 1 && matches!(&token, Token::Word(word) if definition[word.clone()].eq_ignore_ascii_case("check"));
    }
    checks
}

enum Token {
    /// A word without quotes: a keyword, a name or a number.
    Word(Range<usize>),
    Open(usize),
    Close(usize),
    /// Quoted text or any other character.
    Other,
}

/// The tokens of a statement, as far as parentheses and words go. Comments and space are passed over.
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
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
        of_definition(definition).into_iter().map(|check| check.expression).collect()
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
