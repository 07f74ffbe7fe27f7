//! Turning what a run has kept into the changes that take it back.

use crate::change::{Operation, PlannedChange, RowDigest};

/// The change that puts the row with this key back as it was: there before the run or not, and left as `after` says. It
/// rests on what the run left there, so that a row somebody has changed since comes back as *moved* and stays as it is.
pub fn reverse(key: Vec<u8>, was_there: bool, after: Option<RowDigest>) -> PlannedChange {
    let operation = match (was_there, after) {
        (false, _) => Operation::Delete,
        (true, None) => Operation::Insert,
        (true, Some(_)) => Operation::Update,
    };
    PlannedChange { operation, key, seen: after, becomes: None, copies: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_taken_back_by_its_opposite() {
        let digest = RowDigest(7);
        let cases = [
            (false, Some(digest), Operation::Delete),
            (true, None, Operation::Insert),
            (true, Some(digest), Operation::Update),
        ];
        for (was_there, after, operation) in cases {
            let expected = PlannedChange { operation, key: vec![1], seen: after, becomes: None, copies: None };
            assert_eq!(reverse(vec![1], was_there, after), expected);
        }
    }
}
