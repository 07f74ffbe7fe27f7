//! How many tables a command reads at once.

use clap::Args;
use syncline::{Syncline, limits};

/// The choice of how many tables are read at once.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct JobsArgs {
    /// Tables to compare and verify side by side, each with a reader for either database; and sessions that load a new
    /// table of MySQL or MariaDB at once [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=limits::JOBS_MAX as u64))]
    jobs: Option<u64>,
}

impl JobsArgs {
    /// The number, where one was typed.
    pub(super) fn jobs(self) -> Option<usize> {
        self.jobs.and_then(|jobs| usize::try_from(jobs).ok())
    }

    /// The session that reads so many tables at once.
    pub(super) fn hold(self, session: Syncline) -> Syncline {
        session.with_jobs(self.jobs())
    }
}
