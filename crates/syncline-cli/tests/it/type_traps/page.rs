//! The book's page of type traps holds the table of the tests: what is written there is what was tried.
//!
//! `SYNCLINE_REWRITE=1 cargo test -p syncline-cli --test it -- the_book` writes the page anew.

use super::table::{Outcome, TRAPS};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/book/src/types-sqlite.md");

const BEGIN: &str = "<!-- traps: written by the test `type_traps` -->\n";
const END: &str = "<!-- end of traps -->\n";

#[test]
fn the_book_shows_this_table() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the page has the mark where the table ends");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("SYNCLINE_REWRITE").is_some() {
        std::fs::write(PAGE, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert!(page == wanted, "the page is not what the table says; SYNCLINE_REWRITE=1 writes it anew");
}

fn table() -> String {
    let mut lines = "| trap | the source holds | what Syncline does |\n|---|---|---|\n".to_owned();
    for trap in TRAPS {
        let ends = match trap.outcome {
            Outcome::Carried { .. } => "carried".to_owned(),
            Outcome::Stopped { code, .. } => format!("stopped before it begins, `{code}`"),
            Outcome::Reported { code, .. } => format!("reported, `{code}`"),
            Outcome::Held { reason, .. } => format!("held, `{reason}`"),
        };
        let does = if trap.does.is_empty() { ends } else { format!("{ends}: {}", trap.does) };
        lines += &format!("| {} | {} | {} |\n", trap.name, trap.holds.replace('|', "\\|"), does.replace('|', "\\|"));
    }
    lines
}
