//! What the login may do with each table, and what the tables lack.

use syncline_core::error::{Code, Result};
use syncline_core::store::{Finding, Side, Verdict};

use super::server::Server;
use super::survey::{Survey, Surveyed};

/// What is to be said of the tables, one by one where something is missing.
pub(super) fn findings(survey: &Survey, server: &Server, side: Option<Side>) -> Result<Vec<Finding>> {
    let (mut denied, mut lacking) = (Vec::new(), Vec::new());
    let (mut readable, mut writable) = (0, 0);
    let is_target = side != Some(Side::Source);
    for one in &survey.tables {
        let reading = reading(one, server)?;
        let writing = if is_target { writing(one, server, side)? } else { None };
        readable += usize::from(reading.is_none());
        writable += usize::from(reading.is_none() && writing.is_none());
        denied.extend(reading.into_iter().chain(writing));
        lacking.extend(engine(one, side));
        if is_target {
            lacking.extend(triggers(one));
        }
        lacking.extend(shape(one));
    }
    let all = survey.tables.len();
    let mut findings = vec![counted("read", readable, all)];
    if is_target {
        findings.push(counted("write", writable, all));
    }
    findings.extend(denied);
    findings.extend(lacking);
    Ok(findings)
}

/// Of how many tables all is well. Those that it is not well of have findings of their own.
fn counted(verb: &str, well: usize, all: usize) -> Finding {
    let topic = if verb == "read" { "readable" } else { "tables" };
    let what = match (well, all) {
        (_, 0) => "there are no tables yet, or none that the login has a right to".to_owned(),
        _ if well == all => format!("the login may {verb} all tables that it sees ({all})"),
        _ => format!("the login may {verb} {well} of {all} tables"),
    };
    let verdict = if well == all { Verdict::Ok } else { Verdict::Note };
    Finding::new(topic, verdict, what)
}

/// What keeps the table from being read.
fn reading(one: &Surveyed, server: &Server) -> Result<Option<Finding>> {
    let name = &one.table.name;
    if one.may_select {
        return Ok(None);
    }
    let what = format!("{name} may not be read: the login has no SELECT on all of its columns");
    let finding = Finding::new("rights", Verdict::Problem(Code::TableDenied), what).of(name);
    Ok(Some(finding.next(granting(one, server, "SELECT")?, "")))
}

/// What keeps the table from being written, beside what keeps it from being read.
fn writing(one: &Surveyed, server: &Server, side: Option<Side>) -> Result<Option<Finding>> {
    if one.missing.is_empty() {
        return Ok(None);
    }
    let (name, missing) = (&one.table.name, one.missing.join(", "));
    let what = format!("{name} may not be written: the login has no {missing}");
    let finding = Finding::new("rights", Verdict::of_target(side, Code::TableDenied), what).of(name);
    Ok(Some(finding.next(granting(one, server, &missing)?, "")))
}

fn granting(one: &Surveyed, server: &Server, rights: &str) -> Result<String> {
    // The name of a single table's database is taken as it stands.
    Ok(format!(
        "GRANT {rights} ON {}.{} TO {}",
        crate::mysql::connect::quoted(&server.database)?,
        one.written,
        server.user
    ))
}

/// A table whose rows are in no transaction.
fn engine(one: &Surveyed, side: Option<Side>) -> Option<Finding> {
    let (name, engine) = (&one.table.name, one.engine.as_ref()?);
    let verdict = Verdict::of_target(side, Code::TableDenied);
    let why = "it has no transactions: a run reads it while it changes, and cannot write to it";
    Some(
        Finding::new("engine", verdict, format!("the rows of {name} are kept by {engine}"))
            .because(why)
            .next(format!("ALTER TABLE {} ENGINE = InnoDB", one.written), "")
            .of(name),
    )
}

/// Triggers cannot be switched off.
fn triggers(one: &Surveyed) -> Option<Finding> {
    let (name, triggers) = (&one.table.name, one.triggers.join(", "));
    if triggers.is_empty() {
        return None;
    }
    Some(
        Finding::new("triggers", Verdict::Note, format!("triggers of {name} fire when a run writes to it: {triggers}"))
            .because("the server has no way to switch them off; what they change differs from the source afterwards")
            .of(name),
    )
}

/// What the table lacks, whoever carries it.
fn shape(one: &Surveyed) -> Vec<Finding> {
    let name = &one.table.name;
    let mut findings = Vec::new();
    if one.table.key.is_none() {
        // Rows have places only where they are kept in a lasting order.
        findings.push(Finding::keyless(name, one.engine.is_none()));
    }
    findings.extend(one.blurred.iter().map(|(column, collation)| {
        Finding::new("collation", Verdict::Note, format!("the key of {name} takes different texts for the same"))
            .because(format!(
                "the collation {collation} of {column} does not go by bytes: two rows of the other side may be one here"
            ))
            .next("give the column a collation that ends with _bin", "")
            .of(name)
    }));
    findings
}
