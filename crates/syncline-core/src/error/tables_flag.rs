//! How tables are named behind `--tables`, for what an error advises.

/// The pattern that stands for exactly this name.
pub fn exactly(name: &str) -> String {
    let is_special = |c: char| ['!', '*', '?', '[', ']', '{', '}', '\\', ','].contains(&c);
    name.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The flag that leaves out this table alone, as a shell takes it.
pub fn without_table(name: &str) -> String {
    format!("--tables '*,!{}'", exactly(name).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::without_table;

    #[test]
    fn the_flag_means_the_table_whatever_its_name() {
        assert_eq!(without_table("sales.orders"), "--tables '*,!sales.orders'");
        assert_eq!(without_table("it's*"), r"--tables '*,!it'\''s\*'");
    }
}
