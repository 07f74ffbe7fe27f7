//! Names in the flags of a mapping, and names that may have been meant.
//!
//! A name stands as it is, up to the next character that means something in its flag, or in double quotes, which may hold
//! any character; a doubled quote stands for itself.

/// Reads one flag from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// At the start of a flag's text.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next name, which ends before one of `ends`.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub(crate) fn name(&mut self, ends: &[char]) -> Result<String, String> {
        self.skip_space();
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let end = self.rest().find(|c| ends.contains(&c) || c == '"').unwrap_or(self.rest().len());
        let name = self.rest()[..end].trim();
        if name.is_empty() {
            return Err(format!("a name is expected at character {}", self.place()));
        }
        self.at += end;
        Ok(name.to_owned())
    }

    /// Passes over this character, if it comes next.
    pub(crate) fn eat(&mut self, c: char) -> bool {
        self.skip_space();
        let is_next = self.rest().starts_with(c);
        if is_next {
            self.at += c.len_utf8();
        }
        is_next
    }

    /// As [`Reader::eat`], for a character that must come.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub(crate) fn must_eat(&mut self, c: char) -> Result<(), String> {
        if self.eat(c) { Ok(()) } else { Err(format!("'{c}' is expected at character {}", self.place())) }
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Where the reader stands, in characters from 1.
    pub(crate) fn place(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn quoted(&mut self) -> Result<String, String> {
        let start = self.place();
        let mut name = String::new();
        loop {
            // Behind the quote that opens it, or behind the second of two.
            self.at += 1;
            let end = self
                .rest()
                .find('"')
                .ok_or_else(|| format!("the quote that opens at character {start} is never closed"))?;
            name += &self.rest()[..end];
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                break;
            }
            name.push('"');
        }
        if name.is_empty() { Err(format!("the name at character {start} is empty")) } else { Ok(name) }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }
}

/// The name with the fewest edits away from `name`, when that is less than half of it.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NAME_BYTES_COMPARED {
        return None;
    }
    let far = name.chars().count() / 2 + 1;
    candidates
        .filter(|candidate| candidate.len() < NAME_BYTES_COMPARED)
        .map(|candidate| (edits(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits < far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Longer names are never taken for a slip of the fingers.
const NAME_BYTES_COMPARED: usize = 200;

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bare_or_quoted() {
        let mut reader = Reader::new(r#" order lines . "a "".:= b" =x"#);
        assert_eq!(reader.name(&['.', '=']).unwrap(), "order lines");
        assert!(reader.eat('.'));
        assert_eq!(reader.name(&['.', '=']).unwrap(), r#"a ".:= b"#);
        assert!(reader.must_eat('=').is_ok());
        assert_eq!(reader.rest(), "x");
        assert_eq!(reader.must_eat('=').unwrap_err(), "'=' is expected at character 29");
    }

    #[test]
    fn what_is_no_name_is_said() {
        let read = |text| Reader::new(text).name(&['=']).unwrap_err();
        assert_eq!(read(""), "a name is expected at character 1");
        assert_eq!(read("  =x"), "a name is expected at character 3");
        assert_eq!(read("\"open"), "the quote that opens at character 1 is never closed");
        assert_eq!(read("\"\"=x"), "the name at character 1 is empty");
    }

    #[test]
    fn the_nearest_name_is_found() {
        let names = || ["Orders", "customers"].into_iter();
        assert_eq!(nearest("order", names()), Some("Orders"));
        assert_eq!(nearest("something_else", names()), None);
    }
}
