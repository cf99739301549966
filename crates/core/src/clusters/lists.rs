//! Lists of near rows with their means, ready for products: an inverted file.

use super::space::{Cell, Cells, Space};
use super::tree::{Partition, partition};
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use hnsw_kernels::{Kernels, Packed};
use std::ops::Range;

/// Lists over the rows of a space. Holds a packed copy of the rows.
pub(crate) struct Lists<C: Cell> {
    members: Vec<u32>,
    starts: Vec<usize>,
    norms: Vec<C::Value>,
    packed: Vec<Packed<C>>,
    centres: Cells<C>,
}

impl<C: Cell> Lists<C> {
    /// Lists of about `size` rows.
    pub fn of(
        kernels: &'static Kernels,
        space: &impl Space<C>,
        size: usize,
        seed: u64,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Self> {
        let partition = partition(kernels, space, size, seed, threads, control)?;
        Self::by(partition, true, kernels, space, threads, control)
    }

    /// Lists of the given rows. Without `products` they are good for their means only.
    pub fn by(
        Partition { members, starts }: Partition,
        products: bool,
        kernels: &'static Kernels,
        space: &impl Space<C>,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Self> {
        let count = starts.len() - 1;
        let mut packed: Vec<Packed<C>> = (0..count).map(|_| Packed::default()).collect();
        let width = space.width();
        let mut means = vec![0.0f32; count * width];
        let mut both: Vec<_> = packed.iter_mut().zip(means.chunks_mut(width)).collect();
        parallel::chunks_mut(
            threads,
            &mut both,
            1,
            || Cells::new(width),
            |rows, list, both| {
                let (packed, sums) = &mut both[0];
                rows.refill(space, members[starts[list]..starts[list + 1]].iter().copied());
                if products {
                    C::pack(kernels, rows.all(), packed);
                }
                (0..rows.len()).for_each(|i| C::add_to(rows.row(i), sums));
                !control.is_cancelled()
            },
        );
        control.check()?;
        let mut centres = Cells::new(width);
        means.chunks(width).zip(starts.windows(2)).for_each(|(sums, at)| centres.push_mean(sums, at[1] - at[0]));
        let norms = members.iter().map(|&id| space.norm(id as usize)).collect();
        Ok(Lists { members, starts, norms, packed, centres })
    }

    /// One list of all rows.
    pub fn flat(kernels: &'static Kernels, space: &impl Space<C>) -> Self {
        let n = space.len();
        let rows = Cells::of(space, 0..n as u32);
        let mut packed = Packed::default();
        C::pack(kernels, rows.all(), &mut packed);
        let norms = rows.norms().to_vec();
        let (members, starts) = ((0..n as u32).collect(), vec![0, n]);
        Lists { members, starts, norms, packed: vec![packed], centres: Cells::new(space.width()) }
    }

    /// Number of lists.
    pub fn count(&self) -> usize {
        self.packed.len()
    }

    /// Number of rows in all lists.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Means of the lists' rows; none for a flat one.
    pub fn centres(&self) -> &Cells<C> {
        &self.centres
    }

    fn range(&self, list: usize) -> Range<usize> {
        self.starts[list]..self.starts[list + 1]
    }

    /// Rows of a list.
    pub fn members(&self, list: usize) -> &[u32] {
        &self.members[self.range(list)]
    }

    /// Their squared norms.
    pub fn norms(&self, list: usize) -> &[C::Value] {
        &self.norms[self.range(list)]
    }

    /// The rows, packed.
    pub fn packed(&self, list: usize) -> &Packed<C> {
        &self.packed[list]
    }

    /// The list of every row.
    pub fn homes(&self) -> Vec<u32> {
        let mut homes = vec![0; self.len()];
        for list in 0..self.count() {
            self.members(list).iter().for_each(|&id| homes[id as usize] = list as u32);
        }
        homes
    }

    /// Rows that a row looks at in `near` lists, on average over rows: long lists are looked at more often.
    pub fn looked_at(&self, near: usize) -> f64 {
        let squares: f64 = self.starts.windows(2).map(|at| ((at[1] - at[0]) as f64).powi(2)).sum();
        (near as f64 * squares / self.len().max(1) as f64).min(self.len() as f64)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let packed: usize = self.packed.iter().map(|packed| packed.bytes() + size_of::<Packed<C>>()).sum();
        let norms = self.norms.capacity() * size_of::<C::Value>();
        packed + norms + self.members.capacity() * 4 + self.starts.capacity() * 8 + self.centres.bytes()
    }
}
