//! Rows that are written together, and which of them the server has something against.
//!
//! What it refuses takes back all that was written with it. So the rows are written again by halves, until each that is
//! refused stands alone.

use syncline_core::change::Reason;

use super::picked::Picked;
use super::session::Session;
use crate::postgres::codec::{Codec, Encoder};
use crate::postgres::connect::failure::Attempt;
use crate::refused::{Refused, split};

/// Sends the rows of these numbers by a COPY into a table. `push` appends one, or says why it cannot be sent.
pub(in crate::postgres) async fn send_by_halves(
    session: &Session,
    table: &str,
    (sql, codecs): (&str, &[Codec]),
    numbers: &[u32],
    mut push: impl FnMut(u32, &mut Encoder) -> Result<(), String> + Send,
) -> Attempt<Vec<Refused>> {
    let (mut left, mut refused) = (vec![numbers], Vec::new());
    while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
        let (mut numbers, mut unsent) = (half.iter(), Vec::new());
        let sent = session.copy(table, sql, codecs.to_vec(), |encoder| {
            let Some(number) = numbers.next() else { return false };
            unsent.extend(push(*number, encoder).err().map(|why| (*number, (Reason::Type, why))));
            true
        });
        let sent = sent.await?;
        // Those of a half that is sent again are found again.
        if sent.is_ok() {
            refused.extend(unsent);
        }
        split(&mut left, half, sent, &mut refused);
    }
    Ok(refused)
}

/// Runs a statement that writes rows of a table, for those of these numbers.
pub(in crate::postgres) async fn write_by_halves(
    session: &Session,
    table: &str,
    numbers: &[u32],
    sql: impl Fn(&Picked<'_>) -> String + Send,
) -> Attempt<Vec<Refused>> {
    let (mut left, mut refused) = (vec![numbers], Vec::new());
    while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
        let written = session.write(table, &sql(&Picked(half))).await?;
        split(&mut left, half, written, &mut refused);
    }
    Ok(refused)
}
