//! `syncline explain`: what an error code means.

use clap::Args;
use serde::Serialize;
use syncline::error::{Code, Error, Result};

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::json::{Document, List};
use crate::render::table::{numbers, table, words};

/// Explains an error code: what it means, why it happens, what to do.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code, such as GUARD_DELETES [default: list all]
    code: Option<String>,
}

#[derive(Serialize)]
struct Explanation {
    code: &'static str,
    exit: u8,
    explanation: &'static str,
}

/// Does it.
pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<Exit> {
    match &args.code {
        Some(name) => {
            let explained = Explanation::of(Code::from_name(name).ok_or_else(|| unknown(name))?);
            console.present(&Document::new("explanation", &explained), |_| explained.text())?;
        }
        None => {
            let all: Vec<Explanation> = Code::ALL.iter().copied().map(Explanation::of).collect();
            match console.shape {
                Shape::Json => console.output.json(&List::new("explanations", &all, None))?,
                Shape::Text => console.output.text(&listed(&all))?,
            }
        }
    }
    Ok(Exit::DONE)
}

impl Explanation {
    fn of(code: Code) -> Self {
        Self { code: code.name(), exit: code.exit(), explanation: code.explanation() }
    }

    fn text(&self) -> String {
        format!("{}  exit code {}\n\n{}\n", self.code, self.exit, wrapped(self.explanation))
    }
}

fn listed(all: &[Explanation]) -> String {
    let first_sentence = |text: &'static str| text.split_once(". ").map_or(text, |(first, _)| first);
    let row = |explained: &Explanation| {
        vec![explained.code.to_owned(), explained.exit.to_string(), first_sentence(explained.explanation).to_owned()]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&[words("CODE"), numbers("EXIT"), words("MEANING")], &rows)
}

/// Lines of at most 80 characters, as a paragraph is read.
pub(super) fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("BUG: the list starts with a line and only grows");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + word.chars().count() < 80 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

fn unknown(name: &str) -> Error {
    let error = Error::new(Code::UsageInvalid, format!("there is no error code {name:?}"));
    let likeness = |code: &Code| edits(&name.to_uppercase(), code.name());
    let closest = Code::ALL.iter().copied().min_by_key(likeness).filter(|code| likeness(code) <= code.name().len() / 2);
    let error = match closest {
        Some(code) => error
            .because(format!("a similar one is {code}"))
            .next(format!("syncline explain {code}"), "explains that one"),
        None => error.because("the catalogue has none of that name"),
    };
    error.next("syncline explain", "lists all codes")
}

/// How many letters to add, leave out or replace to get from one word to the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_code_is_suggested() {
        let error = unknown("guard_delets");
        assert_eq!(error.code(), Code::UsageInvalid);
        assert_eq!(error.why(), Some("a similar one is GUARD_DELETES"));
        assert_eq!(error.next_steps().len(), 2);
        assert_eq!(unknown("xyzzyxyzzy").next_steps().len(), 1);
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("same", "same"), 0);
    }

    #[test]
    fn paragraphs_are_wrapped() {
        let wrapped = wrapped(Code::GuardDeletes.explanation());
        assert!(wrapped.lines().count() > 2 && wrapped.lines().all(|line| line.chars().count() <= 80));
    }
}
