//! Indexes, among which is all that is unique: there are no unique constraints besides.

use std::collections::HashSet;

use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::schema::{Column, Index, IndexColumn, TableSchema, Unique};
use syncline_core::value::Kind;

use crate::mysql::connect::{Product, Version, quoted};
use crate::mysql::types::{CHAR_BYTES, KEY_BYTES, key_bytes};

/// The most columns of an index of MySQL; MariaDB has 32.
const PARTS_MAX: usize = 16;

/// What the index of the primary key is called, and nothing else can be.
const PRIMARY: &str = "PRIMARY";

/// All but the primary key, in the order in which the server lists them.
pub(super) fn indexes(
    table: &TableSchema,
    primary_key: &[usize],
    columns: &[Column],
    version: &Version,
    left_out: &mut Vec<String>,
) -> Vec<Index> {
    let mut made = Made { table, columns, version, names: HashSet::new(), indexes: Vec::new() };
    let is_key = |index: &&Index| {
        let names = index.columns.iter().map(|column| column.name.as_deref());
        let is_whole = index.unique && !index.partial && table.primary_key != primary_key;
        is_whole && names.eq(primary_key.iter().map(|at| Some(columns[*at].name.as_str())))
    };
    for index in table.indexes.iter().filter(|index| !is_key(index)) {
        if index.partial || made.push(&index.name, index.unique, &index.columns).is_none() {
            left_out.push(format!("index {}", index.name));
        }
    }
    let is_index = |name: &str| table.indexes.iter().any(|index| index.name == name);
    for unique in table.uniques.iter().filter(|unique| !is_index(&unique.name)) {
        let whole: Option<Vec<_>> = unique.columns.iter().map(|name| Some(plain(name.as_deref()?))).collect();
        let whole = whole.filter(|_| !unique.partial);
        if whole.and_then(|whole| made.push(given_name(unique), true, &whole)).is_none() {
            left_out.push(format!("UNIQUE {}", unique.name));
        }
    }
    // A primary key that is not what rows are told apart by is unique all the same.
    if !table.primary_key.is_empty() && table.primary_key != primary_key {
        let parts: Vec<_> = table.primary_key.iter().map(|at| plain(&columns[*at].name)).collect();
        made.push("", true, &parts);
    }
    // The server would make one of its own for each reference, and call it as it likes.
    for key in &table.foreign_keys {
        let parts: Vec<_> = key.columns.iter().map(|name| plain(name)).collect();
        if !made.has_beginning(primary_key, &parts) {
            made.push("", false, &parts);
        }
    }
    made.indexes.sort_by_cached_key(|index| index.name.to_lowercase());
    made.indexes
}

/// Those that are unique, as constraints.
pub(super) fn uniques(indexes: &[Index]) -> Vec<Unique> {
    let unique = |index: &Index| Unique {
        name: index.name.clone(),
        columns: index.columns.iter().map(|column| column.name.clone()).collect(),
        partial: false,
        deferrable: false,
    };
    indexes.iter().filter(|index| index.unique).map(unique).collect()
}

/// Whether an index that will be made begins with this column.
pub(super) fn begins_one(table: &TableSchema, column: usize) -> bool {
    let name = Some(table.columns[column].name.as_str());
    let whole = table.uniques.iter().filter(|unique| !unique.partial && unique.columns.iter().all(Option::is_some));
    let mut firsts = whole.map(|unique| unique.columns.first().and_then(Option::as_deref));
    let plain = table.indexes.iter().filter(|index| !index.partial);
    let plain = plain.filter(|index| index.columns.iter().all(|column| column.name.is_some()));
    let mut others = plain.map(|index| index.columns.first().and_then(|column| column.name.as_deref()));
    firsts.any(|first| first == name) || others.any(|first| first == name)
}

/// The name that a person gave a constraint; that of SQLite's own is none to keep.
fn given_name(unique: &Unique) -> &str {
    if unique.name.starts_with("sqlite_autoindex_") { "" } else { &unique.name }
}

fn plain(name: &str) -> IndexColumn {
    IndexColumn { name: Some(name.to_owned()), collation: String::new(), descending: false }
}

struct Made<'t> {
    table: &'t TableSchema,
    columns: &'t [Column],
    version: &'t Version,
    /// In small letters: the engine takes them for the same.
    names: HashSet<String>,
    indexes: Vec<Index>,
}

impl Made<'_> {
    /// Adds an index; `None` where it cannot be made.
    fn push(&mut self, name: &str, unique: bool, parts: &[IndexColumn]) -> Option<()> {
        let parts_max = if self.version.product == Product::MariaDb { 2 * PARTS_MAX } else { PARTS_MAX };
        let at: Vec<usize> =
            parts.iter().map(|part| self.table.column(part.name.as_deref()?)).collect::<Option<_>>()?;
        // JSON of MySQL is in no index.
        let is_json = at.iter().any(|at| matches!(self.columns[*at].kind, Kind::Json { .. }));
        if at.is_empty() || at.len() > parts_max || is_json && self.version.product == Product::MySql {
            return None;
        }
        let prefixes = self.prefixes(&at);
        if unique && prefixes.iter().any(Option::is_some) {
            return None;
        }
        let name = self.name(name, &self.columns[at[0]].name.clone());
        let definition = definition(&self.table.name, &name, (&at, &prefixes, parts), self.columns).ok()?;
        let part = |((at, prefix), part): ((&usize, &Option<u32>), &IndexColumn)| IndexColumn {
            name: prefix.is_none().then(|| self.columns[*at].name.clone()),
            collation: String::new(),
            descending: part.descending,
        };
        let columns = at.iter().zip(&prefixes).zip(parts).map(part).collect();
        let definition = if prefixes.iter().any(Option::is_some) { definition } else { String::new() };
        self.indexes.push(Index { name, unique, columns, partial: false, definition });
        Some(())
    }

    /// Of which columns only the beginning is in an index over these, and how much of it: in characters of text, in bytes.
    fn prefixes(&self, at: &[usize]) -> Vec<Option<u32>> {
        let length = |at: &usize| match &self.columns[*at] {
            Column { kind: Kind::Text { max_chars: Some(chars), .. }, .. } => Some((*chars, CHAR_BYTES)),
            Column { kind: Kind::Text { .. } | Kind::Json { .. }, .. } => Some((u32::MAX, CHAR_BYTES)),
            Column { kind: Kind::Bytes, declared_type, .. } => {
                let inside = declared_type.strip_prefix("varbinary(").and_then(|rest| rest.strip_suffix(')'));
                Some((inside.and_then(|bytes| bytes.parse().ok()).unwrap_or(u32::MAX), 1))
            }
            _ => None,
        };
        let lengths: Vec<_> = at.iter().map(length).collect();
        let fixed: u32 = at.iter().filter_map(|at| key_bytes(&self.columns[*at].kind)).sum();
        let bytes = |(count, unit): (u32, u32)| count.saturating_mul(unit);
        let whole: u32 = lengths.iter().flatten().fold(fixed, |sum, length| sum.saturating_add(bytes(*length)));
        if whole <= KEY_BYTES {
            return vec![None; at.len()];
        }
        let open = lengths.iter().flatten().count().max(1) as u32;
        let share = KEY_BYTES.saturating_sub(fixed) / open;
        let prefix = |length: &Option<(u32, u32)>| {
            let (count, unit) = (*length)?;
            (bytes((count, unit)) > share).then_some(share / unit)
        };
        lengths.iter().map(prefix).collect()
    }

    /// A name that no other index of the table has, and that the engine takes.
    fn name(&mut self, wanted: &str, column: &str) -> String {
        let is_taken_by_engines = |c: char| c <= '\u{ffff}' && c != '\0';
        let wanted = if wanted.is_empty() { column } else { wanted };
        let plain: String = wanted.chars().filter(|c| is_taken_by_engines(*c)).collect();
        let plain = plain.trim_end();
        let shortened = |behind: &str| {
            let chars = limits::MYSQL_NAME_CHARS_MAX - behind.len();
            plain.chars().take(chars).collect::<String>().trim_end().to_owned() + behind
        };
        let mut name = shortened("");
        let mut number = 2;
        while name.is_empty() || name.eq_ignore_ascii_case(PRIMARY) || self.names.contains(&name.to_lowercase()) {
            name = shortened(&format!("_{number}"));
            number += 1;
        }
        self.names.insert(name.to_lowercase());
        name
    }

    /// Whether an index begins with these columns.
    fn has_beginning(&self, primary_key: &[usize], parts: &[IndexColumn]) -> bool {
        let names: Vec<_> = parts.iter().map(|part| part.name.as_deref().map(str::to_lowercase)).collect();
        let begins = |columns: Vec<Option<String>>| columns.len() >= names.len() && columns[..names.len()] == names;
        let key = primary_key.iter().map(|at| Some(self.columns[*at].name.to_lowercase())).collect();
        let mut indexes = self.indexes.iter();
        begins(key)
            || indexes.any(|index| {
                begins(index.columns.iter().map(|column| column.name.as_deref().map(str::to_lowercase)).collect())
            })
    }
}

/// The statement of an index that holds only the beginning of some columns.
fn definition(
    table: &str,
    name: &str,
    (at, prefixes, parts): (&[usize], &[Option<u32>], &[IndexColumn]),
    columns: &[Column],
) -> Result<String> {
    let mut written = Vec::new();
    for ((at, prefix), part) in at.iter().zip(prefixes).zip(parts) {
        let length = prefix.map(|prefix| format!("({prefix})")).unwrap_or_default();
        let order = if part.descending { " DESC" } else { "" };
        written.push(format!("{}{length}{order}", quoted(&columns[*at].name)?));
    }
    Ok(format!("CREATE INDEX {} ON {} ({})", quoted(name)?, quoted(table)?, written.join(", ")))
}
