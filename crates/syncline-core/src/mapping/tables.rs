//! Selecting tables: `orders,customers`, `'app_*'`, `'!audit'`.

use globset::{GlobBuilder, GlobMatcher};

pub use crate::error::exactly;
use crate::error::{Code, Error, Result};

/// A list of names and patterns. A table takes part when one of them matches it and none of those behind `!` does;
/// a list of exclusions alone starts from all tables.
#[derive(Clone, Debug, Default)]
pub struct TableFilter {
    wanted: Vec<Pattern>,
    unwanted: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl TableFilter {
    /// Reads the patterns, one an item. `*` stands for any characters, `?` for one; case does not matter.
    ///
    /// # Errors
    /// When a pattern is empty or malformed.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self> {
        let mut filter = Self::default();
        for text in patterns.iter().map(|pattern| pattern.as_ref().trim()) {
            match text.strip_prefix('!') {
                Some(rest) => filter.unwanted.push(Pattern::parse(rest)?),
                None => filter.wanted.push(Pattern::parse(text)?),
            }
        }
        Ok(filter)
    }

    /// Whether the table takes part.
    pub fn admits(&self, table: &str) -> bool {
        let is_wanted = self.wanted.is_empty() || self.wanted.iter().any(|pattern| pattern.matches(table));
        is_wanted && !self.unwanted.iter().any(|pattern| pattern.matches(table))
    }

    /// The names asked for that are no patterns: each of them must exist.
    pub fn plain_names(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().filter(|pattern| pattern.is_plain()).map(|pattern| pattern.text.as_str())
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let invalid = |why: String| {
            Error::new(Code::UsageInvalid, format!("--tables {text:?} is no name or pattern")).because(why)
        };
        if text.is_empty() {
            return Err(invalid("it is empty".to_owned()));
        }
        let glob = GlobBuilder::new(text)
            .case_insensitive(true)
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map_err(|error| invalid(error.kind().to_string()))?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    fn matches(&self, table: &str) -> bool {
        // A table may be named like a pattern, such as `a[1]`: its own name always selects it.
        self.text.eq_ignore_ascii_case(table) || self.matcher.is_match(table)
    }

    fn is_plain(&self) -> bool {
        !self.text.contains(['*', '?', '[', '{', '\\'])
    }
}

#[cfg(test)]
mod tests {
    use super::{TableFilter, exactly};

    fn admitted<'a>(patterns: &[&str], tables: &[&'a str]) -> Vec<&'a str> {
        let filter = TableFilter::parse(patterns).unwrap();
        tables.iter().copied().filter(|table| filter.admits(table)).collect()
    }

    #[test]
    fn names_patterns_and_exclusions() {
        let tables = ["orders", "app_users", "app_audit", "a[1]", "x/y"];
        assert_eq!(admitted(&[], &tables), tables);
        assert_eq!(admitted(&["Orders"], &tables), ["orders"]);
        assert_eq!(admitted(&["app_*", "!*audit"], &tables), ["app_users"]);
        assert_eq!(admitted(&["!orders"], &tables), ["app_users", "app_audit", "a[1]", "x/y"]);
        assert_eq!(admitted(&["a[1]"], &tables), ["a[1]"]);
        assert_eq!(admitted(&["x*"], &tables), ["x/y"]);
    }

    #[test]
    fn a_name_can_be_meant_exactly() {
        let tables = ["a*", "ab", "!x", "x", "[1]", "1"];
        assert_eq!(admitted(&[&exactly("a*"), &exactly("!x"), &exactly("[1]")], &tables), ["a*", "!x", "[1]"]);
    }

    #[test]
    fn empty_patterns_are_refused() {
        assert!(TableFilter::parse(&[""]).is_err());
        assert!(TableFilter::parse(&["!"]).is_err());
    }
}
