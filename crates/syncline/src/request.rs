//! What a person asks for: which databases, which tables, how, and within which limits.

use serde::{Deserialize, Serialize};
use syncline_core::capture::CursorRule;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::{Mapping, MappingRequest};
use syncline_core::pace::Rate;

/// The two one-way intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Adds and updates, never deletes.
    Copy,
    /// Makes the target equal to the source, deletes included.
    Mirror,
}

/// How changes are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// `Full` for a table that is missing or empty in the target, else `Compare`.
    #[default]
    Auto,
    /// Bring all rows of the source: into an empty table directly; a mirror writes what differs in one transaction over all
    /// tables, so that readers go from the old state to the new in one step.
    Full,
    /// Read both sides, write the differences.
    Compare,
    /// Go by the change log of the source: read what was touched since the last such run. A table of which the log does not
    /// tell is read as with `Auto`.
    Incremental,
}

/// What is made of columns that only one side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaPolicy {
    /// They stop the run before anything is written.
    #[default]
    Stop,
    /// Those that the target lacks are added to it; others stop the run.
    Add,
    /// They are left out of what is carried.
    Ignore,
}

/// How many deletes a run may carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteLimit {
    /// The guard's own limits; see [`limits::GUARD_DELETES_FEW`] and its neighbours.
    #[default]
    Guarded,
    /// At most so many rows in all tables together.
    Rows(u64),
    /// At most this percentage of the rows of each table.
    Percent(u8),
}

/// A copy or mirror. Recorded with its run, so that the run can be resumed or retried; it holds no password, because
/// the names of databases are kept as they were given and SQLite's have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Copy or mirror.
    pub verb: Verb,
    /// The source, as named by the user and made independent of the working directory.
    pub source: String,
    /// The target, likewise.
    pub target: String,
    /// Names and patterns; see [`syncline_core::mapping::TableFilter`].
    pub tables: Vec<String>,
    /// Which rows and columns take part, under which names, with which values hidden.
    #[serde(default)]
    pub mapping: MappingRequest,
    /// How changes are found.
    pub strategy: Strategy,
    /// With [`Strategy::Incremental`]: tables that go by a column instead of a log, such as `orders: updated_at`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cursors: Vec<String>,
    /// In a full refresh, empty tables that nothing references and fill them again, instead of writing what differs.
    #[serde(default)]
    pub truncate_target: bool,
    /// Changes in one transaction, at most.
    pub batch_rows: usize,
    /// How many deletes are let through.
    pub max_delete: DeleteLimit,
    /// Let an empty source table empty the target's.
    pub allow_empty_source: bool,
    /// Read both sides again afterwards and prove the result.
    pub verify: bool,
    /// Keep before-images.
    pub undo: bool,
    /// The plan that the run carries out; it does nothing beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The file that the plan was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_file: Option<String>,
    /// Back the target up before anything is written.
    #[serde(default)]
    pub backup: bool,
    /// What is made of columns that only one side has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schema: SchemaPolicy,
    /// Make no table and no database that is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_create: bool,
    /// Leave rows that both sides have as the target has them: for a copy only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_existing: bool,
    /// Rows a second that are read from either database, and that are written, at most.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rate: Option<Rate>,
    /// Tables that are read side by side.
    #[serde(default, skip_serializing_if = "is_default")]
    pub jobs: Option<usize>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RunRequest {
    /// A request with every default.
    pub fn new(verb: Verb, source: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            verb,
            source: source.into(),
            target: target.into(),
            tables: Vec::new(),
            mapping: MappingRequest::default(),
            strategy: Strategy::Auto,
            cursors: Vec::new(),
            truncate_target: false,
            batch_rows: limits::BATCH_ROWS_DEFAULT,
            max_delete: DeleteLimit::Guarded,
            allow_empty_source: false,
            verify: true,
            undo: true,
            plan: None,
            plan_file: None,
            backup: false,
            schema: SchemaPolicy::Stop,
            no_create: false,
            keep_existing: false,
            rate: None,
            jobs: None,
        }
    }

    /// The request as of this moment: what `now()` means in its filters. It is recorded so, and whoever looks at the run's
    /// work later sees the same rows.
    #[must_use]
    pub(crate) fn as_of(&self, now_ms: i64) -> Self {
        let uses_now = Mapping::parse(&self.mapping).is_ok_and(|mapping| mapping.uses_now());
        let mut request = self.clone();
        request.mapping.as_of_ms = uses_now.then_some(now_ms);
        request
    }
}

impl RunRequest {
    /// Whether all tables go from the old state to the new in one transaction.
    pub fn refreshes(&self) -> bool {
        self.verb == Verb::Mirror && self.strategy == Strategy::Full
    }

    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// `USAGE_INVALID`.
    pub fn check(&self) -> Result<()> {
        if self.keep_existing && self.verb == Verb::Mirror {
            return Err(Error::new(Code::UsageInvalid, "--keep-existing goes with copy only")
                .because("a mirror makes the target's rows equal to the source's, and kept rows are not")
                .leaving("nothing was changed")
                .next("syncline copy SOURCE TARGET --keep-existing", "add what is missing and change nothing"));
        }
        if !self.cursors.is_empty() && self.strategy != Strategy::Incremental {
            return Err(Error::new(Code::UsageInvalid, "--cursor goes with --strategy incremental only")
                .because("it says how what is new is found")
                .leaving("nothing was changed")
                .next("--strategy incremental", "bring what is new only"));
        }
        CursorRule::parse(&self.cursors)?;
        if self.truncate_target && !self.refreshes() {
            return Err(Error::new(Code::UsageInvalid, "--truncate-target goes with mirror --strategy full only")
                .because("it empties tables before they are filled again")
                .leaving("nothing was changed")
                .next("leave --truncate-target away", ""));
        }
        Ok(())
    }

    /// How the source is seen, in words that are equal when it is seen alike: everything that decides which rows and
    /// values it shows. What does not is named here, so that a new setting counts until somebody says otherwise.
    pub(crate) fn sight(&self) -> String {
        const OTHER: [&str; 18] = [
            "verb",
            "source",
            "target",
            "tables",
            "strategy",
            "cursors",
            "truncate_target",
            "batch_rows",
            "max_delete",
            "allow_empty_source",
            "verify",
            "undo",
            "plan",
            "plan_file",
            "backup",
            "no_create",
            "rate",
            "jobs",
        ];
        let mut settings = serde_json::to_value(self).expect("BUG: a request is recorded as JSON");
        if let Some(settings) = settings.as_object_mut() {
            settings.retain(|name, _| !OTHER.contains(&name.as_str()));
            if self.schema != SchemaPolicy::Ignore {
                // Columns that are added show what they would have shown had they been there.
                settings.remove("schema");
            }
            if let Some(mapping) = settings.get_mut("mapping").and_then(|mapping| mapping.as_object_mut()) {
                // A later moment is the same way of seeing, and no mapping is what there was before there were any.
                mapping.remove("as_of_ms");
                if mapping.is_empty() {
                    settings.remove("mapping");
                }
            }
        }
        settings.to_string()
    }
}

/// Whether this is the [`RunRequest::sight`] of a part of the rows or columns only.
pub(crate) fn sees_a_part(sight: &str) -> bool {
    let settings: serde_json::Value = serde_json::from_str(sight).unwrap_or_default();
    ["where", "columns"].iter().any(|rules| settings["mapping"][rules].is_array())
}

impl Verb {
    /// `copy` or `mirror`.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Copy => "copy",
            Verb::Mirror => "mirror",
        }
    }
}

impl std::str::FromStr for DeleteLimit {
    type Err = Error;

    /// Reads `N` or `P%`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            Error::new(
                Code::UsageInvalid,
                format!("--max-delete {text:?} is neither a number of rows nor a percentage"),
            )
            .next("--max-delete 500", "at most 500 rows in all")
            .next("--max-delete 50%", "at most half of each table")
        };
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse::<u8>() {
                Ok(percent) if percent <= 100 => Ok(DeleteLimit::Percent(percent)),
                _ => Err(invalid()),
            },
            None => text.parse().map(DeleteLimit::Rows).map_err(|_| invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_seen_alike_however_it_is_carried() {
        let plain = RunRequest::new(Verb::Copy, "a.db", "b.db");
        let other = RunRequest {
            tables: vec!["t".to_owned()],
            strategy: Strategy::Compare,
            cursors: vec!["t: a".to_owned()],
            batch_rows: 1,
            max_delete: DeleteLimit::Rows(1),
            allow_empty_source: true,
            verify: false,
            undo: false,
            plan: Some("p_1".to_owned()),
            plan_file: Some("day.plan".to_owned()),
            backup: true,
            schema: SchemaPolicy::Add,
            no_create: true,
            rate: "9".parse().ok(),
            jobs: Some(2),
            ..RunRequest::new(Verb::Mirror, "c.db", "d.db")
        };
        assert_eq!(plain.sight(), other.sight());
        let fewer_columns = RunRequest { schema: SchemaPolicy::Ignore, ..plain.clone() };
        let fewer_rows = RunRequest { keep_existing: true, ..plain.clone() };
        assert!(fewer_columns.sight() != plain.sight() && fewer_rows.sight() != plain.sight());
        // A new setting shows here, so that somebody says whether it changes what is seen.
        assert_eq!(plain.sight(), "{}");
    }

    #[test]
    fn the_sight_is_the_mapping_and_not_its_moment() {
        let seen = |mapping: MappingRequest| RunRequest { mapping, ..RunRequest::new(Verb::Copy, "a", "b") }.sight();
        let filters = vec!["t: at > now()".to_owned()];
        let filtered = |as_of_ms| MappingRequest { filters: filters.clone(), as_of_ms, ..MappingRequest::default() };
        assert_eq!(seen(filtered(Some(1))), seen(filtered(None)));
        assert_ne!(seen(filtered(None)), seen(MappingRequest::default()));
        assert!(!seen(MappingRequest::default()).contains("mapping"), "as it was before there were any");
        assert!(sees_a_part(&seen(filtered(None))) && !sees_a_part(&seen(MappingRequest::default())));
        let masked = MappingRequest { masks: vec!["t.a=null".to_owned()], ..MappingRequest::default() };
        assert!(!sees_a_part(&seen(masked)) && !sees_a_part(""));
    }

    #[test]
    fn delete_limits_are_rows_or_percentages() {
        assert_eq!("500".parse::<DeleteLimit>().unwrap(), DeleteLimit::Rows(500));
        assert_eq!("50%".parse::<DeleteLimit>().unwrap(), DeleteLimit::Percent(50));
        for wrong in ["", "%", "-1", "101%", "5 %", "many"] {
            assert!(wrong.parse::<DeleteLimit>().is_err(), "{wrong:?}");
        }
    }
}
