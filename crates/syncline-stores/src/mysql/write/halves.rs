//! Rows that are written together, and which of them the server has something against.
//!
//! What it refuses takes back all that was written with it. So the rows are written again by halves, until each that is
//! refused stands alone.

use super::picked::Picked;
use super::session::{Objection, Session};
use crate::mysql::connect::failure::Attempt;

/// A row that cannot be written, and why.
pub(in crate::mysql) type Refused = (u32, Objection);

/// Runs statements that write rows of a table, for those of these numbers.
pub(in crate::mysql) async fn write_by_halves(
    session: &Session,
    table: &str,
    numbers: &[u32],
    statements: impl Fn(&Picked<'_>) -> Vec<String> + Send,
) -> Attempt<Vec<Refused>> {
    let (mut left, mut refused) = (vec![numbers], Vec::new());
    while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
        let written = session.write(table, &statements(&Picked(half))).await?;
        split(&mut left, half, written, &mut refused);
    }
    Ok(refused)
}

/// Goes on with the halves of rows that were not taken, or puts the one that is left on the list.
pub(super) fn split<'n>(
    left: &mut Vec<&'n [u32]>,
    half: &'n [u32],
    written: Result<u64, Objection>,
    refused: &mut Vec<Refused>,
) {
    if let Err(objection) = written {
        match half {
            [one] => refused.push((*one, objection)),
            many => {
                let (first, second) = many.split_at(many.len() / 2);
                left.extend([second, first]);
            }
        }
    }
}
