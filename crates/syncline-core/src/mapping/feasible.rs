//! Whether a mask's values fit the column they go into.

use super::mask::{HASH_CHARS, MaskKind};
use crate::schema::TableSchema;
use crate::value::{Coercion, Kind, looks_numeric};

/// Refuses a mask whose values the column could not take, or would change, or that would give two rows one unique value.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn check(table: &TableSchema, position: usize, mask: &MaskKind) -> Result<(), String> {
    let column = &table.columns[position];
    if table.key.iter().any(|key| key.columns.contains(&position)) || table.primary_key.contains(&position) {
        return Err("the column belongs to the key, by which the rows of both sides are matched".to_owned());
    }
    if *mask == MaskKind::Null && !column.nullable {
        return Err("the column must not be NULL".to_owned());
    }
    if is_unique(table, &column.name) && may_collide(mask, &column.kind) {
        return Err(format!("the column is unique, and {} gives two rows the same value", mask.name()));
    }
    fits(table, position, mask)
}

fn is_unique(table: &TableSchema, column: &str) -> bool {
    let names_it = |name: &Option<String>| match name {
        Some(name) => name.eq_ignore_ascii_case(column),
        // An expression may be about any column.
        None => true,
    };
    table.uniques.iter().any(|unique| unique.columns.iter().any(names_it))
}

/// Fakes of text are all different; those of numbers are not, and only a column of text holds no numbers.
fn may_collide(mask: &MaskKind, kind: &Kind) -> bool {
    match mask {
        MaskKind::Null | MaskKind::Hash => false,
        MaskKind::Fake => !kind.is_textual(),
        MaskKind::Last4 | MaskKind::Text(_) => true,
    }
}

fn fits(table: &TableSchema, position: usize, mask: &MaskKind) -> Result<(), String> {
    let column = &table.columns[position];
    let gives_text = matches!(mask, MaskKind::Hash | MaskKind::Last4 | MaskKind::Text(_));
    if !gives_text {
        return Ok(());
    }
    let declared = column.declared_type.to_ascii_uppercase();
    if table.strict && !["TEXT", "ANY"].contains(&declared.as_str()) {
        return Err(format!("{} gives text, and the column takes {declared} only", mask.name()));
    }
    match (&column.kind, mask) {
        (Kind::Flexible(Coercion::Text | Coercion::None) | Kind::Text { max_chars: None, .. }, _) => Ok(()),
        (Kind::Text { max_chars: Some(max), .. }, mask) => has_room(mask, *max),
        // Dates and times are text in a column that turns what looks like a number into one.
        (Kind::Flexible(Coercion::Numeric), MaskKind::Text(text))
            if ["DATE", "TIME"].iter().any(|word| declared.contains(word)) =>
        {
            if looks_numeric(text.as_bytes()) {
                return Err(format!("the column would turn the text {text:?} into a number"));
            }
            Ok(())
        }
        (kind, _) => {
            let holds = if kind.is_numeric() { "numbers" } else { "other values" };
            Err(format!("{} gives text, and the column holds {holds} ({declared})", mask.name()))
        }
    }
}

/// What hides a part of the text is as long as the text.
fn has_room(mask: &MaskKind, max_chars: u32) -> Result<(), String> {
    let chars = match mask {
        MaskKind::Hash => HASH_CHARS,
        MaskKind::Text(text) => text.chars().count(),
        MaskKind::Fake | MaskKind::Last4 | MaskKind::Null => return Ok(()),
    };
    if chars <= max_chars as usize {
        return Ok(());
    }
    Err(format!("{} gives {chars} characters, and the column takes {max_chars}", mask.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Generated, Key, Unique};

    fn table(declared: &str, coercion: Coercion, nullable: bool, strict: bool) -> TableSchema {
        let column = |name: &str, declared: &str, coercion, nullable| Column {
            name: name.to_owned(),
            declared_type: declared.to_owned(),
            kind: Kind::Flexible(coercion),
            nullable,
            default: None,
            collation: "BINARY".to_owned(),
            generated: Generated::No,
            expression: None,
        };
        TableSchema {
            columns: vec![column("id", "INTEGER", Coercion::Integer, false), column("v", declared, coercion, nullable)],
            key: Some(Key { columns: vec![0], is_rowid: true, collations: vec!["BINARY".to_owned()] }),
            strict,
            ..TableSchema::default()
        }
    }

    fn unique(mut table: TableSchema) -> TableSchema {
        table.uniques = vec![Unique {
            name: "u".to_owned(),
            columns: vec![Some("V".to_owned())],
            partial: false,
            deferrable: false,
        }];
        table
    }

    fn all() -> [MaskKind; 6] {
        let text = |text: &str| MaskKind::Text(text.to_owned());
        [MaskKind::Fake, MaskKind::Hash, MaskKind::Last4, MaskKind::Null, text("x"), text("1")]
    }

    fn allowed(table: &TableSchema) -> [bool; 6] {
        all().map(|mask| check(table, 1, &mask).is_ok())
    }

    #[test]
    fn every_mask_against_every_kind_of_column() {
        let cases = [
            (table("TEXT", Coercion::Text, true, false), [true, true, true, true, true, true]),
            (table("", Coercion::None, true, false), [true, true, true, true, true, true]),
            (table("INTEGER", Coercion::Integer, true, false), [true, false, false, true, false, false]),
            (table("REAL", Coercion::Real, true, false), [true, false, false, true, false, false]),
            (table("DECIMAL", Coercion::Numeric, true, false), [true, false, false, true, false, false]),
            (table("DATETIME", Coercion::Numeric, true, false), [true, false, false, true, true, false]),
            (table("TEXT", Coercion::Text, false, true), [true, true, true, false, true, true]),
            (table("BLOB", Coercion::None, true, true), [true, false, false, true, false, false]),
            (table("ANY", Coercion::None, true, true), [true, true, true, true, true, true]),
            (unique(table("TEXT", Coercion::Text, true, false)), [true, true, false, true, false, false]),
            (unique(table("INTEGER", Coercion::Integer, true, false)), [false, false, false, true, false, false]),
            (unique(table("", Coercion::None, true, false)), [false, true, false, true, false, false]),
        ];
        for (table, expected) in cases {
            assert_eq!(allowed(&table), expected, "{table:?}");
        }
        for mask in all() {
            assert!(check(&table("TEXT", Coercion::Text, true, false), 0, &mask).is_err(), "the key");
        }
    }
}
