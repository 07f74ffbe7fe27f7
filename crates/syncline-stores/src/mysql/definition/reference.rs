//! References as they stand in a definition.

use syncline_core::schema::ForeignKey;

use super::scan::{self, Scan};

const FOREIGN_KEY: &str = "FOREIGN KEY (";
const REFERENCES: &str = " REFERENCES ";

/// Which columns reference which table.
pub(super) struct Reference {
    columns: Vec<String>,
    parent: String,
}

/// The reference that a part of a definition is; `None` for any other part.
pub(super) fn of(part: &str) -> Option<Reference> {
    let begin = match part.strip_prefix("CONSTRAINT ") {
        Some(rest) => "CONSTRAINT ".len() + scan::name(rest)?.1 + 1,
        None => 0,
    };
    let rest = part.get(begin..)?.strip_prefix(FOREIGN_KEY)?;
    let end = Scan::of(rest).position(|c| c == ')')?;
    let columns = names(&rest[..end])?;
    let (mut parent, length) = scan::name(rest[end + 1..].strip_prefix(REFERENCES)?)?;
    // Of another database both names are written.
    if let Some((table, _)) = rest[end + 1 + REFERENCES.len() + length..].strip_prefix('.').and_then(scan::name) {
        parent = format!("{parent}.{table}");
    }
    Some(Reference { columns, parent })
}

fn names(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (name, length) = scan::name(rest)?;
        names.push(name);
        rest = rest[length..].trim_start_matches([',', ' ']);
    }
    Some(names)
}

impl Reference {
    /// Whether it is this one.
    pub(super) fn is(&self, key: &ForeignKey) -> bool {
        let is_alike = |(a, b): (&String, &String)| a.eq_ignore_ascii_case(b);
        self.parent.eq_ignore_ascii_case(&key.parent)
            && self.columns.len() == key.columns.len()
            && self.columns.iter().zip(&key.columns).all(is_alike)
    }
}
