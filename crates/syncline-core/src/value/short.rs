//! Decimals so short that doubles give them back, by IEEE 754: any number of up to 15 digits is the shortest that reads back as
//! the double nearest to it, since two such numbers are never nearest to one double. So they are told by arithmetic alone, which
//! takes a fraction of what reading and printing do.

/// Any decimal of so many digits is given back by the double nearest to it.
const DIGITS_OF_A_DOUBLE: usize = 15;

/// Powers of ten, all exact.
const POWERS: [f64; DIGITS_OF_A_DOUBLE + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Sign, whole and fraction of `-12.50`; `None` for any other notation, and for what is no number.
#[inline]
pub(super) fn plain(text: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match &digits[whole..] {
        [] => &[],
        [b'.', fraction @ ..] if fraction.iter().all(u8::is_ascii_digit) => fraction,
        _ => return None,
    };
    (whole + fraction.len() > 0).then_some((negative, &digits[..whole], fraction))
}

/// The double that a text is read as, where it is a number in plain notation with no more than 15 digits.
#[inline]
pub(super) fn read(text: &str) -> Option<f64> {
    let (negative, whole, fraction) = plain(text.as_bytes())?;
    if whole.len() + fraction.len() > DIGITS_OF_A_DOUBLE {
        return None;
    }
    let number = whole.iter().chain(fraction).fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'));
    // Both are exact, so the quotient is rounded once, as reading the text would round it.
    let real = number as f64 / POWERS[fraction.len()];
    Some(if negative { -real } else { real })
}

/// The number of up to 15 digits, and how many of them stand behind the point, that a positive double is written as. There may
/// be zeros at its end. Not every number that is so short is found.
#[inline]
pub(super) fn digits(value: f64) -> Option<(i64, usize)> {
    [6, 12].into_iter().find_map(|behind| {
        let power = POWERS[behind];
        let scaled = value * power + 0.5;
        if !(1.0..POWERS[DIGITS_OF_A_DOUBLE]).contains(&scaled) {
            return None;
        }
        let number = scaled as i64;
        (number as f64 / power == value).then_some((number, behind))
    })
}

/// Appends a double as it is displayed, if it is so short.
pub(super) fn write(value: f64, out: &mut String) -> Option<()> {
    let (mut number, behind) = digits(value.abs())?;
    let mut text = [b'0'; DIGITS_OF_A_DOUBLE + 2];
    // Up to where digits stand: as many as there are, and a zero in front of the point.
    let (mut at, mut placed) = (text.len(), 0);
    while number > 0 || placed <= behind {
        if placed == behind {
            at -= 1;
            text[at] = b'.';
        }
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        placed += 1;
    }
    let text = std::str::from_utf8(&text[at..]).expect("BUG: a digit is not ASCII");
    if value < 0.0 {
        out.push('-');
    }
    out.push_str(text.trim_end_matches('0').trim_end_matches('.'));
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_short() -> impl Strategy<Value = f64> {
        (-1_000_000_000_000_000..1_000_000_000_000_000_i64, 0..18_i32, 0..16_u32)
            .prop_map(|(number, power, shorter)| format!("{}e-{power}", number / 10_i64.pow(shorter)).parse().unwrap())
    }

    #[test]
    fn numbers_as_people_have_them_are_found() {
        for value in [4285.19, 0.5, 0.000_001, 999_999_999.999_999, 0.000_000_000_001, 123.456_789_012] {
            assert!(digits(value).is_some(), "{value}");
        }
        assert_eq!([0.0, 1e15, f64::NAN, f64::INFINITY, 0.1 + 0.2, 5e-324].map(digits), [None; 6]);
    }

    proptest! {
        #[test]
        fn a_number_that_is_read_is_what_it_always_was(text in "-?[0-9]{0,12}(\\.[0-9]{0,12})?") {
            match read(&text) {
                Some(real) => {
                    prop_assert_eq!(real.to_bits(), text.parse::<f64>().unwrap().to_bits());
                    // And is given back.
                    let (negative, whole, fraction) = plain(text.as_bytes()).unwrap();
                    let number = [whole, b".", fraction].concat();
                    let number = std::str::from_utf8(&number).unwrap().trim_start_matches('0').trim_end_matches('0').to_owned();
                    let shown = format!("{:?}", real.abs());
                    if !shown.contains('e') {
                        prop_assert_eq!(shown.trim_start_matches('0').trim_end_matches('0'), number);
                    }
                    prop_assert_eq!(real.is_sign_negative(), negative);
                }
                None => prop_assert!(text.parse::<f64>().is_err() || text.len() > DIGITS_OF_A_DOUBLE),
            }
        }

        #[test]
        fn a_number_is_written_as_it_always_was(
            value in prop_oneof![any_short(), any_short().prop_map(|real| f64::from_bits(real.to_bits() + 1)), any::<f64>()],
        ) {
            let mut out = String::new();
            if write(value, &mut out).is_some() {
                prop_assert_eq!(out, value.to_string());
            } else {
                let at_most_six_behind = (value * 1e6).fract() == 0.0 && value != 0.0 && value.abs() < 1e8;
                prop_assert!(!at_most_six_behind || value.to_string().len() > 15, "{}", value);
            }
        }
    }
}
