//! Held rows as people read them.

use std::collections::BTreeSet;

use syncline::conflicts::{Conflict, ConflictDetail, ConflictState, Link};
use syncline::{Operation, Reason, Value};

use crate::paint::Paint;
use crate::render::labels::Labels;
use crate::render::table::{table, words};
use crate::render::text::{counted, escape, quote};
use crate::render::{age, cell};

/// Entries that are named where the full list would drown the reader.
const NAMED: usize = 10;

/// One line an entry.
pub(crate) fn list(entries: &[Conflict]) -> String {
    let headings = [
        words("ID"),
        words("STATE"),
        words("TABLE"),
        words("KEY"),
        words("WHAT"),
        words("KIND"),
        words("DATABASES"),
        words("REASON"),
    ];
    let has_settled = entries.iter().any(|entry| entry.state == ConflictState::Settled);
    let pairs: BTreeSet<_> = entries.iter().map(|entry| (&entry.source, &entry.target)).collect();
    let row = |entry: &Conflict| {
        vec![
            entry.id.clone(),
            if has_settled { entry.state.name().to_owned() } else { String::new() },
            entry.table.clone(),
            key(&entry.key),
            operation(entry.operation).to_owned(),
            entry.reason.name().to_owned(),
            if pairs.len() > 1 { Labels::new(&entry.source, &entry.target).arrow() } else { String::new() },
            entry.words.clone(),
        ]
    };
    table(&headings, &entries.iter().map(row).collect::<Vec<_>>())
}

/// One entry: facts, both rows, and its bonds.
pub(crate) fn detail(detail: &ConflictDetail, paint: Paint) -> String {
    let entry = &detail.row.entry;
    let labels = Labels::new(&entry.source, &entry.target);
    let mut shown = String::new();
    let mut fact = |name: &str, value: String| shown += &format!("{name:10}  {value}\n");
    fact("held row", format!("{}  {} {}", entry.id, escape(&entry.table), key(&entry.key)));
    fact("what", format!("{}  {}", operation(entry.operation), labels.arrow()));
    fact("reason", format!("{}: {}", paint.odd(entry.reason.name()), escape(&entry.words)));
    fact("run", format!("{}  {}", escape(&entry.last_run), age::moment(entry.last_ms)));
    if entry.first_run != entry.last_run {
        fact("first held", format!("{}  {}", escape(&entry.first_run), age::moment(entry.first_ms)));
    }
    if let Some(run) = &entry.settled_by {
        let moment = entry.settled_ms.map_or_else(String::new, age::moment);
        fact("settled", format!("{}  {moment}", escape(run)));
    }
    detail.awaits.iter().for_each(|link| fact("waits for", waits_for(link, entry.reason, &labels.target)));
    if !detail.awaited_by.is_empty() {
        fact("awaited by", named(&detail.awaited_by));
    }
    shown + "\n" + &rows(detail, &labels)
}

/// What usually helps, as commands where there are some.
pub(crate) fn next_step(detail: &ConflictDetail, command: impl Fn(&str) -> String) -> String {
    let entry = &detail.row.entry;
    if entry.state == ConflictState::Settled {
        return String::new();
    }
    let labels = Labels::new(&entry.source, &entry.target);
    let retry = command(&format!("conflicts retry {}", quote(&entry.id)));
    match detail.awaits.iter().find_map(|link| link.held_by.as_ref()) {
        Some(held_by) => {
            let show = command(&format!("conflicts show {}", quote(held_by)));
            format!("next:  {show}     it waits for that row, and goes with it\n")
        }
        None => format!("next:  {}\n       {retry}     try again then\n", advice(entry, &labels)),
    }
}

fn advice(entry: &Conflict, Labels { source, target, .. }: &Labels) -> String {
    match entry.reason {
        Reason::ForeignKey if entry.operation == Operation::Delete => {
            format!("delete the rows of {target} that reference it, or let them reference another row")
        }
        Reason::Check | Reason::NotNull | Reason::Type | Reason::Refused => {
            format!("mend the row in {source}, or relax the constraint in {target}")
        }
        Reason::Unique => format!("change the value here in {source}, or in the row of {target} that has it"),
        Reason::ForeignKey => format!("mend the reference in {source}, or carry the row that it needs to {target}"),
        Reason::OutOfFilter => format!("the row of {target} lies outside the filter; change one of the two"),
        Reason::Bent => {
            format!("nothing, if that will do; or change the value here in {source}, or the column in {target}")
        }
        Reason::Moved => format!("another program has changed the row in {target}; see that it may be overwritten"),
    }
}

fn rows(detail: &ConflictDetail, labels: &Labels) -> String {
    let row = &detail.row;
    let headings = [words(""), words("COLUMN"), words(labels.source.clone()), words(labels.target.clone())];
    let side = |values: &Option<Vec<Value>>, at: usize| values.as_ref().and_then(|values| values.get(at)).cloned();
    let line = |(at, column): (usize, &String)| {
        let (source, target) = match (side(&row.source, at), side(&row.target, at)) {
            (Some(source), Some(target)) => cell::pair(&source, &target),
            (source, target) => [source, target].map(|value| value.as_ref().map_or("-".into(), cell::cell)).into(),
        };
        vec![if row.is_changed(at) { "*" } else { "" }.to_owned(), column.clone(), source, target]
    };
    table(&headings, &row.columns.iter().enumerate().map(line).collect::<Vec<_>>())
}

fn waits_for(link: &Link, reason: Reason, target: &str) -> String {
    let row = format!("{} {}", escape(&link.table), key(&link.values));
    match &link.held_by {
        Some(held_by) => format!("{row}  held too: {held_by}"),
        None if reason == Reason::Unique => format!("{row}  not held; it has a unique value that this row is to get"),
        None => format!("{row}  not held; it was not in {target}"),
    }
}

fn named(ids: &[String]) -> String {
    match ids.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{} and {}", ids[..NAMED].join(", "), counted(more as u64, "other")),
        _ => ids.join(", "),
    }
}

fn key(cells: &[(String, Value)]) -> String {
    let cells = cells.iter().map(|(column, value)| format!("{}={}", escape(column), cell::cell(value)));
    cells.collect::<Vec<_>>().join(" ")
}

fn operation(operation: Operation) -> &'static str {
    crate::render::json::operation_name(operation)
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;

    #[test]
    fn a_list_shows_nothing_that_acts_on_a_terminal() {
        let expected = "\
ID   TABLE     KEY     WHAT    KIND   REASON
c_7  or\\nders  id=731  update  check  CHECK constraint failed: \\x1b[2J\\ntotal >= 0
";
        assert_eq!(list(&[sample().row.entry]), expected);
        let mut other = sample().row.entry;
        (other.id, other.state, other.source) = ("c_8".into(), ConflictState::Settled, "/b/other.db".into());
        let shown = list(&[sample().row.entry, other]);
        assert!(shown.starts_with("ID   STATE    TABLE     KEY     WHAT    KIND   DATABASES"), "{shown}");
        assert!(shown.contains("c_8  settled  or\\nders"), "{shown}");
    }

    #[test]
    fn an_entry_column_by_column() {
        let expected = "\
held row    c_7  or\\nders id=731
what        update  hq.db -> branch.db
reason      check: CHECK constraint failed: \\x1b[2J\\ntotal >= 0
run         r_2  2026-09-21 14:15:00 UTC
first held  r_1  2026-09-21 14:13:20 UTC
waits for   customers id=9  held too: c_3
waits for   customers id=10  not held; it was not in branch.db
awaited by  c_8, c_9

   COLUMN  hq.db  branch.db
   id      731    731
*  total   -5     5
   note    =1+1   =1+1
";
        assert_eq!(detail(&sample(), Paint::PLAIN), expected);
    }

    #[test]
    fn the_next_step_is_the_row_it_waits_for_or_its_own_cause() {
        let next = |detail: &ConflictDetail| next_step(detail, |command| format!("syncline {command}"));
        let mut held = sample();
        assert_eq!(next(&held), "next:  syncline conflicts show c_3     it waits for that row, and goes with it\n");
        held.awaits.clear();
        assert_eq!(
            next(&held),
            "next:  mend the row in hq.db, or relax the constraint in branch.db\n\
             \x20      syncline conflicts retry c_7     try again then\n"
        );
        held.row.entry.state = ConflictState::Settled;
        assert_eq!(next(&held), "");
    }
}
