//! The words of an expression, and what PostgreSQL makes of simple ones, taken back.

use crate::sql::Dialect;

/// One word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// Text in single quotes.
    Text(String),
    /// `x'…'`.
    Bytes(Vec<u8>),
    /// A name in double quotes.
    Name(String),
    /// A name or keyword without quotes.
    Bare(String),
    /// Digits, without a sign.
    Number(String),
    /// Anything else.
    Sign(&'static str),
}

const SIGNS: [&str; 17] = ["::", "<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"];

/// Types to which a column can be cast without another meaning of a comparison.
const HARMLESS: [&str; 5] = ["text", "character varying", "bpchar", "numeric", "double precision"];

/// Types whose literals are numbers.
const NUMBERS: [&str; 6] = ["numeric", "double precision", "real", "integer", "bigint", "smallint"];

/// Words that are neither a column nor a function.
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "between", "is", "null", "any", "all"];

/// All words; `None` for what is none.
pub(super) fn words(text: &str, from: Dialect) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '\'' if from == Dialect::Mysql => escaped(rest).map(|(text, length)| (Word::Text(text), length))?,
            '`' if from == Dialect::Mysql => quoted(rest, '`').map(|(text, length)| (Word::Name(text), length))?,
            // Text or a name, as a server is set.
            '"' if from == Dialect::Mysql => return None,
            '_' if from == Dialect::Mysql => match introducer(rest) {
                // What is behind it is read as it is printed, which is in UTF-8.
                Some(length) => {
                    rest = &rest[length..];
                    continue;
                }
                None => bare(rest),
            },
            '\'' => quoted(rest, '\'').map(|(text, length)| (Word::Text(text), length))?,
            '"' => quoted(rest, '"').map(|(text, length)| (Word::Name(text), length))?,
            'x' | 'X' if rest[1..].starts_with('\'') => {
                let (digits, length) = quoted(&rest[1..], '\'')?;
                (Word::Bytes(bytes(&digits)?), length + 1)
            }
            c if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let length = number_length(rest);
                (Word::Number(rest[..length].to_owned()), length)
            }
            c if c.is_alphabetic() || c == '_' => bare(rest),
            // A comment would be no words.
            _ if rest.starts_with("--") => return None,
            _ => SIGNS.into_iter().find(|sign| rest.starts_with(sign)).map(|sign| (Word::Sign(sign), sign.len()))?,
        };
        words.push(word);
        rest = rest[length..].trim_start();
    }
    Some(words)
}

fn bare(rest: &str) -> (Word, usize) {
    let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
    (Word::Bare(rest[..length].to_owned()), length)
}

/// How long the name of a character set is that stands before a text.
fn introducer(rest: &str) -> Option<usize> {
    const OF_UTF8: [&str; 4] = ["_utf8mb4", "_utf8mb3", "_utf8", "_latin1"];
    let name = OF_UTF8
        .into_iter()
        .find(|name| rest[name.len().min(rest.len())..].trim_start().starts_with('\'') && rest.starts_with(name))?;
    let behind = &rest[name.len()..];
    Some(rest.len() - behind.trim_start().len())
}

/// A text of MySQL, in which a backslash gives the next character another meaning.
fn escaped(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                '0' => text.push('\0'),
                'b' => text.push('\u{8}'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'Z' => text.push('\u{1a}'),
                // Of patterns only, which are not translated.
                c @ ('%' | '_') => text.extend(['\\', c]),
                c => text.push(c),
            },
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
                text.push('\'');
            }
            '\'' => return Some((text, at + 1)),
            c => text.push(c),
        }
    }
    None
}

fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut end = 1;
    loop {
        let found = rest[end..].find(quote)?;
        text += &rest[end..end + found];
        end += found + 1;
        if !rest[end..].starts_with(quote) {
            return Some((text, end));
        }
        text.push(quote);
        end += 1;
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        end += digits(end);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// The text of these words without casts that mean nothing here, lists instead of arrays, and no parentheses around single
/// operands.
pub(super) fn normalised(words: Vec<Word>) -> Option<String> {
    let words = unwrapped(listed(uncast(&words)?)?);
    Some(words.iter().map(written).collect::<Vec<_>>().join(" "))
}

fn written(word: &Word) -> String {
    match word {
        Word::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Word::Bytes(bytes) => format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Word::Name(name) => format!("\"{}\"", name.replace('"', "\"\"")),
        Word::Bare(word) | Word::Number(word) => word.clone(),
        Word::Sign(sign) => (*sign).to_owned(),
    }
}

fn uncast(words: &[Word]) -> Option<Vec<Word>> {
    let mut out: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if *word != Word::Sign("::") {
            out.push(word.clone());
            continue;
        }
        let (name, length) = type_name(&words[at..])?;
        at += length;
        if let (Some(Word::Text(text)), true) = (out.last(), NUMBERS.contains(&name.as_str())) {
            let text = text.clone();
            out.pop();
            let digits = text.strip_prefix('-').unwrap_or(&text);
            if digits.is_empty() || number_length(digits) != digits.len() {
                return None;
            }
            out.extend((digits.len() != text.len()).then_some(Word::Sign("-")));
            out.push(Word::Number(digits.to_owned()));
        } else if !is_literal(&out) && !name.ends_with("[]") && !HARMLESS.contains(&name.as_str()) {
            return None;
        }
    }
    Some(out)
}

/// Whether what stands last is a literal, in parentheses or not.
fn is_literal(words: &[Word]) -> bool {
    let is_one = |word: &Word| matches!(word, Word::Text(_) | Word::Number(_));
    match words {
        [.., Word::Sign("("), Word::Sign("-"), word, Word::Sign(")")] => is_one(word),
        [.., Word::Sign("("), word, Word::Sign(")")] => is_one(word),
        [.., word] => is_one(word),
        [] => false,
    }
}

/// The type that these words begin with, in lower case, without what stands in parentheses; and how many words it has.
fn type_name(words: &[Word]) -> Option<(String, usize)> {
    let mut name = match words.first()? {
        Word::Bare(word) => word.to_ascii_lowercase(),
        Word::Name(name) => format!("\"{name}\""),
        _ => return None,
    };
    let mut length = 1;
    while let (Some(Word::Sign(".")), Some(Word::Bare(part) | Word::Name(part))) =
        (words.get(length), words.get(length + 1))
    {
        name = format!("{name}.{part}");
        length += 2;
    }
    let follow: &[&str] = match name.as_str() {
        "character" => &["varying"],
        "double" => &["precision"],
        "bit" => &["varying"],
        _ => &[],
    };
    if let (Some(second), Some(Word::Bare(word))) = (follow.first(), words.get(length))
        && word.eq_ignore_ascii_case(second)
    {
        name = format!("{name} {second}");
        length += 1;
    }
    if words.get(length) == Some(&Word::Sign("(")) {
        length += words[length..].iter().position(|word| *word == Word::Sign(")"))? + 1;
    }
    if let Some(Word::Bare(with)) = words.get(length)
        && ["with", "without"].contains(&with.to_ascii_lowercase().as_str())
    {
        length += 3;
    }
    if words.get(length) == Some(&Word::Sign("[")) && words.get(length + 1) == Some(&Word::Sign("]")) {
        name += "[]";
        length += 2;
    }
    (length <= words.len()).then_some((name, length))
}

/// `= ANY (ARRAY[…])` as `IN (…)`, and `<> ALL (ARRAY[…])` as `NOT IN (…)`.
fn listed(words: Vec<Word>) -> Option<Vec<Word>> {
    let is_bare = |at: usize, expected: &str| matches!(words.get(at), Some(Word::Bare(word)) if word.eq_ignore_ascii_case(expected));
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let negated = match word {
            Word::Sign("=") if is_bare(at + 1, "any") => false,
            Word::Sign("<>") if is_bare(at + 1, "all") => true,
            _ => {
                out.push(word.clone());
                at += 1;
                continue;
            }
        };
        at += 2;
        let depth = words[at..].iter().take_while(|word| **word == Word::Sign("(")).count();
        at += depth;
        if depth == 0 || !is_bare(at, "array") || words.get(at + 1) != Some(&Word::Sign("[")) {
            return None;
        }
        at += 2;
        let items = words[at..].iter().position(|word| *word == Word::Sign("]"))?;
        let closing = at + items + 1;
        if words.len() < closing + depth || words[closing..closing + depth].iter().any(|word| *word != Word::Sign(")"))
        {
            return None;
        }
        out.extend(negated.then(|| Word::Bare("NOT".to_owned())));
        out.extend([Word::Bare("IN".to_owned()), Word::Sign("(")]);
        out.extend_from_slice(&words[at..at + items]);
        out.push(Word::Sign(")"));
        at = closing + depth;
    }
    Some(out)
}

/// Parentheses around one operand are not needed, and a filter knows none.
fn unwrapped(mut words: Vec<Word>) -> Vec<Word> {
    let is_keyword =
        |word: &Word| matches!(word, Word::Bare(word) if KEYWORDS.contains(&word.to_ascii_lowercase().as_str()));
    let is_operand = |word: &Word| !matches!(word, Word::Sign(_)) && !is_keyword(word);
    let mut at = 0;
    while at < words.len() {
        let behind_function = at > 0
            && match &words[at - 1] {
                Word::Bare(word) => !["and", "or", "not", "between"].contains(&word.to_ascii_lowercase().as_str()),
                Word::Name(_) => true,
                _ => false,
            };
        let inside = match &words[at..] {
            [Word::Sign("("), word, Word::Sign(")"), ..] if is_operand(word) => 1,
            [Word::Sign("("), Word::Sign("-"), Word::Number(_), Word::Sign(")"), ..] => 2,
            _ => 0,
        };
        if inside == 0 || behind_function {
            at += 1;
            continue;
        }
        words.remove(at + inside + 1);
        words.remove(at);
        // What is around may be of one operand now.
        at = at.saturating_sub(1);
    }
    words
}
