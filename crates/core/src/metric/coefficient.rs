//! Distances of sets: functions of how many columns both rows hold, and how many only one of them.
//!
//! A column is in the set of a row where its value is not zero. Dense rows, sparse rows and packed bits count
//! each in their own way and share these functions. Values are rounded once, from f64.

use hnsw_kernels::Counts;

/// A proxy from the counts and the number of columns.
pub(crate) type Coefficient = fn(Counts, f64) -> f32;

/// Columns that only one row holds.
fn one(counts: Counts) -> f64 {
    f64::from(counts.only_a) + f64::from(counts.only_b)
}

/// Columns that both hold.
fn both(counts: Counts) -> f64 {
    f64::from(counts.both)
}

/// `part / whole`, 0 where there is no part: rows with equal sets are at 0, empty ones too.
fn ratio(part: f64, whole: f64) -> f32 {
    if part == 0.0 { 0.0 } else { (part / whole) as f32 }
}

/// 1 - intersection / union.
pub(super) fn jaccard(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), both(counts) + one(counts))
}

/// 1 - 2 intersection / (sum of the sets' sizes).
pub(super) fn dice(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), 2.0 * both(counts) + one(counts))
}

/// Share of the columns that are in one set alone.
pub(super) fn matching(counts: Counts, dim: f64) -> f32 {
    ratio(one(counts), dim)
}

/// As matching, columns in one set counting twice.
pub(super) fn rogerstanimoto(counts: Counts, dim: f64) -> f32 {
    ratio(2.0 * one(counts), dim + one(counts))
}

/// Share of the columns outside the intersection; 0 for equal sets, whatever their size.
pub(super) fn russellrao(counts: Counts, dim: f64) -> f32 {
    if one(counts) == 0.0 { 0.0 } else { ((dim - both(counts)) / dim) as f32 }
}

/// As jaccard, columns in both sets counting half.
pub(super) fn sokalsneath(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), 0.5 * both(counts) + one(counts))
}

/// (one - both + columns) / (one + columns); 0 for equal sets.
pub(super) fn kulsinski(counts: Counts, dim: f64) -> f32 {
    if one(counts) == 0.0 { 0.0 } else { ((one(counts) - both(counts) + dim) / (one(counts) + dim)) as f32 }
}

/// 2 xy / (both * neither + xy), x and y in one set alone; 0 where a set contains the other.
pub(super) fn yule(counts: Counts, dim: f64) -> f32 {
    let crossed = f64::from(counts.only_a) * f64::from(counts.only_b);
    let neither = dim - both(counts) - one(counts);
    ratio(2.0 * crossed, both(counts) * neither + crossed)
}
