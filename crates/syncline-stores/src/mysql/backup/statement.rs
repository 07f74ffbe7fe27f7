//! What a statement of a script does. What is not known is not carried out.

use std::ops::Range;

use syncline_core::error::Result;
use syncline_core::store::Owners;

use super::lexer::{Rules, Token};
use super::reader::{left_to_client, unknown};
use super::steps;

/// What a script may set.
const SETTINGS: [&str; 14] = [
    "NAMES",
    "TIME_ZONE",
    "UNIQUE_CHECKS",
    "FOREIGN_KEY_CHECKS",
    "SQL_MODE",
    "SQL_NOTES",
    "NOTE_VERBOSITY",
    "AUTOCOMMIT",
    "CHARACTER_SET_CLIENT",
    "CHARACTER_SET_RESULTS",
    "COLLATION_CONNECTION",
    "SYSTEM_VERSIONING_INSERT_HISTORY",
    "SESSION",
    "CHARACTER_SET_CONNECTION",
];

/// What is kept of settings meanwhile.
const KEPT: [&str; 3] = ["OLD_", "SAVED_", "SAVE_"];

/// Character sets in which a byte of a character may be a quote's or a backslash's.
const AMBIGUOUS: [&str; 5] = ["BIG5", "GBK", "SJIS", "CP932", "GB18030"];

/// Engines whose tables can be moved with their rows.
const ENGINES: [&str; 6] = ["INNODB", "MYISAM", "ARIA", "MEMORY", "ARCHIVE", "ROCKSDB"];

/// What is made once the tables are there.
const OBJECTS: [&str; 6] = ["VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "EVENT"];

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// Sets something for those behind it; where that changes how they are read, whether there are escapes and wide names.
    Set { mode: Option<(bool, bool)> },
    /// Makes or fills a table.
    Table,
    /// Makes or drops something else.
    Object,
}

impl Statement {
    /// # Errors
    /// `RESTORE_REFUSED`.
    pub(super) fn of(text: &[u8], rules: &Rules) -> Result<Self> {
        let mut tokens = rules.tokens(text).map(|(token, _)| token);
        let head: Vec<Token> = tokens.by_ref().take(8).collect();
        let words: Vec<&str> = head.iter().map(word).collect();
        let known = match words.as_slice() {
            ["SET", ..] => return set(&rules.tokens(text).skip(1).map(|(token, _)| token).collect::<Vec<_>>(), text),
            ["DROP", "TABLE" | "SEQUENCE", "IF", "EXISTS", "`"]
            | ["ALTER", "TABLE", "`", "DISABLE" | "ENABLE", "KEYS"] => Some(Statement::Table),
            ["DROP", kind, "IF", "EXISTS", "`"] if OBJECTS.contains(kind) => Some(Statement::Object),
            ["DROP", "PACKAGE", "BODY", "IF", "EXISTS", "`"] => Some(Statement::Object),
            ["DO", "SETVAL", "(", "`", ",", ..] | ["CREATE", "SEQUENCE", "`", ..] => Some(Statement::Table),
            ["INSERT", "INTO", "`", "VALUES" | "(", ..] | ["DELETE", "FROM", "`", "LIMIT", _] => Some(Statement::Table),
            ["CREATE", "TABLE", "`", "(", ..] => {
                let all: Vec<Token> = rules.tokens(text).map(|(token, _)| token).collect();
                table(&all)?;
                Some(Statement::Table)
            }
            ["CREATE", ..] if object(rules, text).is_some() => Some(Statement::Object),
            _ => None,
        };
        let names_ours = head.iter().any(|token| matches!(token, Token::Name(name) if name == steps::TABLE));
        known.filter(|_| !names_ours).ok_or_else(|| unknown(text))
    }
}

/// A word as such, and all names as one.
fn word(token: &Token) -> &str {
    match token {
        Token::Word(word) => word,
        Token::Name(_) => "`",
        Token::Text(_) => "'",
        Token::Sign(b'(') => "(",
        Token::Sign(b',') => ",",
        Token::Sign(_) => "",
    }
}

fn set(tokens: &[Token], text: &[u8]) -> Result<Statement> {
    let mut mode = None;
    for assignment in tokens.split(|token| *token == Token::Sign(b',')) {
        let mut named = assignment.iter().skip_while(|token| **token == Token::Sign(b'@'));
        let is_kept = assignment.first() == Some(&Token::Sign(b'@')) && assignment.get(1) != Some(&Token::Sign(b'@'));
        let Some(Token::Word(first)) = named.next() else { return Err(unknown(text)) };
        let name = match first.as_str() {
            "SESSION" => named.nth(1).map(word).unwrap_or_default(),
            first => first,
        };
        let is_known = if is_kept { KEPT.iter().any(|kept| name.starts_with(kept)) } else { SETTINGS.contains(&name) };
        let is_plain = |token: &Token| !matches!(token, Token::Sign(b'(' | b';')) && !token.is("GLOBAL");
        if !is_known || !assignment.iter().all(is_plain) {
            return Err(unknown(text));
        }
        if assignment.iter().any(|token| AMBIGUOUS.iter().any(|set| token.is(set))) {
            return Err(unknown(text).because("definitions in this character set cannot be told from their ends"));
        }
        if name == "SQL_MODE" {
            mode = Some(match assignment.last() {
                Some(Token::Text(mode)) => (!mode.contains("NO_BACKSLASH_ESCAPES"), mode.contains("ANSI")),
                _ => (true, false),
            });
        }
    }
    Ok(Statement::Set { mode })
}

/// Makes sure that a table can be made elsewhere and moved.
fn table(tokens: &[Token]) -> Result<()> {
    let name = tokens.iter().find_map(|token| match token {
        Token::Name(name) => Some(name.as_str()),
        _ => None,
    });
    let refused =
        |why: &str| Err(left_to_client(format!("the table {} cannot be restored", name.unwrap_or_default()), why));
    if tokens.iter().any(|token| ["NEXTVAL", "LASTVAL", "SETVAL"].iter().any(|word| token.is(word))) {
        return refused("a default takes its numbers from a sequence, and names the database that this is in");
    }
    for (at, token) in tokens.iter().enumerate() {
        let engine = tokens[at + 1..].iter().find(|token| **token != Token::Sign(b'='));
        if token.is("ENGINE")
            && !engine.is_some_and(|token| matches!(token, Token::Word(name) if ENGINES.contains(&name.as_str())))
        {
            return refused("its engine keeps rows elsewhere, or is not known");
        }
        if token.is("REFERENCES") && tokens.get(at + 2) == Some(&Token::Sign(b'.')) {
            return refused("a foreign key leads to another database");
        }
    }
    Ok(())
}

/// The kind of what is made, if its name names no database; for a trigger, neither does that of its table.
fn object(rules: &Rules, text: &[u8]) -> Option<String> {
    let mut tokens = rules.tokens(text).map(|(token, _)| token).skip(1).peekable();
    let mut kind = None;
    while kind.is_none() {
        match tokens.next()? {
            Token::Word(word) if OBJECTS.contains(&word.as_str()) => kind = Some(word),
            Token::Word(word)
                if [
                    "DEFINER",
                    "ALGORITHM",
                    "SQL",
                    "SECURITY",
                    "INVOKER",
                    "UNDEFINED",
                    "MERGE",
                    "TEMPTABLE",
                    "AGGREGATE",
                ]
                .contains(&word.as_str()) => {}
            Token::Sign(b'=' | b'@') | Token::Name(_) | Token::Text(_) => {}
            _ => return None,
        }
    }
    if kind.as_deref() == Some("PACKAGE") {
        tokens.next_if(|token| token.is("BODY"));
    }
    let is_name = |token: &Token| matches!(token, Token::Name(_) | Token::Word(_));
    tokens.next().filter(is_name)?;
    if tokens.peek() == Some(&Token::Sign(b'.')) {
        return None;
    }
    if kind.as_deref() == Some("TRIGGER") {
        tokens.find(|token| token.is("ON"))?;
        tokens.next().filter(is_name)?;
        tokens.next().filter(|token| *token != Token::Sign(b'.'))?;
    }
    kind
}

/// A statement that makes something, for who is to own it.
pub(super) fn owned(text: Vec<u8>, rules: &Rules, owners: Owners) -> Vec<u8> {
    match (owners, definer(&text, rules)) {
        (Owners::Restorer, Some(range)) => [&text[..range.start], b" ", &text[range.end..]].concat(),
        _ => text,
    }
}

/// Where a statement says who defines what it makes.
fn definer(text: &[u8], rules: &Rules) -> Option<Range<usize>> {
    let mut tokens = rules.tokens(text).peekable();
    tokens.next_if(|(token, _)| token.is("CREATE"))?;
    let (_, begin) = tokens
        .by_ref()
        .take_while(|(token, _)| !OBJECTS.iter().any(|kind| token.is(kind)))
        .find(|(token, _)| token.is("DEFINER"))?;
    tokens.next_if(|(token, _)| *token == Token::Sign(b'='))?;
    let (_, name) = tokens.next()?;
    let mut end = name.end;
    if tokens.next_if(|(token, _)| *token == Token::Sign(b'@')).is_some() {
        end = tokens.next()?.1.end;
    }
    Some(begin.start..end)
}

/// The statement of an event, for one that does nothing yet; others as they are.
pub(super) fn idle(text: &[u8], rules: &Rules) -> Vec<u8> {
    let is_event = object(rules, text).is_some_and(|kind| kind == "EVENT");
    let mut tokens = rules.tokens(text).filter(|_| is_event);
    tokens.find(|(token, _)| token.is("PRESERVE"));
    match tokens.next() {
        Some((token, range)) if token.is("ENABLE") => [&text[..range.start], b"DISABLE", &text[range.end..]].concat(),
        _ => text.to_vec(),
    }
}
