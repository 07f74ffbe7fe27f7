//! Which entries are meant.

use clap::Args;
use syncline::conflicts::ConflictFilter;
use syncline::error::Result;

/// The choice of entries.
#[derive(Debug, Default, Args)]
pub(super) struct FilterArgs {
    /// Only these: 'table:orders kind:check run:r_1f target:b.db state:open'; quotes hold a value with blanks together
    #[arg(long, value_name = "FILTER")]
    pub(super) filter: Option<String>,
}

impl FilterArgs {
    /// The filter, once it is known to make sense.
    ///
    /// # Errors
    /// When a word of it is unknown.
    pub(super) fn parse(&self) -> Result<ConflictFilter> {
        ConflictFilter::parse(self.filter.as_deref().unwrap_or_default())
    }
}
