//! Thousands of files with something changed, from a fixed seed: a short stand-in for the coverage-guided run of bench/fuzz.

mod support;

use support::fuzz::{seeds, try_all};
use support::liars::liars;
use support::{number, sections};

/// Files tried of each seed.
const ROUNDS: u64 = 400;
/// Values that break things.
const WORDS: [u64; 10] = [0, 1, 2, 24, 25, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 61, u64::MAX];

/// A sequence of its own (splitmix64), so that a failure can be run again.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// One change, in the header, the table, or a section chosen among all, however short.
fn change(bytes: &mut Vec<u8>, draws: &mut Draws) {
    let all = sections(bytes);
    let (start, len) = match draws.below(8) {
        0 => (0, bytes.len().min(64)),
        1 => (64, (32 * all.len()).min(bytes.len().saturating_sub(64))),
        _ => match all.get(draws.below(all.len())) {
            Some(&(_, _, offset, len)) if offset.saturating_add(len) <= bytes.len() => (offset, len),
            _ => (0, bytes.len()),
        },
    };
    if len == 0 {
        return;
    }
    let at = start + draws.below(len);
    match draws.below(6) {
        0 => bytes[at] ^= 1 << draws.below(8),
        1 => bytes[at] = draws.next() as u8,
        2 | 3 => {
            let word = WORDS[draws.below(WORDS.len())].to_le_bytes();
            let width = if draws.below(2) == 0 { 4 } else { 8 };
            let at = start + (at - start) / width * width;
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&word[..end - at]);
        }
        4 => {
            let from = draws.below(bytes.len());
            let count = draws.below(65).min(bytes.len() - at).min(bytes.len() - from);
            bytes.copy_within(from..from + count, at);
        }
        _ => bytes.truncate(bytes.len() - draws.below(2) * draws.below(130).min(bytes.len())),
    }
}

#[test]
fn files_with_anything_changed_are_refused_or_searched_without_a_crash() {
    for (seed, good) in seeds().into_iter().enumerate() {
        for round in 0..ROUNDS {
            let mut draws = Draws(1000 * seed as u64 + round);
            let mut bytes = good.clone();
            (0..=draws.below(4)).for_each(|_| change(&mut bytes, &mut draws));
            try_all(&bytes);
        }
    }
}

#[test]
fn the_known_crashers_crash_nothing() {
    for (_, bytes) in liars() {
        try_all(&bytes);
    }
}

#[test]
fn the_seeds_are_searched() {
    for bytes in seeds() {
        assert!(number(&bytes, 12, 4) > 5);
        try_all(&bytes);
    }
}
