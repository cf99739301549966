//! The search graph (HNSW: Malkov & Yashunin, Efficient and robust approximate nearest neighbor search
//! using Hierarchical Navigable Small World graphs, 2018).
//!
//! ```text
//!   levels   which levels a row is on
//!   links    the links, flat
//!   between  what links are chosen by
//!   select   which candidates become links
//!   bulk     a whole graph at once from tables of nearest rows
//!   copies   rows with many equal copies
//!   batch    rows that are linked together
//!   insert   more rows into a graph that is there, or others in the place of some
//!   patch    rows out of a graph, without a hole
//!   reach    every row can be reached
//!   audit    what links are like, also of a graph that is damaged
//! ```

pub(crate) mod audit;
mod batch;
pub(crate) mod between;
pub(crate) mod bulk;
mod copies;
pub(crate) mod insert;
pub(crate) mod levels;
pub(crate) mod links;
pub(crate) mod patch;
pub(crate) mod reach;
pub(crate) mod select;

pub(crate) use links::Graph;

#[cfg(test)]
mod tests;
