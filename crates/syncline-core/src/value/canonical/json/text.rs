//! The tokens of a JSON text, exactly those of the grammar.

use super::COUNT;

/// A text that is read from left to right. No method moves past what it does not accept.
pub(super) struct Text<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The next byte that is no white space, which is not passed.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Passes one byte.
    #[inline]
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Passes the next byte that is no white space if it is this one.
    #[inline]
    pub(super) fn eats(&mut self, byte: u8) -> bool {
        let is_it = self.next() == Some(byte);
        self.at += usize::from(is_it);
        is_it
    }

    /// A number or a word, and which of them it is.
    #[inline]
    pub(super) fn scalar(&mut self) -> Option<(&'t str, bool)> {
        let start = self.at;
        let is_number = match self.peek()? {
            b'-' | b'0'..=b'9' => {
                self.number()?;
                true
            }
            _ => {
                let rest = &self.text.as_bytes()[start..];
                let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()))?;
                self.at += word.len();
                false
            }
        };
        Some((&self.text[start..self.at], is_number))
    }

    fn number(&mut self) -> Option<()> {
        self.passes(b"-");
        let has_zero = self.passes(b"0");
        let digits = self.digits();
        if has_zero == (digits > 0) {
            return None;
        }
        if self.passes(b".") && self.digits() == 0 {
            return None;
        }
        if self.passes(b"eE") {
            self.passes(b"+-");
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn passes(&mut self, any_of: &[u8]) -> bool {
        let passes = self.peek().is_some_and(|byte| any_of.contains(&byte));
        self.at += usize::from(passes);
        passes
    }

    /// Appends the length and the bytes of what the string before us means, with its quotation marks still to be passed.
    /// Half a character means nothing.
    #[inline]
    pub(super) fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.at += 1;
        let run = self.run()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            out.extend_from_slice(&(run.len() as u64).to_le_bytes());
            out.extend_from_slice(run);
            return Some(());
        }
        let start = out.len();
        out.extend_from_slice(&[0; COUNT]);
        out.extend_from_slice(run);
        self.with_escapes(out)?;
        let len = (out.len() - start - COUNT) as u64;
        out[start..][..COUNT].copy_from_slice(&len.to_le_bytes());
        Some(())
    }

    /// The bytes up to a quotation mark or a backslash; `None` where neither comes.
    #[inline]
    fn run(&mut self) -> Option<&'t [u8]> {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        self.at += len;
        (rest[len] >= 0x20).then_some(&rest[..len])
    }

    fn with_escapes(&mut self, out: &mut Vec<u8>) -> Option<()> {
        while self.peek()? == b'\\' {
            self.at += 1;
            let escaped = match self.peek()? {
                byte @ (b'"' | b'\\' | b'/') => char::from(byte),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return None,
            };
            self.at += 1;
            out.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
            out.extend_from_slice(self.run()?);
        }
        self.at += 1;
        Some(())
    }

    /// The character of a `u` and four digits, or of two halves. The last digit is still to be passed.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.hex()?;
        let character = char::from_u32(unit);
        let is_first_half = (0xD800..0xDC00).contains(&unit);
        let next = &self.text.as_bytes()[self.at + 1..];
        if !is_first_half || !next.starts_with(b"\\u") {
            return character;
        }
        self.at += 2;
        let second = self.hex()?;
        let is_second_half = (0xDC00..0xE000).contains(&second);
        let both = || char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (second - 0xDC00));
        is_second_half.then(both).flatten()
    }

    /// Four digits behind the byte before us, up to the last of them.
    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
