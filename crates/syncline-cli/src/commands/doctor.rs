//! `syncline doctor`: how a database is, and the rights that a run on it needs.

use clap::{Args, ValueEnum};
use serde::Serialize;
use syncline::error::{Code, Result};
use syncline::{DoctorReport, DoctorRequest, FindingReport, Grant, Grants, GrantsRequest, Side};

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::paint::Paint;
use crate::render::error::{line, next_steps};
use crate::render::json::Document;
use crate::render::text::{counted, escape};

use super::explain::wrapped;

/// Tells how a database is: what would keep a run from reading or writing it, what is risky, and what to do.
///
/// Nothing is changed. The exit code is 0 when there is no problem, else that of the errors a run would end with. With
/// --grants it prints the SQL that gives a role of PostgreSQL, or a user of MySQL and MariaDB, what a run needs, and no more, for the tables there are.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The database to look at
    database: String,
    /// What it is to be; without it, what only a target needs is a note, and the grants are those of a target
    #[arg(long = "as", value_name = "SIDE")]
    side: Option<SideName>,
    /// Print a script of the least rights a run needs
    #[arg(long)]
    grants: bool,
    /// The role or user to give them to [default: syncline]
    #[arg(long, value_name = "NAME", requires = "grants")]
    role: Option<String>,
    /// The tables it is to reach: names and patterns, all but those behind '!' ('app_*' '!audit') [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "grants")]
    tables: Vec<String>,
}

/// A side by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SideName {
    /// It is only read
    Source,
    /// It is written
    Target,
}

impl From<SideName> for Side {
    fn from(side: SideName) -> Self {
        match side {
            SideName::Source => Side::Source,
            SideName::Target => Side::Target,
        }
    }
}

/// Does it.
pub(super) async fn run(args: DoctorArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let side = args.side.map(Side::from);
    if args.grants {
        let (side, role) = (side.unwrap_or(Side::Target), args.role.unwrap_or_else(|| "syncline".to_owned()));
        let request = GrantsRequest { database: args.database, side, role, tables: args.tables };
        let granted = session.grants(&request).await;
        progress.finish();
        show_script(&granted?, &request, console)?;
        return Ok(Exit::DONE);
    }
    let report = session.doctor(&DoctorRequest { database: args.database, side }).await;
    progress.finish();
    let report = report?;
    console.present(&report, |report| text(report, console.paint))?;
    let codes = report.findings.iter().filter_map(|finding| Code::from_name(finding.code.as_deref()?));
    Ok(Exit::first_of(&codes.map(|code| Exit(code.exit())).collect::<Vec<_>>()))
}

/// The report for people.
pub(super) fn text(report: &DoctorReport, paint: Paint) -> String {
    let side = report.side.as_ref().map(|side| format!("  as {side}")).unwrap_or_default();
    let mut text = format!("{}  {} {}{side}\n", escape(&report.database), report.engine, escape(&report.version));
    for finding in &report.findings {
        text += &finding_text(finding, paint);
    }
    let number = |verdict| report.findings.iter().filter(|finding| finding.verdict == verdict).count() as u64;
    match (number("problem"), number("note")) {
        (0, 0) => text + "all is well\n",
        (0, notes) => format!("{text}no problem, {}\n", counted(notes, "note")),
        (problems, notes) => format!("{text}{}, {}\n", counted(problems, "problem"), counted(notes, "note")),
    }
}

fn finding_text(finding: &FindingReport, paint: Paint) -> String {
    let verdict = format!("{:7}", finding.verdict);
    let verdict = match finding.verdict.as_str() {
        "ok" => paint.good(&verdict),
        "note" => paint.odd(&verdict),
        _ => paint.bad(&verdict),
    };
    let code = finding.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let mut text = format!("{verdict}  {}{code}\n", escape(&finding.what));
    if let Some(why) = &finding.why {
        text += &line(paint, "why", why);
    }
    text + &next_steps(&finding.next, paint)
}

#[derive(Serialize)]
struct ScriptDocument<'a> {
    #[serde(rename = "as")]
    side: &'static str,
    role: &'a str,
    statements: Vec<StatementDocument<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct StatementDocument<'a> {
    sql: &'a str,
    why: &'static str,
}

fn show_script<'g>(grants: &'g Grants, request: &GrantsRequest, console: &Console) -> Result<()> {
    if console.shape == Shape::Json {
        let statement = |grant: &'g Grant| StatementDocument { sql: &grant.sql, why: grant.why };
        let statements = grants.statements.iter().map(statement).collect();
        let (side, role) = (request.side.name(), &*request.role);
        return console
            .output
            .json(&Document::new("grants", &ScriptDocument { side, role, statements, remarks: &grants.remarks }));
    }
    // As it is, because it is to be run: names hold whatever they hold.
    console.output.stream(&script(grants, request))?;
    console.output.flush()
}

fn script(grants: &Grants, request: &GrantsRequest) -> String {
    let does = if request.side == Side::Source { "reads" } else { "reads and writes" };
    let which = if request.tables.is_empty() { "the tables there are" } else { "these tables" };
    let mut script = format!("-- What a run needs that {does} {which}, and no more.\n");
    let mut said = "";
    for grant in &grants.statements {
        if grant.why != said {
            script += &format!("-- {}\n", grant.why);
            said = grant.why;
        }
        script += &format!("{};\n", grant.sql);
    }
    for remark in &grants.remarks {
        script += &format!("\n-- {}\n", wrapped(remark).replace('\n', "\n-- "));
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_once_what_its_statements_are_for() {
        let grant = |why, sql: &str| Grant { why, sql: sql.to_owned() };
        let grants = Grants {
            statements: vec![grant("to read", "GRANT 1"), grant("to read", "GRANT 2"), grant("to write", "GRANT 3")],
            remarks: vec![format!("{} end", "word ".repeat(20).trim())],
        };
        let text = String::new;
        let request = GrantsRequest { database: text(), side: Side::Target, role: text(), tables: Vec::new() };
        let script = script(&grants, &request);
        assert!(script.contains("-- to read\nGRANT 1;\nGRANT 2;\n-- to write\nGRANT 3;\n"), "{script}");
        let comments = script.lines().filter(|line| !line.is_empty() && !line.starts_with("GRANT"));
        assert!(comments.clone().count() > 4 && comments.clone().all(|line| line.starts_with("-- ")), "{script}");
    }
}
