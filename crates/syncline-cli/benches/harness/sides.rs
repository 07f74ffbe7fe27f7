//! A part of a benchmark: the same work done by several sides, in turn.

use crate::measure::Used;

/// One side of a part: Syncline, or what stands beside it.
pub(crate) struct Side<'a> {
    pub(crate) name: &'static str,
    /// How much of this side's time Syncline may take, where that is said.
    pub(crate) bound: Option<f64>,
    /// In how many of the rounds it takes part, from the first on: what takes minutes is not run as often.
    pub(crate) rounds: usize,
    /// Does the work once, and says what the work alone has used.
    pub(crate) run: Box<dyn FnMut() -> Used + 'a>,
}

/// One side, measured.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) bound: Option<f64>,
    pub(crate) used: Vec<Used>,
}

/// Runs all sides round after round, each of them first in turn.
pub(crate) fn interleave(mut sides: Vec<Side<'_>>, rounds: usize) -> Vec<Measured> {
    let count = sides.len();
    let mut used = vec![Vec::new(); count];
    for round in 0..rounds {
        for at in (0..count).map(|step| (round + step) % count) {
            if round < sides[at].rounds {
                used[at].push((sides[at].run)());
            }
        }
    }
    sides.iter().zip(used).map(|(side, used)| Measured { name: side.name, bound: side.bound, used }).collect()
}
