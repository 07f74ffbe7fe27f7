//! Columns as they stand in a definition.

use super::Definition;
use super::reference;
use super::scan::Scan;

/// Words that end what is said of a default.
const BEHIND_DEFAULTS: [&str; 5] = [" ON UPDATE ", " COMMENT ", " CHECK (", " INVISIBLE", " /*"];

/// What is said of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) declared_type: String,
    /// `NULL` too.
    pub(crate) default: Option<String>,
}

/// Reads what stands behind a column's name.
pub(super) fn of(text: &str) -> Described {
    let text = text.trim_start();
    let mut depth = 0_usize;
    let mut end = text.len();
    for (at, c) in Scan::of(text) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && ![" unsigned", " zerofill"].iter().any(|word| text[at..].starts_with(word)) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let rest = &text[end..];
    let default = place(rest, " DEFAULT ").map(|at| {
        let default = &rest[at + " DEFAULT ".len()..];
        let end = BEHIND_DEFAULTS.iter().filter_map(|words| place(default, words)).min();
        default[..end.unwrap_or(default.len())].trim().to_owned()
    });
    Described { declared_type: text[..end].to_owned(), default }
}

/// Where these words stand outside quotes.
fn place(text: &str, words: &str) -> Option<usize> {
    Scan::of(text).map(|(at, _)| at).find(|at| text[*at..].starts_with(words))
}

/// The statement with what a table has that was made like it and got more columns and conditions; references stay.
pub(crate) fn widened(statement: &str, model: &Definition<'_>) -> Option<String> {
    let own = Definition::parse(statement)?;
    let first = statement.find(own.parts.first()?)?;
    let last = own.parts.last()?;
    let end = last.as_ptr() as usize - statement.as_ptr() as usize + last.len();
    let is_condition = |part: &&&str| is_check(part);
    let mut parts: Vec<&str> = model.parts.iter().filter(|part| !is_check(part)).copied().collect();
    parts.extend(own.parts.iter().filter(|part| reference::of(part).is_some()));
    parts.extend(model.parts.iter().filter(is_condition));
    Some(format!("{}{}{}", &statement[..first], parts.join(",\n  "), &statement[end..]))
}

fn is_check(part: &str) -> bool {
    let behind = part.strip_prefix("CONSTRAINT ").and_then(|rest| Some(&rest[super::scan::name(rest)?.1..]));
    behind.unwrap_or(part).trim_start().starts_with("CHECK (")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read() {
        let described = |declared: &str, default: Option<&str>| Described {
            declared_type: declared.to_owned(),
            default: default.map(str::to_owned),
        };
        let cases = [
            (" int(10) unsigned NOT NULL", described("int(10) unsigned", None)),
            (
                " varchar(3) COLLATE x DEFAULT 'it\\'s, DEFAULT ' COMMENT 'b'",
                described("varchar(3)", Some("'it\\'s, DEFAULT '")),
            ),
            (" enum('a b','c)') DEFAULT NULL", described("enum('a b','c)')", Some("NULL"))),
            (
                " timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()",
                described("timestamp", Some("current_timestamp()")),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_statement_gets_what_its_model_got() {
        let own = "CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  PRIMARY KEY (`a`),\n  CONSTRAINT `r` FOREIGN KEY (`a`) \
            REFERENCES `p` (`x`)\n) ENGINE=InnoDB AUTO_INCREMENT=5";
        let model = "CREATE TABLE `m` (\n  `a` int(11) NOT NULL,\n  `b` int(11) DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  \
            CONSTRAINT `CONSTRAINT_1` CHECK (`b` > 0)\n) ENGINE=InnoDB";
        let expected = "CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  `b` int(11) DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  \
            CONSTRAINT `r` FOREIGN KEY (`a`) REFERENCES `p` (`x`),\n  CONSTRAINT `CONSTRAINT_1` CHECK (`b` > 0)\n) \
            ENGINE=InnoDB AUTO_INCREMENT=5";
        assert_eq!(widened(own, &Definition::parse(model).unwrap()).as_deref(), Some(expected));
    }
}
