//! `syncline verify`: reads both databases whole and tells whether they are equal.

use clap::Args;
use syncline::error::{Code, Error, Result};
use syncline::summary::Verified;
use syncline::{DatabaseName, DiffRequest, MappingRequest, Syncline, TableVerification, VerifyReport, VerifyRequest};

use super::jobs::JobsArgs;
use super::mapping::MappingArgs;
use super::pace::PaceArgs;
use super::tables::TablesArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::render::labels::Labels;
use crate::render::summary::verified_name;
use crate::render::table::{numbers, table, words};
use crate::render::text::{count, quote};

/// Reads both databases whole and tells whether they are equal.
///
/// Exits with 0 only where equality was shown, with 10 otherwise. After a copy, equal means that every row of the source
/// is in the target; two databases named here must hold the same rows.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A run to check again, or two databases [default: the newest copy or mirror]
    #[arg(value_name = "RUN | SOURCE TARGET", num_args = 0..=2)]
    what: Vec<String>,
    #[command(flatten)]
    tables: TablesArgs,
    #[command(flatten)]
    mapping: MappingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Does it.
pub(super) async fn run(args: VerifyArgs, console: &Console) -> Result<Exit> {
    let patterns = args.tables.patterns()?;
    let named = Named::new(args.what, patterns.is_empty(), args.mapping.is_empty())?;
    let mapping = args.mapping.request()?;
    let progress = console.progress_of_document(false);
    let session = args.jobs.hold(args.pace.hold(console.open(&progress).await?)?);
    let (request, labels) = named.request(&session, patterns, mapping).await?;
    let report = session.verify(&request).await;
    progress.finish();
    let report = report?;
    console.present(&report, |report| text(report, &labels))?;
    Ok(Exit::of_verified(report.verified))
}

/// What is to be verified, as typed.
enum Named {
    Pair(String, String),
    Run(String),
    Newest,
}

impl Named {
    fn new(what: Vec<String>, has_no_tables: bool, has_no_mapping: bool) -> Result<Self> {
        let named = match <[String; 2]>::try_from(what) {
            Ok([source, target]) => return Ok(Named::Pair(source, target)),
            Err(mut fewer) => fewer.pop().map_or(Named::Newest, Named::Run),
        };
        match named {
            Named::Run(database) if database.contains(['.', '/', '\\', ':']) => {
                let database = DatabaseName::without_password(&database);
                Err(Error::new(Code::UsageInvalid, format!("{} is compared with nothing", quote(&database)))
                    .because("one name alone is taken for a run")
                    .next(format!("syncline verify {} TARGET", quote(&database)), "name the other database too"))
            }
            _ if !has_no_tables => Err(Error::new(Code::UsageInvalid, "--tables goes with two databases")
                .because("a run is verified as it was carried out, with its own tables")
                .next("syncline verify SOURCE TARGET --tables NAMES", "compare two databases")),
            _ if !has_no_mapping => Err(Error::new(Code::UsageInvalid, "a mapping goes with two databases")
                .because("a run is verified as it was carried out, with its own")
                .next("syncline verify SOURCE TARGET --where …", "compare two databases")),
            named => Ok(named),
        }
    }

    async fn request(
        self,
        session: &Syncline,
        tables: Vec<String>,
        mapping: MappingRequest,
    ) -> Result<(VerifyRequest, Labels)> {
        let run = match self {
            Named::Pair(source, target) => {
                let labels = Labels::new(&source, &target);
                return Ok((VerifyRequest::Pair(DiffRequest { source, target, tables, mapping }), labels));
            }
            Named::Run(run) => run,
            Named::Newest => newest(session).await?,
        };
        let record = session.run_record(&run).await?;
        Ok((VerifyRequest::Run(run), Labels::new(&record.source, &record.target)))
    }
}

/// The newest run that made two databases equal, among the last few.
async fn newest(session: &Syncline) -> Result<String> {
    let page = session.runs(100, None).await?;
    let newest = page.runs.into_iter().find(|run| run.verb.has_source());
    newest.map(|run| run.id).ok_or_else(|| {
        Error::new(Code::RunNotFound, "no copy or mirror is recorded")
            .next("syncline verify SOURCE TARGET", "compare two databases")
    })
}

fn text(report: &VerifyReport, labels: &Labels) -> String {
    let headings = [
        words("TABLE"),
        numbers(format!("ROWS {}", labels.source)),
        numbers(format!("ROWS {}", labels.target)),
        words("VERIFIED"),
        words("NOTE"),
    ];
    let row = |table: &TableVerification| {
        vec![
            table.table.clone(),
            count(table.source_rows),
            count(table.target_rows),
            verified_name(table.verified).to_owned(),
            table.note.clone().unwrap_or_default(),
        ]
    };
    let tables = table(&headings, &report.tables.iter().map(row).collect::<Vec<_>>());
    let unequal = report.tables.iter().filter(|table| table.verified != Verified::Equal).count();
    let verdict = match report.verified {
        Verified::Equal => format!("equal: {} of {} tables", report.tables.len(), report.tables.len()),
        verified => format!("{}: {unequal} of {} tables", verified_name(verified), report.tables.len()),
    };
    format!("{}\n{tables}{verdict}\n", labels.arrow())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_a_pair_or_the_newest() {
        let named = |what: &[&str]| Named::new(what.iter().map(|word| (*word).to_owned()).collect(), true, true);
        assert!(matches!(named(&[]), Ok(Named::Newest)));
        assert!(matches!(named(&["r_7f3k"]), Ok(Named::Run(run)) if run == "r_7f3k"));
        assert!(matches!(named(&["a.db", "b.db"]), Ok(Named::Pair(..))));
        assert!(named(&["a.db"]).is_err());
        assert!(Named::new(vec!["r_7f3k".into()], false, true).is_err());
        assert!(Named::new(vec!["r_7f3k".into()], true, false).is_err());
    }
}
