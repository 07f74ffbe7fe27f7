use proptest::prelude::*;

use super::*;

/// Months counted out one by one, without any formula.
#[test]
fn every_day_of_eight_thousand_years_follows_the_one_before() {
    let length = |year: i64, month: u32| match month {
        2 if year % 400 == 0 => 29,
        2 if year % 100 == 0 => 28,
        2 if year % 4 == 0 => 29,
        2 => 28,
        month => [31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1],
    };
    let mut day = Civil { year: -4_799, month: 1, day: 1 };
    let mut number = days(day).unwrap();
    // As PostgreSQL answers: select date '4800-01-01 BC' is out of its range, but 4714-11-24 BC is Julian day 0.
    assert_eq!(days(Civil { year: -4_713, month: 11, day: 24 }), Some(-2_440_588));
    while day.year < 3_200 {
        assert_eq!((civil(number), days(day)), (day, Some(number)));
        day.day += 1;
        if day.day > length(day.year, day.month) {
            assert_eq!(days(day), None, "{day:?} does not exist");
            day = Civil { day: 1, month: day.month + 1, ..day };
        }
        if day.month > 12 {
            day = Civil { year: day.year + 1, month: 1, day: 1 };
        }
        number += 1;
    }
}

#[test]
fn dates_are_written_as_postgres_prints_them() {
    for (days, text) in [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (11_016, "2000-02-29"),
        (19_782, "2024-02-29"),
        (2_932_896, "9999-12-31"),
        (2_932_897, "10000-01-01"),
        (-719_162, "0001-01-01"),
        (-719_163, "0001-12-31 BC"),
        (-2_440_588, "4714-11-24 BC"),
        (2_145_042_905, "5874897-12-31"),
        (DATE_INFINITY, "infinity"),
        (DATE_NEGATIVE_INFINITY, "-infinity"),
    ] {
        assert_eq!(date(days), text);
        assert_eq!(parse_date(text), Some(days), "{text}");
    }
}

#[test]
fn timestamps_are_written_as_postgres_prints_them() {
    for (micros, text) in [
        (0, "1970-01-01 00:00:00"),
        (-1, "1969-12-31 23:59:59.999999"),
        (1_709_208_000_500_000, "2024-02-29 12:00:00.5"),
        (946_684_800_000_010, "2000-01-01 00:00:00.00001"),
        (-210_866_803_200_000_000, "4714-11-24 00:00:00 BC"),
        (i64::MAX - 1, "294247-01-10 04:00:54.775806"),
        (INFINITY, "infinity"),
        (NEGATIVE_INFINITY, "-infinity"),
    ] {
        assert_eq!(timestamp(micros), text);
        assert_eq!(parse_timestamp(text), Some(micros), "{text}");
    }
    assert_eq!(instant(1_709_208_000_500_000), "2024-02-29 12:00:00.5+00:00");
    assert_eq!(instant(-210_866_803_200_000_000), "4714-11-24 00:00:00+00:00 BC");
    assert_eq!((time(DAY_MICROS).as_str(), time(-90_000_000).as_str()), ("24:00:00", "-00:01:30"));
}

#[test]
fn other_notations_of_the_same_are_read() {
    let noon = parse_timestamp("2024-02-29 12:00:00").unwrap();
    for text in ["2024-02-29T12:00:00", "2024-02-29 12:00", "2024-02-29 12:00:00.000000"] {
        assert_eq!(parse_timestamp(text), Some(noon), "{text}");
    }
    assert_eq!(parse_timestamp("2024-02-28 24:00:00"), Some(noon - DAY_MICROS / 2));
    for text in [
        "2024-02-29 12:00:00Z",
        "2024-02-29T14:00:00+02",
        "2024-02-29 14:00:00+0200",
        "2024-02-29 14:00:00+02:00",
        "2024-02-29 06:29:45-05:30:15",
        "2024-02-29 12:00:00-00:00",
        "2024-03-01 03:00:00+15",
    ] {
        assert_eq!(parse_instant(text), Some(noon), "{text}");
    }
    assert_eq!(parse_instant("0044-03-15 12:00:00+00 BC"), parse_instant("0044-03-15 12:00:00Z BC"));
}

#[test]
fn what_does_not_exist_is_not_read() {
    for text in [
        "",
        " ",
        "2024-02-30",
        "2023-02-29",
        "1900-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "0000-01-01",
        "0000-01-01 BC",
        "24-01-01",
        "2024-1-1",
        " 2024-01-01",
        "2024-01-01 ",
        "02024-01-01",
        "99999999-01-01",
        "2024-01-01BC",
        "2024-01-01 bc",
        "2024-01-01 AD",
        "-2024-01-01",
        "Infinity",
        "+infinity",
        "epoch",
        "2024-01-01 00:00:00",
        "٢٠٢٤-01-01",
        "5881580-07-11",
    ] {
        assert_eq!(parse_date(text), None, "{text:?}");
    }
    for text in [
        "24:00:00.000001",
        "24:00:01",
        "25:00:00",
        "12:60:00",
        "12:00:60",
        "1:00:00",
        "12",
        "12:00:00.",
        "12:00.5",
        "12:00:00.1234567",
        "12:00:00,5",
        "-01:00:00",
        "12:00:00Z",
        "12:00:",
    ] {
        assert_eq!(parse_time(text), None, "{text:?}");
        assert_eq!(parse_timestamp(&format!("2024-01-01 {text}")), None, "{text:?}");
    }
    for text in [
        "2024-01-01",
        "2024-01-01  12:00:00",
        "2024-01-01t12:00:00",
        "2024-01-01 12:00:00+00",
        "294247-01-10 04:00:54.775807",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text:?}");
    }
    for zone in ["", "z", " Z", "+16", "+2", "+02:", "+02:6", "+02:60", "+020", "+02:00:", "+020000", "UTC"] {
        assert_eq!(parse_instant(&format!("2024-01-01 12:00:00{zone}")), None, "{zone:?}");
    }
}

#[test]
fn timestamps_beyond_64_bits_have_a_form_too() {
    let last = parse_wide_timestamp("294276-12-31 23:59:59.999999").unwrap();
    assert_eq!(last, 9_224_318_015_999_999_999);
    assert_eq!(parse_timestamp("294276-12-31 23:59:59.999999"), None);
    let mut text = String::new();
    write_wide(last, "+00", &mut text);
    assert_eq!(text, "294276-12-31 23:59:59.999999+00");
    assert_eq!(parse_wide_instant(&text), Some(last));
}

/// By the machinery of formatting: what they were written with at first.
fn slow_timestamp(micros: i64) -> String {
    let Civil { year, month, day } = civil(micros.div_euclid(DAY_MICROS));
    let (counted, era) = if year <= 0 { (1 - year, " BC") } else { (year, "") };
    format!("{counted:04}-{month:02}-{day:02} {}{era}", slow_time(micros.rem_euclid(DAY_MICROS)))
}

fn slow_time(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (hours, minutes, seconds) = (micros / 3_600_000_000, micros / 60_000_000 % 60, micros / 1_000_000 % 60);
    let fraction = format!(".{:06}", micros % 1_000_000);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction.trim_end_matches('0').trim_end_matches('.'))
}

#[test]
fn days_are_written_as_they_were() {
    // Around the year 1, all that repeats, and around the year 10000.
    for days in (-720_000..-718_000).chain(-1_000..146_097).chain(2_931_000..2_934_000_i32) {
        let Civil { year, month, day } = civil(i64::from(days));
        let (counted, era) = if year <= 0 { (1 - year, " BC") } else { (year, "") };
        assert_eq!(date(days), format!("{counted:04}-{month:02}-{day:02}{era}"));
    }
}

proptest! {
    #[test]
    fn times_are_written_as_they_were(
        micros in prop_oneof![any::<i64>(), -400_000_000_000..400_000_000_000_i64, -63_000_000_000_000_000..254_000_000_000_000_000_i64],
        unit in prop::sample::select(vec![1, 10, 1_000, 1_000_000]),
    ) {
        let micros = micros / unit * unit;
        prop_assume!(!matches!(micros, INFINITY | NEGATIVE_INFINITY));
        prop_assert_eq!(time(micros), slow_time(micros));
        prop_assert_eq!(timestamp(micros), slow_timestamp(micros));
        prop_assert_eq!(instant(micros).replace("+00:00", ""), slow_timestamp(micros));
    }

    #[test]
    fn what_is_written_is_read_back(days: i32, day_micros in 0..=DAY_MICROS, micros: i64) {
        prop_assert_eq!(parse_date(&date(days)), Some(days));
        prop_assert_eq!(parse_time(&time(day_micros)), Some(day_micros));
        prop_assert_eq!(parse_timestamp(&timestamp(micros)), Some(micros));
        prop_assert_eq!(parse_instant(&instant(micros)), Some(micros));
    }

    #[test]
    fn no_text_stops_the_reader(text in "\\PC{0,30}|[-0-9:.+TZ BC]{0,34}") {
        let _ = (parse_date(&text), parse_time(&text), parse_timestamp(&text), parse_instant(&text));
    }

    #[test]
    fn whatever_is_read_means_one_value(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]( BC)?") {
        if let Some(days) = parse_date(&text) {
            prop_assert_eq!(date(days), text);
        }
    }
}
