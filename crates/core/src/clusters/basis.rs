//! The lists of an index's rows, for its graph and for any number of batches.
//!
//! Where rows are wide, lists are made of their sketches: a sixth of the columns find the same candidates, and
//! candidates are compared by the rows in any case. Else they are made of the rows' byte codes.

use super::chain::Chain;
use super::space::Space;
use crate::code::{ByteCodes, Sketch};
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::knn::RunOn;
use crate::points::Points;

/// Lists over bytes of the rows. Holds a packed copy of them, and the sketches.
pub(crate) struct Clusters {
    /// What the lists are made of; `None`: the codes of the source.
    sketch: Option<Sketch>,
    chain: Chain<u8>,
}

impl Clusters {
    /// `None` where rows have no codes for byte products. O(n·√n) products.
    pub fn of(source: Source<'_>, seed: u64, threads: usize, control: Control<'_>) -> Result<Option<Clusters>> {
        let sketch = match source.rows.dense() {
            Some(rows) if source.bytes_pay() => Sketch::for_lists(rows, threads, control.quiet())?,
            _ => None,
        };
        match sketch {
            Some(sketch) => {
                let chain = Chain::of(source.kernels, &sketch, seed, threads, control)?;
                Ok(Some(Clusters { sketch: Some(sketch), chain }))
            }
            None => Clusters::of_codes(source, seed, threads, control),
        }
    }

    /// As [`Clusters::of`], by codes whatever sketches could do.
    pub fn of_codes(source: Source<'_>, seed: u64, threads: usize, control: Control<'_>) -> Result<Option<Clusters>> {
        let Some(codes) = source.fast_codes() else { return Ok(None) };
        let chain = Chain::of(source.kernels, codes, seed, threads, control)?;
        Ok(Some(Clusters { sketch: None, chain }))
    }

    /// Made of sketches, not of codes.
    pub fn are_sketched(&self) -> bool {
        self.sketch.is_some()
    }

    pub fn chain(&self) -> &Chain<u8> {
        &self.chain
    }

    /// The rows as the lists see them; values of [`RunOn::Bytes`] are the rows' proxies.
    pub fn space<'a>(&'a self, source: Source<'a>) -> Option<(&'a dyn Space<u8>, RunOn)> {
        match (&self.sketch, source.fast_codes()) {
            (Some(sketch), _) => Some((sketch, RunOn::Sketches)),
            (None, Some(codes)) => Some((codes, if codes.is_exact() { RunOn::Bytes } else { RunOn::ByteFilter })),
            (None, None) => None,
        }
    }

    /// Other rows in that form; `codes`: those beside the source's.
    pub fn beside<'a>(
        &self,
        others: &Points,
        codes: &'a ByteCodes,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Box<dyn Space<u8> + 'a>> {
        match (&self.sketch, others.dense()) {
            (Some(sketch), Some(others)) => Ok(Box::new(sketch.beside(others, threads, control)?)),
            _ => Ok(Box::new(codes)),
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.chain.bytes() + self.sketch.as_ref().map_or(0, Sketch::bytes)
    }
}
