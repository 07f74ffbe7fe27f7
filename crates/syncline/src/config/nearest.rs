//! What somebody may have meant by a word that is not known.

/// The known word that takes the fewest changes, if those are few for its length.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(LONGEST).collect();
    let close = known.filter_map(|known| {
        let letters: Vec<char> = known.to_lowercase().chars().take(LONGEST).collect();
        let distance = distance(&word, &letters);
        (distance <= letters.len().max(word.len()).div_ceil(3)).then_some((distance, known))
    });
    close.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// Words are compared up to here.
const LONGEST: usize = 64;

/// How many characters have to be put in, left out, exchanged or swapped with the next.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let exchanged = rows[i][j] + usize::from(left != right);
            let mut least = exchanged.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *right && b[j - 1] == *left {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_changes_are_near() {
        let keys = || ["url", "protected", "version"].into_iter();
        assert_eq!(nearest("protectd", keys()), Some("protected"));
        assert_eq!(nearest("Protected", keys()), Some("protected"));
        assert_eq!(nearest("ulr", keys()), Some("url"));
        assert_eq!(nearest("verison", keys()), Some("version"));
        assert_eq!(nearest("jobs", keys()), None);
        assert_eq!(nearest("", keys()), None);
        assert_eq!(nearest("x", [].into_iter()), None);
    }
}
