//! Floating-point numbers of 32 bits, as doubles that are written with the same digits.

/// The double of the fewest digits that lie nearer to this single than to any other: 0.1, not 0.10000000149011612.
///
/// A number in the middle between two singles is read as one of them, and yet stands for neither: engines that print singles
/// give another digit then, and so does this. Of two that are as near, they give the even one.
pub fn as_double(single: f32) -> f64 {
    if single.is_nan() {
        return f64::NAN;
    }
    let exact = f64::from(single);
    // Infinities, and whole numbers of so few digits that all are needed.
    if single.is_infinite() || (single.abs() < 16_777_216.0 && single.fract() == 0.0) {
        return exact;
    }
    let nearer = |double: &f64| double.next_down() as f32 == single && double.next_up() as f32 == single;
    let shortest = format!("{single:e}");
    let places = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count() - 1;
    // Of two with as many digits and as near, the even one. Nine digits tell all singles apart.
    let even = |places: usize| format!("{single:.places$e}");
    let candidates = [even(places), shortest].into_iter().chain((places + 1..9).map(even));
    candidates.filter_map(|digits| digits.parse().ok()).find(nearer).unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::as_double;

    #[test]
    fn doubles_have_the_digits_that_postgres_prints() {
        for (single, printed) in [
            (0.1_f32, 0.1),
            (-1.5e-7, -1.5e-7),
            (16_777_216.0, 16_777_216.0),
            (3.0e38, 3e38),
            (1e-45, 1e-45),
            // As near as .13.
            (-273_840.13, -273_840.12),
            // In the middle between two: 5.163769e7 is read as this one.
            (51_637_688.0, 51_637_688.0),
        ] {
            assert_eq!(as_double(single).to_bits(), f64::to_bits(printed), "{single}");
        }
        assert_eq!(as_double(-0.0).to_bits(), (-0.0_f64).to_bits());
        assert!(as_double(f32::NAN).is_nan());
        assert_eq!(as_double(f32::NEG_INFINITY), f64::NEG_INFINITY);
    }
}
