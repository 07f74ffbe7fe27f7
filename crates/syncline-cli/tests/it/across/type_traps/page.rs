//! The book's pages of type traps between the engines hold the tables of the tests: what is written there is what was tried.
//!
//! `SYNCLINE_REWRITE=1 cargo test -p syncline-cli --test it -- the_book` writes the pages anew.

use super::tables::{TABLES, TableTrap};
use super::tables_of_mariadb::TABLES_OF_MARIADB;
use super::{Comes, FROM_MARIADB, FROM_POSTGRES, FROM_SQLITE, Into, Told, told};

const BOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/book/src");

/// The longest text that is shown whole, in characters.
const SHOWN_MAX: usize = 80;

#[test]
fn the_book_shows_these_tables() {
    let (sqlite, postgres) = (told(FROM_SQLITE, Into::First), told(FROM_POSTGRES, Into::First));
    let written = [("sqlite", table(&sqlite)), ("postgresql", table(&postgres)), ("tables", whole_tables(TABLES))];
    shows("types-traps-postgresql.md", &written);
}

#[test]
fn the_book_shows_those_of_mariadb() {
    let (sqlite, postgres) = (told(FROM_SQLITE, Into::Second), told(FROM_POSTGRES, Into::Second));
    let (into_sqlite, into_postgres) = (told(FROM_MARIADB, Into::First), told(FROM_MARIADB, Into::Second));
    let written = [
        ("sqlite", table(&sqlite)),
        ("postgresql", table(&postgres)),
        ("into sqlite", table(&into_sqlite)),
        ("into postgresql", table(&into_postgres)),
        ("tables", whole_tables(TABLES_OF_MARIADB.iter().copied().flatten())),
    ];
    shows("types-traps-mysql.md", &written);
}

fn shows(page: &str, tables: &[(&str, String)]) {
    let file = format!("{BOOK}/{page}");
    let page = std::fs::read_to_string(&file).unwrap();
    let wanted = tables.iter().fold(page.clone(), |page, (mark, lines)| between(&page, mark, lines));
    if std::env::var_os("SYNCLINE_REWRITE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
        return;
    }
    assert!(page == wanted, "{file} is not what the tables say; SYNCLINE_REWRITE=1 writes it anew");
}

/// The page with this between the marks of a table.
fn between(page: &str, mark: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {mark}: written by a test -->\n"), format!("<!-- end of {mark} -->\n"));
    let (before, rest) = page.split_once(&begin).expect("the page has the mark where the table begins");
    let (_, after) = rest.split_once(&end).expect("the page has the mark where the table ends");
    format!("{before}{begin}{table}{end}{after}")
}

fn table(traps: &[Told]) -> String {
    let mut lines = "| trap | declared | value | there | back home |\n|---|---|---|---|---|\n".to_owned();
    for told in traps {
        for (at, (value, comes)) in told.values.iter().enumerate() {
            let (name, declared) = if at == 0 { (told.trap.name, declaration(told)) } else { ("", String::new()) };
            let (there, back) = match comes {
                Comes::To(there) => (code(there), "the same".to_owned()),
                Comes::Back(there, back) => (code(there), code(back)),
                Comes::Blurs(there, _) => (code(there), "reads the same".to_owned()),
                Comes::Stays(there, reason) => (code(there), format!("held, `{reason}`")),
                Comes::Held(reason) => (format!("held, `{reason}`"), String::new()),
            };
            lines += &format!("| {name} | {declared} | {} | {there} | {back} |\n", code(value));
        }
    }
    lines
}

fn whole_tables<'t>(traps: impl IntoIterator<Item = &'t TableTrap>) -> String {
    let mut lines = "| trap | the source holds | what comes of it | tried |\n|---|---|---|---|\n".to_owned();
    for trap in traps {
        let ways = trap.ways.iter().map(|way| way.shown());
        let does = if trap.does.is_empty() { "carried" } else { trap.does };
        let ways = ways.collect::<Vec<_>>().join(", ");
        lines += &format!("| {} | {} | {does} | {ways} |\n", trap.name, trap.holds);
    }
    lines
}

fn declaration(told: &Told) -> String {
    match (told.trap.declared, told.into) {
        ("", "") => "nothing".to_owned(),
        (declared, "") => code(declared),
        (declared, into) => format!("{}, into {}", code(declared), code(into)),
    }
}

/// As code in a cell of a table, with what cannot be seen made visible, and shortened where nobody would read it.
fn code(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(SHOWN_MAX) {
        match c {
            '|' => shown.push_str("\\|"),
            '\u{301}' | '\u{feff}' | '\u{200b}' => shown += &format!("<U+{:04X}>", c as u32),
            c if c.is_control() => shown += &format!("<U+{:04X}>", c as u32),
            c => shown.push(c),
        }
    }
    let rest = text.chars().count().saturating_sub(SHOWN_MAX);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    if shown.is_empty() { "no characters".to_owned() } else { format!("`{shown}`{more}") }
}
