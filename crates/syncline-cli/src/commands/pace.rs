//! How fast a command works.

use clap::Args;
use syncline::error::Result;
use syncline::{Rate, Syncline};

/// The choice of a rate.
#[derive(Debug, Default, Args)]
pub(super) struct PaceArgs {
    /// Rows a second to read from either database and to write, each at most [default: no limit]
    #[arg(long, value_name = "ROWS/s", allow_negative_numbers = true)]
    rate: Option<String>,
}

impl PaceArgs {
    /// The rate, once it is known to make sense.
    ///
    /// # Errors
    /// When it is no number of rows that any database could be held to.
    pub(super) fn rate(&self) -> Result<Option<Rate>> {
        self.rate.as_deref().map(str::parse).transpose()
    }

    /// The session, held to the rate.
    ///
    /// # Errors
    /// As [`PaceArgs::rate`].
    pub(super) fn hold(&self, session: Syncline) -> Result<Syncline> {
        Ok(session.paced(self.rate()?))
    }
}
