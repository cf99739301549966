//! The one search loop, and the small pieces it is put together from.
//!
//! ```text
//!   scorer   proxies of a query against rows (which codes)
//!   rules    when to end (stop), what may be returned (accept)
//!   pool     the nearest rows met so far, and which of them have been expanded
//!   visited  which rows this search has met
//!   walk     the loop; descent through the levels
//!   anchors  where walks by sketches begin
//!   batch    many queries over threads
//!   balls    all rows within a distance of each of many queries
//!   ground   what walks from anchors go over
//!   adaptive the effort of each query as it needs it
//!   effort   how long walks through balls must look for a recall, measured
//!   twins    rows that are equal
//! ```
//!
//! k nearest and radius, and later filters, deletes and adaptive effort, are combinations of these, never
//! copies of the loop.

pub(crate) mod adaptive;
pub(crate) mod anchors;
pub(crate) mod balls;
pub(crate) mod batch;
pub(crate) mod effort;
pub(crate) mod ground;
pub(crate) mod pool;
pub(crate) mod rules;
pub(crate) mod scorer;
pub(crate) mod twins;
pub(crate) mod visited;
pub(crate) mod walk;
