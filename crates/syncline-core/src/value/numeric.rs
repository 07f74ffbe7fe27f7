//! Whether text looks like a number, which is when a column of numbers turns it into one while storing it.

/// Whether SQLite would take the text for a number: digits with an optional sign, point and exponent, and space around
/// them.
pub fn looks_numeric(text: &[u8]) -> bool {
    let text = trim(text);
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut fraction = 0;
    if let Some(behind) = rest.strip_prefix(b".") {
        fraction = digits(behind);
        rest = &behind[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    if let Some(behind) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let behind = behind.strip_prefix(b"-").or_else(|| behind.strip_prefix(b"+")).unwrap_or(behind);
        let exponent = digits(behind);
        return exponent > 0 && exponent == behind.len();
    }
    rest.is_empty()
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::looks_numeric;

    #[test]
    fn numbers_are_told_from_other_text() {
        for text in ["1", "-1", "+1.5", ".5", "5.", " 1e5\n", "1E-5", "0012"] {
            assert!(looks_numeric(text.as_bytes()), "{text}");
        }
        for text in ["", " ", ".", "-", "e5", "1e", "1e+", "1 2", "0x10", "1a", "2024-01-01", "inf", "nan", "1.2.3"] {
            assert!(!looks_numeric(text.as_bytes()), "{text}");
        }
    }
}
