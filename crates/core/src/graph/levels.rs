//! The level of a row: drawn from the seed and the row's id, so that the order and the number of
//! threads of a build cannot change it.

use crate::random::{draw, unit};

/// Levels above 0 that a graph may have; with m >= 2 even 2³¹ rows need no more.
pub(crate) const MAX_LEVEL: u8 = 31;

/// Stream of the level draws.
const STREAM: u64 = 0x6c65_7665_6c73;

/// floor(-ln(U) / ln(m)) (Malkov & Yashunin 2018, section 4.1).
pub(crate) fn level_of(seed: u64, id: u32, m: usize) -> u8 {
    let u = unit(draw(seed, STREAM, u64::from(id)));
    (-u.ln() / (m as f64).ln()).floor().min(f64::from(MAX_LEVEL)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_in_m_reaches_the_next_level() {
        let levels: Vec<u8> = (0..100_000).map(|id| level_of(7, id, 16)).collect();
        let at_least = |l| levels.iter().filter(|&&x| x >= l).count();
        assert!((5_900..6_600).contains(&at_least(1)), "{}", at_least(1));
        assert!((320..460).contains(&at_least(2)), "{}", at_least(2));
    }
}
