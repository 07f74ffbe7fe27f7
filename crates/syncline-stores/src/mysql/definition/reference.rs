//! References as they stand in a definition.

use syncline_core::schema::ForeignKey;

use super::scan::{self, Scan};

const FOREIGN_KEY: &str = "FOREIGN KEY (";
const REFERENCES: &str = " REFERENCES ";

/// The reference that a part of a definition is; `None` for any other part.
pub(super) fn of(part: &str) -> Option<ForeignKey> {
    let begin = match part.strip_prefix("CONSTRAINT ") {
        Some(rest) => "CONSTRAINT ".len() + scan::name(rest)?.1 + 1,
        None => 0,
    };
    let rest = part.get(begin..)?.strip_prefix(FOREIGN_KEY)?;
    let end = Scan::of(rest).position(|c| c == ')')?;
    let columns = names(&rest[..end])?;
    let (mut parent, length) = scan::name(rest[end + 1..].strip_prefix(REFERENCES)?)?;
    let mut rest = &rest[end + 1 + REFERENCES.len() + length..];
    // Of another database both names are written.
    if let Some((table, length)) = rest.strip_prefix('.').and_then(scan::name) {
        parent = format!("{parent}.{table}");
        rest = &rest[1 + length..];
    }
    let rest = rest.strip_prefix(" (")?;
    let end = Scan::of(rest).position(|c| c == ')')?;
    let (parent_columns, actions) = (names(&rest[..end])?, &rest[end + 1..]);
    let (on_delete, on_update) = (action(actions, " ON DELETE "), action(actions, " ON UPDATE "));
    Some(ForeignKey { columns, parent, parent_columns, on_delete, on_update })
}

/// What becomes of the row that references. A reference that only forbids has two names, which mean the same.
fn action(actions: &str, event: &str) -> String {
    let written = actions.split_once(event).map_or("", |(_, action)| action);
    let known = ["CASCADE", "SET NULL", "SET DEFAULT"].into_iter().find(|action| written.starts_with(action));
    known.unwrap_or("NO ACTION").to_owned()
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

/// Whether both are of the same columns and the same table.
pub(super) fn is(found: &ForeignKey, key: &ForeignKey) -> bool {
    let is_alike = |(a, b): (&String, &String)| a.eq_ignore_ascii_case(b);
    found.parent.eq_ignore_ascii_case(&key.parent)
        && found.columns.len() == key.columns.len()
        && found.columns.iter().zip(&key.columns).all(is_alike)
}
