//! Random balanced trees over the rows, for any metric.
//!
//! A node picks two of its rows and splits at the median of "how much nearer to the one than to the
//! other". All nodes of a depth are split together.

use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::parallel;
use crate::random::draw;
use std::ops::Range;

/// The leaves of one tree: a permutation of all rows, cut into pieces.
pub(super) struct Leaves {
    pub order: Vec<u32>,
    pub pieces: Vec<Range<usize>>,
}

/// A tree whose leaves have at most `size` rows. O(n·log(n / size)) distances.
pub(super) fn leaves(
    source: Source<'_>,
    size: usize,
    seed: u64,
    threads: usize,
    control: Control<'_>,
) -> Result<Leaves> {
    let n = source.rows.len();
    let mut side: Vec<(f32, u32)> = (0..n as u32).map(|id| (0.0, id)).collect();
    let mut pieces: Vec<Range<usize>> = std::iter::once(0..n).collect();
    while pieces[0].len() > size {
        let mut nodes = cut(&mut side, &pieces);
        parallel::chunks_mut(
            threads,
            &mut nodes,
            1,
            || (),
            |(), node, rows| {
                split(source, rows[0], draw(seed, node as u64, pieces.len() as u64));
                !control.is_cancelled()
            },
        );
        control.check()?;
        pieces = pieces.iter().flat_map(halves).collect();
    }
    Ok(Leaves { order: side.into_iter().map(|(_, id)| id).collect(), pieces })
}

/// Halves that differ by one row at most, so that all pieces of a depth do.
fn halves(piece: &Range<usize>) -> [Range<usize>; 2] {
    let middle = piece.start + piece.len() / 2;
    [piece.start..middle, middle..piece.end]
}

/// `items` cut at the borders of adjacent `pieces`.
pub(crate) fn cut<'a, T>(mut items: &'a mut [T], pieces: &[Range<usize>]) -> Vec<&'a mut [T]> {
    pieces
        .iter()
        .map(|piece| {
            let (head, tail) = std::mem::take(&mut items).split_at_mut(piece.len());
            items = tail;
            head
        })
        .collect()
}

/// Puts the half nearer to one random row before the half nearer to another.
fn split(source: Source<'_>, rows: &mut [(f32, u32)], seed: u64) {
    let pick = |i| rows[(draw(seed, i, 0) % rows.len() as u64) as usize].1 as usize;
    let (a, b) = (source.rows.row(pick(1)), source.rows.row(pick(2)));
    let pair = source.pair();
    for (side, id) in rows.iter_mut() {
        let row = source.rows.row(*id as usize);
        *side = pair.one(row, a) - pair.one(row, b);
    }
    let middle = rows.len() / 2;
    rows.select_nth_unstable_by(middle, |x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
    // The order within a half must not depend on how the selection moved things.
    for half in [0..middle, middle..rows.len()] {
        rows[half].sort_unstable_by_key(|&(_, id)| id);
    }
}
