//! The words of a script, as the servers read them: what is quoted, what is a comment, and which comments are carried out.

use std::ops::Range;

use syncline_core::error::{Code, Error, Result};

use crate::mysql::connect::{Product, Version};

/// By which rules a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Who carries it out.
    pub(super) product: Product,
    /// The newest version whose comments it carries out.
    pub(super) newest: u32,
    /// In quotes, a backslash takes away what the next character means.
    pub(super) has_escapes: bool,
    /// Double quotes are those of names.
    pub(super) has_wide_names: bool,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Nothing but room, and comments.
    Room,
    /// What is behind it is carried out, until [`Piece::Close`].
    Open,
    Close,
    Word,
    /// A text in quotes.
    Text,
    /// A name in quotes.
    Name,
    /// One byte.
    Sign(u8),
    /// More of the text is needed to tell.
    Unfinished,
}

/// A word, as it matters for what a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// In capital letters.
    Word(String),
    Name(String),
    /// What is between quotes, as it is there.
    Text(String),
    Sign(u8),
}

impl Token {
    /// Whether it is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found == word)
    }
}

impl Rules {
    /// Those of a server, as a script begins.
    pub(super) fn of(version: &Version) -> Self {
        let (major, minor) = version.number;
        let newest = major * 10_000 + minor * 100 + 99;
        Self { product: version.product, newest, has_escapes: true, has_wide_names: false }
    }

    /// The piece that begins here, and its length.
    ///
    /// # Errors
    /// `RESTORE_REFUSED` for a comment that only other servers carry out.
    pub(super) fn piece(&self, text: &[u8]) -> Result<(Piece, usize)> {
        let Some(first) = text.first() else { return Ok((Piece::Unfinished, 0)) };
        let until = |end: &dyn Fn(u8) -> bool| text.iter().position(|byte| end(*byte)).unwrap_or(text.len());
        Ok(match first {
            b'\'' => self.quoted(text, Piece::Text, self.has_escapes),
            b'"' if self.has_wide_names => self.quoted(text, Piece::Name, false),
            b'"' => self.quoted(text, Piece::Text, self.has_escapes),
            b'`' => self.quoted(text, Piece::Name, false),
            b'#' => line(text),
            b'-' if text.starts_with(b"--") && text.get(2).is_none_or(|byte| byte.is_ascii_whitespace()) => line(text),
            b'/' if text.starts_with(b"/*!") => (Piece::Open, self.opened(text, 3, true)?),
            b'/' if text.starts_with(b"/*M!") => (Piece::Open, self.opened(text, 4, self.product == Product::MariaDb)?),
            b'/' if text.starts_with(b"/*") => match text.windows(2).skip(2).position(|two| two == b"*/") {
                Some(at) => (Piece::Room, at + 4),
                None => (Piece::Unfinished, 0),
            },
            b'*' if text.starts_with(b"*/") => (Piece::Close, 2),
            byte if byte.is_ascii_whitespace() => (Piece::Room, until(&|byte| !byte.is_ascii_whitespace())),
            byte if is_of_word(*byte) => (Piece::Word, until(&|byte| !is_of_word(byte))),
            byte => (Piece::Sign(*byte), 1),
        })
    }

    fn quoted(&self, text: &[u8], piece: Piece, has_escapes: bool) -> (Piece, usize) {
        let (quote, mut at) = (text[0], 1);
        while let Some(byte) = text.get(at) {
            match byte {
                b'\\' if has_escapes => at += 2,
                byte if *byte == quote && text.get(at + 1) == Some(&quote) => at += 2,
                byte if *byte == quote => return (piece, at + 1),
                _ => at += 1,
            }
        }
        (Piece::Unfinished, 0)
    }

    /// The length of what opens a comment that this server carries out.
    fn opened(&self, text: &[u8], at: usize, is_ours: bool) -> Result<usize> {
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let version = std::str::from_utf8(&text[at..at + digits]).ok().and_then(|digits| digits.parse::<u32>().ok());
        // Of MySQL's own, MariaDB leaves out what came after the two had parted.
        let is_other = self.product == Product::MariaDb && version.is_some_and(|it| (50_700..100_000).contains(&it));
        if !is_ours || is_other || version.is_some_and(|version| version > self.newest) {
            let head = String::from_utf8_lossy(&text[..at + digits]);
            return Err(Error::new(Code::RestoreRefused, format!("the script holds a part in {head} … */"))
                .because("this server would leave it out")
                .leaving("nothing was changed"));
        }
        Ok(at + digits)
    }

    /// The words of a statement, one by one, and where they are.
    pub(super) fn tokens<'t>(&self, text: &'t [u8]) -> Tokens<'t> {
        Tokens { rules: *self, text, at: 0 }
    }
}

fn line(text: &[u8]) -> (Piece, usize) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (Piece::Room, at + 1),
        None => (Piece::Unfinished, 0),
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// The words of a statement that is whole.
pub(super) struct Tokens<'t> {
    rules: Rules,
    text: &'t [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.text[self.at..];
            // What cannot be read was told when the statement was cut out.
            let (piece, length) = self.rules.piece(rest).ok()?;
            let inner = |from: usize| String::from_utf8_lossy(&rest[from..length - from]).into_owned();
            let token = match piece {
                Piece::Room | Piece::Open | Piece::Close => None,
                Piece::Word => Some(Token::Word(inner(0).to_ascii_uppercase())),
                Piece::Text => Some(Token::Text(inner(1))),
                Piece::Name => {
                    let quote = char::from(rest[0]).to_string();
                    Some(Token::Name(inner(1).replace(&quote.repeat(2), &quote)))
                }
                Piece::Sign(byte) => Some(Token::Sign(byte)),
                Piece::Unfinished => return None,
            };
            let range = self.at..self.at + length;
            self.at = range.end;
            if let Some(token) = token {
                return Some((token, range));
            }
        }
    }
}
