//! Rows cut into lists of near rows: k-means in small steps, each node of a tree into a few dozen.
//!
//! A node's centres are trained on a sample of its rows (Lloyd), then all its rows go to the nearest. So a
//! row meets some `2·√(n / size)` centres in all, and lists grow little beyond `size` whatever the rows are:
//! what centres cannot tell apart, copies of one row, is cut anywhere.

use super::space::{Cell, Cells, Space};
use crate::approx::cut;
use crate::control::Control;
use crate::error::Result;
use crate::exact::tiles::Value;
use crate::parallel;
use crate::random::draw;
use hnsw_kernels::{Kernels, MatRef, Packed};
use std::ops::Range;

/// Most children of a node.
const CHILDREN: usize = 64;
/// Nodes of up to so many lists are cut into them at once.
const AT_ONCE: usize = 32;
/// Rows that train a centre, and rounds over them (measured: more of either gain nothing).
const TRAINING: usize = 40;
const ROUNDS: usize = 4;
/// Rows whose products are computed together.
const STRIP: usize = 96;
/// Depth at which nodes are cut anywhere: rows that far apart in scale have no use for lists.
const DEPTH: usize = 12;

/// Rows by list, and where lists start; the end of the last one included.
pub(crate) struct Partition {
    pub members: Vec<u32>,
    pub starts: Vec<usize>,
}

impl Partition {
    /// Rows `order`, sorted by the home of each; where more than `most` have one home, they are cut anywhere.
    pub fn by_home(order: Vec<u32>, home: impl Fn(u32) -> u32, most: usize) -> Partition {
        let mut starts = vec![0];
        let mut start = 0;
        for rows in order.chunk_by(|&a, &b| home(a) == home(b)) {
            let pieces = rows.len().div_ceil(most);
            starts.extend((1..=pieces).map(|i| start + i * rows.len() / pieces));
            start += rows.len();
        }
        Partition { members: order, starts }
    }
}

/// Lists of about `size` near rows, at most twice as many. O(n·√(n / size)) products.
pub(super) fn partition<C: Cell>(
    kernels: &'static Kernels,
    space: &impl Space<C>,
    size: usize,
    seed: u64,
    threads: usize,
    control: Control<'_>,
) -> Result<Partition> {
    let n = space.len();
    let mut members: Vec<u32> = (0..n as u32).collect();
    let mut pieces: Vec<Range<usize>> = std::iter::once(0..n).collect();
    for depth in 0.. {
        if pieces.iter().all(|piece| piece.len() <= 2 * size) {
            break;
        }
        // Near the root there are fewer nodes than threads: these share the rows of a node.
        let inner = threads.div_ceil(pieces.len());
        let splitter = Splitter { kernels, space, size, threads: inner, blind: depth >= DEPTH, control };
        let mut nodes: Vec<Node<'_>> =
            cut(&mut members, &pieces).into_iter().map(|rows| Node { rows, children: Vec::new() }).collect();
        parallel::chunks_mut(
            threads,
            &mut nodes,
            1,
            || Scratch::new(space.width()),
            |scratch, at, node| {
                splitter.split(&mut node[0], draw(seed, depth as u64, at as u64), scratch);
                !control.is_cancelled()
            },
        );
        control.check()?;
        let children: Vec<usize> = nodes.iter().flat_map(|node| node.children.iter().copied()).collect();
        let mut start = 0;
        pieces = children.iter().map(|&len| (start..start + len, start += len).0).collect();
    }
    let mut starts: Vec<usize> = pieces.iter().map(|piece| piece.start).collect();
    starts.push(n);
    Ok(Partition { members, starts })
}

/// Adjacent rows of the order, and how many of them go to each child.
struct Node<'a> {
    rows: &'a mut [u32],
    children: Vec<usize>,
}

/// Buffers of one worker.
struct Scratch<C: Cell> {
    sample: Cells<C>,
    centres: Cells<C>,
    packed: Packed<C>,
    labels: Vec<u32>,
    sums: Vec<f32>,
}

impl<C: Cell> Scratch<C> {
    fn new(width: usize) -> Self {
        let [sample, centres] = [Cells::new(width), Cells::new(width)];
        Scratch { sample, centres, packed: Packed::default(), labels: Vec::new(), sums: Vec::new() }
    }
}

/// What all nodes of a depth have in common.
struct Splitter<'a, S> {
    kernels: &'static Kernels,
    space: &'a S,
    size: usize,
    threads: usize,
    blind: bool,
    control: Control<'a>,
}

impl<S> Splitter<'_, S> {
    fn split<C: Cell>(&self, node: &mut Node<'_>, seed: u64, scratch: &mut Scratch<C>)
    where
        S: Space<C>,
    {
        let lists = node.rows.len().div_ceil(self.size);
        if node.rows.len() <= 2 * self.size {
            node.children.push(node.rows.len());
            return;
        }
        let children = if lists <= AT_ONCE { lists } else { lists.isqrt().min(CHILDREN) };
        if !self.blind {
            self.train(node.rows, children, seed, scratch);
            self.assign(node.rows, scratch);
            node.children = sort_by_label(node.rows, &scratch.labels, children);
        }
        if node.children.len() <= 1 {
            let len = node.rows.len();
            node.children = (0..lists).map(|i| (i + 1) * len / lists - i * len / lists).collect();
        }
    }

    /// Centres of `children` groups of the node's rows.
    fn train<C: Cell>(&self, rows: &[u32], children: usize, seed: u64, scratch: &mut Scratch<C>)
    where
        S: Space<C>,
    {
        let Scratch { sample, centres, packed, labels, sums } = scratch;
        let (count, width) = (rows.len().min(children * TRAINING), self.space.width());
        sample.refill(self.space, (0..count).map(|i| rows[i * rows.len() / count]));
        centres.clear();
        (0..children)
            .for_each(|i| centres.push(sample.row(i * count / children), sample.norms()[i * count / children]));
        for round in 0..ROUNDS {
            if self.control.is_cancelled() {
                return;
            }
            C::pack(self.kernels, centres.all(), packed);
            labels.clear();
            labels.resize(count, 0);
            let nearest = Nearest { kernels: self.kernels, packed, norms: centres.norms() };
            let mut cells = Vec::new();
            for (strip, labels) in labels.chunks_mut(STRIP).enumerate() {
                nearest.label(sample.part(strip * STRIP..strip * STRIP + labels.len()), &mut cells, labels);
            }
            sums.clear();
            sums.resize(children * width, 0.0);
            let mut counts = vec![0; children];
            for (i, &label) in labels.iter().enumerate() {
                counts[label as usize] += 1;
                C::add_to(sample.row(i), &mut sums[label as usize * width..][..width]);
            }
            centres.clear();
            for (label, (&count, sums)) in counts.iter().zip(sums.chunks(width)).enumerate() {
                if count > 0 {
                    centres.push_mean(sums, count);
                } else {
                    // A centre that nobody is near starts again elsewhere.
                    let again = draw(seed, round as u64, label as u64) as usize % sample.norms().len();
                    centres.push(sample.row(again), sample.norms()[again]);
                }
            }
        }
        C::pack(self.kernels, centres.all(), packed);
    }

    /// The nearest centre of every row of the node.
    fn assign<C: Cell>(&self, rows: &[u32], scratch: &mut Scratch<C>)
    where
        S: Space<C>,
    {
        let nearest = Nearest { kernels: self.kernels, packed: &scratch.packed, norms: scratch.centres.norms() };
        scratch.labels.clear();
        scratch.labels.resize(rows.len(), 0);
        parallel::chunks_mut(
            self.threads,
            &mut scratch.labels,
            STRIP,
            || (Cells::new(self.space.width()), Vec::new()),
            |(strip, cells), start, labels| {
                strip.refill(self.space, rows[start..start + labels.len()].iter().copied());
                nearest.label(strip.all(), cells, labels);
                !self.control.is_cancelled()
            },
        );
    }
}

/// Finds the nearest of a few packed centres.
struct Nearest<'a, C: Cell> {
    kernels: &'static Kernels,
    packed: &'a Packed<C>,
    norms: &'a [C::Value],
}

impl<C: Cell> Nearest<'_, C> {
    fn label(&self, rows: MatRef<'_, C>, cells: &mut Vec<C::Value>, labels: &mut [u32]) {
        let ld = self.norms.len().next_multiple_of(16);
        cells.resize(cells.len().max(STRIP * ld), C::Value::ZERO);
        C::dots(self.kernels, rows, self.packed, cells, ld);
        for (label, cells) in labels.iter_mut().zip(cells.chunks(ld)) {
            let mut best = C::Value::OPEN;
            for (j, (&norm, &dot)) in self.norms.iter().zip(cells).enumerate() {
                // The row's own norm is the same for all.
                let value = C::value(C::Value::ZERO, norm, dot);
                if value < best {
                    (best, *label) = (value, j as u32);
                }
            }
        }
    }
}

/// Sorts rows by label, in their order otherwise; the sizes of the labels that have some.
fn sort_by_label(rows: &mut [u32], labels: &[u32], count: usize) -> Vec<usize> {
    let mut next = vec![0usize; count];
    labels.iter().for_each(|&label| next[label as usize] += 1);
    let sizes: Vec<usize> = next.iter().copied().filter(|&size| size > 0).collect();
    let mut start = 0;
    next.iter_mut().for_each(|next| start += std::mem::replace(next, start));
    let before = rows.to_vec();
    for (&row, &label) in before.iter().zip(labels) {
        rows[next[label as usize]] = row;
        next[label as usize] += 1;
    }
    sizes
}
