//! Proving that two databases hold the same rows, by reading both again.

mod run;
mod table;
mod written;

use serde::Serialize;
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;
use syncline_core::pace::Lane;
use syncline_core::store::Description;

use crate::counterpart::counterpart;
use crate::decide::Ends;
use crate::diff::DiffRequest;
use crate::open::{Database, Purpose};
use crate::pairing::{Counterparts, is_about_mapping, pair_to_verify};
use crate::request::{RunRequest, Verb};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::Views;
use crate::summary::Verified;

pub(crate) use self::run::{Claim, Seen};

/// What is to be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyRequest {
    /// That two databases are equal.
    Pair(DiffRequest),
    /// That the ends of a run are as the run was to leave them.
    Run(String),
}

/// What reading both sides again has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Version of this object.
    pub format: u32,
    /// `verify`.
    #[serde(rename = "type")]
    pub kind: String,
    /// All tables together.
    pub verified: Verified,
    /// One entry a table.
    pub tables: Vec<TableVerification>,
}

/// One table of a [`VerifyReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableVerification {
    /// The table.
    pub table: String,
    /// Equal, different, or equal except for rows that are held.
    pub verified: Verified,
    /// Rows read from the source.
    pub source_rows: u64,
    /// Rows read from the target.
    pub target_rows: u64,
    /// How many rows differ and in what way, or why nothing could be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Syncline {
    /// Reads both sides to the end and tells whether they hold the same rows. Nothing is written.
    ///
    /// # Errors
    /// When a side cannot be read, or there is nothing to compare.
    pub async fn verify(&self, request: &VerifyRequest) -> Result<VerifyReport> {
        let request = match request {
            VerifyRequest::Pair(DiffRequest { source, target, tables, mapping }) => RunRequest {
                tables: tables.clone(),
                mapping: mapping.clone(),
                ..RunRequest::new(Verb::Mirror, source, target)
            },
            VerifyRequest::Run(run) => self.request_of_run(run).await?,
        };
        let source = self.open_database(&request.source, Purpose::Read).await?;
        let target = self.open_database(&request.target, Purpose::Read).await?;
        // At what rate a run was carried out says nothing of its proof.
        let pace = self.pace(None);
        let (source, target) = (source.paced(pace.as_ref(), Lane::Source), target.paced(pace.as_ref(), Lane::Target));
        let filter = TableFilter::parse(&request.tables)?;
        let mut proof = self.proof(&source, &target, self.jobs_of(None)).await?;
        let ends = proof.views.ends();
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema])?;
        let resolved = self.resolve(&request.mapping, &source_schema, &filter).await?;
        let target = Counterparts { schema: &target_schema, view: ends.target };
        let mut items = Vec::new();
        for table in admitted(&source_schema, &filter) {
            let is_missing = matches!(counterpart(table, &target_schema, &resolved), Ok(None));
            items.push(if request.no_create && is_missing {
                Err(left_out(&table.name))
            } else {
                match pair_to_verify(table, target, &resolved, request.schema.one_sided()) {
                    Ok(pair) => Ok((pair.source, pair.target)),
                    Err(error) if is_about_mapping(&error) => return Err(error),
                    Err(error) => Err(unprovable(&table.name, &error)),
                }
            });
        }
        let found = self.verify_tables(&request, items, &mut proof).await;
        let tables = found.into_iter().map(|found| Ok(found?.0)).collect::<Result<Vec<_>>>()?;
        if tables.is_empty() {
            return Err(Error::new(Code::NoTables, "there is no table to verify"));
        }
        Ok(VerifyReport { format: 1, kind: "verify".to_owned(), verified: all(&tables), tables })
    }

    async fn request_of_run(&self, run: &str) -> Result<RunRequest> {
        let record = self.state().await?.find_run(run).await?;
        record.request.ok_or_else(|| {
            Error::new(
                Code::UsageInvalid,
                format!("{} carried nothing from a source, so there is no pair to verify", record.id),
            )
            .next("syncline verify A B", "verify two databases")
        })
    }

    /// Views of both ends, opened for nothing but the proof.
    async fn proof(&self, source: &Database, target: &Database, jobs: usize) -> Result<Proof> {
        let descriptions = [&source.description, &target.description].map(Clone::clone);
        Ok(Proof { views: self.views(source, target, jobs).await?, descriptions })
    }

    /// As [`Syncline::verify_table`], for some tables side by side. Of others it is known already what is to be said.
    async fn verify_tables(
        &self,
        request: &RunRequest,
        items: Vec<Provable>,
        proof: &mut Proof,
    ) -> Vec<Result<(TableVerification, u64)>> {
        let Proof { views, descriptions } = proof;
        let verify = async |item: &Provable, ends: Ends<'_>| match item {
            Ok((source, target)) => {
                match self.verify_table(request, (source, target), ends, descriptions).await {
                    // What cannot be read cannot be proven; the others can.
                    Err(error) if matches!(error.code(), Code::TableDenied | Code::TextUnreadable) => {
                        Ok((unprovable(&source.table.name, &error), 0))
                    }
                    verified => verified,
                }
            }
            Err(known) => Ok((known.clone(), 0)),
        };
        let is_alone = |item: &Provable| item.as_ref().is_ok_and(|(source, _)| source.is_multiset());
        views.go_through(&items, is_alone, verify).await
    }
}

/// Views of both ends, opened for nothing but the proof.
struct Proof {
    views: Views,
    /// Which databases they show: the source and the target.
    descriptions: [Description; 2],
}

/// How a table is read on both sides, or what is to be said of it without that.
type Provable = std::result::Result<(TableTask, TableTask), TableVerification>;

fn unprovable(table: &str, error: &Error) -> TableVerification {
    TableVerification {
        table: table.to_owned(),
        verified: Verified::Different,
        source_rows: 0,
        target_rows: 0,
        note: Some(error.to_string()),
    }
}

fn left_out(table: &str) -> TableVerification {
    let note = Some("not in the target, and not to be created".to_owned());
    TableVerification { table: table.to_owned(), verified: Verified::Skipped, source_rows: 0, target_rows: 0, note }
}

/// The least that can be said of all tables together; one that was not to be carried says nothing.
fn all(tables: &[TableVerification]) -> Verified {
    let is = |verified| tables.iter().any(|table| table.verified == verified);
    match () {
        () if is(Verified::Different) => Verified::Different,
        () if is(Verified::EqualExcept) => Verified::EqualExcept,
        () if is(Verified::Equal) => Verified::Equal,
        () => Verified::Skipped,
    }
}
