//! What copy and mirror have in common: their flags, and the way a run is shown from its start to its summary.

use std::future::Future;

use clap::{Args, ValueEnum};
use syncline::error::{Code, Error, Result};
use syncline::request::{DeleteLimit, RunRequest, SchemaPolicy, Strategy, Verb};
use syncline::summary::Summary;
use syncline::{Syncline, limits};

use super::follow;
use super::jobs::JobsArgs;
use super::mapping::MappingArgs;
use super::pace::PaceArgs;
use super::plan;
use super::tables::TablesArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::render::labels::{Labels, title};
use crate::render::summary::{self, Setting, verb_name};
use crate::render::text;

const HEADING: &str = "Flags of a run";

/// Flags of a run.
#[derive(Debug, Args)]
pub(super) struct TransferArgs {
    /// The database to read
    source: String,
    /// The database to write; a missing file is made
    target: String,
    #[command(flatten, next_help_heading = HEADING)]
    tables: TablesArgs,
    #[command(flatten, next_help_heading = HEADING)]
    mapping: MappingArgs,
    /// How differences are found
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = HEADING)]
    strategy: How,
    /// With --strategy incremental, where nothing may be installed: a column that grows with every write, as 'orders: updated_at' (repeatable)
    ///
    /// Rows as high as the highest of the last run less the overlap are read, and rows that say nothing. Times overlap by ten
    /// minutes and numbers by 1000, or as it is said: 'orders: updated_at, overlap 1h'. Deletes are not seen.
    #[arg(long, value_name = "TABLE: COLUMN", help_heading = HEADING)]
    cursor: Vec<String>,
    /// With mirror --strategy full: empty tables that nothing references and fill them again
    #[arg(long, help_heading = HEADING)]
    truncate_target: bool,
    /// What is made of columns that only one side has
    #[arg(long, value_name = "POLICY", default_value = "stop", help_heading = HEADING)]
    schema: Drift,
    /// Create no table and no database: carry what is there
    #[arg(long, help_heading = HEADING)]
    no_create: bool,
    /// Leave rows that both sides have as the target has them, add missing ones only
    #[arg(long, help_heading = HEADING)]
    keep_existing: bool,
    /// Changes in one transaction, at most
    #[arg(long, value_name = "N", default_value_t = limits::BATCH_ROWS_DEFAULT as u64, help_heading = HEADING)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=limits::BATCH_ROWS_MAX as u64))]
    batch_size: u64,
    #[command(flatten, next_help_heading = HEADING)]
    jobs: JobsArgs,
    #[command(flatten, next_help_heading = HEADING)]
    pace: PaceArgs,
    /// Deletes to let through: rows in all, or a share of each table such as 50%
    #[arg(long, value_name = "N|P%", help_heading = HEADING)]
    max_delete: Option<String>,
    /// Let an empty source table empty the target's
    #[arg(long, help_heading = HEADING)]
    allow_empty_source: bool,
    /// Do not read both sides again to prove the result
    #[arg(long, help_heading = HEADING)]
    no_verify: bool,
    /// Keep no before-images; the run cannot be taken back
    #[arg(long, help_heading = HEADING)]
    no_undo: bool,
    /// Back the target up before anything is written
    #[arg(long, help_heading = HEADING)]
    backup: bool,
}

/// What the exit code of a run tells.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ConflictsArgs {
    /// End with 0 instead of 7 where rows wait because others changed them meanwhile
    #[arg(long)]
    pub(super) conflicts_ok: bool,
}

/// A run that is carried out, or only planned.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    transfer: TransferArgs,
    /// Print the plan and change nothing
    #[arg(long, help_heading = HEADING)]
    dry_run: bool,
    /// Go on with what is touched in the source, until stopped
    #[arg(long, help_heading = HEADING, conflicts_with = "dry_run")]
    watch: bool,
    /// With --watch: end once everything that has changed was carried
    #[arg(long, help_heading = HEADING, requires = "watch")]
    once: bool,
    #[command(flatten, next_help_heading = HEADING)]
    conflicts: ConflictsArgs,
}

impl RunArgs {
    /// Carries it out, or prints its plan.
    pub(super) async fn run(self, verb: Verb, console: &Console) -> Result<Exit> {
        let mut transfer = self.transfer;
        if self.watch {
            transfer.strategy = match transfer.strategy {
                How::Auto | How::Incremental => How::Incremental,
                How::Full | How::Compare => {
                    return Err(Error::new(Code::UsageInvalid, "--watch goes by the log of the source")
                        .because("it carries what is touched there, and nothing tells that but the log")
                        .leaving("nothing was changed")
                        .next("leave --strategy away", "the first run compares what the log does not tell of"));
                }
            };
        }
        let request = transfer.request(verb)?;
        if self.dry_run {
            return plan::print(&request, None, console).await;
        }
        let title = Title::of_request(&request, self.conflicts);
        match self.watch && !self.once {
            true => follow::run(request, title, console).await,
            false => run(request, title, console).await,
        }
    }
}

/// `--strategy` as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// Full into a table that is missing or empty, else compare
    Auto,
    /// Bring all rows of the source; a mirror does so in one transaction over all tables
    Full,
    /// Read both sides and write the differences
    Compare,
    /// Go by the change log of the source: read what was touched since the last such run
    Incremental,
}

/// `--schema` as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drift {
    /// They stop the run, which then lists every difference
    Stop,
    /// Those that the target lacks are added to it
    Add,
    /// They are left out
    Ignore,
}

impl TransferArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// When a flag makes no sense.
    pub(super) fn request(self, verb: Verb) -> Result<RunRequest> {
        let max_delete = self.max_delete.as_deref().map(str::parse).transpose()?;
        let request = RunRequest {
            tables: self.tables.patterns()?,
            mapping: self.mapping.request()?,
            strategy: match self.strategy {
                How::Auto => Strategy::Auto,
                How::Full => Strategy::Full,
                How::Compare => Strategy::Compare,
                How::Incremental => Strategy::Incremental,
            },
            cursors: self.cursor,
            truncate_target: self.truncate_target,
            batch_rows: usize::try_from(self.batch_size).unwrap_or(limits::BATCH_ROWS_MAX),
            max_delete: max_delete.unwrap_or(DeleteLimit::Guarded),
            allow_empty_source: self.allow_empty_source,
            verify: !self.no_verify,
            undo: !self.no_undo,
            backup: self.backup,
            schema: match self.schema {
                Drift::Stop => SchemaPolicy::Stop,
                Drift::Add => SchemaPolicy::Add,
                Drift::Ignore => SchemaPolicy::Ignore,
            },
            no_create: self.no_create,
            keep_existing: self.keep_existing,
            rate: self.pace.rate()?,
            jobs: self.jobs.jobs(),
            ..RunRequest::new(verb, self.source, self.target)
        };
        request.check()?;
        Ok(request)
    }
}

/// Carries out a copy or mirror, and shows it.
async fn run(request: RunRequest, title: Title, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let session = console.open(&progress).await?;
    show(console, &progress, title, session.run(&request)).await
}

/// What is said of a run before and after it.
pub(super) struct Title {
    /// `hq.db -> branch.db`.
    pub(super) heading: String,
    /// `mirror`.
    pub(super) verb: String,
    /// Whether the run can be taken back.
    pub(super) keeps_images: bool,
    /// Whether rows that are left out go into the ledger.
    pub(super) has_ledger: bool,
    /// The command that goes on with what is left, where that is not `runs resume` or `runs retry`.
    pub(super) again: Option<String>,
    /// What its exit code tells.
    pub(super) conflicts: ConflictsArgs,
}

impl Title {
    fn of_request(request: &RunRequest, conflicts: ConflictsArgs) -> Self {
        Self {
            heading: Labels::new(&request.source, &request.target).arrow(),
            verb: title(request.verb.name(), &request.mapping),
            keeps_images: request.undo,
            has_ledger: true,
            again: None,
            conflicts,
        }
    }

    /// The title of a run that is on record.
    ///
    /// # Errors
    /// When it is not.
    pub(super) async fn of_record(session: &Syncline, run: &str, conflicts: ConflictsArgs) -> Result<Self> {
        let record = session.run_record(run).await?;
        Ok(Self {
            heading: Labels::new(&record.source, &record.target).arrow(),
            keeps_images: record.keeps_images,
            verb: match &record.request {
                Some(request) => title(verb_name(record.verb), &request.mapping),
                None => verb_name(record.verb).to_owned(),
            },
            has_ledger: true,
            again: None,
            conflicts,
        })
    }
}

/// Follows a run to its end and shows the summary, which is the last line of output.
pub(super) async fn show(
    console: &Console,
    progress: &Progress,
    title: Title,
    run: impl Future<Output = Result<Summary>>,
) -> Result<Exit> {
    progress.head(&format!("{}  {}", title.heading, text::escape(&title.verb)));
    let accepted = title.conflicts.conflicts_ok;
    let ended = run.await;
    progress.finish();
    let mut ended = ended?;
    ended.tables.iter_mut().filter_map(|table| table.error.as_mut()).for_each(|error| console.complete(error));
    match console.shape {
        Shape::Json => console.output.json(&ended)?,
        Shape::Text => {
            ended
                .tables
                .iter()
                .filter_map(|table| table.error.as_ref())
                .for_each(|error| console.messages.report(error));
            console.output.text(&summary::summary(&ended, &setting(console, title, &ended)))?;
        }
    }
    Ok(Exit::of_summary(&ended, accepted))
}

fn setting(console: &Console, title: Title, ended: &Summary) -> Setting {
    let run = text::quote(&ended.run);
    Setting {
        heading: title.heading,
        verb: title.verb,
        undo: title.keeps_images.then(|| console.command(&format!("undo {run}"))),
        resume: title.again.clone().unwrap_or_else(|| console.command(&format!("runs resume {run}"))),
        retry: title.again.unwrap_or_else(|| console.command(&format!("runs retry {run}"))),
        held: title.has_ledger.then(|| console.command(&format!("conflicts list --filter run:{run}"))),
        is_quiet: console.is_quiet,
        paint: console.paint,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use syncline::MappingRequest;
    use syncline::error::Code;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: TransferArgs,
    }

    fn request(flags: &[&str]) -> Result<RunRequest> {
        let line = ["mirror", "hq.db", "branch.db"].iter().chain(flags);
        Line::try_parse_from(line).unwrap().args.request(Verb::Mirror)
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        assert_eq!(request(&[]).unwrap(), RunRequest::new(Verb::Mirror, "hq.db", "branch.db"));
    }

    #[test]
    fn every_flag_arrives() {
        let rules = [
            "--where=t: a > 1",
            "--columns=t: !b",
            "--rename=t=u",
            "--rename=t.a=c",
            "--mask=t.a=text: x ",
            "--misfit=t.d=clamp",
        ];
        let flags = "--tables a,b --tables app_* --tables !audit --strategy compare --batch-size 7 --max-delete 50% \
                     --allow-empty-source --no-verify --no-undo --backup --schema add --no-create --rate 500/s --jobs 3";
        let asked = request(&flags.split(' ').chain(rules).collect::<Vec<_>>()).unwrap();
        let expected = RunRequest {
            tables: ["a", "b", "app_*", "!audit"].map(str::to_owned).to_vec(),
            mapping: MappingRequest {
                filters: vec!["t: a > 1".into()],
                columns: vec!["t: !b".into()],
                renames: vec!["t=u".into(), "t.a=c".into()],
                masks: vec!["t.a=text: x ".into()],
                misfits: vec!["t.d=clamp".into()],
                as_of_ms: None,
            },
            strategy: Strategy::Compare,
            batch_rows: 7,
            max_delete: DeleteLimit::Percent(50),
            allow_empty_source: true,
            verify: false,
            undo: false,
            backup: true,
            schema: SchemaPolicy::Add,
            no_create: true,
            rate: "500".parse().ok(),
            jobs: Some(3),
            ..RunRequest::new(Verb::Mirror, "hq.db", "branch.db")
        };
        assert_eq!(asked, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(request(&["--max-delete", "many"]).unwrap_err().code(), Code::UsageInvalid);
        assert_eq!(request(&["--tables", "a,,b"]).unwrap_err().code(), Code::UsageInvalid);
        for rate in ["0", "-1", "fast", "1000000001", ""] {
            assert_eq!(request(&["--rate", rate]).unwrap_err().code(), Code::UsageInvalid, "{rate}");
        }
        assert_eq!(request(&["--keep-existing"]).unwrap_err().code(), Code::UsageInvalid);
        for flags in [
            ["--batch-size", "0"],
            ["--batch-size", "100001"],
            ["--strategy", "merge"],
            ["--schema", "drop"],
            ["--jobs", "0"],
            ["--jobs", "9"],
        ] {
            assert!(Line::try_parse_from(["mirror", "a", "b"].iter().chain(&flags)).is_err());
        }
    }
}
