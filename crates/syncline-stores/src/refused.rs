//! What a server has against rows, and finding the rows it is about.
//!
//! What is refused takes back all that was written with it. So the rows are written again by halves, until each that is refused
//! stands alone.

use syncline_core::change::{Reason, Refusal, TableTask, copies};
use syncline_core::error::{Code, Error};
use syncline_core::value::{Row, RowBatch, exact};

/// What a database has against a row: the rule, and its own words.
pub(crate) type Objection = (Reason, String);

/// The number of a row that cannot be written, and why.
pub(crate) type Refused = (u32, Objection);

/// Goes on with the halves of rows that were not taken, or puts the one that is left on the list.
pub(crate) fn split<'n>(
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

/// What is said of rows that were not taken, in their order.
pub(crate) fn named(task: &TableTask, rows: &RowBatch, mut refused: Vec<Refused>) -> Vec<Refusal> {
    refused.sort_by_key(|(number, _)| *number);
    let refusal = |(number, (reason, words)): Refused| {
        let row = rows.row(number as usize);
        Refusal { key: key_of(task, row), reason, words, row: Some(exact::encode_row(row.iter())), found: None }
    };
    refused.into_iter().map(refusal).collect()
}

/// The error for a table whose rows cannot all be deleted.
pub(crate) fn not_cleared(table: &str, words: &str) -> Error {
    Error::new(Code::ForeignKeyBroken, format!("{table} cannot be emptied")).because(words.to_owned())
}

fn key_of(task: &TableTask, row: Row<'_>) -> Vec<u8> {
    if task.is_multiset() {
        copies::name(task.digest(row.iter(), &mut Vec::new()))
    } else {
        exact::encode_row(row.select(&task.key))
    }
}
