//! Rows that are written together, and which of them the server has something against.
//!
//! What it refuses takes back all that was written with it. So the rows are written again by halves, until each that is
//! refused stands alone.

use super::picked::Picked;
use super::session::Session;
use crate::mysql::connect::failure::Attempt;
use crate::refused::{Refused, split};

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
