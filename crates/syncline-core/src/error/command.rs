//! How names are written in the commands that an error advises.

/// A name or a path as a word of a command line.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The pattern that stands for exactly this name.
pub fn exactly(name: &str) -> String {
    let is_special = |c: char| ['!', '*', '?', '[', ']', '{', '}', '\\', ','].contains(&c);
    name.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The flag that leaves out this table alone, as a shell takes it.
pub fn without_table(name: &str) -> String {
    format!("--tables {}", shell_word(&format!("*,!{}", exactly(name))))
}

#[cfg(test)]
mod tests {
    use super::{shell_word, without_table};

    #[test]
    fn paths_are_words_of_a_shell() {
        assert_eq!(shell_word("/a/b-1.db"), "/a/b-1.db");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn the_flag_means_the_table_whatever_its_name() {
        assert_eq!(without_table("sales.orders"), "--tables '*,!sales.orders'");
        assert_eq!(without_table("it's*"), r"--tables '*,!it'\''s\*'");
    }
}
