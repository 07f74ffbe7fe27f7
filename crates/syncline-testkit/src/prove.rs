//! How long a proof runs: its full length under `cargo xtask prove`, a fiftieth of it with the other tests.

use std::env;

/// The share of a full proof that runs with the ordinary tests.
const SHORT: u32 = 50;

/// Rounds a proof runs whose full form has `full`.
///
/// `SYNCLINE_PROVE=full` asks for all of them, `SYNCLINE_PROVE_ROUNDS=N` for N whatever the form.
///
/// # Panics
/// When `SYNCLINE_PROVE_ROUNDS` is no number: a proof that quietly runs another length proves nothing.
pub fn rounds(full: u32) -> u32 {
    let wanted = env::var("SYNCLINE_PROVE_ROUNDS").ok();
    rounds_of(full, is_full(), wanted.as_deref())
}

/// Whether proofs run at full length.
pub fn is_full() -> bool {
    env::var("SYNCLINE_PROVE").is_ok_and(|form| form == "full")
}

fn rounds_of(full: u32, is_full: bool, wanted: Option<&str>) -> u32 {
    match wanted {
        Some(count) => count.parse().unwrap_or_else(|_| panic!("SYNCLINE_PROVE_ROUNDS={count} is no number of rounds")),
        None if is_full => full,
        None => (full / SHORT).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::rounds_of;

    #[test]
    fn the_short_form_is_a_fiftieth_and_never_nothing() {
        assert_eq!(rounds_of(10_000, false, None), 200);
        assert_eq!(rounds_of(3, false, None), 1);
        assert_eq!(rounds_of(10_000, true, None), 10_000);
    }

    #[test]
    fn a_number_given_wins() {
        assert_eq!(rounds_of(10_000, true, Some("7")), 7);
        assert_eq!(rounds_of(10_000, false, Some("20000")), 20_000);
    }

    #[test]
    #[should_panic(expected = "SYNCLINE_PROVE_ROUNDS=many is no number of rounds")]
    fn a_number_that_is_none_stops_the_proof() {
        rounds_of(1, false, Some("many"));
    }
}
