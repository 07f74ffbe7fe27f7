//! What the columns of a pair have in common: as what both sides are seen, and whether every value can cross.
//!
//! | source | target | seen as | grade |
//! |---|---|---|---|
//! | flexible | flexible, storing alike | it is | lossless |
//! | flexible | any other kind | that kind | checked |
//! | any other kind | flexible | that kind | lossless where the coercion keeps all its notations |
//! | a kind | the same | it is | lossless |
//! | a number | another kind of number | it is | lossless where the target's is wider |
//! | text or an enumeration | the like | without padding, if either has it | lossless where there is room |
//! | text | days, times, UUIDs, JSON, what one engine has | the richer kind | checked; the other way round lossless |
//! | JSON as it is written | JSON of which the meaning is kept | it is | checked; the other way round lossless |
//! | a truth value | a small whole number | the truth value | lossless; the other way round checked |
//!
//! MySQL's days and times, and the numbers of others, have values that their like elsewhere has not: between it and another engine
//! these are checked.
//!
//! All else is refused. Checked means that values may turn up which the target's column cannot hold: their rows are held.

use crate::value::{Coercion, Equality, Kind};

/// Whether every value of a column can live in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Every one can.
    Lossless,
    /// One that cannot holds its row.
    Checked,
}

/// How the columns of a pair meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// What the cells of both sides are seen as; `None` for what they are.
    pub seen_as: Option<Kind>,
    /// By which encoding cells are equal.
    pub equality: Equality,
    /// Whether every value of the source can live in the target.
    pub grade: Grade,
}

impl Meeting {
    /// How a column of the source meets the one of the target, each with its engine; `None` where its values would have no
    /// meaning there.
    pub fn of((source, from): (&Kind, &str), (target, into): (&Kind, &str)) -> Option<Self> {
        let is_same_engine = from == into;
        let (seen_as, grade) = match (source, target) {
            (Kind::Flexible(a), Kind::Flexible(b)) if !a.stores_like(*b) => return None,
            // Some engines print the padding, and others take it away.
            (Kind::Text { padded: true, .. }, Kind::Text { padded: true, .. }) if !is_same_engine => {
                alike(source, target)?
            }
            (a, b) if stores_alike(a, b) => (None, Grade::Lossless),
            (Kind::Flexible(_), kind) => (Some(kind.clone()), Grade::Checked),
            (kind, Kind::Flexible(coercion)) => (Some(kind.clone()), keeping(kind, *coercion)),
            (a, b) if a.is_numeric() && b.is_numeric() => (None, number_in_number(a, b)),
            (a, b) => alike(a, b)?,
        };
        let grade = grade.max(ranges(source, from, into));
        let is_exact = is_same_engine && seen_as.is_none() && is_one_notation(source, target);
        let equality = if is_exact { Equality::Exact } else { Equality::Canonical };
        Some(Self { seen_as, equality, grade })
    }
}

/// Whether both engines have the same values of a kind that is not limited by what it is called: MySQL has days that do not
/// exist, times of more than a day, NUL within text, the years up to 9999 only, and neither infinity nor what is no number. SQLite
/// holds any of them, as text where need be.
fn ranges(kind: &Kind, from: &str, into: &str) -> Grade {
    const MYSQL: &str = "mysql";
    const ANY: &str = "sqlite";
    use Kind::{Date, Decimal, Enum, Instant, Json, Real, Text, Time, Timestamp};
    let is_wider = match (from == MYSQL, into == MYSQL) {
        (false, true) => matches!(
            kind,
            Date | Timestamp { .. } | Instant { .. } | Decimal { .. } | Real { .. } | Json { normalised: false }
        ),
        (true, false) if into != ANY => {
            matches!(kind, Date | Timestamp { .. } | Instant { .. } | Time { .. } | Enum { .. } | Text { .. })
        }
        _ => false,
    };
    if is_wider { Grade::Checked } else { Grade::Lossless }
}

/// Whether two columns store every value alike.
pub(super) fn stores_alike(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Flexible(a), Kind::Flexible(b)) => a.stores_like(*b),
        (a, b) => a == b,
    }
}

/// Whether both write a value that they have in common in the same way.
fn is_one_notation(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Text { padded: a, .. }, Kind::Text { padded: b, .. }) => a == b,
        (Kind::Int { .. }, Kind::Int { .. })
        | (Kind::Text { .. } | Kind::Enum { .. }, Kind::Text { .. } | Kind::Enum { .. }) => true,
        (Kind::Time { .. }, Kind::Time { .. })
        | (Kind::Timestamp { .. }, Kind::Timestamp { .. })
        | (Kind::Instant { .. }, Kind::Instant { .. }) => true,
        (a, b) => stores_alike(a, b),
    }
}

/// Whether a column of SQLite with this coercion keeps every notation of a kind.
fn keeping(kind: &Kind, coercion: Coercion) -> Grade {
    let takes_text_for_numbers = matches!(coercion, Coercion::Integer | Coercion::Real | Coercion::Numeric);
    let is_kept = match kind {
        Kind::Decimal { .. } if takes_text_for_numbers => kind.is_decimal_within_a_double(),
        Kind::Int { bits } => *bits <= 32 || coercion != Coercion::Real,
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Other { .. } => !takes_text_for_numbers,
        _ => true,
    };
    if is_kept { Grade::Lossless } else { Grade::Checked }
}

fn number_in_number(source: &Kind, target: &Kind) -> Grade {
    let fits = match (source, target) {
        (Kind::Int { bits: a }, Kind::Int { bits: b }) => a <= b,
        (Kind::Int { .. } | Kind::Decimal { .. }, Kind::Decimal { limit: None }) => true,
        (Kind::Int { bits }, Kind::Decimal { limit: Some((precision, scale)) }) => {
            let digits = match bits {
                0..=16 => 5,
                17..=32 => 10,
                _ => 19,
            };
            i64::from(*precision) - i64::from(*scale) >= digits
        }
        (Kind::Decimal { limit: Some((p, s)) }, Kind::Decimal { limit: Some((q, t)) }) => {
            s <= t && i64::from(*p) - i64::from(*s) <= i64::from(*q) - i64::from(*t)
        }
        (Kind::Int { bits }, Kind::Real { single }) => u32::from(*bits) <= if *single { 16 } else { 32 },
        (Kind::Real { single: a }, Kind::Real { single: b }) => *a || !*b,
        _ => false,
    };
    if fits { Grade::Lossless } else { Grade::Checked }
}

/// Kinds that are no numbers.
fn alike(source: &Kind, target: &Kind) -> Option<(Option<Kind>, Grade)> {
    let graded = |is_lossless: bool| if is_lossless { Grade::Lossless } else { Grade::Checked };
    Some(match (source, target) {
        (Kind::Text { max_chars: a, padded: p }, Kind::Text { max_chars: b, padded: q }) => {
            let seen_as = (*p || *q).then_some(Kind::Text { max_chars: None, padded: true });
            (seen_as, graded(b.is_none() || a.is_some() && a <= b))
        }
        (Kind::Enum { labels: a }, Kind::Enum { labels: b }) => (None, graded(a.iter().all(|label| b.contains(label)))),
        (Kind::Enum { labels }, Kind::Text { max_chars, padded: false }) => {
            let has_room = |max: u32| labels.iter().all(|label| label.chars().count() <= max as usize);
            (None, graded(max_chars.is_none_or(has_room)))
        }
        (Kind::Text { padded: false, .. }, Kind::Enum { .. }) => (None, Grade::Checked),
        (Kind::Time { digits: a }, Kind::Time { digits: b })
        | (Kind::Timestamp { digits: a }, Kind::Timestamp { digits: b })
        | (Kind::Instant { digits: a }, Kind::Instant { digits: b }) => (None, graded(a <= b)),
        (Kind::Bool, Kind::Int { bits: 16 }) => (Some(Kind::Bool), Grade::Lossless),
        // 2 is neither.
        (Kind::Int { bits: 16 }, Kind::Bool) => (Some(Kind::Bool), Grade::Checked),
        // Of members that have one name it keeps the last.
        (Kind::Json { normalised: a }, Kind::Json { normalised: b }) => (None, graded(*a || !*b)),
        (Kind::Text { padded: false, .. }, kind) if has_notation(kind) => (Some(kind.clone()), Grade::Checked),
        (kind, Kind::Text { max_chars, padded: false }) if has_notation(kind) => {
            (Some(kind.clone()), graded(max_chars.is_none()))
        }
        _ => return None,
    })
}

/// Kinds whose values can live in a column of text and be known there.
fn has_notation(kind: &Kind) -> bool {
    use Kind::{Date, Instant, Json, Other, Time, Timestamp, Uuid};
    matches!(kind, Date | Time { .. } | Timestamp { .. } | Instant { .. } | Uuid | Json { .. } | Other { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Kind = Kind::Text { max_chars: None, padded: false };
    const NUMERIC: Kind = Kind::Flexible(Coercion::Numeric);

    fn meet(source: &Kind, target: &Kind) -> Option<(Option<Kind>, Equality, Grade)> {
        Meeting::of((source, "one"), (target, "one")).map(|meeting| (meeting.seen_as, meeting.equality, meeting.grade))
    }

    #[test]
    fn one_engine_compares_bit_for_bit_what_it_stores_alike() {
        let (exact, lossless) = (Equality::Exact, Grade::Lossless);
        assert_eq!(meet(&NUMERIC, &Kind::Flexible(Coercion::Integer)), Some((None, exact, lossless)));
        assert_eq!(meet(&NUMERIC, &Kind::Flexible(Coercion::Text)), None);
        assert_eq!(meet(&Kind::Int { bits: 32 }, &Kind::Int { bits: 64 }), Some((None, exact, lossless)));
        assert_eq!(meet(&Kind::Int { bits: 64 }, &Kind::Int { bits: 32 }), Some((None, exact, Grade::Checked)));
        let decimal = |precision, scale| Kind::Decimal { limit: Some((precision, scale)) };
        assert_eq!(meet(&decimal(10, 2), &decimal(12, 3)), Some((None, Equality::Canonical, lossless)));
        assert_eq!(meet(&decimal(10, 2), &decimal(10, 3)), Some((None, Equality::Canonical, Grade::Checked)));
        let json = |normalised| Kind::Json { normalised };
        assert_eq!(meet(&json(false), &json(true)), Some((None, Equality::Canonical, Grade::Checked)));
        assert_eq!(meet(&json(true), &json(false)), Some((None, Equality::Canonical, lossless)));
    }

    #[test]
    fn across_engines_both_are_seen_as_the_richer_kind() {
        for kind in
            [Kind::Date, Kind::Uuid, Kind::Bytes, Kind::Bool, Kind::Instant { digits: 6 }, Kind::Int { bits: 64 }]
        {
            let seen_as = |grade| Some((Some(kind.clone()), Equality::Canonical, grade));
            assert_eq!(meet(&kind, &NUMERIC), seen_as(Grade::Lossless), "{kind:?}");
            assert_eq!(meet(&NUMERIC, &kind), seen_as(Grade::Checked), "{kind:?}");
        }
        for kind in [TEXT, Kind::Json { normalised: true }, Kind::Decimal { limit: None }] {
            assert_eq!(meet(&kind, &NUMERIC).unwrap().2, Grade::Checked, "{kind:?}");
            assert_eq!(meet(&kind, &Kind::Flexible(Coercion::Text)).unwrap().2, Grade::Lossless, "{kind:?}");
        }
    }

    #[test]
    fn what_has_no_meaning_on_the_other_side_is_refused() {
        let timestamps = [Kind::Timestamp { digits: 6 }, Kind::Instant { digits: 6 }];
        assert_eq!(meet(&timestamps[0], &timestamps[1]), None, "nobody knows the zone");
        assert_eq!(meet(&TEXT, &Kind::Int { bits: 64 }), None);
        assert_eq!(meet(&Kind::Bool, &Kind::Int { bits: 64 }), None);
        assert_eq!(meet(&Kind::Int { bits: 64 }, &Kind::Bool), None);
        let other = |name: &str| Kind::Other { type_name: name.to_owned() };
        assert_eq!(meet(&other("inet"), &other("cidr")), None);
        assert_eq!(meet(&other("inet"), &TEXT).unwrap().2, Grade::Lossless);
    }

    #[test]
    fn truth_values_and_small_numbers_meet() {
        let seen_as = |grade| Some((Some(Kind::Bool), Equality::Canonical, grade));
        assert_eq!(meet(&Kind::Bool, &Kind::Int { bits: 16 }), seen_as(Grade::Lossless));
        assert_eq!(meet(&Kind::Int { bits: 16 }, &Kind::Bool), seen_as(Grade::Checked));
    }

    #[test]
    fn what_only_one_engine_has_of_a_kind_is_checked() {
        let grade = |kind: &Kind, from, into| Meeting::of((kind, from), (kind, into)).unwrap().grade;
        for kind in [Kind::Date, Kind::Timestamp { digits: 6 }, Kind::Instant { digits: 0 }] {
            assert_eq!(grade(&kind, "postgres", "mysql"), Grade::Checked, "{kind}");
            assert_eq!(grade(&kind, "mysql", "postgres"), Grade::Checked, "{kind}");
            assert_eq!(grade(&kind, "mysql", "mysql"), Grade::Lossless, "{kind}");
        }
        assert_eq!(grade(&Kind::Time { digits: 6 }, "mysql", "postgres"), Grade::Checked);
        assert_eq!(grade(&Kind::Time { digits: 6 }, "postgres", "mysql"), Grade::Lossless);
        assert_eq!(grade(&Kind::Real { single: false }, "postgres", "mysql"), Grade::Checked);
        assert_eq!(grade(&Kind::Real { single: false }, "mysql", "postgres"), Grade::Lossless);
        let loose = Kind::Flexible(Coercion::Numeric);
        assert_eq!(Meeting::of((&Kind::Date, "mysql"), (&loose, "sqlite")).unwrap().grade, Grade::Lossless);
    }
}
