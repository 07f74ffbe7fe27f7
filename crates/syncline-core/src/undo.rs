//! Turning what a run has kept into the changes that take it back.

use crate::change::{Image, Operation, PlannedChange};

/// The change that puts a row back as it was. It rests on what the run left there, so that a row somebody has changed
/// since comes back as *moved* and stays as it is.
pub fn reverse(image: Image) -> PlannedChange {
    let operation = match (&image.before, image.after) {
        (None, _) => Operation::Delete,
        (Some(_), None) => Operation::Insert,
        (Some(_), Some(_)) => Operation::Update,
    };
    PlannedChange { operation, key: image.key, seen: image.after, becomes: None, copies: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::RowDigest;

    #[test]
    fn each_change_is_taken_back_by_its_opposite() {
        let digest = RowDigest(7);
        let image = |before: Option<&[u8]>, after| Image {
            key: vec![1],
            before: before.map(<[u8]>::to_vec),
            place: None,
            after,
        };
        let cases = [
            (image(None, Some(digest)), Operation::Delete, Some(digest)),
            (image(Some(b"old"), None), Operation::Insert, None),
            (image(Some(b"old"), Some(digest)), Operation::Update, Some(digest)),
        ];
        for (image, operation, seen) in cases {
            assert_eq!(reverse(image), PlannedChange { operation, key: vec![1], seen, becomes: None, copies: None });
        }
    }
}
