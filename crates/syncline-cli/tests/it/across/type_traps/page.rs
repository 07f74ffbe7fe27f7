//! The book's page of type traps between the engines holds the tables of the tests: what is written there is what was tried.
//!
//! `SYNCLINE_REWRITE=1 cargo test -p syncline-cli --test it -- the_book` writes the page anew.

use super::tables::{TABLES, Way};
use super::{Comes, FROM_POSTGRES, FROM_SQLITE, Trap};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/book/src/types-traps-postgresql.md");

#[test]
fn the_book_shows_these_tables() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let written = [("sqlite", table(FROM_SQLITE)), ("postgresql", table(FROM_POSTGRES)), ("tables", whole_tables())];
    let wanted = written.iter().fold(page.clone(), |page, (mark, lines)| between(&page, mark, lines));
    if std::env::var_os("SYNCLINE_REWRITE").is_some() {
        std::fs::write(PAGE, &wanted).unwrap();
        return;
    }
    assert!(page == wanted, "the page is not what the tables say; SYNCLINE_REWRITE=1 writes it anew");
}

/// The page with this between the marks of a table.
fn between(page: &str, mark: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {mark}: written by a test -->\n"), format!("<!-- end of {mark} -->\n"));
    let (before, rest) = page.split_once(&begin).expect("the page has the mark where the table begins");
    let (_, after) = rest.split_once(&end).expect("the page has the mark where the table ends");
    format!("{before}{begin}{table}{end}{after}")
}

fn table(traps: &[Trap]) -> String {
    let mut lines = "| trap | declared | value | there | back home |\n|---|---|---|---|---|\n".to_owned();
    for trap in traps {
        for (at, (value, comes)) in trap.values.iter().enumerate() {
            let (name, declared) = if at == 0 { (trap.name, declaration(trap)) } else { ("", String::new()) };
            let (there, back) = match comes {
                Comes::To(there) => (code(there), "the same".to_owned()),
                Comes::Back(there, back) => (code(there), code(back)),
                Comes::Held(reason) => (format!("held, `{reason}`"), String::new()),
            };
            lines += &format!("| {name} | {declared} | {} | {there} | {back} |\n", code(value));
        }
    }
    lines
}

fn whole_tables() -> String {
    let mut lines = "| trap | the source holds | what comes of it | tried |\n|---|---|---|---|\n".to_owned();
    for trap in TABLES {
        let ways = trap.ways.iter().map(|way| match way {
            Way::Out => "SQLite to PostgreSQL",
            Way::In => "PostgreSQL to SQLite",
            Way::Over => "PostgreSQL to PostgreSQL",
        });
        let does = if trap.does.is_empty() { "carried" } else { trap.does };
        let ways = ways.collect::<Vec<_>>().join(", ");
        lines += &format!("| {} | {} | {does} | {ways} |\n", trap.name, trap.holds);
    }
    lines
}

fn declaration(trap: &Trap) -> String {
    match (trap.declared, trap.into) {
        ("", "") => "nothing".to_owned(),
        (declared, "") => code(declared),
        (declared, into) => format!("{}, into {}", code(declared), code(into)),
    }
}

/// As code in a cell of a table, with what cannot be seen made visible.
fn code(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '|' => shown.push_str("\\|"),
            '\u{301}' | '\u{feff}' | '\u{200b}' => shown += &format!("<U+{:04X}>", c as u32),
            c => shown.push(c),
        }
    }
    if shown.is_empty() { "no characters".to_owned() } else { format!("`{shown}`") }
}
