//! Neighbours by lists of near rows, for rows whose proxies are products.
//!
//! ```text
//!   space   rows as bytes or floats, and means of rows in the same form
//!   tree    rows cut into lists of near rows
//!   lists   the lists, their means, their rows packed for products
//!   near    what rows find in the lists that they want, as blocked products
//!   chain   lists of lists: how rows find their near lists; how many they need, read off a sample
//!   effort  how much has to be looked at, read off rows whose neighbours are known
//!   basis   the lists of an index, made of sketches or of codes
//!   finish  what is found, compared by the rows
//!   graph   all rows against all rows
//!   batch   queries against all rows
//! ```
//!
//! This is an inverted file (Jégou, Douze, Schmid: Product quantization for nearest neighbor search, 2011) that
//! is searched by tiles: rows that want the same lists are worked together. How many lists a row looks at
//! follows from the exact neighbours of a sample, before the work: the share of them that lie in the first so many
//! lists. What is kept is compared by the rows themselves, so distances are final whatever codes were used.
//!
//! Nothing in here may depend on threads: work goes in fixed blocks that share nothing.

mod basis;
mod batch;
mod chain;
mod effort;
mod finish;
mod graph;
mod lists;
mod near;
mod space;

#[cfg(test)]
mod tests;
mod tree;

pub(crate) use basis::Clusters;
pub(crate) use batch::{Wish, batch};
pub(crate) use graph::{Found, graph, table};
pub(crate) use space::Space;

/// The recall to aim at where at least `floor` is asked for: a sample's estimate and what codes lose must not
/// bring it below.
pub(crate) fn aim(floor: f64) -> f64 {
    1.0 - (1.0 - floor) / 12.0
}
