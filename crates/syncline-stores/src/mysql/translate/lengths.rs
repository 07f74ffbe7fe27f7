//! How long the values of columns can be: within a key, and within a row.

use syncline_core::schema::TableSchema;
use syncline_core::value::Kind;

use crate::mysql::connect::Version;
use crate::mysql::types::{self, CHAR_BYTES, Declared, KEY_BYTES};

/// Bytes of the longest row, large text and bytes aside; some are the server's own.
const ROW_BYTES: u64 = 65_000;

/// How all columns are declared.
pub(super) fn declared(
    table: &TableSchema,
    primary_key: &[usize],
    kinds: &[Kind],
    version: &Version,
    left_out: &mut Vec<String>,
) -> Vec<Declared> {
    let mut longest = vec![None; kinds.len()];
    for set in keyed(table, primary_key) {
        for (at, bytes) in shared(&set, kinds, version) {
            longest[at] = Some(longest[at].unwrap_or(KEY_BYTES).min(bytes));
        }
    }
    let mut declared: Vec<Declared> =
        kinds.iter().zip(&longest).map(|(kind, longest)| types::declared(kind, version, *longest)).collect();
    shorten(table, &longest, &mut declared, version, left_out);
    declared
}

/// The columns of everything that has to hold whole values.
fn keyed(table: &TableSchema, primary_key: &[usize]) -> Vec<Vec<usize>> {
    let named = |names: &[String]| names.iter().filter_map(|name| table.column(name)).collect::<Vec<_>>();
    let uniques = table.uniques.iter().filter(|unique| !unique.partial);
    let uniques = uniques.filter_map(|unique| unique.columns.iter().cloned().collect::<Option<Vec<_>>>());
    let mut sets = vec![primary_key.to_vec(), table.primary_key.clone()];
    sets.extend(uniques.map(|names| named(&names)));
    sets.extend(table.foreign_keys.iter().map(|key| named(&key.columns)));
    // What others reference may be unique by nothing that is known here.
    sets.retain(|set| !set.is_empty());
    sets
}

/// How many bytes each column of a key has that could be of any length: short ones what they need, and the others alike.
fn shared(set: &[usize], kinds: &[Kind], version: &Version) -> Vec<(usize, u32)> {
    let mut open = Vec::new();
    let mut left = KEY_BYTES;
    for at in set {
        let declared = types::declared(&kinds[*at], version, Some(KEY_BYTES));
        match types::key_bytes(&declared.kind) {
            Some(bytes) => left = left.saturating_sub(bytes),
            None => open.push((wanted(&declared), *at)),
        }
    }
    open.sort_unstable();
    let mut shares = Vec::new();
    let count = open.len();
    for (number, (wanted, at)) in open.into_iter().enumerate() {
        let share = wanted.min(left / u32::try_from(count - number).unwrap_or(1));
        left -= share;
        shares.push((at, share));
    }
    shares
}

/// Bytes of the longest value.
fn wanted(declared: &Declared) -> u32 {
    match declared.kind {
        Kind::Text { max_chars: Some(chars), .. } => chars.saturating_mul(CHAR_BYTES).min(KEY_BYTES),
        _ => KEY_BYTES,
    }
}

/// Makes the longest texts large ones, which are not counted, until a row has room for all.
fn shorten(
    table: &TableSchema,
    longest: &[Option<u32>],
    declared: &mut [Declared],
    version: &Version,
    left_out: &mut Vec<String>,
) {
    let mut total: u64 = declared.iter().map(row_bytes).sum();
    let mut free: Vec<usize> = (0..declared.len()).filter(|at| longest[*at].is_none()).collect();
    free.sort_by_key(|at| std::cmp::Reverse(row_bytes(&declared[*at])));
    for at in free {
        let bytes = row_bytes(&declared[at]);
        if total <= ROW_BYTES || !declared[at].declared_type.starts_with("varchar") {
            return;
        }
        let large = types::declared(&Kind::Text { max_chars: None, padded: false }, version, None);
        let column = &table.columns[at];
        left_out.push(format!("the type {} of {}, {} here", column.declared_type, column.name, large.declared_type));
        total = total - bytes + row_bytes(&large);
        declared[at] = large;
    }
}

/// Bytes that a column takes of a row.
fn row_bytes(declared: &Declared) -> u64 {
    match &declared.kind {
        Kind::Text { max_chars: Some(chars), .. } => u64::from(*chars) * u64::from(CHAR_BYTES) + 2,
        Kind::Bytes if declared.declared_type.starts_with("varbinary") => u64::from(KEY_BYTES) + 2,
        _ => u64::from(types::key_bytes(&declared.kind).unwrap_or(12)),
    }
}
