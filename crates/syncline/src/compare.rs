//! Two sides of a table compared, with progress, in the way that suits their links.

use syncline_core::capture::{Comparison, SlowLinks, Tally, Way};
use syncline_core::change::{PlannedChange, TableTask};
use syncline_core::error::Result;
use syncline_core::event::{Event, Phase};

use crate::decide::Ends;
use crate::session::Syncline;

impl Syncline {
    /// The same session with another idea of which links are slow.
    #[must_use]
    pub fn with_slow_links(mut self, slow_links: SlowLinks) -> Self {
        self.slow_links = slow_links;
        self
    }

    /// Compares a table, and passes on the rows that differ, page by page in key order.
    pub(crate) async fn compare(
        &self,
        (source, target): (&TableTask, &TableTask),
        ends: Ends<'_>,
        phase: Phase,
        mut pass: impl AsyncFnMut(Vec<PlannedChange>) -> Result<()>,
    ) -> Result<(Tally, Way)> {
        let table = &source.table.name;
        let estimate = ends.source.estimate(source).await?;
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows: Some(estimate.rows) });
        let comparison = Comparison::new((ends.source, source), (ends.target, target));
        let compared = comparison
            .run(&self.slow_links, estimate, async |page, tally: Tally| {
                self.cancel().check()?;
                pass(page).await?;
                let rows = tally.source_rows();
                self.events().emit(Event::Progress { table: table.clone(), phase, rows });
                Ok(())
            })
            .await;
        let (tally, way) = compared?;
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: tally.source_rows() });
        Ok((tally, way))
    }
}

/// What is said of a table whose rows were not all read, and why.
pub(crate) fn by_sums(way: Way) -> Option<String> {
    match way {
        Way::Read => None,
        Way::Summed { rate } => {
            let tenths = rate.saturating_mul(10) >> 20;
            Some(format!("by checksums, because rows came at {}.{} MB/s", tenths / 10, tenths % 10))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_in_a_number_that_people_know() {
        assert_eq!(by_sums(Way::Read), None);
        let said = by_sums(Way::Summed { rate: (2 << 20) + (1 << 18) });
        assert_eq!(said.as_deref(), Some("by checksums, because rows came at 2.2 MB/s"));
        assert!(by_sums(Way::Summed { rate: 9 }).unwrap().ends_with(" 0.0 MB/s"));
    }
}
