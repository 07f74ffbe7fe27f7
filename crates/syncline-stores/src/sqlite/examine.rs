//! What those who look after a database file should know of it.

use rusqlite::{Connection, ErrorCode};
use syncline_core::error::{Code, Result};
use syncline_core::limits;
use syncline_core::schema::Schema;
use syncline_core::store::{Description, Finding, Side, Verdict};

use super::claim::held_by;
use super::connect::Place;
use super::connect::disk;
use super::connect::failure::Attempt;
use super::row_number_of;

/// What the file itself says.
pub(super) struct Facts {
    journal: String,
    bytes: u64,
    /// What is wrong with it; `None` where it is too large to be read in passing.
    damage: Option<Vec<String>>,
}

/// Asks the file.
pub(super) fn ask(conn: &Connection) -> Attempt<Facts> {
    let number = |pragma: &str| conn.query_row(&format!("PRAGMA main.{pragma}"), [], |row| row.get::<_, i64>(0));
    let bytes = number("page_count")?.saturating_mul(number("page_size")?).unsigned_abs();
    let journal = conn.query_row("PRAGMA main.journal_mode", [], |row| row.get(0))?;
    let damage = if bytes > limits::CHECKED_BYTES_MAX { None } else { Some(damage(conn)?) };
    Ok(Facts { journal, bytes, damage })
}

/// What SQLite finds wrong with the file. Some damage it tells of, and some keeps it from telling.
fn damage(conn: &Connection) -> Attempt<Vec<String>> {
    let words = conn.prepare("PRAGMA main.quick_check(3)").and_then(|mut check| {
        check.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
    });
    match words {
        Ok(words) => Ok(words.into_iter().filter(|word| word != "ok").collect()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(vec![error.to_string()]),
        Err(error) => Err(error.into()),
    }
}

/// All findings.
///
/// # Errors
/// When it cannot be told whether a run is at work.
pub(super) fn findings(
    facts: &Facts,
    described: &Description,
    schema: &Schema,
    place: &Place,
    side: Option<Side>,
) -> Result<Vec<Finding>> {
    let mut findings = vec![sound(facts), journal(facts)];
    if side != Some(Side::Source) {
        findings.push(writable(described, place, side));
        findings.extend(room(facts, described));
        findings.extend(claim(place, side)?);
    }
    let keyless = schema.tables.iter().filter(|table| table.key.is_none());
    let keyless: Vec<_> = keyless.map(|table| Finding::keyless(&table.name, row_number_of(table).is_some())).collect();
    if keyless.is_empty() {
        let what = format!("every table has a key ({})", schema.tables.len());
        findings.push(Finding::new("key", Verdict::Ok, what));
    }
    findings.extend(keyless);
    Ok(findings)
}

fn sound(facts: &Facts) -> Finding {
    match facts.damage.as_deref() {
        Some([]) => Finding::new("integrity", Verdict::Ok, "the file is sound (quick_check)"),
        Some(damage) => Finding::new("integrity", Verdict::Problem(Code::StoreCorrupt), "the file is damaged")
            .because(damage.join("; "))
            .next("restore a backup, or recover what is left with .recover of the sqlite3 shell", ""),
        None => Finding::new("integrity", Verdict::Note, "the file is too large to be checked in passing")
            .next("PRAGMA quick_check", "in the sqlite3 shell; it reads the whole file"),
    }
}

fn journal(facts: &Facts) -> Finding {
    if facts.journal == "wal" {
        return Finding::new("journal", Verdict::Ok, "readers and a writer go on beside each other (journal_mode wal)");
    }
    let what = format!("a reader keeps writers out for as long as it reads (journal_mode {})", facts.journal);
    Finding::new("journal", Verdict::Note, what)
        .because("and a run that commits keeps readers out for a moment")
        .next("PRAGMA journal_mode = wal", "in the sqlite3 shell; it stays so, and needs a local disk")
}

fn writable(described: &Description, place: &Place, side: Option<Side>) -> Finding {
    let verdict = Verdict::of_target(side, Code::StoreReadOnly);
    if !described.writable {
        Finding::new("writable", verdict, "the file cannot be written by this user")
            .next("make the file and its directory writable for this user", "")
    } else if !disk::may_write_beside(place.path()) {
        Finding::new("writable", verdict, "the directory of the file cannot be written by this user")
            .because("SQLite keeps its journal beside the file, and Syncline its claim")
            .next("make the directory writable for this user", "")
    } else {
        Finding::new("writable", Verdict::Ok, "the file can be written")
    }
}

/// Whether the disk has room for as much again.
fn room(facts: &Facts, described: &Description) -> Option<Finding> {
    let free = described.free_bytes?;
    let what = format!("{} MB are free, and the file takes {} MB", free >> 20, facts.bytes >> 20);
    if free >= facts.bytes {
        return Some(Finding::new("room", Verdict::Ok, what));
    }
    let finding = Finding::new("room", Verdict::Note, what);
    Some(
        finding.because("a journal may come to the size of what a run writes").next("free some space on that disk", ""),
    )
}

fn claim(place: &Place, side: Option<Side>) -> Result<Option<Finding>> {
    let Some(note) = held_by(place)? else { return Ok(None) };
    let finding = Finding::new("claim", Verdict::of_target(side, Code::RunLocked), "a run is writing to the database");
    let finding = finding.because(note.unwrap_or_else(|| "its holder has left no note".to_owned()));
    Ok(Some(finding.next("wait until it has ended", "it counts as ended when it is killed, too")))
}
