//! Collations that a server has, and those that come nearest to one that it has not.

use crate::mysql::connect::{Product, Version};
use crate::mysql::types;

/// From which version on MariaDB has the collations of Unicode 14.
const UNICODE_14: (u32, u32) = (10, 10);

/// What text with this collation is compared by on this server.
pub(super) fn settled(collation: &str, version: &Version) -> String {
    let collation = match collation.strip_prefix("utf8_") {
        Some(rest) => format!("utf8mb3_{rest}"),
        None => collation.to_owned(),
    };
    match version.product {
        Product::MariaDb => of_mariadb(&collation, version),
        Product::MySql => of_mysql(&collation, version),
    }
}

fn of_mariadb(collation: &str, version: &Version) -> String {
    let ours = || types::collation(version).to_owned();
    let is_new = version.number >= UNICODE_14;
    match collation {
        "utf8mb4_0900_ai_ci" if is_new => "utf8mb4_uca1400_nopad_ai_ci".to_owned(),
        "utf8mb4_0900_as_ci" if is_new => "utf8mb4_uca1400_nopad_as_ci".to_owned(),
        "utf8mb4_0900_as_cs" if is_new => "utf8mb4_uca1400_nopad_as_cs".to_owned(),
        "utf8mb4_0900_ai_ci" => "utf8mb4_unicode_520_nopad_ci".to_owned(),
        "utf8mb4_uca1400_nopad_ai_ci" if !is_new => "utf8mb4_unicode_520_nopad_ci".to_owned(),
        "utf8mb4_uca1400_ai_ci" if !is_new => "utf8mb4_unicode_520_ci".to_owned(),
        other if other.contains("_0900_") || other.starts_with("gb18030") => ours(),
        other if other.contains("uca1400") && !is_new => ours(),
        other => other.to_owned(),
    }
}

fn of_mysql(collation: &str, version: &Version) -> String {
    match collation {
        "utf8mb4_nopad_bin" => types::collation(version).to_owned(),
        "utf8mb4_uca1400_nopad_ai_ci" | "utf8mb4_uca1400_ai_ci" => "utf8mb4_0900_ai_ci".to_owned(),
        "utf8mb4_uca1400_nopad_as_ci" | "utf8mb4_uca1400_as_ci" => "utf8mb4_0900_as_ci".to_owned(),
        "utf8mb4_uca1400_nopad_as_cs" | "utf8mb4_uca1400_as_cs" => "utf8mb4_0900_as_cs".to_owned(),
        other if other.contains("uca1400") => types::collation(version).to_owned(),
        other => other.replace("nopad_", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_gets_what_comes_nearest() {
        let of = |collation, version| settled(collation, &Version::parse(version));
        let (new, old, mysql) = ("10.11.2-MariaDB", "10.6.4-MariaDB", "8.0.36");
        let cases = [
            ("utf8mb4_general_ci", new, "utf8mb4_general_ci"),
            ("utf8mb4_0900_ai_ci", new, "utf8mb4_uca1400_nopad_ai_ci"),
            ("utf8mb4_0900_ai_ci", old, "utf8mb4_unicode_520_nopad_ci"),
            ("utf8mb4_0900_bin", new, "utf8mb4_nopad_bin"),
            ("utf8mb4_ja_0900_as_cs", new, "utf8mb4_nopad_bin"),
            ("utf8mb4_uca1400_ai_ci", old, "utf8mb4_unicode_520_ci"),
            ("utf8mb4_uca1400_ai_ci", mysql, "utf8mb4_0900_ai_ci"),
            ("utf8mb4_nopad_bin", mysql, "utf8mb4_0900_bin"),
            ("latin1_swedish_nopad_ci", mysql, "latin1_swedish_ci"),
            ("utf8_general_ci", new, "utf8mb3_general_ci"),
        ];
        for (collation, version, expected) in cases {
            assert_eq!(of(collation, version), expected, "{collation} {version}");
        }
    }
}
