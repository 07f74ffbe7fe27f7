//! Whether what was decided fits on the disk.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Store;

use super::Decision;

/// Refuses a run that will not fit on the target's disk.
///
/// # Errors
/// `DISK_FULL`, before anything is written.
pub(crate) async fn check_room(decision: &Decision, target: &dyn Store) -> Result<()> {
    let bytes: u64 = decision.tables.iter().map(|decided| decided.tally.bytes_to_write()).sum();
    let needed = bytes.saturating_add(bytes / 100 * limits::DISK_MARGIN_PERCENT);
    match target.describe().await?.free_bytes {
        Some(free) if free < needed => {
            let what =
                format!("the target's disk has {} free and about {} are needed", megabytes(free), megabytes(needed));
            Err(Error::new(Code::DiskFull, what)
                .leaving("nothing was changed")
                .next("free some space", "then run again"))
        }
        _ => Ok(()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
