//! Times: dates for the record, ages for the eye. All in UTC, and said so.

use syncline::calendar::timestamp;

/// `2026-11-21 14:02:11 UTC`, from milliseconds since 1970.
pub(crate) fn moment(millis: i64) -> String {
    let whole_seconds = millis.div_euclid(1_000).saturating_mul(1_000_000);
    format!("{} UTC", timestamp(whole_seconds))
}

/// `3 min ago`, for lists.
pub(crate) fn since(then_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(then_ms).max(0) / 1_000;
    match seconds {
        ..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_ages() {
        assert_eq!(moment(1_790_000_000_123), "2026-09-21 14:13:20 UTC");
        assert_eq!(since(0, 59_000), "59 s ago");
        assert_eq!(since(0, 3_599_000), "59 min ago");
        assert_eq!(since(0, 90_000_000), "25 h ago");
        assert_eq!(since(0, 864_000_000), "10 days ago");
        assert_eq!(since(5, 0), "0 s ago");
    }
}
