//! Reading SQL as a server prints it: what stands in quotes is passed over.

/// The characters of a text that stand in no quotes, with their places. A quote itself is one of them.
pub(super) struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the first character is that stands outside quotes and is such a one.
    pub(super) fn position(self, is_it: impl Fn(char) -> bool) -> Option<usize> {
        let mut scan = self;
        scan.find(|(_, c)| is_it(*c)).map(|(at, _)| at)
    }

    /// Whether these words stand outside quotes.
    pub(super) fn finds(self, words: &str) -> bool {
        let text = self.text;
        let mut scan = self;
        scan.any(|(at, _)| text[at..].starts_with(words))
    }
}

impl Iterator for Scan<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        let at = self.at;
        let c = self.text[at..].chars().next()?;
        self.at += match c {
            '\'' | '"' | '`' => quoted_length(&self.text[at..], c)?,
            c => c.len_utf8(),
        };
        Some((at, c))
    }
}

/// How long the text in quotes is that this begins with; `None` where it does not end. In text a backslash takes the next
/// character with it; in names there is nothing of that kind.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote != '`' => at += 2,
            byte if char::from(byte) == quote && bytes.get(at + 1) == Some(&byte) => at += 2,
            byte if char::from(byte) == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Whether this is a word, or one text in quotes.
pub(super) fn is_value(text: &str) -> bool {
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word || text.starts_with('\'') && quoted_length(text, '\'') == Some(text.len())
}

/// The name in quotes that a text begins with, and how long it is there.
pub(super) fn name(text: &str) -> Option<(String, usize)> {
    let length = text.starts_with('`').then(|| quoted_length(text, '`'))??;
    Some((text[1..length - 1].replace("``", "`"), length))
}

/// What stands between commas up to the parenthesis that ends it all, and where what is behind that begins.
pub(super) fn parts(text: &str) -> Option<(Vec<&str>, usize)> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in Scan::of(text) {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ',' if depth > 0 => {}
            ',' | ')' => {
                let part = text[begin..at].trim();
                (!part.is_empty()).then(|| parts.push(part))?;
                begin = at + 1;
                if c == ')' {
                    return Some((parts, begin));
                }
            }
            _ => {}
        }
    }
    None
}

/// All comments; `None` where one does not end, or is of a kind that servers do not print.
pub(super) fn comments(text: &str) -> Option<Vec<&str>> {
    let mut comments = Vec::new();
    let mut end = 0;
    for (at, c) in Scan::of(text) {
        let rest = &text[at..];
        match c {
            _ if at < end => {}
            '#' => return None,
            '-' if rest.starts_with("-- ") => return None,
            '/' if rest.starts_with("/*") => {
                end = at + rest.find("*/")? + 2;
                comments.push(&text[at..end]);
            }
            _ => {}
        }
    }
    // Within a comment a quote would have hidden its end.
    comments.iter().all(|comment| !comment.contains(['\'', '"', '`'])).then_some(comments)
}

/// The words behind the parentheses, comments aside.
pub(super) fn options(text: &str) -> Vec<&str> {
    let (mut words, mut begin) = (Vec::new(), 0);
    let mut push = |begin: usize, end: usize| words.extend((begin < end).then(|| &text[begin..end]));
    let mut hidden = 0;
    for (at, c) in Scan::of(text) {
        if at < hidden {
            continue;
        }
        if text[at..].starts_with("/*") {
            push(begin, at);
            hidden = text[at..].find("*/").map_or(text.len(), |end| at + end + 2);
            begin = hidden;
        } else if c.is_ascii_whitespace() {
            push(begin, at);
            begin = at + 1;
        }
    }
    push(begin, text.len());
    words
}
