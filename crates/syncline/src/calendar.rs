//! Dates and times as text, in the Gregorian calendar carried on in both directions.

/// `2026-11-21`, from days since 1970-01-01.
pub fn date(days: i64) -> String {
    // The calendar repeats every 400 years; counting them from a 1 March puts the leap day last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
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
