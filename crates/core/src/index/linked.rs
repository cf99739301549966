//! How the search index sees rows whose metric is no distance: largest inner products.
//!
//! With one more column, `sqrt(M² - |x|²)` for the largest norm M, all rows are equally long, and for a query
//! with 0 in that column the nearest in euclidean distance are those of the largest inner products (Bachrach and
//! others, Speeding up the Xbox recommender system using a euclidean transformation for inner-product spaces,
//! 2014). Links are chosen in that space, where near means near; walks compare by inner products, which give the
//! same order.

use super::Index;
use crate::error::Result;
use crate::exact::Source;
use crate::metric::{Metric, MetricParams};
use crate::points::{Points, Rows};

/// Rows as links see them, and their metric there.
pub(super) struct Linked {
    rows: Points,
    metric: Metric,
}

impl Index {
    /// `None` where links are chosen by the metric itself. O(n·dim) and a copy of the rows otherwise.
    pub(super) fn linked(&self, rows: &Points) -> Result<Option<Linked>> {
        let Some(rows) = rows.dense().filter(|_| self.options.metric.largest_products()) else { return Ok(None) };
        let dim = rows.dim();
        let square = |i: usize| rows.row(i)[..dim].iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
        let squares: Vec<f64> = (0..rows.len()).map(square).collect();
        let largest = squares.iter().copied().fold(0.0, f64::max);
        let mut longer = Rows::zeroed(rows.len(), dim + 1)?;
        for (i, square) in squares.into_iter().enumerate() {
            let row = &mut longer.raw_row_mut(i)[..=dim];
            row[..dim].copy_from_slice(&rows.row(i)[..dim]);
            row[dim] = (largest - square).max(0.0).sqrt().min(f64::from(f32::MAX)) as f32;
        }
        let metric = Metric::resolve("sqeuclidean", MetricParams::default(), dim + 1)?;
        Ok(Some(Linked { rows: longer.into(), metric }))
    }

    /// What links are chosen by: `linked`, or the rows of `plain` themselves.
    pub(super) fn link_source<'a>(&self, plain: Source<'a>, linked: Option<&'a Linked>) -> Source<'a> {
        linked.map_or(plain, |linked| Source {
            rows: &linked.rows,
            codes: None,
            coarse: None,
            metric: &linked.metric,
            ..plain
        })
    }
}
