//! How a run ended, for people.

use std::time::Duration;

use syncline::state::RunVerb;
use syncline::summary::{Status, Summary, TableSummary, Verified};

use super::table::{numbers, table, words};
use super::text::{count, counted, duration, escape};
use crate::paint::Paint;

/// What a summary does not say itself.
pub(crate) struct Setting {
    /// What ran, such as `hq.db -> branch.db` or `undo of r_7f3k`.
    pub(crate) heading: String,
    /// `copy`, `mirror` or `undo`.
    pub(crate) verb: String,
    /// The command that takes the run back, where its before-images are kept.
    pub(crate) undo: Option<String>,
    /// The command that goes on from where the run stopped.
    pub(crate) resume: String,
    /// The command that tries failed tables again.
    pub(crate) retry: String,
    /// The command that lists the rows that were left out, where a ledger has them.
    pub(crate) held: Option<String>,
    /// Whether notes and hints are left out.
    pub(crate) is_quiet: bool,
    /// Colour.
    pub(crate) paint: Paint,
}

/// The status as programs and people read it.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Succeeded => "succeeded",
        Status::Partial => "partial",
        Status::Conflicts => "conflicts",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Interrupted => "interrupted",
    }
}

/// The verb, likewise.
pub(crate) fn verb_name(verb: RunVerb) -> &'static str {
    match verb {
        RunVerb::Copy => "copy",
        RunVerb::Mirror => "mirror",
        RunVerb::Undo => "undo",
        RunVerb::Retry => "retry",
        RunVerb::Restore => "restore",
    }
}

/// What reading again has shown, likewise.
pub(crate) fn verified_name(verified: Verified) -> &'static str {
    match verified {
        Verified::Equal => "equal",
        Verified::EqualExcept => "equal-except",
        Verified::Different => "different",
        Verified::InFlight => "in-flight",
        Verified::Skipped => "skipped",
    }
}

/// The heading, one line a table, notes and the verdict.
pub(crate) fn summary(summary: &Summary, setting: &Setting) -> String {
    let mut shown = match summary.tables.len() as u64 {
        // It ended before it came to the first.
        0 => format!("{}  {}\n", setting.heading, setting.verb),
        tables => format!("{}  {}  {}\n", setting.heading, counted(tables, "table"), setting.verb),
    };
    if let Some(run) = &summary.continues {
        shown += &format!("goes on from run {}\n", escape(run));
    }
    shown += &per_table(&summary.tables);
    if !setting.is_quiet {
        summary.notes.iter().for_each(|note| shown += &format!("note: {}\n", escape(note)));
    }
    if let Some(backup) = &summary.backup {
        shown += &format!("backup: {}\n", escape(backup));
    }
    shown + &verdict(summary, setting)
}

fn per_table(tables: &[TableSummary]) -> String {
    let headings = [
        words("TABLE"),
        numbers("INSERTED"),
        numbers("UPDATED"),
        numbers("DELETED"),
        numbers("UNCHANGED"),
        numbers("CONFLICTS"),
        numbers("HELD"),
        numbers("KEPT"),
        numbers("BENT"),
        words("HOW"),
    ];
    // Nobody waits for these; the columns appear when there is something in them.
    let rare = |number: u64| if number == 0 { String::new() } else { count(number) };
    let row = |table: &TableSummary| {
        let error = table.error.as_ref().map(|error| format!("failed: {}", error.code));
        vec![
            table.table.clone(),
            count(table.inserted),
            count(table.updated),
            count(table.deleted),
            count(table.unchanged),
            rare(table.conflicts),
            rare(table.held),
            rare(table.kept),
            rare(table.bent),
            error.unwrap_or_else(|| table.strategy.clone()),
        ]
    };
    if tables.is_empty() { String::new() } else { table(&headings, &tables.iter().map(row).collect::<Vec<_>>()) }
}

fn verdict(summary: &Summary, setting: &Setting) -> String {
    let sum = |number: fn(&TableSummary) -> u64| summary.tables.iter().map(number).sum::<u64>();
    let written = sum(|table| table.inserted + table.updated + table.deleted);
    let took = duration(Duration::from_millis(summary.duration_ms));
    let failed = summary.tables.iter().filter(|table| table.error.is_some()).count();
    let paint = setting.paint;
    let mut parts = vec![match summary.status {
        Status::Succeeded => paint.good("ok"),
        Status::Partial | Status::Conflicts | Status::Cancelled => paint.odd(status_name(summary.status)),
        _ => paint.bad(status_name(summary.status)),
    }];
    parts.push(match written {
        0 if summary.status == Status::Succeeded => format!("nothing to write, in {took}"),
        _ => format!("{} in {took}", counted(written, "row")),
    });
    if failed > 0 {
        parts.push(format!("{failed} of {} not carried", counted(summary.tables.len() as u64, "table")));
    }
    let (held, moved) = (sum(|table| table.held), sum(|table| table.conflicts));
    let kept = sum(|table| table.kept);
    if kept > 0 {
        parts.push(format!("{} kept", counted(kept, "row")));
    }
    let bent = sum(|table| table.bent);
    if bent > 0 {
        parts.push(format!("{} with bent values", counted(bent, "row")));
    }
    if held > 0 {
        let word = if setting.held.is_some() { "held" } else { "left" };
        parts.push(format!("{} {word}", counted(held, "row")));
    }
    if moved > 0 {
        parts.push(format!("{} left as changed meanwhile", counted(moved, "row")));
    }
    parts.push(match summary.verified {
        Verified::Skipped => "not verified".to_owned(),
        Verified::Different => paint.bad("verified different"),
        // What nobody says was touched was not read.
        Verified::Equal if summary.tables.iter().any(|table| table.strategy.starts_with("incremental")) => {
            "verified equal in what was touched".to_owned()
        }
        verified => format!("verified {}", verified_name(verified)),
    });
    parts.push(format!("run {}", escape(&summary.run)));
    if let Some(undo) = setting.undo.as_ref().filter(|_| written > 0 && !setting.is_quiet) {
        parts.push(format!("undo: {undo}"));
    }
    let left = if written > 0 { "what was committed is kept\n" } else { "nothing was written\n" };
    let mut shown = parts.join("  ") + "\n";
    if setting.is_quiet {
        return shown;
    }
    let is_cut_off = matches!(summary.status, Status::Cancelled | Status::Failed | Status::Interrupted);
    if is_cut_off {
        shown += &format!("{left}next: {}\n", setting.resume);
    } else if failed > 0 {
        shown += &format!("next: {}\n", setting.retry);
    }
    if held + moved + bent > 0 {
        match &setting.held {
            Some(list) => shown += &format!("next: {list}\n"),
            // What an undo leaves waits in the run that it undoes.
            None if failed == 0 && !is_cut_off => shown += &format!("next: {}\n", setting.retry),
            None => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use syncline::error::{Code, Error};
    use syncline::summary::ErrorReport;

    use super::*;
    use crate::render::json;

    fn sample(status: Status, verified: Verified) -> Summary {
        let table = |table: &str, inserted, updated, deleted| TableSummary {
            table: table.into(),
            direction: "source->target".into(),
            inserted,
            updated,
            deleted,
            unchanged: 48_210,
            conflicts: 0,
            held: 0,
            bent: 0,
            kept: 0,
            added_columns: Vec::new(),
            strategy: "compare: both sides hold rows".into(),
            error: None,
        };
        Summary {
            format: 1,
            kind: "summary".into(),
            run: "r_7f3k".into(),
            status,
            verified,
            tables: vec![table("customers", 3, 12, 0), table("or\nders", 118, 4, 2)],
            duration_ms: 4_230,
            continues: None,
            backup: None,
            notes: vec!["view totals is not carried".into()],
        }
    }

    fn shown(ended: &Summary) -> String {
        let setting = Setting {
            heading: "hq.db -> branch.db".into(),
            verb: "mirror".into(),
            undo: Some("syncline undo r_7f3k".into()),
            resume: "syncline runs resume r_7f3k".into(),
            retry: "syncline runs retry r_7f3k".into(),
            held: Some("syncline conflicts list --filter run:r_7f3k".into()),
            is_quiet: false,
            paint: Paint::PLAIN,
        };
        summary(ended, &setting)
    }

    #[test]
    fn a_run_that_went_well() {
        let expected = "\
hq.db -> branch.db  2 tables  mirror
TABLE      INSERTED  UPDATED  DELETED  UNCHANGED  HOW
customers         3       12        0     48,210  compare: both sides hold rows
or\\nders        118        4        2     48,210  compare: both sides hold rows
note: view totals is not carried
ok  139 rows in 4.2 s  verified equal  run r_7f3k  undo: syncline undo r_7f3k
";
        assert_eq!(shown(&sample(Status::Succeeded, Verified::Equal)), expected);
    }

    #[test]
    fn verdicts() {
        let last_lines = |ended: &Summary| {
            let shown = shown(ended);
            shown.split_once("not carried\n").unwrap().1.to_owned()
        };
        let mut partial = sample(Status::Partial, Verified::Skipped);
        partial.tables[1].error = Some(ErrorReport::from(&Error::new(Code::RowRefused, "refused")));
        assert!(shown(&partial).contains("48,210  failed: ROW_REFUSED\n"));
        assert_eq!(
            last_lines(&partial),
            "partial  139 rows in 4.2 s  1 of 2 tables not carried  not verified  run r_7f3k  undo: syncline undo r_7f3k\n\
             next: syncline runs retry r_7f3k\n"
        );
        let mut held = sample(Status::Partial, Verified::EqualExcept);
        (held.tables[0].held, held.tables[1].conflicts) = (1_000, 1);
        assert_eq!(
            last_lines(&held),
            "partial  139 rows in 4.2 s  1,000 rows held  1 row left as changed meanwhile  verified equal-except  \
             run r_7f3k  undo: syncline undo r_7f3k\nnext: syncline conflicts list --filter run:r_7f3k\n"
        );
        assert_eq!(
            last_lines(&sample(Status::Cancelled, Verified::Skipped)),
            "cancelled  139 rows in 4.2 s  not verified  run r_7f3k  undo: syncline undo r_7f3k\n\
             what was committed is kept\nnext: syncline runs resume r_7f3k\n"
        );
        let mut idle = sample(Status::Succeeded, Verified::Equal);
        idle.tables.iter_mut().for_each(|table| (table.inserted, table.updated, table.deleted) = (0, 0, 0));
        assert_eq!(last_lines(&idle), "ok  nothing to write, in 4.2 s  verified equal  run r_7f3k\n");
    }

    #[test]
    fn programs_get_the_summary_of_the_contract() {
        let mut ended = sample(Status::Succeeded, Verified::EqualExcept);
        ended.tables.truncate(1);
        ended.notes.clear();
        assert_eq!(
            json::line(&ended),
            concat!(
                r#"{"format":1,"type":"summary","run":"r_7f3k","status":"succeeded","verified":"equal-except","#,
                r#""tables":[{"table":"customers","direction":"source->target","inserted":3,"updated":12,"deleted":0,"#,
                r#""unchanged":48210,"conflicts":0,"held":0,"strategy":"compare: both sides hold rows"}],"#,
                r#""duration_ms":4230,"notes":[]}"#
            )
        );
    }
}
