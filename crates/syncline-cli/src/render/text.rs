//! Text for people. Everything that comes from a database passes through [`escape`] before it reaches a terminal.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

/// Makes control characters visible: C0, DEL and C1, which could move the cursor or worse, and the marks that turn the
/// direction of writing, break lines or write invisibly, which could make a text look like another.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hostile) { Cow::Owned(escaped(text, |_| false)) } else { Cow::Borrowed(text) }
}

/// The same for text of several lines: newlines and tabs stay.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t');
    let is_hostile = text.chars().any(|c| is_hostile(c) && !stays(c));
    if is_hostile { Cow::Owned(escaped(text, stays)) } else { Cow::Borrowed(text) }
}

/// Whether a character may not reach a terminal as it is.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `width` characters, the last of them an ellipsis where something was cut.
pub(crate) fn clip(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// `391,004`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `850 bytes`, `12.3 kB`, `4.2 MB`.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => counted(number, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// A number whose last digits say nothing: `850`, `21k`, `1.3M`.
pub(crate) fn rough(number: f64) -> String {
    match number {
        _ if number < 1_000.0 => format!("{number:.0}"),
        _ if number < 9_950.0 => format!("{:.1}k", number / 1e3),
        _ if number < 999_500.0 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.1}M", number / 1e6),
    }
}

/// `31 ms`, `4.2 s`, `1 min 12 s`, `2 h 5 min`.
pub(crate) fn duration(took: Duration) -> String {
    match took.as_millis() {
        millis @ ..100 => format!("{millis} ms"),
        ..60_000 => format!("{:.1} s", took.as_secs_f64()),
        _ => seconds(took.as_secs_f64()),
    }
}

/// Whole seconds: `7 s`, `1 min 12 s`, `2 h 5 min`.
pub(crate) fn seconds(number: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is rounded anyway")]
    let whole = number.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// An argument as a POSIX shell would have to be given it; shown, not run.
pub(crate) fn quote(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:@%+=,".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        argument.to_owned()
    } else {
        format!("'{}'", escape(&argument.replace('\'', r"'\''")))
    }
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if !is_hostile(c) || stays(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if u32::from(c) < 0x100 => {
                write!(shown, "\\x{:02x}", u32::from(c)).expect("BUG: a String takes any text");
            }
            _ => write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("BUG: a String takes any text"),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_on_a_terminal_is_shown_instead() {
        for (hostile, shown) in [
            ("a\x1b[31mred", r"a\x1b[31mred"),
            ("title\x1b]0;x\x07", r"title\x1b]0;x\x07"),
            ("one\ntwo\r\tthree\0", r"one\ntwo\r\tthree\x00"),
            ("\u{9b}2J\u{7f}", r"\x9b2J\x7f"),
            ("\u{202e}txt.exe\u{2069}", r"\u{202e}txt.exe\u{2069}"),
            ("\u{200e}\u{2028}\u{feff}\u{e0041}", r"\u{200e}\u{2028}\u{feff}\u{e0041}"),
        ] {
            assert_eq!(escape(hostile), shown);
        }
        assert!(matches!(escape("ordinary: äöü 漢字 👩‍🚀 \\n"), Cow::Borrowed(_)));
        assert_eq!(escape_lines("a\n\tb\r\x1b"), "a\n\tb\\r\\x1b");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
    }

    #[test]
    fn numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(391_004), "391,004");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_200, "row"), "1,200 rows");
        assert_eq!([850.4, 1_300.0, 21_400.0, 999_900.0].map(rough), ["850", "1.3k", "21k", "1.0M"]);
    }

    #[test]
    fn durations() {
        assert_eq!(duration(Duration::from_millis(31)), "31 ms");
        assert_eq!(duration(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(duration(Duration::from_secs(72)), "1 min 12 s");
        assert_eq!(duration(Duration::from_secs(7_530)), "2 h 5 min");
        assert_eq!(seconds(6.7), "7 s");
    }

    #[test]
    fn arguments_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quote("dir/hq.db"), "dir/hq.db");
        assert_eq!(quote("my shop.db"), "'my shop.db'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("$(x)\n"), "'$(x)\\n'");
    }
}
