//! How a database is, for those who look after it, and the rights that a run on it needs.

use serde::{Deserialize, Serialize};
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;
use syncline_core::store::{Finding, Grants, Side, Verdict};

use crate::open::Purpose;
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::summary::NextReport;

/// A database to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorRequest {
    /// The database, as named by the user.
    pub database: String,
    /// What it is to be. Without it, what only a target needs is told as a note.
    pub side: Option<Side>,
}

/// How a database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Version of this object.
    pub format: u32,
    /// `doctor`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The database's label.
    pub database: String,
    /// `sqlite`, `postgres` or `mysql`.
    pub engine: String,
    /// The engine's version.
    pub version: String,
    /// What it was looked at as: `source` or `target`.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// The gravest verdict of all: `ok`, `note` or `problem`.
    pub verdict: String,
    /// What was found, the server and the login first, then the tables.
    pub findings: Vec<FindingReport>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingReport {
    /// What it is about, in a word that stays the same.
    pub topic: String,
    /// `ok`, `note` or `problem`.
    pub verdict: String,
    /// The error that a run, or a table of it, would end with; of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The table, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What was found.
    pub what: String,
    /// Why it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do.
    pub next: Vec<NextReport>,
}

/// A script of rights that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantsRequest {
    /// The database, as named by the user.
    pub database: String,
    /// What the role is to do with it.
    pub side: Side,
    /// The role.
    pub role: String,
    /// Which tables, by names and patterns; all when empty.
    pub tables: Vec<String>,
}

impl Syncline {
    /// Looks at a database. Nothing is changed, and no run is recorded.
    ///
    /// # Errors
    /// When it cannot be opened, and as [`examine`](syncline_core::store::Store::examine).
    pub async fn doctor(&self, request: &DoctorRequest) -> Result<DoctorReport> {
        let database = self.open_database(&request.database, Purpose::Examine).await?;
        let findings = database.store.examine(request.side).await?;
        Ok(DoctorReport {
            format: 1,
            kind: "doctor".to_owned(),
            database: database.label,
            engine: database.description.engine.to_owned(),
            version: database.description.version,
            side: request.side.map(|side| side.name().to_owned()),
            verdict: gravest(&findings).to_owned(),
            findings: findings.into_iter().map(FindingReport::from).collect(),
        })
    }

    /// The statements that give a role what a run on these of the tables there are needs, and no more. Nothing is changed.
    ///
    /// # Errors
    /// `USAGE_INVALID` for a database whose engine keeps no rights and for names of tables that are not there, `NO_TABLES` where no
    /// table is left; when it cannot be opened, and as [`grants`](syncline_core::store::Store::grants).
    pub async fn grants(&self, request: &GrantsRequest) -> Result<Grants> {
        let filter = TableFilter::parse(&request.tables)?;
        let database = self.open_database(&request.database, Purpose::Examine).await?;
        let schema = database.store.snapshot().await?.schema().await?;
        check_names(&filter, &[&schema])?;
        let tables: Vec<String> = admitted(&schema, &filter).iter().map(|table| table.name.clone()).collect();
        if tables.is_empty() && !request.tables.is_empty() {
            return Err(Error::new(Code::NoTables, "there is no table to give rights on")
                .because("--tables leaves none of those that are there")
                .leaving("nothing was changed"));
        }
        database.store.grants(request.side, &request.role, &tables).await?.ok_or_else(|| {
            Error::new(Code::UsageInvalid, format!("{} has no rights of its own to be granted", database.label))
                .because("who may read and write a file is for the operating system to say")
                .leaving("nothing was changed")
                .next("make the file and its directory readable, and writable for a target, for the user", "")
        })
    }
}

fn gravest(findings: &[Finding]) -> &'static str {
    let has = |verdict: &str| findings.iter().any(|finding| finding.verdict.name() == verdict);
    ["problem", "note"].into_iter().find(|verdict| has(verdict)).unwrap_or("ok")
}

impl From<Finding> for FindingReport {
    fn from(finding: Finding) -> Self {
        let next = finding.next.into_iter().map(|step| NextReport { action: step.action, effect: step.effect });
        Self {
            topic: finding.topic.to_owned(),
            verdict: finding.verdict.name().to_owned(),
            code: match finding.verdict {
                Verdict::Problem(code) => Some(code.name().to_owned()),
                Verdict::Ok | Verdict::Note => None,
            },
            table: finding.table,
            what: finding.what,
            why: Some(finding.why).filter(|why| !why.is_empty()),
            next: next.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_finding_is_the_verdict() {
        let of = |verdicts: &[Verdict]| {
            let findings: Vec<_> = verdicts.iter().map(|verdict| Finding::new("x", *verdict, "x")).collect();
            gravest(&findings)
        };
        let problem = Verdict::Problem(Code::TableDenied);
        assert_eq!(of(&[]), "ok");
        assert_eq!(of(&[Verdict::Ok, Verdict::Note, Verdict::Ok]), "note");
        assert_eq!(of(&[Verdict::Note, problem, Verdict::Ok]), "problem");
    }

    #[test]
    fn what_only_a_target_needs_is_a_problem_of_a_target() {
        let code = Code::TableDenied;
        assert_eq!(Verdict::of_target(Some(Side::Target), code), Verdict::Problem(code));
        assert_eq!(Verdict::of_target(None, code), Verdict::Note);
    }
}
