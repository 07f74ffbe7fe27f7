//! Names of backups: whose, and when.

use syncline_core::limits;

/// `shop-20261121T115305.042Z`, from the name of the database's file and an instant in milliseconds since 1970.
pub(crate) fn of(database: &str, at_ms: i64) -> String {
    let stem = database.rsplit_once('.').map_or(database, |(stem, _)| stem);
    // What a shell, a terminal or another file system might take amiss is left out.
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String = stem.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    while name.len() > limits::BACKUP_STEM_BYTES {
        name.pop();
    }
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { "database" } else { name };
    format!("{name}-{}", stamp(at_ms))
}

/// The file's name: the first of that name has no number.
pub(crate) fn numbered(name: &str, attempt: u32, ending: &str) -> String {
    if attempt == 1 { format!("{name}.{ending}") } else { format!("{name}-{attempt}.{ending}") }
}

/// `20261121T115305.042Z`.
fn stamp(at_ms: i64) -> String {
    let (days, ms) = (at_ms.div_euclid(86_400_000), at_ms.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}{month:02}{day:02}T{hours:02}{minutes:02}{seconds:02}.{:03}Z", ms % 1_000)
}

/// Year, month and day of a day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    // The calendar repeats every 400 years; counting them from a 1 March puts the leap day last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_and_when() {
        assert_eq!(of("shop.db", 1_795_261_985_042), "shop-20261121T115305.042Z");
        assert_eq!(of("shop.2026.sqlite", 0), "shop.2026-19700101T000000.000Z");
        assert_eq!(of("a b\x1b[31m$(x).db", 951_782_400_000), "a_b__31m__x_-20000229T000000.000Z");
        assert_eq!(of("läden", -1), "läden-19691231T235959.999Z");
        assert_eq!(of(".db", 0), "database-19700101T000000.000Z");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = numbered(&of(&"ä".repeat(500), 0), 99, "dump");
        assert!(name.len() < 255 - 60, "{} bytes", name.len());
    }

    #[test]
    fn names_of_one_moment_are_numbered() {
        assert_eq!([numbered("a", 1, "db"), numbered("a", 2, "dump")], ["a.db", "a-2.dump"]);
    }
}
