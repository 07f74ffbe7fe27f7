//! Remarks on what a run does not touch.

use syncline_core::apply::Action;
use syncline_core::mapping::{Resolved, TableFilter};
use syncline_core::schema::Schema;
use syncline_stores::sql::Dialect;

use super::Decided;

use crate::counterpart::is_taken;
use crate::request::Verb;
use crate::select::admitted;

/// Kinds of what is not carried, and how many of a kind are called.
const NOT_CARRIED: [(&str, &str); 13] = [
    ("view", "views"),
    ("materialized view", "materialized views"),
    ("trigger", "triggers"),
    ("routine", "routines"),
    ("event", "events"),
    ("rule", "rules"),
    ("virtual table", "virtual tables"),
    ("foreign table", "foreign tables"),
    ("sequence", "sequences"),
    ("policy", "policies"),
    ("exclusion constraint", "exclusion constraints"),
    // Such tables come as tables of their own, and partitioned ones as one table.
    ("inheritance", "inheritances"),
    ("partitioning", "partitionings"),
];

/// What is there and will not be touched.
pub(super) fn notes(source: &Schema, target: &Schema, filter: &TableFilter, asked: (Verb, &Resolved)) -> Vec<String> {
    let (verb, resolved) = asked;
    let mut notes = Vec::new();
    let taking = admitted(source, filter);
    let only_target: Vec<_> = admitted(target, filter)
        .into_iter()
        .filter(|table| !is_taken(table, &taking, target, resolved))
        .map(|t| t.name.as_str())
        .collect();
    if verb == Verb::Mirror && !only_target.is_empty() {
        notes.push(format!("only in the target, left as they are: {}", listed(&only_target)));
    }
    for (kind, plural) in NOT_CARRIED {
        let is_new = |name: &str| {
            !target.not_carried.iter().any(|other| other.kind == kind && other.name.eq_ignore_ascii_case(name))
        };
        let names: Vec<_> = source
            .not_carried
            .iter()
            .filter(|other| other.kind == kind && is_new(&other.name))
            .map(|o| o.name.as_str())
            .collect();
        if !names.is_empty() {
            let names = counted(&names);
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            notes.push(format!("{plural} are not carried: {}", listed(&names)));
        }
    }
    notes
}

/// The triggers that will fire when these tables of the target are written, where the engine lets nobody keep them from it.
pub(crate) fn of_triggers<'t>(written: impl IntoIterator<Item = &'t str>, target: &Schema) -> Option<String> {
    let written: Vec<_> = written.into_iter().filter_map(|name| target.table(name)).collect();
    let fires = |table: &str| {
        written.iter().any(|written| written.name == table && Dialect::of(written.engine) == Dialect::Mysql)
    };
    let triggers = target.not_carried.iter().filter(|other| other.kind == "trigger");
    let firing: Vec<_> =
        triggers.filter(|other| other.table.as_deref().is_some_and(fires)).map(|other| other.name.as_str()).collect();
    (!firing.is_empty())
        .then(|| format!("triggers of the target fire when rows of their tables are written: {}", listed(&firing)))
}

/// What is said of tables that are missing in the target and stay so.
pub(super) fn of_absent(absent: &[String]) -> Option<String> {
    let names: Vec<_> = absent.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("not in the target, and not created: {}", listed(&names)))
}

/// What has to be known of definitions where the engine has no transactions over them.
pub(super) fn of_definitions(tables: &[Decided]) -> Option<String> {
    let on_its_own = |decided: &&Decided| Dialect::of(decided.work.target.table.engine) == Dialect::Mysql;
    let mut tables = tables.iter().filter(on_its_own);
    let defines = |decided: &Decided| {
        !decided.added.is_empty() || matches!(decided.work.action, Action::Load { create: true, .. })
    };
    tables.any(defines).then(|| {
        "the server makes each definition final at once: a new table is named behind the commit of its rows, and whatever a \
         run that is cut off leaves to do is written down in the target and done by the next one"
            .to_owned()
    })
}

/// Each name once, with how often it is there: triggers of many tables may share one.
fn counted(names: &[&str]) -> Vec<String> {
    let alike = names.chunk_by(|a, b| a == b);
    alike
        .map(|alike| if alike.len() > 1 { format!("{} ({})", alike[0], alike.len()) } else { alike[0].to_owned() })
        .collect()
}

pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
