//! A small generator of numbers that are the same on every machine, so that a failure's seed is all it takes to see it
//! again.

/// Xorshift64*: fast, seeded, without a dependency, and good enough to shuffle rows. Not for secrets.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence that belongs to `seed`; every seed, 0 included, has one.
    pub fn new(seed: u64) -> Self {
        // Xorshift stays at 0 for ever, and near seeds would start alike without the multiplication.
        let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(if mixed == 0 { 1 } else { mixed })
    }

    /// The next number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to `bound - 1`; 0 when there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The upper half of the product: the generator's upper bits are its better ones.
        ((u128::from(self.any()) * u128::from(bound)) >> 64) as u64
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.any() as u8).collect()
    }

    /// Puts `items` in an order of its own.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_another_seed_others() {
        let first = |seed| {
            let mut numbers = Numbers::new(seed);
            [numbers.any(), numbers.any(), numbers.any()]
        };
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        assert_ne!(first(0), [0; 3]);
    }

    #[test]
    fn a_shuffle_moves_and_keeps() {
        let mut items: Vec<u32> = (0..100).collect();
        Numbers::new(1).shuffle(&mut items);
        assert!(items.windows(2).any(|pair| pair[0] > pair[1]));
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn numbers_stay_below_their_bound(seed in any::<u64>(), bound in 1..u64::MAX) {
            prop_assert!(Numbers::new(seed).below(bound) < bound);
        }
    }
}
