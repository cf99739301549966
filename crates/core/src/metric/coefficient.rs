//! Distances of sets: functions of how many columns both rows hold, and how many only one of them.
//!
//! A column is in the set of a row where its value is not zero. Dense rows, sparse rows and packed bits count
//! each in their own way and share these functions. Values are rounded once, from f64; those of bits by f32.

use hnsw_kernels::Counts;

/// A distance of sets: a proxy from the counts and the number of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coefficient {
    pair: fn(Counts, f64) -> f32,
    line: fn(Line<'_>, &mut [f32]),
}

/// One set and others, by how many columns each holds, and how many it has in common with the one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub size: i32,
    pub sizes: &'a [i32],
    pub common: &'a [i32],
    /// Number of columns.
    pub dim: f64,
}

impl Coefficient {
    /// The proxy of two sets.
    #[inline]
    pub fn of(&self, counts: Counts, dim: f64) -> f32 {
        (self.pair)(counts, dim)
    }

    /// The proxies of one set and each of the others; bit for bit those of `of`. Faster, because the function is part
    /// of the loop.
    pub fn line(&self, line: Line<'_>, out: &mut [f32]) {
        (self.line)(line, out);
    }
}

/// Declares a [`Coefficient`] of each function.
macro_rules! coefficients {
    ($($name:ident = $of:ident;)*) => {$(
        pub(super) const $name: Coefficient = Coefficient { pair: $of, line: |line, out| each(line, out, $of) };
    )*};
}

coefficients! {
    JACCARD = jaccard;
    DICE = dice;
    MATCHING = matching;
    ROGERSTANIMOTO = rogerstanimoto;
    RUSSELLRAO = russellrao;
    SOKALSNEATH = sokalsneath;
    KULSINSKI = kulsinski;
    YULE = yule;
    BIT_HAMMING = bit_hamming;
    BIT_JACCARD = bit_jaccard;
}

#[inline(always)]
fn each(line: Line<'_>, out: &mut [f32], of: impl Fn(Counts, f64) -> f32) {
    let Line { size, sizes, common, dim } = line;
    for ((out, &other), &both) in out.iter_mut().zip(sizes).zip(common) {
        let [both, only_a, only_b] = [both, size - both, other - both].map(i32::cast_unsigned);
        *out = of(Counts { both, only_a, only_b }, dim);
    }
}

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
fn jaccard(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), both(counts) + one(counts))
}

/// 1 - 2 intersection / (sum of the sets' sizes).
fn dice(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), 2.0 * both(counts) + one(counts))
}

/// Share of the columns that are in one set alone.
fn matching(counts: Counts, dim: f64) -> f32 {
    ratio(one(counts), dim)
}

/// As matching, columns in one set counting twice.
fn rogerstanimoto(counts: Counts, dim: f64) -> f32 {
    ratio(2.0 * one(counts), dim + one(counts))
}

/// Share of the columns outside the intersection; 0 for equal sets, whatever their size.
fn russellrao(counts: Counts, dim: f64) -> f32 {
    if one(counts) == 0.0 { 0.0 } else { ((dim - both(counts)) / dim) as f32 }
}

/// As jaccard, columns in both sets counting half.
fn sokalsneath(counts: Counts, _: f64) -> f32 {
    ratio(one(counts), 0.5 * both(counts) + one(counts))
}

/// (one - both + columns) / (one + columns); 0 for equal sets.
fn kulsinski(counts: Counts, dim: f64) -> f32 {
    if one(counts) == 0.0 { 0.0 } else { ((one(counts) - both(counts) + dim) / (one(counts) + dim)) as f32 }
}

/// 2 xy / (both * neither + xy), x and y in one set alone; 0 where a set contains the other.
fn yule(counts: Counts, dim: f64) -> f32 {
    let crossed = f64::from(counts.only_a) * f64::from(counts.only_b);
    let neither = dim - both(counts) - one(counts);
    ratio(2.0 * crossed, both(counts) * neither + crossed)
}

/// Number of columns in one set alone.
fn bit_hamming(counts: Counts, _: f64) -> f32 {
    (counts.only_a + counts.only_b) as f32
}

/// The negated share of the columns of either set that both have: -1 for equal sets (empty ones too), 0 without a
/// common column.
fn bit_jaccard(counts: Counts, _: f64) -> f32 {
    let either = counts.both + counts.only_a + counts.only_b;
    // Adding 0 turns -0 into 0: proxies are ordered by their bits.
    if either == 0 { -1.0 } else { -(counts.both as f32 / either as f32) + 0.0 }
}
