//! The words of a filter.

/// One word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or keyword without quotes.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// Digits, with or without a point and an exponent; no sign.
    Number(String),
    /// Text in single quotes.
    Text(String),
    /// `x'…'`.
    Bytes(Vec<u8>),
    /// One of the signs of the grammar.
    Sign(&'static str),
    /// Nothing more comes.
    End,
}

/// A word and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// What is wrong with the text of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mapping) struct Flaw {
    /// Where, in bytes from the start.
    pub(in crate::mapping) at: usize,
    /// What was found there and what was expected.
    pub(in crate::mapping) why: String,
}

impl Flaw {
    pub(super) fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }
}

/// Longer signs come first, so that `<=` is not read as `<`.
const SIGNS: [&str; 14] = ["<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", "+", "-", "."];

/// All words of a text, the end included.
pub(super) fn words(text: &str) -> Result<Vec<Placed>, Flaw> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        let rest = &text[at..];
        let (token, length) = word(rest, at)?;
        let is_end = token == Token::End;
        words.push(Placed { token, at });
        if is_end {
            return Ok(words);
        }
        at += length;
    }
}

/// The word that `rest` begins with, and its length in bytes.
fn word(rest: &str, at: usize) -> Result<(Token, usize), Flaw> {
    let Some(first) = rest.chars().next() else { return Ok((Token::End, 0)) };
    let second = rest.as_bytes().get(1).copied();
    match first {
        '\'' => quoted(rest, '\'', at).map(|(text, length)| (Token::Text(text), length)),
        '"' => {
            let (name, length) = quoted(rest, '"', at)?;
            if name.is_empty() { Err(Flaw::new(at, "a name is empty")) } else { Ok((Token::Name(name), length)) }
        }
        'x' | 'X' if second == Some(b'\'') => {
            let (digits, length) = quoted(&rest[1..], '\'', at)?;
            Ok((Token::Bytes(bytes(&digits, at)?), length + 1))
        }
        _ if first.is_ascii_digit() || (first == '.' && second.is_some_and(|byte| byte.is_ascii_digit())) => {
            number(rest, at)
        }
        _ if begins_word(first) => {
            let length = rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
            Ok((Token::Word(rest[..length].to_owned()), length))
        }
        _ if rest.starts_with("--") || rest.starts_with("/*") => Err(Flaw::new(at, "a filter holds no comments")),
        ';' => Err(Flaw::new(at, "a filter is one condition and holds no ';'")),
        _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None => Err(Flaw::new(at, format!("{first:?} means nothing in a filter"))),
        },
    }
}

/// The text between quotes, a doubled quote standing for itself, and its length with all quotes.
fn quoted(rest: &str, quote: char, at: usize) -> Result<(String, usize), Flaw> {
    let mut text = String::new();
    let mut end = 1;
    loop {
        let found =
            rest[end..].find(quote).ok_or_else(|| Flaw::new(at, format!("the quote {quote} is never closed")))?;
        text += &rest[end..end + found];
        end += found + 1;
        if !rest[end..].starts_with(quote) {
            return Ok((text, end));
        }
        text.push(quote);
        end += 1;
    }
}

fn bytes(digits: &str, at: usize) -> Result<Vec<u8>, Flaw> {
    let wrong = || Flaw::new(at, "bytes are written as pairs of hexadecimal digits, such as x'00ff'");
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return Err(wrong());
    }
    (0..digits.len())
        .step_by(2)
        .map(|pair| u8::from_str_radix(&digits[pair..pair + 2], 16).map_err(|_| wrong()))
        .collect()
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), Flaw> {
    let bytes = rest.as_bytes();
    let digits_from = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits_from(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        end += digits_from(end);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits_from((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    if rest[end..].starts_with(continues_word) {
        return Err(Flaw::new(at, "a number ends where a letter begins; a name that begins with a digit needs quotes"));
    }
    Ok((Token::Number(rest[..end].to_owned()), end))
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && c.is_alphabetic())
}

fn continues_word(c: char) -> bool {
    begins_word(c) || c.is_ascii_digit() || c == '$' || (!c.is_ascii() && c.is_alphanumeric())
}
