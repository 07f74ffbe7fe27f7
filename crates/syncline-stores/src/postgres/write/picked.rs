//! Some of the rows of a stage, as a condition on `s.n`.

use std::fmt;

/// The condition that `s.n` is one of these numbers, which are in order.
pub(in crate::postgres) struct Picked<'n>(pub(in crate::postgres) &'n [u32]);

impl fmt::Display for Picked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("false"),
            [first, .., last] if (last - first) as usize + 1 == self.0.len() => {
                write!(f, "s.n BETWEEN {first} AND {last}")
            }
            numbers => {
                f.write_str("s.n = ANY ('{")?;
                for (at, number) in numbers.iter().enumerate() {
                    write!(f, "{}{number}", if at == 0 { "" } else { "," })?;
                }
                f.write_str("}'::int4[])")
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
            (&[][..], "false"),
            (&[7], "s.n = ANY ('{7}'::int4[])"),
            (&[3, 4, 5], "s.n BETWEEN 3 AND 5"),
            (&[3, 5], "s.n = ANY ('{3,5}'::int4[])"),
        ] {
            assert_eq!(Picked(numbers).to_string(), condition);
        }
    }
}
