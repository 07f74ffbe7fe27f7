//! How the source is seen.

use clap::Args;
use syncline::error::Result;
use syncline::{Mapping, MappingRequest};

/// The rules of a mapping.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct MappingArgs {
    /// Rows of a table to take, on both sides: 'orders: id > 100' (repeatable)
    ///
    /// What a filter means does not depend on how a column is declared: text is compared byte by byte, whatever its
    /// collation (NOCASE too), and is never equal to a number. LIKE heeds case, ILIKE disregards that of ASCII letters.
    /// NULL satisfies nothing but IS NULL. Also: = <> < <= > >=, IN, BETWEEN, AND, OR, NOT, now() - interval '30 days'.
    #[arg(long = "where", value_name = "TABLE: FILTER")]
    filters: Vec<String>,
    /// Columns of a table to carry, or behind '!' to leave out: 'customers: !ssn' (repeatable)
    #[arg(long, value_name = "TABLE: NAMES")]
    columns: Vec<String>,
    /// A new name for a table or column in the target: 'users=members', 'orders.total_cents=total' (repeatable)
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Hide a column's values: 'customers.email=fake', or hash, last4, null, text:V (repeatable)
    #[arg(long, value_name = "TABLE.COLUMN=MASK")]
    mask: Vec<String>,
    /// What becomes of values that do not fit the target's column: 'orders.total=clamp', or null, text, hold (repeatable)
    ///
    /// Without a choice the row is held. clamp rounds a number, keeps it within the column's limits, and cuts text and
    /// fractions of a second. Rows with such values are listed by syncline conflicts.
    #[arg(long, value_name = "TABLE.COLUMN=CHOICE")]
    misfit: Vec<String>,
}

impl MappingArgs {
    /// What is asked for, once it is known to make sense by itself.
    ///
    /// # Errors
    /// When a rule is not understood, or two are about the same thing.
    pub(super) fn request(self) -> Result<MappingRequest> {
        let Self { filters, columns, rename, mask, misfit } = self;
        let request =
            MappingRequest { filters, columns, renames: rename, masks: mask, misfits: misfit, as_of_ms: None };
        Mapping::parse(&request)?;
        Ok(request)
    }

    /// Whether there is any rule.
    pub(super) fn is_empty(&self) -> bool {
        [&self.filters, &self.columns, &self.rename, &self.mask, &self.misfit].iter().all(|rules| rules.is_empty())
    }
}
