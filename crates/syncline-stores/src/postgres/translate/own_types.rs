//! Types that somebody has made where a table comes from, and that are not where it is to be made.
//!
//! An enumeration is made along with the table. A domain gives way to what lies beneath, and all else to text, which keeps
//! every value as it is printed; then what is said of the column in terms of its type goes.

use std::borrow::Cow;

use syncline_core::schema::{Column, Generated, Index, Schema, TableSchema};
use syncline_core::value::Kind;

use crate::postgres::types;

/// The table with types that can be made there. What it lacks for that is added to `left_out`.
pub(super) fn known<'t>(table: &'t TableSchema, among: &Schema, left_out: &mut Vec<String>) -> Cow<'t, TableSchema> {
    let stands_in = |column: &Column| stand_in(column, table, among);
    let stand_ins: Vec<_> = table.columns.iter().map(stands_in).collect();
    // Most tables stay as they are.
    if stand_ins.iter().all(Option::is_none) {
        return Cow::Borrowed(table);
    }
    let mut lost = Lost::default();
    let mut made = table.clone();
    for (column, (declared, kind)) in
        made.columns.iter_mut().zip(stand_ins).filter_map(|(column, found)| Some((column, found?)))
    {
        left_out.push(format!("the type {} of {}, {declared} here", column.declared_type, column.name));
        lost.types.push(element(&column.declared_type).to_owned());
        if column.kind != kind {
            lost.columns.push(column.name.clone());
            column.kind = kind;
        }
        column.declared_type = declared;
    }
    lost.take_from(&mut made, left_out);
    Cow::Owned(made)
}

/// What a column is declared as instead, and what kind it is then; `None` for one that can be made as it is.
fn stand_in(column: &Column, table: &TableSchema, among: &Schema) -> Option<(String, Kind)> {
    let is_known = |printed: &str| is_known(printed, table, among);
    if is_known(&column.declared_type) {
        return None;
    }
    match &column.kind {
        Kind::Enum { .. } => None,
        Kind::Other { type_name } if is_known(type_name) => Some((type_name.clone(), column.kind.clone())),
        Kind::Other { .. } => {
            let kind = Kind::Text { max_chars: None, padded: false };
            Some((types::declared(&kind), kind))
        }
        kind => Some((types::declared(kind), kind.clone())),
    }
}

/// Whether there is such a type, or will be.
fn is_known(printed: &str, table: &TableSchema, among: &Schema) -> bool {
    // The server's own types are printed without a schema.
    if !printed.contains('.') {
        return true;
    }
    let element = element(printed);
    let is_made_along = |column: &Column| column.declared_type == element && matches!(column.kind, Kind::Enum { .. });
    among.types.iter().any(|name| name == element) || table.columns.iter().any(is_made_along)
}

/// A type as it is printed, without its modifiers, and of an array that of its elements.
fn element(printed: &str) -> &str {
    let mut is_quoted = false;
    let end = printed.find(|c: char| {
        is_quoted ^= c == '"';
        !is_quoted && matches!(c, '(' | '[')
    });
    end.map_or(printed, |end| &printed[..end])
}

/// What expressions can no longer speak of.
#[derive(Default)]
struct Lost {
    types: Vec<String>,
    /// Columns that became text.
    columns: Vec<String>,
}

impl Lost {
    fn take_from(&self, table: &mut TableSchema, left_out: &mut Vec<String>) {
        for column in &mut table.columns {
            let is_text_now = self.columns.contains(&column.name);
            if column.default.take_if(|default| is_text_now || self.is_in(default)).is_some() {
                left_out.push(format!("the default of {}", column.name));
            }
            let computed = column.expression.take_if(|expression| is_text_now || self.is_in(expression));
            if computed.is_some() {
                column.generated = Generated::No;
                left_out.push(format!("the computation of {}", column.name));
            }
        }
        table.checks.retain(|check| {
            let is_lost = self.is_in(&check.expression);
            left_out.extend(is_lost.then(|| format!("CHECK ({})", check.expression)));
            !is_lost
        });
        table.indexes.retain(|index| {
            let is_lost = self.is_of(index);
            // A plain unique one is a constraint from then on.
            let is_rule = index.unique && !index.partial && index.columns.iter().all(|column| column.name.is_some());
            left_out.extend((is_lost && !is_rule).then(|| format!("index {}", index.name)));
            !is_lost
        });
    }

    fn is_of(&self, index: &Index) -> bool {
        let mut names = index.columns.iter().filter_map(|column| column.name.as_ref());
        names.any(|name| self.columns.contains(name)) || self.is_in(&index.definition)
    }

    /// Whether the expression may speak of one. Where a name stands for something else, more goes than need be.
    fn is_in(&self, expression: &str) -> bool {
        self.types.iter().any(|name| expression.contains(name.as_str()))
            || self.columns.iter().any(|name| has_word(expression, &name.replace('"', "\"\"")))
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_within = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_within) && !text[at + word.len()..].starts_with(is_within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_looked_up_without_what_stands_behind_its_name() {
        let cases = [
            ("app.pair", "app.pair"),
            ("app.pair[]", "app.pair"),
            ("app.geometry(Point,4326)", "app.geometry"),
            ("\"a(b\".\"c[]\"[]", "\"a(b\".\"c[]\""),
            ("\"a\"\"(\".c", "\"a\"\"(\".c"),
        ];
        for (printed, expected) in cases {
            assert_eq!(element(printed), expected);
        }
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert!(has_word("((pair).a > 0)", "pair") && has_word("f(\"od\"\"d\")", "od\"\"d") && has_word("a", "a"));
        assert!(!has_word("pairs > 0", "pair") && !has_word("a_pair > 0", "pair") && !has_word("", "pair"));
    }
}
