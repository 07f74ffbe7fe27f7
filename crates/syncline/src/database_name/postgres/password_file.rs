//! The user's file of passwords, in the format of PostgreSQL's own clients: lines of
//! `host:port:database:user:password`. `*` stands for anything, `\` makes the next character ordinary, `#` begins a
//! comment, and the first line that fits counts.

use std::path::{Path, PathBuf};

use syncline_stores::postgres::ConnectOptions;
use syncline_stores::server::Host;

use super::super::private_file::{self, Unread};

/// Where servers put their socket unless told otherwise: as it was built by its makers, and by most distributions.
const USUAL_SOCKETS: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// The password in the user's file, and what should be said about the file.
pub(super) fn look_up(
    options: &ConnectOptions,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> (Option<String>, Option<String>) {
    let Some(path) = place(lookup) else { return (None, None) };
    match private_file::read(&path) {
        Ok(text) => (find(&text, &sought(options)), None),
        Err(Unread::Missing) => (None, None),
        Err(Unread::Unusable(why)) => (None, Some(format!("{} was not used: {why}", path.display()))),
    }
}

fn place(lookup: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = |variable| lookup(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("PGPASSFILE").or_else(|| named("HOME").map(|home| home.join(".pgpass")))
}

/// What a line has to say to fit.
fn sought(options: &ConnectOptions) -> [String; 4] {
    let host = match &options.host {
        Host::Name(name) => name.clone(),
        Host::Socket(path) if USUAL_SOCKETS.iter().any(|usual| path == Path::new(usual)) => "localhost".to_owned(),
        Host::Socket(path) => path.to_string_lossy().into_owned(),
    };
    [host, options.port.to_string(), options.database.clone(), options.user.clone()]
}

/// The password of the first line that fits.
fn find(text: &str, sought: &[String; 4]) -> Option<String> {
    text.lines().find_map(|line| {
        if line.starts_with('#') {
            return None;
        }
        let mut rest = line;
        for wanted in sought {
            rest = if let Some(after) = rest.strip_prefix("*:") {
                after
            } else {
                let (field, after) = field(rest);
                after.filter(|_| field == *wanted)?
            };
        }
        Some(field(rest).0).filter(|password| !password.is_empty())
    })
}

/// The text up to the next colon that is not made ordinary, and what follows that colon.
fn field(line: &str) -> (String, Option<&str>) {
    let mut text = String::new();
    let mut characters = line.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            ':' => return (text, Some(&line[at + 1..])),
            '\\' => text.push(characters.next().map_or('\\', |(_, next)| next)),
            c => text.push(c),
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sought(parts: [&str; 4]) -> [String; 4] {
        parts.map(str::to_owned)
    }

    fn escaped(text: &str) -> String {
        text.replace('\\', "\\\\").replace(':', "\\:")
    }

    proptest! {
        #[test]
        fn a_line_is_read_as_it_was_written(
            parts in prop::array::uniform4("[^#\r\n*][^\r\n]{0,6}"),
            password in "[^\r\n]{1,8}",
            other in "[^\r\n]{0,20}",
        ) {
            let line = parts.each_ref().map(|part| escaped(part)).join(":");
            let text = format!("# {other}\n\n{line}:{}\nlast", escaped(&password));
            prop_assert_eq!(find(&text, &parts), Some(password));
        }

        #[test]
        fn no_text_is_too_odd(text: String) {
            let _ = find(&text, &sought(["h", "1", "d", "u"]));
        }
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "h:1:d:other:a\r\n#h:1:d:u:b\nh:2:d:u:c\nh:1:*:u:d\\:e\\\\f:rest\r\n*:*:*:*:last";
        assert_eq!(find(text, &sought(["h", "1", "d", "u"])).as_deref(), Some("d:e\\f"));
        assert_eq!(find(text, &sought(["x", "1", "d", "u"])).as_deref(), Some("last"));
        assert_eq!(find("*:*:*:u", &sought(["h", "1", "d", "u"])), None);
        assert_eq!(find("*:*:*:u:", &sought(["h", "1", "d", "u"])), None);
        assert_eq!(find("**:*:*:u:p", &sought(["h", "1", "d", "u"])), None);
        assert_eq!(find("\\*:1:d:u:p", &sought(["*", "1", "d", "u"])).as_deref(), Some("p"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".pgpass");
        let home = dir.path().to_str().unwrap().to_owned();
        let lookup = move |name: &str| (name == "HOME").then(|| home.clone());
        let options = crate::PostgresName::parse("//u@h:1/d", &lookup).unwrap().options(Path::new("/"));
        assert_eq!(look_up(&options, &lookup), (None, None), "there is none");
        std::fs::write(&path, "h:1:d:u:secret\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let (found, warning) = look_up(&options, &lookup);
        assert!(found.is_none() && warning.as_ref().is_some_and(|said| said.contains("chmod 0600")), "{warning:?}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(look_up(&options, &lookup), (Some("secret".to_owned()), None));
        let elsewhere = |name: &str| (name == "PGPASSFILE").then(|| dir.path().to_str().unwrap().to_owned());
        let (found, warning) = look_up(&options, &elsewhere);
        assert!(found.is_none() && warning.is_some_and(|said| said.contains("no file")));
    }
}
