//! Numerics: groups of four digits with the weight of the first, a sign, and how many digits are shown behind the point.
//!
//! | field | bits |
//! |---|---|
//! | number of groups | 16 |
//! | weight: the first group counts 10000 to this power | 16, signed |
//! | sign: 0 plus, 4000 minus, C000 NaN, D000 infinity, F000 minus infinity | 16 |
//! | scale | 16, of which 14 are used |
//! | each group, 0 to 9999 | 16 |
//!
//! For what is not finite, only the sign counts.

const PLUS: u16 = 0x0000;
const MINUS: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// The largest number of digits behind the point that 14 bits hold.
const SCALE_MAX: i64 = 0x3FFF;
/// Digits in front of the point that the largest weight can express.
const WHOLE_DIGITS_MAX: i64 = 4 * (i16::MAX as i64 + 1);
const GROUP_END: u16 = 10_000;

/// Appends the number as PostgreSQL prints it; `None` for bytes that are not a numeric.
pub(super) fn read(field: &[u8], out: &mut String) -> Option<()> {
    let (head, groups) = field.split_first_chunk::<8>()?;
    let [n0, n1, w0, w1, g0, g1, s0, s1] = *head;
    if groups.len() != 2 * usize::from(u16::from_be_bytes([n0, n1])) {
        return None;
    }
    match u16::from_be_bytes([g0, g1]) {
        PLUS => {}
        MINUS => out.push('-'),
        other => {
            out.push_str(special(other)?);
            return Some(());
        }
    }
    let scale = i64::from(u16::from_be_bytes([s0, s1]));
    let weight = i64::from(i16::from_be_bytes([w0, w1]));
    if scale > SCALE_MAX || groups.chunks_exact(2).any(|group| u16::from_be_bytes([group[0], group[1]]) >= GROUP_END) {
        return None;
    }
    write_finite(groups, weight, scale as usize, out);
    Some(())
}

fn special(sign: u16) -> Option<&'static str> {
    Some(match sign {
        NAN => "NaN",
        INFINITY => "Infinity",
        MINUS_INFINITY => "-Infinity",
        _ => return None,
    })
}

fn write_finite(groups: &[u8], weight: i64, scale: usize, out: &mut String) {
    // Groups that are not sent are zero: those behind the last one, and those between the point and a lighter first one.
    let group = |index: i64| {
        let at = usize::try_from(index).ok().map(|index| 2 * index);
        at.and_then(|at| groups.get(at..at + 2)).map_or(0, |group| u16::from_be_bytes([group[0], group[1]]))
    };
    let start = out.len();
    for index in 0..=weight {
        let digits = four_digits(group(index));
        let is_first = out.len() == start;
        push(if is_first { without_zeros(&digits) } else { &digits }, out);
    }
    if out.len() == start {
        out.push('0');
    }
    if scale > 0 {
        out.push('.');
        let end = out.len() + scale;
        let mut index = weight + 1;
        while out.len() < end {
            let digits = four_digits(group(index));
            push(&digits[..digits.len().min(end - out.len())], out);
            index += 1;
        }
    }
}

fn four_digits(group: u16) -> [u8; 4] {
    [group / 1000, group / 100 % 10, group / 10 % 10, group % 10].map(|digit| b'0' + digit as u8)
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

fn push(digits: &[u8], out: &mut String) {
    out.push_str(std::str::from_utf8(digits).expect("BUG: a digit is not ASCII"));
}

/// Why a number cannot be a numeric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNumeric {
    /// It is not a number.
    NotANumber,
    /// It has more digits before or behind the point than fit.
    TooLong,
}

/// Appends a number in the notation of `Value::Decimal` as a numeric. Its scale is kept.
pub(super) fn write(text: &str, out: &mut impl bytes::BufMut) -> Result<(), NotNumeric> {
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'-') => (MINUS, &text[1..]),
        Some(b'+') => (PLUS, &text[1..]),
        _ => (PLUS, text),
    };
    match rest {
        "NaN" => head(0, 0, NAN, 0, out),
        "Infinity" => head(0, 0, if sign == MINUS { MINUS_INFINITY } else { INFINITY }, 0, out),
        finite => return write_digits(sign, Digits::of(finite).ok_or(NotNumeric::NotANumber)?, out),
    }
    Ok(())
}

fn write_digits(
    sign: u16,
    number: Digits<impl DoubleEndedIterator<Item = u8> + Clone>,
    out: &mut impl bytes::BufMut,
) -> Result<(), NotNumeric> {
    let Digits { mut point, scale, digits } = number;
    if scale > SCALE_MAX {
        return Err(NotNumeric::TooLong);
    }
    let leading = digits.clone().take_while(|digit| *digit == b'0').count();
    let significant = digits.clone().count() - leading;
    let trailing = digits.clone().rev().take(significant).take_while(|digit| *digit == b'0').count();
    let significant = significant - trailing;
    if significant == 0 {
        head(0, 0, PLUS, scale as u16, out);
        return Ok(());
    }
    point -= leading as i64;
    if point > WHOLE_DIGITS_MAX {
        return Err(NotNumeric::TooLong);
    }
    let weight = (point - 1).div_euclid(4);
    // The first group may have fewer digits of its own, the last one is filled up.
    let mut filled = 3 - (point - 1).rem_euclid(4) as usize;
    let groups = (filled + significant).div_ceil(4);
    // All digits are behind a first one of weight -4096 or more, since the scale has a bound, so both numbers fit.
    head(groups as u16, weight as i16, sign, scale as u16, out);
    let mut group = 0;
    for digit in digits.skip(leading).take(significant) {
        group = group * 10 + u16::from(digit - b'0');
        filled += 1;
        if filled == 4 {
            out.put_u16(group);
            (group, filled) = (0, 0);
        }
    }
    if filled > 0 {
        out.put_u16(group * 10_u16.pow(4 - filled as u32));
    }
    Ok(())
}

fn head(groups: u16, weight: i16, sign: u16, scale: u16, out: &mut impl bytes::BufMut) {
    out.put_u16(groups);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
}

/// A number taken apart.
struct Digits<I> {
    /// How many of the digits stand before the point; negative where zeros follow it first.
    point: i64,
    /// Digits behind the point.
    scale: i64,
    digits: I,
}

impl Digits<()> {
    fn of(text: &str) -> Option<Digits<impl DoubleEndedIterator<Item = u8> + Clone + '_>> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes());
        let is_number =
            !(whole.is_empty() && fraction.is_empty()) && digits.clone().all(|digit| digit.is_ascii_digit());
        is_number.then_some(())?;
        let point = power.checked_add(whole.len() as i64)?;
        let scale = (fraction.len() as i64).checked_sub(power)?.max(0);
        Some(Digits { point, scale, digits })
    }
}
