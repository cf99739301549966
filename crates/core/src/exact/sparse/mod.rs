//! Tiles of sparse rows: products of one row with 32 others side by side, from which proxies follow by a rule.
//!
//! ```text
//!   side    rows ready for products: numbers of columns, norms, panels of 32
//!   rule    from a product to a proxy: squared distance, counts of sets, correlation
//!   tiles   values of a block of rows against a block of rows
//! ```

mod rule;
mod side;
mod tiles;

pub(crate) use rule::Rule;
pub(crate) use side::{PANEL, Panel, SparseSide};
pub(super) use tiles::{RuleTiles, SparseTiles};
