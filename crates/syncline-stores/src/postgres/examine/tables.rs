//! What the login may do with each table, and what the tables lack.

use syncline_core::error::{Code, Result};
use syncline_core::store::{Finding, Side, Verdict};

use super::server::{GRANTABLE, Server};
use super::survey::{Survey, Surveyed};
use crate::postgres::names::quoted;

/// What is to be said of the tables, one by one where something is missing.
pub(super) fn findings(survey: &Survey, server: &Server, side: Option<Side>) -> Result<Vec<Finding>> {
    let user = quoted(&server.user)?;
    let (mut denied, mut lacking) = (Vec::new(), Vec::new());
    let (mut readable, mut writable) = (0, 0);
    for one in &survey.tables {
        let reading = reading(one, &user)?;
        let writing = if side == Some(Side::Source) { Vec::new() } else { writing(one, server, &user, side)? };
        readable += usize::from(reading.is_empty());
        writable += usize::from(reading.is_empty() && writing.is_empty());
        denied.extend(reading.into_iter().chain(writing));
        lacking.extend(shape(one));
    }
    let all = survey.tables.len();
    let mut findings = vec![counted("read", readable, all)];
    if side != Some(Side::Source) {
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
        (_, 0) => "there are no tables yet".to_owned(),
        _ if well == all => format!("the login may {verb} all tables ({all})"),
        _ => format!("the login may {verb} {well} of {all} tables"),
    };
    let verdict = if well == all { Verdict::Ok } else { Verdict::Note };
    Finding::new(topic, verdict, what)
}

/// What keeps the table from being read.
fn reading(one: &Surveyed, user: &str) -> Result<Vec<Finding>> {
    let (name, table) = (&one.table.name, &one.written);
    let new = |what: String| Finding::new("rights", Verdict::Problem(Code::TableDenied), what).of(name);
    let mut findings = Vec::new();
    if !one.may_enter {
        let what = format!("{name} cannot be reached: the login has no USAGE on its schema");
        findings.push(new(what).next(format!("GRANT USAGE ON SCHEMA {} TO {user}", quoted(&one.schema)?), ""));
    }
    if !one.may_select {
        let what = format!("{name} may not be read: the login has no SELECT");
        findings.push(new(what).next(format!("GRANT SELECT ON {table} TO {user}"), ""));
    }
    if one.hides_rows {
        findings.push(
            new(format!("policies hide rows of {name} from the login"))
                .because("hidden rows would count as missing, so the table is not carried")
                .next(format!("ALTER ROLE {user} BYPASSRLS"), "by a superuser"),
        );
    }
    Ok(findings)
}

/// What keeps the table from being written, beside what keeps it from being read.
fn writing(one: &Surveyed, server: &Server, user: &str, side: Option<Side>) -> Result<Vec<Finding>> {
    let (name, table) = (&one.table.name, &one.written);
    let new = |what: String| Finding::new("rights", Verdict::of_target(side, Code::TableDenied), what).of(name);
    let rights = [("INSERT", one.may_insert), ("UPDATE", one.may_update), ("DELETE", one.may_delete)];
    let missing: Vec<_> = rights.iter().filter(|(_, may)| !may).map(|(right, _)| *right).collect();
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let what = format!("{name} may not be written: the login has no {missing}");
        findings.push(new(what).next(format!("GRANT {missing} ON {table} TO {user}"), ""));
    }
    for sequence in one.sequences.iter().filter(|sequence| !sequence.may_read_and_move) {
        findings.push(
            new(format!("the numbers that {name} gives out may not be read and moved"))
                .because("rows that bring their numbers would meet numbers that are given out later")
                .next(format!("GRANT SELECT, UPDATE ON SEQUENCE {} TO {user}", sequence.written), ""),
        );
    }
    if one.fires(server.may_replicate) {
        let finding = new(format!("triggers of {name} cannot be switched off by the login"))
            .because("they would change what is written, or write elsewhere, so the table is not written to");
        let finding = match server.version {
            GRANTABLE.. if !server.may_replicate => {
                finding.next(format!("GRANT SET ON PARAMETER session_replication_role TO {user}"), "by a superuser")
            }
            _ => finding,
        };
        findings.push(finding.next("let the role that owns the table write to it", ""));
    }
    Ok(findings)
}

/// What the table lacks, whoever carries it.
fn shape(one: &Surveyed) -> Vec<Finding> {
    let name = &one.table.name;
    let mut findings = Vec::new();
    if one.table.key.is_none() {
        findings.push(Finding::keyless(name, !one.is_partitioned));
    }
    findings.extend(one.blurred.iter().map(|(column, collation)| {
        Finding::new("collation", Verdict::Note, format!("the key of {name} takes different texts for the same"))
            .because(format!(
                "the collation {collation} of {column} is not deterministic: two rows of the other side may be one here"
            ))
            .next("give the column a deterministic collation, such as \"C\"", "")
            .of(name)
    }));
    findings
}
