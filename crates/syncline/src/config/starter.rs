//! The file that `init` writes.

use toml_edit::Value;

use super::edit::NewConnection;

/// A file with these connections, and with comments that say what it may hold. With none, examples stand in comments.
pub fn starter(connections: &[NewConnection]) -> String {
    let mut text = HEAD.to_owned();
    for NewConnection { name, url, is_protected } in connections {
        text += &format!("\n[connections.{}]\nurl = {}\n", key(name.as_str()), Value::from(url.as_str()));
        if *is_protected {
            text += "protected = true\n";
        }
    }
    if connections.is_empty() { text + EXAMPLES } else { text }
}

const HEAD: &str = "\
# Databases by name, for Syncline. A name stands wherever a command takes a database:
#   syncline diff hq branch
# `syncline config validate` looks for mistakes here, `syncline conn test` opens what is named.
version = 1

# A url is what the command line takes too; relative paths count from this file.
# Keep passwords elsewhere. In the place of a secret, or of a whole url, may stand:
#   ${env:NAME}         a variable of the environment, or of the .env beside this file
#   ${file:PATH}        the content of a file
#   ${cmd:COMMAND}      what a command prints; this file must be writable for you alone
#   ${keyring:NAME}     an entry of your desktop's keyring
# `protected = true` keeps a database from every write but `syncline apply PLAN`.
";

const EXAMPLES: &str = "
# [connections.hq]
# url = \"postgres://app:${env:HQ_PASSWORD}@db1.example.org/shop\"
# protected = true

# [connections.branch]
# url = \"sqlite:branch.db\"
";

/// A name as a key: a dot would part it.
fn key(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::check::check;
    use super::super::connection::ConnectionName;
    use super::*;

    #[test]
    fn the_file_is_sound_and_so_are_its_examples() {
        let count = |text: &str| {
            let checked = check(text.as_bytes(), Path::new("/"));
            assert!(checked.problems.is_empty(), "{:?}", checked.problems);
            checked.connections.len()
        };
        assert_eq!(count(&starter(&[])), 0);
        assert_eq!(
            count(&starter(&[]).replace("# [", "[").replace("# url", "url").replace("# protected", "protected")),
            2
        );
        let new = |name: &str| NewConnection {
            name: ConnectionName::parse(name).unwrap(),
            url: "sqlite:a\"b\\c\n.db".to_owned(),
            is_protected: true,
        };
        assert_eq!(count(&starter(&[new("a"), new("b.c"), new("0")])), 3);
    }
}
