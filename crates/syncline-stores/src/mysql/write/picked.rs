//! Some of the rows of a stage, as a condition on their number.

use std::fmt;

use super::stage::NUMBER;

/// The condition that the number of `s` is one of these, which are in order.
pub(in crate::mysql) struct Picked<'n>(pub(in crate::mysql) &'n [u32]);

impl fmt::Display for Picked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("FALSE"),
            [first, .., last] if (last - first) as usize + 1 == self.0.len() => {
                write!(f, "s.{NUMBER} BETWEEN {first} AND {last}")
            }
            numbers => {
                write!(f, "s.{NUMBER} IN (")?;
                for (at, number) in numbers.iter().enumerate() {
                    write!(f, "{}{number}", if at == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Picked;

    #[test]
    fn rows_that_follow_each_other_are_a_range() {
        for (numbers, condition) in [
            (&[][..], "FALSE"),
            (&[7], "s._syncline_n IN (7)"),
            (&[3, 4, 5], "s._syncline_n BETWEEN 3 AND 5"),
            (&[3, 5], "s._syncline_n IN (3,5)"),
        ] {
            assert_eq!(Picked(numbers).to_string(), condition);
        }
    }
}
