//! Which tables take part.

use clap::Args;
use syncline::TableFilter;
use syncline::error::Result;

/// The choice of tables.
#[derive(Debug, Default, Args)]
pub(super) struct TablesArgs {
    /// Tables to take: names and patterns, all but those behind '!' ('app_*' '!audit') [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tables: Vec<String>,
}

impl TablesArgs {
    /// The patterns, once they are known to make sense.
    ///
    /// # Errors
    /// When one of them is empty or malformed.
    pub(super) fn patterns(self) -> Result<Vec<String>> {
        TableFilter::parse(&self.tables)?;
        Ok(self.tables)
    }
}
