use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Mask, MaskKey, MaskKind};
use crate::value::{Value, ValueRef};

fn fake(text: &str) -> String {
    let mask = Mask::new(MaskKind::Fake, Arc::new(MaskKey::new([7; 32])));
    let Value::Text(bytes) = mask.apply(ValueRef::Text(text.as_bytes())) else { panic!("text") };
    String::from_utf8(bytes).unwrap()
}

/// The days of the months, told by a table.
const DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

fn exists(year: u32, month: u32, day: u32) -> bool {
    let is_leap = match year % 400 {
        0 => true,
        100 | 200 | 300 => false,
        rest => rest & 3 == 0,
    };
    let leap_day = u32::from(month == 2 && is_leap);
    (1..=12).contains(&month) && day >= 1 && day <= DAYS[month as usize - 1] + leap_day
}

/// The runs of digits of a text, and what stands around them.
fn parts(text: &str) -> (Vec<&str>, Vec<&str>) {
    let is_digit = |c: char| c.is_ascii_digit();
    (
        text.split(|c| !is_digit(c)).filter(|run| !run.is_empty()).collect(),
        text.split(is_digit).filter(|run| !run.is_empty()).collect(),
    )
}

fn numbers(text: &str) -> Vec<u32> {
    parts(text).0.iter().map(|run| run.parse().unwrap()).collect()
}

fn any_date() -> impl Strategy<Value = (u32, u32, u32)> {
    (1000_u32..3000, 1_u32..=12, 1_u32..=31).prop_filter("exists", |(y, m, d)| exists(*y, *m, *d))
}

proptest! {
    #[test]
    fn a_date_becomes_one_that_exists((y, m, d) in any_date(), separator in select(&["-", "/", "."])) {
        let masked = fake(&format!("{y}{separator}{m:02}{separator}{d:02}"));
        prop_assert_eq!(parts(&masked).1, vec![separator, separator]);
        prop_assert_eq!(parts(&masked).0.iter().map(|run| run.len()).collect::<Vec<_>>(), vec![4, 2, 2]);
        let found = numbers(&masked);
        prop_assert!(exists(found[0], found[1], found[2]), "{}", masked);
        prop_assert_eq!(found[0] / 100, y / 100, "another century: {}", masked);
    }

    #[test]
    fn a_date_without_zeros_stays_without((y, m, d) in any_date(), separator in select(&["-", "/", "."])) {
        prop_assume!(m < 10 || d < 10);
        let masked = fake(&format!("{y}{separator}{m}{separator}{d}"));
        let found = numbers(&masked);
        prop_assert!(exists(found[0], found[1], found[2]), "{}", masked);
        prop_assert_eq!(&masked, &format!("{}{separator}{}{separator}{}", found[0], found[1], found[2]));
        prop_assert_eq!((m > 9, d > 9), (found[1] > 9, found[2] > 9));
    }

    #[test]
    fn a_date_with_the_year_last_is_read_as_before((y, m, d) in any_date(), separator in select(&["-", "/", "."])) {
        let day_first = numbers(&fake(&format!("{d:02}{separator}{m:02}{separator}{y}")));
        prop_assert!(exists(day_first[2], day_first[1], day_first[0]), "{:?}", day_first);
        let month_first = numbers(&fake(&format!("{m:02}/{d:02}/{y}")));
        prop_assert!(exists(month_first[2], month_first[0], month_first[1]), "{:?}", month_first);
        if separator != "." {
            prop_assert_eq!(day_first[0] > 12, d > 12, "what tells day from month");
        }
    }

    #[test]
    fn a_time_stays_one(
        (y, m, d) in any_date(),
        (h, min, s) in (0_u32..24, 0_u32..60, 0_u32..60),
        between in select(&["T", " "]),
        fraction in "(|\\.[0-9]{1,9})",
        zone in select(&["", "Z", "+02:00", "-0530", " UTC"]),
    ) {
        let masked = fake(&format!("{y}-{m:02}-{d:02}{between}{h:02}:{min:02}:{s:02}{fraction}{zone}"));
        prop_assert!(masked.ends_with(zone));
        let found = numbers(&masked);
        prop_assert!(exists(found[0], found[1], found[2]) && found[3] < 24 && found[4] < 60 && found[5] < 60, "{}", masked);
        let clock = fake(&format!("{h:02}:{min:02}"));
        let found = numbers(&clock);
        prop_assert!(clock.len() == 5 && found[0] < 24 && found[1] < 60, "{}", clock);
    }
}

#[test]
fn other_forms_stay_what_they_are() {
    let exists_in = |found: &[u32]| exists(found[0], found[1], found[2]);
    for text in ["19991231", "20240229", "20240506T070809"] {
        let masked = fake(text);
        assert_eq!(masked.len(), text.len());
        let run = |from: usize, to: usize| masked[from..to].parse::<u32>().unwrap();
        assert!(exists_in(&[run(0, 4), run(4, 6), run(6, 8)]), "{masked}");
        assert_eq!(masked.get(8..9), text.get(8..9));
    }
    let month = numbers(&fake("2024-05"));
    assert!((1..=12).contains(&month[1]), "{month:?}");
    assert!(fake("7:08:09").split(':').next().is_some_and(|hour| hour.len() == 1));
}

#[test]
fn no_two_dates_become_the_same() {
    let days: Vec<_> = (1900..2000)
        .flat_map(|y| (1..=12).flat_map(move |m| (1..=31).map(move |d| (y, m, d))))
        .filter(|(y, m, d)| exists(*y, *m, *d))
        .collect();
    let made: HashSet<_> = days.iter().map(|(y, m, d)| fake(&format!("{y}-{m:02}-{d:02}"))).collect();
    assert_eq!((days.len(), made.len()), (36_524, 36_524));
    // Of one shape, those that are dates in two ways, in one way, and in none.
    let texts = || (1..=40).flat_map(|a| (1..=40).map(move |b| format!("{a:02}/{b:02}/2024")));
    assert_eq!(texts().map(|text| fake(&text)).collect::<HashSet<_>>().len(), 1_600);
}

#[test]
fn what_is_no_date_never_becomes_one() {
    let looks = |text: &str| text[..2].parse::<u32>().unwrap() < 24 && text[3..].parse::<u32>().unwrap() < 60;
    let clocks = || (0..100).flat_map(|a| (0..100).map(move |b| format!("{a:02}:{b:02}")));
    assert!(clocks().all(|text| looks(&text) == looks(&fake(&text))));
    assert_eq!(clocks().map(|text| fake(&text)).collect::<HashSet<_>>().len(), 10_000);
    for text in
        ["2023-02-31", "2023-13-01", "24:00", "2023-05-06 25:00", "1.2.3", "2024-05-06T", "0000-00-00", "10.20.3030.1"]
    {
        assert!(!super::is_date(text) && !super::is_date(&fake(text)), "{text}");
    }
}
