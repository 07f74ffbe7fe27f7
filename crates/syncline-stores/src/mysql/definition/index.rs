//! Statements of indexes, as the description of a table has them.

use super::scan;

/// `UNIQUE `, `FULLTEXT `, `SPATIAL ` or nothing, and what stands in parentheses, of `CREATE UNIQUE INDEX … ON … (…)`.
pub(crate) fn index(statement: &str) -> Option<(&'static str, &str)> {
    let rest = statement.strip_prefix("CREATE ")?;
    let method = ["UNIQUE ", "FULLTEXT ", "SPATIAL ", ""].into_iter().find(|method| rest.starts_with(method))?;
    let rest = rest[method.len()..].strip_prefix("INDEX ")?;
    let rest = rest[scan::name(rest)?.1..].strip_prefix(" ON ")?;
    let columns = rest[scan::name(rest)?.1..].strip_prefix(' ')?;
    let (parts, end) = scan::parts(columns.strip_prefix('(')?)?;
    // Nothing is behind it, and no comment hides what is.
    let is_plain = parts.iter().all(|part| scan::comments(part).is_some_and(|comments| comments.is_empty()));
    (is_plain && end + 1 == columns.len()).then_some((method, columns))
}

/// Whether this is one text in quotes.
pub(crate) fn is_text(text: &str) -> bool {
    text.starts_with('\'') && scan::is_value(text)
}

/// The columns of an index by what stands in its parentheses: `None` for an expression.
pub(crate) fn index_columns(written: &str) -> Vec<Option<String>> {
    let inside = written.strip_prefix('(').and_then(scan::parts);
    let parts = inside.map(|(parts, _)| parts).unwrap_or_default();
    parts.into_iter().map(|part| scan::name(part).map(|(name, _)| name)).collect()
}
