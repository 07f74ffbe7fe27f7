//! How long names of indexes can be.

use std::borrow::Cow;

use syncline_core::limits;
use syncline_core::schema::TableSchema;

/// Digits that stand for what is cut off: two names that begin alike are still two.
const DIGITS: usize = 8;

/// The table with names of indexes that the server takes; what becomes another name is named.
pub(super) fn with_short_names<'t>(table: &'t TableSchema, left_out: &mut Vec<String>) -> Cow<'t, TableSchema> {
    let is_long = |name: &str| name.len() > limits::POSTGRES_NAME_BYTES_MAX;
    if !table.indexes.iter().any(|index| is_long(&index.name)) {
        return Cow::Borrowed(table);
    }
    let mut named = table.clone();
    for index in named.indexes.iter_mut().filter(|index| is_long(&index.name)) {
        let short = shortened(&index.name);
        left_out.push(format!("the name of the index {}, {short} here", index.name));
        // An index that is a constraint as well is one thing with one name.
        let same = named.uniques.iter_mut().filter(|unique| unique.name == index.name);
        same.for_each(|unique| unique.name.clone_from(&short));
        index.name = short;
    }
    Cow::Owned(named)
}

fn shortened(name: &str) -> String {
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let mut end = limits::POSTGRES_NAME_BYTES_MAX - DIGITS - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{}", &name[..end], &hash[..DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart_and_are_cut_between_characters() {
        let [one, other] = ["x", "y"].map(|end| shortened(&format!("i{}{end}", "ä".repeat(40))));
        assert!(one != other && one[..49] == other[..49], "{one} {other}");
        assert_eq!((one.len(), one.chars().filter(|c| *c == 'ä').count()), (62, 26));
    }
}
