//! What a login may do on the server as a whole and in its database, as `SHOW GRANTS` tells it.

use mysql_async::Row;
use syncline_core::error::Result;

use crate::mysql::connect::{Connection, Product, cell};

/// The rights of a login that are not those of single tables.
#[derive(Debug, Default)]
pub(in crate::mysql) struct Privileges {
    /// On everything the server has.
    everywhere: Vec<String>,
    /// In this database.
    here: Vec<String>,
}

impl Privileges {
    /// Those of the session, the roles included that are active in it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(in crate::mysql) async fn of(connection: &Connection, database: &str) -> Result<Self> {
        let ask = |sql: String| async { connection.line.query(sql).await.map_err(|error| connection.error(error)) };
        let mut sql = "SHOW GRANTS".to_owned();
        if connection.version.product == Product::MySql {
            // There the rights of roles are told only if these are named; they come as they are named in SQL.
            let roles: Option<String> =
                ask("SELECT CURRENT_ROLE()".to_owned()).await?.first().map_or(Ok(None), |row| cell(row, 0))?;
            if let Some(roles) = roles.filter(|roles| roles.starts_with('`')) {
                sql = format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}");
            }
        }
        let rows = ask(sql).await?;
        let lines = rows.iter().map(|row: &Row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
        Ok(Self::read(&lines, database))
    }

    fn read(lines: &[String], database: &str) -> Self {
        let mut found = Self::default();
        for (rights, place) in lines.iter().filter_map(|line| granted(line)) {
            match place {
                Place::Everywhere => found.everywhere.extend(rights),
                Place::Databases(pattern) if is_meant(&pattern, database) => found.here.extend(rights),
                Place::Databases(_) => {}
            }
        }
        found
    }

    /// Whether the login has this right in the database.
    pub(in crate::mysql) fn has(&self, right: &str) -> bool {
        gives(&self.everywhere, right) || gives(&self.here, right)
    }

    /// Whether the login has this right on everything the server has.
    pub(in crate::mysql) fn has_everywhere(&self, right: &str) -> bool {
        gives(&self.everywhere, right)
    }

    /// Whether nothing is kept from the login.
    pub(super) fn is_superuser(&self) -> bool {
        self.everywhere.iter().any(|given| given == "SUPER" || given == "ALL PRIVILEGES")
    }
}

fn gives(rights: &[String], right: &str) -> bool {
    rights.iter().any(|given| given == right || given == "ALL PRIVILEGES")
}

/// What a right is for.
enum Place {
    Everywhere,
    /// Databases whose names have this shape.
    Databases(String),
}

/// What a line of `SHOW GRANTS` gives, and where, unless that is a single table, column or routine, or a role.
fn granted(line: &str) -> Option<(Vec<String>, Place)> {
    let (rights, rest) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let place = match rest.strip_prefix("*.* TO ") {
        Some(_) => Place::Everywhere,
        None => {
            let (pattern, rest) = unquoted(rest)?;
            rest.strip_prefix(".* TO ")?;
            Place::Databases(pattern)
        }
    };
    Some((rights.split(", ").map(str::to_owned).collect(), place))
}

/// The name in backticks that a text begins with, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('`')?;
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('`')?;
        name.push_str(part);
        match behind.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
}

/// Whether a pattern means a database: `%` stands for any characters and `_` for one, unless a backslash stands before them.
fn is_meant(pattern: &str, name: &str) -> bool {
    let (mut shape, mut chars) = (Vec::new(), pattern.chars());
    while let Some(c) = chars.next() {
        shape.push(match c {
            '%' => Shape::Any,
            '_' => Shape::One,
            '\\' => Shape::Char(chars.next().unwrap_or('\\')),
            c => Shape::Char(c),
        });
    }
    let name: Vec<char> = name.chars().collect();
    // Which beginnings of the name the shapes so far can stand for.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for shape in shape {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match shape {
                Shape::Any => reached[..=at].contains(&true),
                Shape::One => at > 0 && reached[at - 1],
                Shape::Char(c) => at > 0 && reached[at - 1] && name[at - 1] == c,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[derive(Clone, Copy)]
enum Shape {
    Any,
    One,
    Char(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str], database: &str) -> Privileges {
        Privileges::read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), database)
    }

    #[test]
    fn rights_are_those_of_the_database_that_is_meant() {
        let lines = [
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*9'",
            "GRANT CREATE, CREATE TEMPORARY TABLES ON `shop\\_1`.* TO `a`@`%`",
            "GRANT DROP ON `other`.* TO `a`@`%`",
            "GRANT ALTER ON `shop_1`.`t` TO `a`@`%`",
            "GRANT `role` TO `a`@`%`",
        ];
        let here = of(&lines, "shop_1");
        assert!(here.has("CREATE") && here.has("CREATE TEMPORARY TABLES"));
        assert!(!here.has("DROP") && !here.has("ALTER") && !here.is_superuser());
        assert!(!of(&lines, "shopx1").has("CREATE"));
        let all = of(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], "any");
        assert!(all.has("CREATE") && all.is_superuser());
        assert!(of(&["GRANT ALL PRIVILEGES ON `a``b`.* TO `x`@`%`"], "a`b").has("INDEX"));
    }

    #[test]
    fn a_pattern_stands_for_what_it_means() {
        for (pattern, name, expected) in [
            ("%", "", true),
            ("a%c", "abbc", true),
            ("a%c", "abb", false),
            ("a_c", "abc", true),
            ("a\\_c", "abc", false),
            ("a\\_c", "a_c", true),
            ("a\\%", "a%", true),
            ("é_", "éx", true),
        ] {
            assert_eq!(is_meant(pattern, name), expected, "{pattern} {name}");
        }
    }
}
