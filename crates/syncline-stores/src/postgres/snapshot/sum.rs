//! The sum of a table's rows, or of a share of them.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::Share;
use syncline_core::value::{SumPart, exact};

use super::select::{Selected, filtered};
use super::view::{Ground, Sight};
use crate::digests::shrink;
use crate::lens::Lens;
use crate::stream::Outlet;

/// Hands over the sums of rows that follow each other. `false` when nobody wants more.
pub(super) async fn stream(sight: Sight, task: TableTask, share: Share, outlet: Outlet<SumPart>) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let Some(range) = range(&sight, &ground, share).await? else { return Ok(true) };
    let rows = outlet.flow().rows;
    let selected = Selected::columns(&task, "", outlet.flow().value_bytes)?;
    let filtered = filtered(&task, range.as_deref())?;
    let sql = format!("SELECT {} FROM {}{filtered}", selected.list(), ground.table);
    let (mut lens, mut part, mut encoded) = (Lens::of(&task, selected.value_bytes), SumPart::default(), Vec::new());
    let is_wanted = outlet
        .copy(&sight.session, &sql, selected.codecs, |cells| {
            lens.encode_row(cells, &mut encoded, |_, _| Ok(()))?;
            part.add_digest(exact::digest_bytes(&encoded));
            shrink(&mut encoded);
            Ok((part.digests.len() >= rows).then(|| std::mem::take(&mut part)))
        })
        .await?;
    Ok(is_wanted && (part.digests.is_empty() || outlet.send(part).await))
}

/// What picks the rows of a share: a range of blocks. A table without such ranges is one share and the others are empty,
/// which `None` says; `Some(None)` is everything.
async fn range(sight: &Sight, ground: &Ground, share: Share) -> Result<Option<Option<String>>> {
    if share == Share::ALL {
        return Ok(Some(None));
    }
    let Some(blocks) = sight.blocks(ground).await? else { return Ok((share.index == 0).then_some(None)) };
    let begin = border(blocks, share.index, share.of);
    Ok(Some(Some(if share.index + 1 >= share.of {
        // The table may have grown since it was measured, by rows that this view does not show, or by some that it does.
        format!("ctid >= '({begin},0)'")
    } else {
        format!("ctid >= '({begin},0)' AND ctid < '({},0)'", border(blocks, share.index + 1, share.of))
    })))
}

/// Where a share begins: at the first block for the first, in even steps.
fn border(blocks: u64, index: u32, of: u32) -> u32 {
    let border = u128::from(blocks) * u128::from(index) / u128::from(of.max(1));
    u32::try_from(border).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_rise_from_the_first_block_on() {
        for blocks in [0, 1, 2, 1_000, u64::from(u32::MAX)] {
            let borders: Vec<_> = (0..=3).map(|index| border(blocks, index, 3)).collect();
            assert_eq!((borders[0], u64::from(borders[3])), (0, blocks));
            assert!(borders.is_sorted(), "{borders:?}");
        }
    }
}
