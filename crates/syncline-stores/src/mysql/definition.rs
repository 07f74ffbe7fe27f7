//! The statement of a table as a server prints it, taken apart.
//!
//! It says more than a description can: comments, invisible columns, parsers of full text. It is also text of another
//! database, so only what is known here is taken over: the parts between the parentheses, and a few options behind them. A
//! statement that holds anything else, such as a comment that a server would carry out, counts as none.

mod column;
mod index;
mod reference;
mod scan;

pub(crate) use self::column::{Described, widened};
pub(crate) use self::index::{index, index_columns, is_text};
use self::scan::Scan;

/// Comments that servers print around words which older ones do not know.
const KNOWN_COMMENTS: [&str; 4] = ["INVISIBLE", "NOT ENFORCED", "COLUMN_FORMAT", "COMPRESSED"];

/// Options that a table keeps.
const KEPT: [&str; 6] = ["CHARSET", "COLLATE", "ROW_FORMAT", "KEY_BLOCK_SIZE", "COMMENT", "ENGINE"];

/// The engine of tables that are written to.
const INNODB: &str = "InnoDB";

/// Options that mean something to the storage engine alone.
const OF_ENGINE: [&str; 3] = ["ENGINE=", "ROW_FORMAT=", "KEY_BLOCK_SIZE="];

/// Options of which nobody needs to hear: counters are set by themselves, and partitions are told of as such.
const UNSAID: [&str; 2] = ["AUTO_INCREMENT", "DEFAULT"];

/// The statement without the number that the table goes on from, which changes with its rows.
pub(crate) fn without_counter(statement: &str) -> String {
    let inside = statement.strip_prefix("CREATE TABLE ").and_then(|named| {
        let inside = named[scan::name(named)?.1..].strip_prefix(" (")?;
        Some((inside, scan::parts(inside)?.1))
    });
    let options = inside.map_or("", |(inside, end)| &inside[end..]);
    let before = &statement[..statement.len() - options.len()];
    match scan::options(options).into_iter().find(|word| word.starts_with("AUTO_INCREMENT=")) {
        Some(word) => format!("{before}{}", options.replacen(&format!(" {word}"), "", 1)),
        None => statement.to_owned(),
    }
}

/// A statement that creates a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition<'d> {
    /// Columns, keys, indexes and constraints, each as it is written.
    pub(crate) parts: Vec<&'d str>,
    /// `ENGINE=InnoDB`, `COMMENT='…'`: those that a table keeps.
    options: Vec<String>,
    /// Names of options that it does not keep.
    pub(crate) dropped: Vec<String>,
    /// The storage engine.
    pub(crate) engine: &'d str,
    /// The server keeps former rows.
    pub(crate) is_versioned: bool,
}

impl<'d> Definition<'d> {
    /// Takes a statement apart; `None` where it is not one that a server prints.
    pub(crate) fn parse(statement: &'d str) -> Option<Self> {
        let named = statement.strip_prefix("CREATE TABLE ")?;
        let inside = named[scan::name(named)?.1..].strip_prefix(" (")?;
        let (parts, end) = scan::parts(inside)?;
        if parts.iter().any(|part| !has_known_comments(part)) {
            return None;
        }
        let mut definition = Self { parts, options: Vec::new(), dropped: Vec::new(), engine: "", is_versioned: false };
        definition.read_options(&inside[end..]);
        Some(definition)
    }

    /// The same for a table of this name, which is in quotes already.
    pub(crate) fn statement(&self, quoted_name: &str) -> String {
        let mut sql = format!("CREATE TABLE {quoted_name} (\n  {}\n)", self.parts.join(",\n  "));
        for option in &self.options {
            sql += &format!(" {option}");
        }
        sql + if self.is_versioned { " WITH SYSTEM VERSIONING" } else { "" }
    }

    /// The same in InnoDB: what only the engine that it is written for knows goes.
    pub(crate) fn in_innodb(mut self) -> Self {
        if self.engine != INNODB {
            let is_of_engine = |option: &String| OF_ENGINE.iter().any(|name| option.starts_with(name));
            self.options.retain(|option| !is_of_engine(option));
            self.options.insert(0, format!("ENGINE={INNODB}"));
            self.dropped.clear();
            self.engine = INNODB;
        }
        self
    }

    /// Columns that get the present time whenever their row changes.
    pub(crate) fn refreshed_columns(&self) -> impl Iterator<Item = String> {
        self.columns_with(" ON UPDATE ")
    }

    /// Columns that `SELECT *` does not show.
    pub(crate) fn hidden_columns(&self) -> impl Iterator<Item = String> {
        self.columns_with(" INVISIBLE")
    }

    fn columns_with(&self, words: &str) -> impl Iterator<Item = String> {
        self.parts.iter().filter_map(move |part| {
            let (name, length) = scan::name(part)?;
            Scan::of(&part[length..]).finds(words).then_some(name)
        })
    }

    /// What is said of a column.
    pub(crate) fn column(&self, name: &str) -> Option<Described> {
        self.parts.iter().find_map(|part| {
            let (found, length) = scan::name(part)?;
            found.eq_ignore_ascii_case(name).then(|| column::of(&part[length..]))
        })
    }

    /// Which tables it references. The catalog tells that only to those who may do more than read.
    pub(crate) fn references(&self) -> Vec<syncline_core::schema::ForeignKey> {
        self.parts.iter().filter_map(|part| reference::of(part)).collect()
    }

    /// Takes out what is written of references that are not among these.
    pub(crate) fn keep_references(&mut self, keys: &[syncline_core::schema::ForeignKey]) {
        self.parts
            .retain(|part| reference::of(part).is_none_or(|found| keys.iter().any(|key| reference::is(&found, key))));
    }

    fn read_options(&mut self, text: &'d str) {
        for word in scan::options(text) {
            match word.split_once('=') {
                // All that follows is about partitions.
                None if word.eq_ignore_ascii_case("PARTITION") => return,
                None => self.is_versioned |= word.eq_ignore_ascii_case("VERSIONING"),
                Some((name, value)) if KEPT.contains(&name) && scan::is_value(value) => {
                    if name == "ENGINE" {
                        self.engine = value;
                    }
                    let name = if name == "CHARSET" { "DEFAULT CHARSET" } else { name };
                    self.options.push(format!("{name}={value}"));
                }
                Some((name, _)) if UNSAID.contains(&name) => {}
                Some((name, _)) => self.dropped.push(name.trim_matches('`').to_owned()),
            }
        }
    }
}

/// Whether all comments of a part are such as servers print.
fn has_known_comments(part: &str) -> bool {
    let is_known = |comment: &str| {
        let inside = comment.strip_prefix("/*!").or_else(|| comment.strip_prefix("/*M!"));
        let inside = inside.and_then(|rest| rest.strip_suffix("*/"));
        let words = inside.map(|inside| inside.trim_start_matches(|c: char| c.is_ascii_digit()).trim());
        words.is_some_and(|words| {
            let word = words.split(' ').next().unwrap_or_default();
            let is_plain = words.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'_'));
            is_plain && (KNOWN_COMMENTS.contains(&words) || word == "COLUMN_FORMAT")
        })
    };
    scan::comments(part).is_some_and(|comments| comments.into_iter().all(is_known))
}

#[cfg(test)]
mod tests;
