//! What a store finds out about its database for those who look after it.

use crate::error::{Code, NextStep, without_table};

/// Which part a database is to play in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is read.
    Source,
    /// It is read and written.
    Target,
}

impl Side {
    /// Every side.
    pub const ALL: [Side; 2] = [Side::Source, Side::Target];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Target => "target",
        }
    }
}

/// How a person should take a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It is good to know, and keeps no run from working.
    Note,
    /// A run would end with this error, or a table would.
    Problem(Code),
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Problem(_) => "problem",
        }
    }

    /// What is to be said of something without which a database can be read, and not be written: a problem of a database that
    /// is to be a target, and good to know as long as nobody has said what it is to be.
    pub fn of_target(side: Option<Side>, code: Code) -> Self {
        if side == Some(Side::Target) { Verdict::Problem(code) } else { Verdict::Note }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: a word that stays the same, for programs.
    pub topic: &'static str,
    /// The table it is about, where it is about one.
    pub table: Option<String>,
    /// How to take it.
    pub verdict: Verdict,
    /// What was found, one sentence.
    pub what: String,
    /// Why it matters; empty where that is plain.
    pub why: String,
    /// What to do, most useful first; a command or a statement where there is one.
    pub next: Vec<NextStep>,
}

impl Finding {
    /// A finding about the database as a whole.
    pub fn new(topic: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { topic, table: None, verdict, what: what.into(), why: String::new(), next: Vec::new() }
    }

    /// A table without a key: its rows are counted, where they can be told apart at all.
    pub fn keyless(table: &str, is_carried: bool) -> Self {
        if is_carried {
            Finding::new("key", Verdict::Note, format!("{table} has no key"))
                .because("equal rows are counted: none of them is known again once it has changed")
                .next("add a primary key, or a unique constraint over NOT NULL columns", "")
                .of(table)
        } else {
            Finding::new("key", Verdict::Problem(Code::TableNoKey), format!("{table} has no key and is not carried"))
                .because("nothing tells one of its rows from another that is equal to it")
                .next("add a primary key, or a unique constraint over NOT NULL columns", "")
                .next(without_table(table), "leave the table out")
                .of(table)
        }
    }

    /// Adds why it matters.
    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// Adds the table.
    #[must_use]
    pub fn of(self, table: &str) -> Self {
        Self { table: Some(table.to_owned()), ..self }
    }

    /// Adds something to do.
    #[must_use]
    pub fn next(mut self, action: impl Into<String>, effect: impl Into<String>) -> Self {
        self.next.push(NextStep { action: action.into(), effect: effect.into() });
        self
    }
}

/// The rights that a role needs, and no more, as a script for whoever may grant them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// In the order in which they are to be carried out.
    pub statements: Vec<Grant>,
    /// What a person has to know besides: what cannot be granted, and what is done without it. They hold no names.
    pub remarks: Vec<String>,
}

/// One statement of such a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it is for. It holds no names.
    pub why: &'static str,
    /// The statement, without a semicolon.
    pub sql: String,
}
