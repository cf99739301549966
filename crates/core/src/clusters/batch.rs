//! Batches of queries by lists.
