//! Percent-encoding, as in URIs.

use std::fmt::Write;

/// The bytes that a percent-encoded text stands for; `None` when a `%` is not followed by two hexadecimal digits.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
        rest = after;
    }
    Some(bytes)
}

/// The text that [`decode`] turns into these bytes. Letters, digits, `-_.~` and what is in `plain` stay as they are.
pub(super) fn encode(bytes: &[u8], plain: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) || plain.contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(bytes: Vec<u8>) {
            for plain in [&b""[..], b"/", b"/:"] {
                prop_assert_eq!(decode(&encode(&bytes, plain)), Some(bytes.clone()));
            }
        }
    }

    #[test]
    fn a_percent_sign_needs_two_digits() {
        assert_eq!(decode("a%41%c3%A9b"), Some("aAéb".as_bytes().to_vec()));
        for wrong in ["%", "a%4", "%+4", "%é", "%%41", "%4g"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
