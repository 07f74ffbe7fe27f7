//! Which names an expression mentions, as far as can be told without understanding it.

/// Whether the text of an SQL expression holds one of these names, with quotes or without. Text in single quotes is no
/// name. Where a backslash may be one of MySQL's, it is read both ways.
pub(super) fn mentions(expression: &str, names: &[String]) -> bool {
    let has_backslash = expression.contains('\\');
    reads(expression, names, quoted) || has_backslash && reads(expression, names, |rest, _| escaped(rest))
}

fn reads(expression: &str, names: &[String], text: impl Fn(&str, char) -> (String, usize)) -> bool {
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '\'' => (String::new(), text(rest, '\'').1),
            '"' | '`' => quoted(rest, first),
            '[' => quoted(rest, ']'),
            _ if in_word(first) => {
                let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
                (rest[..end].to_owned(), end)
            }
            _ => (String::new(), first.len_utf8()),
        };
        if names.iter().any(|name| name.eq_ignore_ascii_case(&word)) {
            return true;
        }
        rest = &rest[length..];
    }
    false
}

/// The text up to the closing quote, a doubled one standing for itself, and the length with both quotes.
fn quoted(rest: &str, close: char) -> (String, usize) {
    let mut text = String::new();
    let mut end = 1;
    loop {
        let Some(found) = rest[end..].find(close) else { return (text + &rest[end..], rest.len()) };
        text += &rest[end..end + found];
        end += found + 1;
        if close == ']' || !rest[end..].starts_with(close) {
            return (text, end);
        }
        text.push(close);
        end += 1;
    }
}

/// The same of a text in which a backslash takes the next character with it.
fn escaped(rest: &str) -> (String, usize) {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' => return (String::new(), at + 1),
            _ => {}
        }
    }
    (String::new(), rest.len())
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mentions;

    #[test]
    fn names_are_found_in_every_kind_of_quotes() {
        let names = ["ssn".to_owned(), "a \"b".to_owned()];
        for text in ["ssn > 1", "length(SSN)", "\"ssn\"", "[ssn]", "`ssn`", "t.ssn", "\"a \"\"b\" > 1", "é+ssn"] {
            assert!(mentions(text, &names), "{text}");
        }
        for text in ["'a\\'b' > ssn", "'a\\\\' > ssn", "'\\' > ssn"] {
            assert!(mentions(text, &names), "{text}");
        }
        for text in ["ssn2", "'ssn'", "'it''s ssn'", "x_ssn", "", "[open", "'open ssn", "\u{e9}ssn"] {
            assert!(!mentions(text, &names), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~\u{e9}]{0,40}|[\"'`\\[\\]a]{0,20}") {
            mentions(&text, &["a".to_owned()]);
        }
    }
}
