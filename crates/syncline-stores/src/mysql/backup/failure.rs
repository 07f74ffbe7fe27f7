//! What the program says about a backup, in the words of [`Code`].

use syncline_core::error::{Code, Error};

/// The server's numbers and words, and what they mean.
const SAID: &[(&str, Code)] = &[
    ("1205", Code::StoreLocked),
    ("1412", Code::TableRebuilt),
    ("1146", Code::TableRebuilt),
    ("1044", Code::PermissionDenied),
    ("1142", Code::PermissionDenied),
    ("1143", Code::PermissionDenied),
    ("1227", Code::PermissionDenied),
    ("1370", Code::PermissionDenied),
    ("insufficent privileges", Code::PermissionDenied),
    ("insufficient privileges", Code::PermissionDenied),
    ("1045", Code::LoginFailed),
    ("2026", Code::TlsFailed),
    ("2006", Code::ConnectionLost),
    ("2013", Code::ConnectionLost),
];

/// The error for a program that has failed.
pub(super) fn of_dump(error: Error, label: &str) -> Error {
    let why = error.why().unwrap_or_default().to_owned();
    let code = SAID.iter().find(|(words, _)| says(&why, words)).map_or(error.code(), |(_, code)| *code);
    let what = match code {
        Code::StoreLocked => format!("a table of {label} is locked by others"),
        Code::TableRebuilt => format!("a table of {label} was changed or dropped while it was copied"),
        Code::PermissionDenied => format!("this user may not read all of {label}"),
        Code::LoginFailed => format!("{label} did not let the program in"),
        Code::TlsFailed => format!("the program found no safe way to {label}"),
        Code::ConnectionLost => format!("the connection to {label} was lost"),
        _ => format!("the program could not copy {label}"),
    };
    let said = Error::new(code, what).because(why).leaving("no backup was written");
    match code {
        Code::PermissionDenied => said
            .next("GRANT SELECT ON mysql.proc TO …", "shows the login all routines (MariaDB)")
            .next("GRANT SHOW_ROUTINE ON *.* TO …", "does so on MySQL"),
        Code::TableRebuilt => said.next("back it up again, once nobody changes tables", ""),
        Code::TlsFailed => said.next(
            "ssl-mode=VERIFY_IDENTITY with the name in the server's certificate",
            "MariaDB's program checks an authority only together with the name",
        ),
        _ => said,
    }
}

/// Whether a text has these words, or this number, as it is told: `(1142)`, `error: 1045:`.
fn says(text: &str, words: &str) -> bool {
    match words.parse::<u16>() {
        Ok(_) => [format!("({words})"), format!("rror: {words}:"), format!("rror {words}:")]
            .iter()
            .any(|it| text.contains(it)),
        Err(_) => text.contains(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_says_has_its_code() {
        for (said, code) in [
            (
                "mariadb-dump: Couldn't execute 'show create table `v`': SHOW VIEW command denied (1142)",
                Code::PermissionDenied,
            ),
            ("mariadb-dump: low has insufficent privileges to SHOW CREATE FUNCTION `f`!", Code::PermissionDenied),
            ("mariadb-dump: Got error: 1045: \"Access denied for user\" when trying to connect", Code::LoginFailed),
            (
                "mysqldump: Error 1412: Table definition has changed when dumping table `t` at row: 0",
                Code::TableRebuilt,
            ),
            ("mariadb-dump: Error 2013: Lost connection to server during query when dumping", Code::ConnectionLost),
            ("mariadb-dump: Couldn't find 1142 of anything", Code::StoreFailed),
        ] {
            let error = of_dump(Error::new(Code::StoreFailed, "it failed").because(said), "h/d");
            assert_eq!((error.code(), error.why()), (code, Some(said)));
        }
    }
}
