//! Dates and times as text for people, in the Gregorian calendar carried on in both directions.

use syncline_core::value::calendar::{Civil, civil};

/// `2026-11-21`, from days since 1970-01-01.
pub fn date(days: i64) -> String {
    let Civil { year, month, day } = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `14:02:11`, with a fraction where there is one, from microseconds.
pub fn time(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { clock } else { format!("{clock}.{fraction:06}") }
}

/// `2026-11-21T14:02:11`, from microseconds since 1970-01-01T00:00:00.
pub fn timestamp(micros: i64) -> String {
    let day = 86_400_000_000;
    format!("{}T{}", date(micros.div_euclid(day)), time(micros.rem_euclid(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        for (days, shown) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (20_778, "2026-11-21"),
            (-719_468, "0000-03-01"),
        ] {
            assert_eq!(date(days), shown);
        }
    }

    #[test]
    fn times_below_zero() {
        assert_eq!(time(-90_000_000), "-00:01:30");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999999");
    }
}
